"""Reader of MIND (Wu et al., ACL 2020): impressions of news, each with a history of clicks and what was clicked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl

from surge.data.files import named_files, one_input
from surge.data.tables import RawLog, ReadOptions, item_columns, open_source, standard_columns
from surge.data.text import MALFORMED
from surge.errors import SurgeError

TIME_FORMAT = "%m/%d/%Y %I:%M:%S %p"
_BEHAVIOURS = ["impression", "user", "time", "history", "shown"]
_NEWS = ["news", "category", "subcategory", "title", "abstract", "url", "title_entities", "abstract_entities"]


def read_mind(inputs: Sequence[Path], options: ReadOptions) -> RawLog:
    """The zip or the folder of one part of MIND, with behaviors.tsv and perhaps news.tsv.

    An interaction is a click on a shown news (N123-1). The clicks of a history have an order and no times; those of a
    user's first impression come before all else, at its time. A shown news that wasn't clicked is left out.
    """
    source = one_input(inputs, "the zip or the folder of one part of MIND")
    found = named_files(source, options.work, ("behaviors.tsv", "news.tsv"))
    if "behaviors.tsv" not in found:
        raise SurgeError(f"{source.name} has no behaviors.tsv; give the zip or the folder of one part of MIND")
    log = open_source(found["behaviors.tsv"], options, delimiter="\t", header=False, names=_BEHAVIOURS, quotes=False)
    # a line that can't be read stays in, to be counted
    clicks = _entries(log.rows, "shown").filter(pl.col("item").str.ends_with("-1") | pl.col(MALFORMED).is_not_null())
    clicks = clicks.with_columns(pl.col("item").str.strip_suffix("-1"))
    moment = pl.col("time").str.to_datetime(options.time_format, strict=False)
    readable = log.rows.filter(moment.is_not_null() & pl.col(MALFORMED).is_null())
    first = readable.sort(moment, maintain_order=True).unique("user", keep="first")
    before = _entries(first.filter(pl.col("history").is_not_null()), "history")
    before = before.with_columns(order=pl.col("order") - pl.col("order").max().over("user") - 1)
    rows = pl.concat([before, clicks]).with_columns(pl.col("order").cast(pl.Int64))
    source_of_all = replace(log, rows=rows, names=[*log.names, "item", "order"])
    columns = {"user": "user", "item": "item", "time": "time", "order": "order"}
    notes = [*log.notes, "the clicks of the histories have no times; they stand at the user's first impression"]
    table = standard_columns(source_of_all, columns, options)
    if "news.tsv" not in found:
        return RawLog(table, None, [*notes, "there is no news.tsv, so titles are ids and there are no categories"])
    news = open_source(found["news.tsv"], options, delimiter="\t", header=False, names=_NEWS, quotes=False)
    about = {"item": "news", "title": "title", "category": "category"}
    return RawLog(table, item_columns(news, about, options), [*notes, *news.notes])


def _entries(rows: pl.LazyFrame, column: str) -> pl.LazyFrame:
    """A row for each word of a column, `item`, with its place, `order`."""
    words = pl.col(column).str.strip_chars().str.split(" ")
    listed = rows.with_columns(item=words, order=pl.int_ranges(words.list.len()))
    return listed.explode("item", "order", empty_as_null=True).filter(
        (pl.col("item") != "") | pl.col(MALFORMED).is_not_null()
    )
