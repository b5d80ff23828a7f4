"""A file about the items of a log, whose columns are found as those of the log are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import polars as pl

from surge.data.tables import ReadOptions, item_columns, open_source
from surge.errors import SurgeError


def read_items(path: Path, columns: Mapping[str, str], options: ReadOptions) -> tuple[pl.LazyFrame, list[str]]:
    """Item, title and category of the file, and what to tell. Its id column is as it was said, or called as in the log,
    or by a usual name."""
    own = {"delimiter": options.items_delimiter, "encoding": options.items_encoding, "header": True, "skip_lines": 0}
    table = open_source(path, replace(options, **own))  # type: ignore[arg-type]
    given = options.items_columns
    item = given.get("item") or (columns["item"] if columns["item"] in table.names else table.usual("item"))
    if item is None:
        raise SurgeError(
            f"{table.name} has no column of item ids by a usual name; {table.columns('--items-id-column')}"
        )
    chosen = {"item": item}
    for role in ("title", "category"):
        name = given.get(role) or (columns[role] if columns.get(role) in table.names else table.usual(role))
        if name is not None and name != item:
            chosen[role] = name
    taken = ", ".join(f"{role} from {name!r}" for role, name in chosen.items() if name != role and role not in given)
    notes = [f"columns of {table.name}: {taken}"] if taken else []
    return item_columns(table, chosen, options), [*table.notes, *notes]
