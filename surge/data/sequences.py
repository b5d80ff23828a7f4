"""Reader of lines of ids, a user and what they took in order: the shape of LightGCN, S3-Rec and others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl

from surge.data.files import listed_files
from surge.data.items_file import read_items
from surge.data.tables import RawLog, ReadOptions, open_source, standard_columns
from surge.data.text import MALFORMED
from surge.errors import SurgeError


def read_sequences(inputs: Sequence[Path], options: ReadOptions) -> RawLog:
    """Files, or folders of them, in which each line is a user and their items, with blanks, tabs or commas between."""
    if not inputs:
        raise SurgeError("no input is given; give one or more files")
    files, notes = listed_files(inputs, options.work)
    rows = []
    for path in files:
        source = open_source(path, options, delimiter="\n", header=False, names=["ids"], quotes=False)
        first = source.rows.select(pl.col("ids").str.strip_chars()).filter(pl.col("ids") != "").head(1).collect()["ids"]
        if len(first) and first[0].startswith(("{", "[{", "[[")):
            raise SurgeError(
                f"{path.name} holds JSON and no lines of ids; prepare it with the format csv, which reads it"
            )
        ids = pl.col("ids").str.extract_all(r"[^\s,]+")
        entries = source.rows.with_columns(
            user=ids.list.first(), item=pl.when(pl.col(MALFORMED).is_null()).then(ids.list.slice(1))
        )
        one_each = replace(source, rows=entries.explode("item", empty_as_null=True), names=["user", "item"])
        rows.append(standard_columns(one_each, {"user": "user", "item": "item"}, options))
    items = None
    if options.items_file is not None:
        items, told = read_items(options.items_file, {"item": "item"}, options)
        notes += told
    return RawLog(pl.concat(rows), items, notes)
