"""A dataset in memory, from a frame or a file."""

from __future__ import annotations

import inspect
import sys
import warnings
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from functools import wraps
from numbers import Integral, Real
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from uuid import UUID

import polars as pl
import pyarrow as pa

from surge.arguments import refuse_unknown, shown
from surge.data.arguments import check_own_columns, dataset_name, in_python, python_words
from surge.data.preparation import FILE_ORDER, prepare
from surge.data.tables import ROLES, USUAL_NAMES, Source, listed
from surge.errors import SurgeError, first_line

if TYPE_CHECKING:
    from surge.data.dataset import Dataset

FRAME = "the frame"  # what messages call it
USUAL = {"user": "user", "item": "item", "time": "timestamp"}  # columns, unless others are named
# what `prepare` has to know of files, and what it has other ways for here
OF_FILES = "format inputs output name header quotes skip_lines delimiter encoding force dry_run".split()
SAID = {f"--{role}-column": f"{role}=..." for role in USUAL}
FAILURES = (OSError, pa.ArrowException, pl.exceptions.PolarsError, TypeError, ValueError, OverflowError)


def prepared(
    kind: type[Dataset], frame: Any, columns: Mapping[str, Hashable], name: str, options: Mapping[str, Any]
) -> Dataset:
    """The dataset that `prepare` makes of a pandas or polars frame, read as a `kind`; see `Dataset.from_frame`."""
    known = [option for option in inspect.signature(prepare).parameters if option not in OF_FILES]
    for option in options:
        if option in OF_FILES:
            raise SurgeError(f"{option} is about files, and a frame is none; leave it out")
    refuse_unknown("from_frame", options, ["user", "item", "time", "name", *known])
    if any(sign in dataset_name(name) for sign in "/\\") or name in (".", ".."):
        raise SurgeError(f"name is {name!r}; give a text without / and \\ that is more than dots")
    columns, more = _named(columns, options)
    labels = _labels(frame)
    places = _places(labels, columns)
    table, told = _read(frame, labels, places, columns)
    if not len(table):
        raise SurgeError(f"{FRAME} has no rows; give one with a row an interaction")
    own = {role: str(labels[places[role]]) for role in (*columns, *USUAL) if role in places}
    check_own_columns(own)
    usual = [role for role in USUAL if role in own and not _is_called(labels[places[role]], columns[role])]
    more["columns"] = {role: column for role, column in own.items() if role not in usual}
    with TemporaryDirectory() as folder, python_words(SAID):
        log = Path(folder) / FRAME
        try:
            table.write_parquet(log)
        except FAILURES as problem:
            raise SurgeError(
                f"{FRAME} can't be read ({first_line(problem)}); make its columns text or numbers first"
            ) from problem
        dataset = prepared_file(kind, log, name, **more)
    _tell(dataset.description["preparation"], told)
    return dataset


@wraps(prepare)
def prepare_files(*args: Any, **options: Any) -> dict[str, Any]:
    """`prepare` as it is called from Python: its sentences speak of arguments."""
    with python_words():
        return prepare(*args, **options)


def prepared_file(kind: type[Dataset], path: str | Path, name: str, **options: Any) -> Dataset:
    """The dataset that `prepare` makes of a table, of which nothing is left on disk."""
    with TemporaryDirectory() as folder:
        output = Path(folder) / "dataset"
        prepare("csv", [path], output, name=name, **options)
        return replace(kind.load(output), folder=Path(name))


def _named(columns: Mapping[str, Hashable], options: Mapping[str, Any]) -> tuple[dict[str, Hashable], dict[str, Any]]:
    """The columns that are named, by role, and the options of `prepare` beside them."""
    named, more = dict(columns), {**options}
    given = more.pop("columns", None)
    given = {} if given is None else given
    if not isinstance(given, Mapping):
        raise SurgeError(f"columns is {shown(given)}; give a dict such as {{'title': 'name of its column'}}")
    refuse_unknown("columns", given, ROLES, "role")
    for role, label in given.items():
        if role in USUAL and named[role] not in (USUAL[role], label):
            raise SurgeError(f"{role} is {shown(named[role])} and {shown(label)} in columns; name its column once")
        named[role] = label
    in_order = more.get("file_order", False)
    if in_order and named["time"] not in (None, USUAL["time"]):
        raise SurgeError("file_order=True is for a frame without times; leave it out, or time")
    if named["time"] is None or in_order is True:
        del named["time"]
        more["file_order"] = True
    return named, more


def _labels(frame: Any) -> list[Any]:
    """What the columns of a frame are called, and after them the levels of its index."""
    if isinstance(frame, pl.DataFrame):
        return list(frame.columns)
    if isinstance(frame, pl.LazyFrame):
        try:
            return frame.collect_schema().names()
        except FAILURES as problem:
            raise SurgeError(f"{FRAME} can't be read ({first_line(problem)})") from problem
    if _is_pandas(frame):
        columns = list(frame.columns)
        return [*columns, *(level for level in frame.index.names if level is not None and level not in columns)]
    hint = "; of a file, surge.prepare makes a dataset" if isinstance(frame, str | Path) else ""
    raise SurgeError(f"A dataset is made of a pandas or polars frame, not of {shown(frame)}{hint}")


def _is_pandas(frame: Any) -> bool:
    pandas = sys.modules.get("pandas")  # whoever has a frame of it has it loaded
    return pandas is not None and isinstance(frame, pandas.DataFrame)


