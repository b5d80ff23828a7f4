"""The columns of a pandas or polars frame, as polars columns that Parquet can hold."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from numbers import Integral, Real
from pathlib import Path
from typing import Any
from uuid import UUID

import polars as pl
import pyarrow as pa

from surge.arguments import shown
from surge.data.tables import USUAL_NAMES, Source, listed
from surge.errors import SurgeError, first_line

FAILURES = (OSError, pa.ArrowException, pl.exceptions.PolarsError, TypeError, ValueError, OverflowError)


class _UnreadableColumn(Exception):
    """What is wrong with a column, as the end of a sentence that names it."""


@dataclass(frozen=True)
class Frame:
    """A frame, and what messages call it."""

    values: Any
    name: str

    @cached_property
    def labels(self) -> list[Any]:
        """What its columns are called, and after them the levels of its index."""
        if isinstance(self.values, pl.DataFrame):
            return list(self.values.columns)
        if isinstance(self.values, pl.LazyFrame):
            try:
                return self.values.collect_schema().names()
            except FAILURES as problem:
                raise SurgeError(f"{self.name} can't be read ({first_line(problem)})") from problem
        if is_frame(self.values):
            columns = list(self.values.columns)
            levels = [level for level in self.values.index.names if level is not None and level not in columns]
            return [*columns, *levels]
        hint = "; of a file, surge.prepare makes a dataset" if isinstance(self.values, str | Path) else ""
        raise SurgeError(f"A dataset is made of a pandas or polars frame, not of {shown(self.values)}{hint}")

    def places(
        self, columns: Mapping[str, Hashable], usual: Mapping[str, str], argument: Mapping[str, str]
    ) -> dict[str, int]:
        """The places of these columns by role; of a role's `usual` name, or of another name that is usual for it.

        A SurgeError, with the role's `argument`, where one is missing or there twice.
        """
        places = {}
        for role, wanted in columns.items():
            same = [place for place, label in enumerate(self.labels) if is_called(label, wanted)]
            found = self._source.usual(role) if not same and wanted == usual.get(role) else None
            if found is not None:
                same = [place for place, name in enumerate(self._source.names) if name == found]
            if not same:
                raise SurgeError(
                    f"{self.name} has no column {wanted!r}; it has {listed(self._source.names) or 'none'}; name the "
                    f"right one with {argument[role]}"
                )
            if len(same) > 1:
                raise SurgeError(
                    f"{self.name} has more than one column {wanted!r}; call those that aren't meant otherwise"
                )
            places[role] = same[0]
        return places

    def usual_places(self, roles: Collection[str]) -> dict[str, int]:
        """The places of columns of a usual name, by role."""
        found = {role: self._source.usual(role) for role in USUAL_NAMES if role in roles}
        names = self._source.names
        return {role: names.index(name) for role, name in found.items() if name is not None and names.count(name) == 1}

    @property
    def unique_places(self) -> set[int]:
        """The places of columns that no other is called like."""
        names = self._source.names
        counts = Counter(names)
        return {place for place, name in enumerate(names) if counts[name] == 1}

    @cached_property
    def _source(self) -> Source:
        return Source(self.name, pl.LazyFrame(), [str(label) for label in self.labels])

    def read(self, places: Collection[int], needed: Collection[int]) -> tuple[pl.DataFrame, dict[int, str]]:
        """The columns at these places, and why some of them can't be read; a SurgeError if that is a needed one."""
        wanted = sorted(set(places))
        values, at = self.values, {place: place for place in wanted}
        if isinstance(values, pl.LazyFrame):
            try:
                values = values.select(pl.nth(wanted)).collect()
            except FAILURES as problem:
                raise SurgeError(f"{self.name} can't be read ({first_line(problem)})") from problem
            at = {place: new for new, place in enumerate(wanted)}
        columns, unread = {}, {}
        for place in wanted:
            name = str(self.labels[place])
            try:
                columns[name] = _column(values, self.labels[place], at[place]).alias(name)
            except _UnreadableColumn as problem:
                unread[place] = f"column {name!r} of {self.name} holds {problem}"
                if place in needed:
                    raise SurgeError(unread[place]) from problem
        return pl.DataFrame(columns), unread


def is_frame(values: Any) -> bool:
    """Whether this is a frame of polars or pandas."""
    pandas = sys.modules.get("pandas")  # whoever has a frame of it has it loaded
    return isinstance(values, pl.DataFrame | pl.LazyFrame) or (
        pandas is not None and isinstance(values, pandas.DataFrame)
    )


def is_called(label: Any, wanted: Any) -> bool:
    """Whether a column is meant: by its own label, or by the text of it."""
    if isinstance(wanted, str | Integral) and not isinstance(wanted, bool):
        return str(label) == str(wanted)
    return type(label) is type(wanted) and bool(label == wanted)


def _column(frame: Any, label: Any, place: int) -> pl.Series:
    if isinstance(frame, pl.DataFrame):
        return _plain(frame.to_series(place))
    in_index = place >= frame.shape[1]
    return _from_pandas(frame.index.get_level_values(label).to_series() if in_index else frame.iloc[:, place])


def _plain(values: pl.Series) -> pl.Series:
    """A polars column that Parquet can hold."""
    if values.dtype in (pl.Int128, pl.UInt128):
        return values.cast(pl.String)
    return _of_objects(values.to_list()) if values.dtype == pl.Object else values


def _from_pandas(values: Any) -> pl.Series:
    """A column of pandas: a period is its beginning, a category its value."""
    kind = values.dtype
    try:
        if str(kind).startswith("period"):
            values = values.dt.to_timestamp()
        elif kind == "category" and values.cat.categories.inferred_type != "string":
            values = values.astype(object)
        elif isinstance(getattr(kind, "pyarrow_dtype", None), pa.BaseExtensionType):
            return _of_objects(pa.array(values).to_pylist())
        if values.dtype == object:
            return _of_objects([None if missing else one for one, missing in zip(values, values.isna(), strict=True)])
        return pl.Series(pl.from_pandas(values))
    except FAILURES as problem:
        raise _unread(str(kind)) from problem


def _of_objects(values: Sequence[Any]) -> pl.Series:
    """A column of Python's own values, all of one sort: Arrow would cut the hours of a moment among dates."""
    sorts = {_sort(one) for one in set(map(type, values)) - {type(None)}}
    if len(sorts) > 1:
        raise _UnreadableColumn(f"values of several types ({' and '.join(sorted(sorts))}); make it one of them first")
    if sorts == {"UUID"}:
        values = [None if one is None else str(one) for one in values]
    try:
        return pl.Series(pl.from_arrow(pa.array(values, from_pandas=True)))
    except FAILURES as problem:
        raise _unread(*sorts) from problem


def _sort(kind: type) -> str:
    """Types that one column may hold together, under one name."""
    alike = {"str": str, "bool": bool, "number": Real | Decimal, "datetime": datetime, "date": date, "UUID": UUID}
    return next((name for name, types in alike.items() if issubclass(kind, types)), kind.__name__)


def _unread(kind: str) -> _UnreadableColumn:
    return _UnreadableColumn(f"{kind}, which can't be read; make it text or numbers first")
