"""Reader of the Amazon reviews of 2014, 2018 and 2023 (UCSD), as JSON lines or CSV, with or without meta."""

import html
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl

from surge.data.files import files_below
from surge.data.tables import RawLog, ReadOptions, Source, item_columns, open_source, standard_columns
from surge.data.text import MALFORMED, lines_of
from surge.errors import SurgeError

_REVIEWS = (
    {"user": "reviewerID", "item": "asin", "time": "unixReviewTime", "rating": "overall"},  # 2014, 2018
    {"user": "user_id", "item": "parent_asin", "time": "timestamp", "rating": "rating"},  # 2023
)
_META = (
    {"item": "parent_asin", "title": "title", "category": "categories"},  # 2023
    {"item": "asin", "title": "title", "category": "category"},  # 2018
    {"item": "asin", "title": "title", "category": "categories"},  # 2014
)
_ENDINGS = (".json", ".jsonl", ".csv", ".json.gz", ".jsonl.gz", ".csv.gz")


def read_amazon(inputs: Sequence[Path], options: ReadOptions) -> RawLog:
    """One file of reviews and perhaps its file of meta, in either order, or a folder that holds them; also packed.

    What a file is shows in its columns, not in its name. An item's category is the second entry of its list of
    categories (the first is the department, which all items of a file share), or the first where there is no other; of
    several lists, as in 2014, the first one counts. A line without any of user, item and time counts as malformed.
    """
    reviews: list[pl.LazyFrame] = []
    meta: list[pl.LazyFrame] = []
    notes: list[str] = []
    for path in _files(inputs):
        source = open_source(path, options, parquet=False)
        notes += source.notes
        held = set(source.names)
        columns = next((roles for roles in _REVIEWS if {roles["user"], roles["item"]} <= held), None)
        about = next((roles for roles in _META if source.is_json and set(roles.values()) <= held), None)
        about = about or next((roles for roles in _META if source.is_json and roles["item"] in held), None)
        if columns is not None:
            missing = sorted(set(columns.values()) - held)
            if missing:
                raise SurgeError(f"{path.name} has no {missing[0]!r}; get the file of reviews again")
            reviews.append(standard_columns(_without_empty(source, columns), columns, options))
        elif about is not None:
            table, malformed = _meta(source, about, options)
            meta.append(table)
            notes += [f"{lines_of(path.name, malformed, 'was', 'were')} malformed and passed over"] if malformed else []
        else:
            raise SurgeError(
                f"{path.name} has neither reviewerID and asin (2014, 2018) nor user_id and parent_asin (2023), so it "
                "is no file of Amazon reviews; for other logs use the format csv"
            )
    if len(reviews) != 1 or len(meta) > 1:
        raise SurgeError(
            f"the input has {len(reviews)} files of reviews and {len(meta)} of meta; give one of each, or reviews alone"
        )
    if not meta:
        notes.append("there is no meta file, so titles are ids and there are no categories")
    return RawLog(reviews[0], meta[0] if meta else None, notes)


def _files(inputs: Sequence[Path]) -> list[Path]:
    found: list[Path] = []
    for source in inputs:
        if source.is_dir():
            found += [path for path in files_below(source) if path.name.endswith(_ENDINGS)]
        else:
            found.append(source)
    return found


def _without_empty(source: Source, columns: dict[str, str]) -> Source:
    """Objects that have nothing of a review are malformed."""
    if not source.is_json:
        return source
    nothing = pl.all_horizontal(pl.col(columns[role]).is_null() for role in ("user", "item", "time"))
    other = pl.any_horizontal(pl.col(name).is_not_null() for name in source.names)
    reason = pl.when(nothing & other).then(pl.lit("nothing of a review")).otherwise(pl.col(MALFORMED))
    return replace(source, rows=source.rows.with_columns(reason.alias(MALFORMED)))


def _meta(source: Source, columns: dict[str, str], options: ReadOptions) -> tuple[pl.LazyFrame, int]:
    """Item, title, category as text without HTML entities, and how many lines have no item."""
    columns = {role: name for role, name in columns.items() if name in source.names}
    blank = pl.all_horizontal(pl.col(name).is_null() for name in source.names) & pl.col(MALFORMED).is_null()
    rows = source.rows.filter(~blank)
    if "category" in columns:
        category = pl.col(columns["category"])
        nested = pl.coalesce(category.str.json_path_match("$[0][1]"), category.str.json_path_match("$[0][0]"))
        entries = category.str.split("|").list
        flat = pl.coalesce(entries.get(1, null_on_oob=True), entries.get(0, null_on_oob=True))
        rows = rows.with_columns(
            pl.when(category.str.starts_with("[[")).then(nested).otherwise(flat).alias(columns["category"])
        )
    malformed = rows.select(pl.col(columns["item"]).is_null().sum()).collect(engine="streaming").item()
    table = item_columns(replace(source, rows=rows), columns, options).collect(engine="streaming")
    text = pl.col("title", "category").map_elements(html.unescape, return_dtype=pl.String)
    return table.lazy().with_columns(text), malformed
