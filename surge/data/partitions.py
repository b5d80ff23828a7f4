"""Columns that a table doesn't hold itself: the folders around its file are named for them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import polars as pl

from surge.data.tables import Source

_NO_VALUE = "__HIVE_DEFAULT_PARTITION__"


def with_partitions(source: Source, path: Path) -> Source:
    """The file with the columns that the folders around it are named for: `date=2024-05-31/part-0.parquet`. Names are
    written as in an address (%20 is a blank); a year, a month and a day become a date as well."""
    parts: dict[str, str | None] = {}
    for part in path.parent.parts:
        name, sign, value = part.partition("=")
        if sign and name and value:
            parts[unquote(name)] = None if value == _NO_VALUE else unquote(value)
    days = {name.lower(): value for name, value in parts.items()}
    if {"year", "month", "day"} <= days.keys() and all(str(days[name]).isdigit() for name in ("year", "month", "day")):
        parts.setdefault("date", f"{int(days['year'] or 0):04}-{int(days['month'] or 0):02}-{int(days['day'] or 0):02}")
    new = {name: pl.lit(value, dtype=pl.String) for name, value in parts.items() if name not in source.names}
    return replace(source, rows=source.rows.with_columns(**new), names=[*source.names, *new]) if new else source
