"""Columns of lists, such as a user's items and their times in one row: each entry becomes a row of its own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

import polars as pl

from surge.data.tables import Source, listed
from surge.data.text import LINE, MALFORMED, UNEQUAL, UNEQUAL_ROW

_ROLES = ("user", "item", "time", "rating", "behaviour", "order", "split")  # what an entry may have of its own
_FOUND = ("user", "item", "time", "rating")  # also by their usual names
_PLACE = "surge.place"
_FILES_APART = 1 << 32  # places of the entries of one file and the next


def in_rows(source: Source, columns: Mapping[str, str], place: int = 0) -> tuple[Source, Mapping[str, str]]:
    """The source with a row for each entry of its lists, and its columns by role, which name those of lists too.

    Lists of one row belong together, entry by entry: a row in which their lengths differ is malformed. All else that a
    row has goes with each of its entries; where that is the time, they keep the order of their list. `place` is that
    of the file in the input. A source whose items stand in no lists is left as it is.
    """
    if not source.lists:
        return source, columns
    source = source.with_fields(columns.values())
    named = {role: source.column(name, f"--{role}-column") for role, name in columns.items()}
    held = {role: named[role] for role in _ROLES if named.get(role) in source.lists}
    for role in _FOUND:
        name = source.usual(role)
        if role not in named and (name is None or name not in source.lists):
            name = _usual_list(source, role) if name is None or "item" in held else None
        if role not in named and name in source.lists:
            held[role] = name
    if "item" not in held:
        return source, columns
    named |= held
    lists = list(dict.fromkeys(held.values()))
    unread = [name for name in source.lists if name not in (*lists, *named.values())]
    told = [f"{source.name}: its columns {' and '.join(lists)} hold lists; each entry is a row"]
    unread_roles = [name for name in unread if name in (source.usual("title"), source.usual("category"))]
    if unread_roles:
        told.append(f"lists of {listed(unread_roles)} were not used; if they have a value for each entry, name them")
    for role in ("title", "category"):  # of the items, where they are named
        if named.get(role) in source.lists and named[role] not in lists:
            lists.append(named[role])
    rows = _exploded(source, lists)
    names = [name for name in source.names if name not in unread]
    if "time" not in held and "order" not in named:
        rows = rows.with_row_index(_PLACE, offset=0).with_columns(pl.col(_PLACE).cast(pl.Int64) + place * _FILES_APART)
        names.append(_PLACE)
        named["order"] = _PLACE
        told.append(f"what has one time in {source.name} stands in the order of their list")
    nested = source.nested - set(lists)
    return replace(source, rows=rows, names=names, nested=nested, notes=[*source.notes, *told]), named


def _usual_list(source: Source, role: str) -> str | None:
    """The column of lists that is called by the plural of a role's usual name, or as a list of it."""
    for name in source.names:
        bare = re.sub(r"(?i)[ _.-]*(s|list|lists|seq|sequence|history|array)$", "", name)
        is_usual = replace(source, names=[bare]).usual(role) is not None
        if name in source.lists and (is_usual or (role == "item" and not bare)):
            return name
    return None


def _exploded(source: Source, columns: list[str]) -> pl.LazyFrame:
    schema = source.rows.collect_schema()
    lists = {}
    for name in columns:
        value = pl.col(source.list_column(name))
        lists[name] = value.arr.to_list() if isinstance(schema[source.list_column(name)], pl.Array) else value
    first, *others = [value.list.len().fill_null(0) for value in lists.values()]
    unequal = pl.any_horizontal(pl.lit(False), *(length != first for length in others))
    reason = pl.lit(UNEQUAL if source.is_json else UNEQUAL_ROW)
    rows = source.rows.with_row_index("surge.row", offset=1).with_columns(
        pl.coalesce(LINE, pl.when(unequal).then("surge.row")).alias(LINE),
        pl.coalesce(MALFORMED, pl.when(unequal).then(reason)).alias(MALFORMED),
        **{name: pl.when(~unequal).then(value) for name, value in lists.items()},
    )
    return rows.explode(*columns, empty_as_null=True)