def _places(labels: Sequence[Any], columns: Mapping[str, Hashable]) -> dict[str, int]:
    """The places of the columns by role: those that are named, and those of usual names. A SurgeError where one that
    is named is missing or there twice."""
    usual = Source(FRAME, pl.LazyFrame(), [str(label) for label in labels])
    places = {}
    for role, wanted in columns.items():
        same = [place for place, label in enumerate(labels) if _is_called(label, wanted)]
        found = usual.usual(role) if not same and wanted == USUAL.get(role) else None
        if found is not None:
            same = [place for place, name in enumerate(usual.names) if name == found]
        argument = f"{role}=..." if role in USUAL else f"columns={{{role!r}: ...}}"
        if not same:
            untimed = ", or give time=None where the rows stand in the order in which they happened"
            raise SurgeError(
                f"{FRAME} has no column {wanted!r}; it has {listed(usual.names) or 'none'}; name the right one with "
                f"{argument}{untimed if role == 'time' else ''}"
            )
        if len(same) > 1:
            raise SurgeError(f"{FRAME} has more than one column {wanted!r}; call those that aren't meant otherwise")
        places[role] = same[0]
    for role in USUAL_NAMES:
        found = usual.usual(role)
        if role not in (*places, *USUAL) and found is not None and usual.names.count(found) == 1:
            places[role] = usual.names.index(found)
    return places


def _is_called(label: Any, wanted: Any) -> bool:
    """Whether a column is meant: by its own label, or by the text of it."""
    if isinstance(wanted, str | Integral) and not isinstance(wanted, bool):
        return str(label) == str(wanted)
    return type(label) is type(wanted) and bool(label == wanted)


def _read(
    frame: Any, labels: Sequence[Any], places: Mapping[str, int], named: Mapping[str, Hashable]
) -> tuple[pl.DataFrame, list[str]]:
    """The columns at these places, and what to tell of those that can't be read and that nobody named."""
    wanted = sorted(set(places.values()))
    columns, told = {}, []
    if isinstance(frame, pl.LazyFrame):
        try:
            frame = frame.select(pl.nth(wanted)).collect()
        except FAILURES as problem:
            raise SurgeError(f"{FRAME} can't be read ({first_line(problem)})") from problem
        labels, wanted, places = frame.columns, [*range(len(wanted))], {r: wanted.index(p) for r, p in places.items()}
    for place in wanted:
        name = str(labels[place])
        try:
            columns[name] = _column(frame, labels[place], place)
        except SurgeError as problem:
            if any(places[role] == place for role in (*named, *USUAL) if role in places):
                raise
            told.append(f"{problem}: not used")
    return pl.DataFrame(columns), told


def _column(frame: Any, label: Any, place: int) -> pl.Series:
    if isinstance(frame, pl.DataFrame):
        return _plain(frame.to_series(place))
    in_index = place >= frame.shape[1]
    values = frame.index.get_level_values(label).to_series() if in_index else frame.iloc[:, place]
    return _from_pandas(values, str(label))


def _plain(values: pl.Series) -> pl.Series:
    """A polars column that Parquet can hold."""
    if values.dtype in (pl.Int128, pl.UInt128):
        return values.cast(pl.String)
    return _of_objects(values.to_list(), values.name) if values.dtype == pl.Object else values


def _from_pandas(values: Any, name: str) -> pl.Series:
    """A column of pandas: a period is its beginning, a category its value."""
    kind = values.dtype
    try:
        if str(kind).startswith("period"):
            values = values.dt.to_timestamp()
        elif kind == "category" and values.cat.categories.inferred_type != "string":
            values = values.astype(object)
        elif isinstance(getattr(kind, "pyarrow_dtype", None), pa.BaseExtensionType):
            return _of_objects(pa.array(values).to_pylist(), name)
        if values.dtype == object:
            return _of_objects(
                [None if missing else one for one, missing in zip(values, values.isna(), strict=True)], name
            )
        return pl.Series(name, pl.from_pandas(values))
    except SurgeError:
        raise
    except FAILURES as problem:
        raise _unread(name, str(kind)) from problem


def _of_objects(values: Sequence[Any], name: str) -> pl.Series:
    """A column of Python's own values, all of one sort: Arrow would cut the hours of a moment among dates."""
    sorts = {_sort(one) for one in set(map(type, values)) - {type(None)}}
    if len(sorts) > 1:
        told = " and ".join(sorted(sorts))
        raise SurgeError(
            f"column {name!r} of {FRAME} holds values of several types ({told}); make it one of them first"
        )
    if sorts == {"UUID"}:
        values = [None if one is None else str(one) for one in values]
    try:
        return pl.Series(name, pl.from_arrow(pa.array(values, from_pandas=True)))  # type: ignore[arg-type]
    except FAILURES as problem:
        raise _unread(name, *sorts) from problem


def _sort(kind: type) -> str:
    """Types that one column may hold together, under one name."""
    alike = {"str": str, "bool": bool, "number": Real | Decimal, "datetime": datetime, "date": date, "UUID": UUID}
    return next((name for name, types in alike.items() if issubclass(kind, types)), kind.__name__)


def _unread(name: str, kind: str) -> SurgeError:
    return SurgeError(f"column {name!r} of {FRAME} holds {kind}, which can't be read; make it text or numbers first")


def _tell(preparation: Mapping[str, Any], told: list[str]) -> None:
    """One warning for the caller of `from_frame`, where there is something to tell that isn't what was asked for."""
    dropped = preparation["dropped"]
    if dropped:
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in dropped.items())
        told.insert(0, f"{sum(dropped.values()):,} of {preparation['rows_read']:,} rows were left out: {reasons}")
    told += [in_python(note, SAID) for note in preparation["notes"] if note != FILE_ORDER]
    if told:
        warnings.warn("; ".join(told), UserWarning, stacklevel=5)
