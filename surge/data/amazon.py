"""Reader of the Amazon reviews that UCSD published in 2018 and 2023, as JSON lines or CSV, with or without meta."""

import html
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from surge.data.files import as_utf8, header_fields, is_parquet, unpacked
from surge.data.tables import RawLog, ReadOptions, item_columns, scan_text, standard_columns
from surge.errors import SurgeError

_REVIEWS = (
    {"user": "reviewerID", "item": "asin", "time": "unixReviewTime", "rating": "overall"},  # 2018
    {"user": "user_id", "item": "parent_asin", "time": "timestamp", "rating": "rating"},  # 2023
)
_META = (
    {"item": "parent_asin", "title": "title", "category": "categories"},  # 2023
    {"item": "asin", "title": "title", "category": "category"},  # 2018
)
_ENDINGS = (".json", ".jsonl", ".csv", ".json.gz", ".jsonl.gz", ".csv.gz")
_LINES_LOOKED_AT = 100  # to tell what a file is
_LONGEST_LINE = 1 << 20


def read_amazon(inputs: Sequence[Path], options: ReadOptions) -> RawLog:
    """One file of reviews and perhaps its file of meta, in either order, or a folder that holds them; also as .gz.

    What a file is shows in its first lines, not in its name. An item's category is the second entry of its list of
    categories (the first is the department, which all items of a file share), or the first where there is no other.
    A line without any of user, item and time, which is every line that is no JSON object, counts as malformed.
    """
    reviews: list[pl.LazyFrame] = []
    meta: list[pl.LazyFrame] = []
    notes: list[str] = []
    for given in _files(inputs):
        path = unpacked(given, options.work)
        if is_parquet(path):
            raise SurgeError(f"{given.name} is Parquet; prepare it with the format csv and its column names")
        path = as_utf8(path, options.encoding, options.work)
        held, is_json = _fields(path)
        columns = next((roles for roles in _REVIEWS if {roles["user"], roles["item"]} <= held), None)
        about = next((roles for roles in _META if is_json and roles["item"] in held), None)
        if columns is not None:
            missing = sorted(set(columns.values()) - held)
            if missing:
                raise SurgeError(f"{given.name} has no {missing[0]!r}; get the file of reviews again")
            rows = _json_reviews(path, columns) if is_json else scan_text(path, options, delimiter=",")
            reviews.append(standard_columns(rows, columns, given.name))
        elif about is not None:
            table, malformed = _json_meta(path, about, given.name)
            meta.append(table)
            notes += [f"{malformed:,} malformed lines of {given.name} were passed over"] if malformed else []
        else:
            raise SurgeError(
                f"{given.name} has neither reviewerID and asin (2018) nor user_id and parent_asin (2023), so it is "
                "no file of Amazon reviews; for other logs use the format csv"
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
            found += sorted(path for path in source.rglob("*") if path.is_file() and path.name.endswith(_ENDINGS))
        else:
            found.append(source)
    return found


def _fields(path: Path) -> tuple[set[str], bool]:
    """The names a file has for its values, as far as its first lines tell, and whether it is JSON lines."""
    names: set[str] = set()
    is_json = False
    with open(path, encoding="utf-8-sig", newline="") as file:
        for _ in range(_LINES_LOOKED_AT):
            try:
                value = json.loads(file.readline(_LONGEST_LINE))
            except (ValueError, RecursionError):
                continue
            if isinstance(value, dict):
                names |= value.keys()
                is_json = True
    return (names, True) if is_json else (set(header_fields(path, ",")), False)


def _lines(path: Path) -> pl.LazyFrame:
    return pl.scan_lines(path, glob=False).with_columns(pl.col("line").str.strip_prefix("\ufeff"))


def _value(key: str) -> pl.Expr:
    """What a line of JSON has under a key, as text; null where the line is no object or has none."""
    return pl.col("line").str.json_path_match(f"$.{key}")


def _json_reviews(path: Path, columns: Mapping[str, str]) -> pl.LazyFrame:
    rows = _lines(path).select("line", **{name: _value(name) for name in columns.values()})
    nothing = pl.all_horizontal(pl.col(columns[role]).is_null() for role in ("user", "item", "time"))
    return rows.with_columns(malformed=nothing & (pl.col("line").str.strip_chars() != ""))


def _json_meta(path: Path, columns: Mapping[str, str], source: str) -> tuple[pl.LazyFrame, int]:
    """Item, title, category as text without HTML entities, and how many lines have no item."""
    category = columns["category"]
    values = {
        "item": _value(columns["item"]),
        "title": _value(columns["title"]),
        "category": pl.coalesce(_value(f"{category}[1]"), _value(f"{category}[0]")),
    }
    lines = _lines(path).filter(pl.col("line").str.strip_chars() != "")
    table = lines.select(**values).collect(engine="streaming")
    text = pl.col("title", "category").map_elements(html.unescape, return_dtype=pl.String)
    plain = table.lazy().with_columns(text)
    return item_columns(plain, {role: role for role in values}, source), table["item"].null_count()
