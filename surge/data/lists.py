"""Columns of lists, such as a user's items and their times in one row: each entry becomes a row of its own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

import polars as pl

from surge.data.tables import ReadOptions, Source, is_list, listed
from surge.data.text import LINE, LISTED, MALFORMED, UNEQUAL, UNEQUAL_ROW

_ROLES = ("user", "item", "time", "rating", "behaviour", "order", "split")  # what an entry may have of its own
_FOUND = ("user", "item", "time", "rating")  # also by their usual names
_JSON_LIST = r"(?s)^\[.*\]$"
_PLACE = "surge.place"
_FILES_APART = 1 << 32  # places of the entries of one file and the next


def in_rows(source: Source, options: ReadOptions, place: int = 0) -> tuple[Source, ReadOptions]:
    """The source with a row for each entry of its lists, and options that name the columns of these too.

    Lists of one row belong together, entry by entry: a row in which their lengths differ is malformed. All else that a
    row has goes with each of its entries; where that is the time, they keep the order of their list. `place` is that
    of the file in the input. A source whose items stand in no lists is left as it is.
    """
    source = _with_lists_in_objects(_with_events(source, options.columns.get("item")), options.columns)
    if not source.lists:
        return source, options
    named = {role: source.column(name, f"--{role}-column") for role, name in options.columns.items()}
    held = {role: named[role] for role in _ROLES if named.get(role) in source.lists}
    for role in _FOUND:
        name = source.usual(role)
        if name not in source.lists and (name is None or "item" in held):
            name = _usual_list(source, role)
        if role not in named and name in source.lists and not (role == "time" and options.file_order):
            held[role] = name
    if "item" not in held:
        return source, options
    named |= held
    lists = list(dict.fromkeys(held.values()))
    unread = [name for name in source.lists if name not in named.values()]
    told = [f"{source.name}: each entry of the lists in {' and '.join(lists)} is a row"]
    passed = [name for name in (source.usual("title"), source.usual("category")) if name in unread]
    if passed:
        told.append(f"lists in {listed(passed)} were not used; name the column if it has a value for each entry")
    # those of the items, where they are named
    lists += [named[role] for role in ("title", "category") if named.get(role) in source.lists - {*lists}]
    rows = _exploded(source, lists)
    names = [name for name in source.names if name not in unread]
    in_times = not options.file_order and "time" not in held and (named.get("time") or source.usual("time"))
    if in_times and "order" not in named:
        rows = rows.with_row_index(_PLACE).with_columns(pl.col(_PLACE).cast(pl.Int64) + place * _FILES_APART)
        names.append(_PLACE)
        named["order"] = _PLACE
        told.append(f"the entries of a list in {source.name} share its time and stand in the order of the list")
    single = replace(source, nested=source.nested - {*lists}, lists=source.lists - {*lists})
    return replace(single, rows=rows, names=names, notes=[*source.notes, *told]), replace(options, columns=named)


def _with_events(source: Source, item: str | None) -> Source:
    """With a row for each object of a list, and a column for each of its fields, where Parquet has its items in such a
    list alone. A field that is called like a column is list.FIELD."""
    schema = source.rows.collect_schema()
    kinds = {name: schema[name].inner for name in source.names if isinstance(schema[name], pl.List)}  # type: ignore[attr-defined]
    events = next((name for name, kind in kinds.items() if isinstance(kind, pl.Struct)), None)
    if events is None or item in source.names or (item is None and source.usual("item") is not None):
        return source
    names = [name for name in source.names if name != events]
    value = {field.name: pl.col(events).struct.field(field.name) for field in kinds[events].fields}
    fields = {f"{events}.{name}" if name in names else name: one for name, one in value.items()}
    rows = source.rows.explode(events, empty_as_null=True).with_columns(**fields)
    told = f"{source.name}: each entry of the lists in {events} is a row"
    return replace(source, rows=rows, names=[*names, *fields], notes=[*source.notes, told])


def _with_lists_in_objects(source: Source, columns: Mapping[str, str]) -> Source:
    """With a column for each field of an object that is named, and lists of those that are lists in JSON."""
    found = source.with_fields(columns.values())
    single = [columns[role] for role in _ROLES if role in columns]
    fields = [name for name in found.names if name not in source.names and name in single]
    if not fields:
        return found
    if not source.is_json:
        schema = found.rows.collect_schema()
        return replace(found, lists=source.lists | {name for name in fields if is_list(schema[name])})
    begins = found.rows.select(pl.col(fields).str.contains(_JSON_LIST).any()).collect(engine="streaming").row(0)
    lists = [name for name, begins in zip(fields, begins, strict=True) if begins]
    values = {
        LISTED + name: pl.when(pl.col(name).str.contains(_JSON_LIST))
        .then(pl.col(name))
        .str.json_decode(pl.List(pl.String))
        .fill_null(pl.concat_list(name))
        for name in lists
    }
    return replace(found, rows=found.rows.with_columns(**values), lists=source.lists | {*lists})


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
