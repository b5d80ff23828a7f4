"""A dataset in memory, from a frame or a file."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Collection, Hashable, Mapping
from dataclasses import replace
from functools import wraps
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import polars as pl

from surge.arguments import refuse_unknown, shown
from surge.data.arguments import check_own_columns, dataset_name, in_python, python_words
from surge.data.frame_columns import FAILURES, Frame, is_called, is_frame
from surge.data.item_table import ABOUT
from surge.data.preparation import FILE_ORDER, prepare
from surge.data.tables import ROLES, USUAL_NAMES
from surge.errors import SurgeError, first_line

if TYPE_CHECKING:
    from surge.data.dataset import Dataset

FRAME, ITEMS = "the frame", "the frame of items"  # what messages call them
USUAL = {"user": "user", "item": "item", "time": "timestamp"}  # columns, unless others are named
# what `prepare` has to know of files, and what it has other ways for here
OF_FILES = "format inputs output name header quotes skip_lines delimiter encoding force dry_run".split()
SAID = {f"--{role}-column": f"{role}=..." for role in USUAL}
_ARGUMENTS = {
    **{role: f"columns={{{role!r}: ...}}" for role in ROLES},
    **{role: f"{role}=..." for role in USUAL},
    "time": "time=..., or give time=None where the rows stand in the order in which they happened",
}


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
    log = Frame(frame, FRAME)
    places = log.places(columns, USUAL, _ARGUMENTS)
    others = log.usual_places([role for role in USUAL_NAMES if role not in (*columns, *USUAL)])
    table, unread = log.read([*places.values(), *others.values()], places.values())
    if not len(table):
        raise SurgeError(f"{FRAME} has no rows; give one with a row an interaction")
    own = {role: str(log.labels[place]) for role, place in places.items()}
    check_own_columns(own)
    usual = [role for role in USUAL if role in own and not is_called(log.labels[places[role]], columns[role])]
    more["columns"] = {role: column for role, column in own.items() if role not in usual}
    told = [f"{problem}: not used" for problem in unread.values()]
    with TemporaryDirectory() as folder, python_words(SAID):
        if is_frame(more.get("items_file")):
            items, more["items_columns"], unused = _items(more["items_file"], more)
            more["items_file"] = _written(items, Path(folder) / ITEMS)
            told += unused
        dataset = prepared_file(kind, _written(table, Path(folder) / FRAME), name, **more)
    _tell(dataset.description["preparation"], told)
    return dataset


def _items(frame: Any, options: Mapping[str, Any]) -> tuple[pl.DataFrame, dict[str, str], list[str]]:
    """What can be read of a frame of items, its columns that were named, by role, and what to tell of the others."""
    for option in ("items_delimiter", "items_encoding"):
        if options.get(option) is not None:
            raise SurgeError(f"{option} is about a file, and items_file is a frame; leave it out")
    named = _by_role(options.get("items_columns"), "items_columns", ("item", *ABOUT))
    items = Frame(frame, ITEMS)
    places = items.places(named, {}, {role: f"items_columns={{{role!r}: ...}}" for role in named})
    table, unread = items.read(items.unique_places | {*places.values()}, places.values())
    usual = items.usual_places([role for role in ("item", *ABOUT) if role not in places]).values()
    told = [f"{problem}: not used" for place, problem in unread.items() if place in usual]
    return table, {role: str(items.labels[place]) for role, place in places.items()}, told


def _written(table: pl.DataFrame, path: Path) -> Path:
    try:
        table.write_parquet(path)
    except FAILURES as problem:
        raise SurgeError(
            f"{path.name} can't be read ({first_line(problem)}); make its columns text or numbers first"
        ) from problem
    return path


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
    for role, label in _by_role(more.pop("columns", None), "columns", ROLES).items():
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


def _by_role(given: Any, argument: str, roles: Collection[str]) -> Mapping[str, Hashable]:
    given = {} if given is None else given
    if not isinstance(given, Mapping):
        raise SurgeError(f"{argument} is {shown(given)}; give a dict such as {{'title': 'name of its column'}}")
    refuse_unknown(argument, given, roles, "role")
    return given


def _tell(preparation: Mapping[str, Any], told: list[str]) -> None:
    """One warning for the caller of `from_frame`, where there is something to tell that isn't what was asked for."""
    dropped = preparation["dropped"]
    if dropped:
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in dropped.items())
        told.insert(0, f"{sum(dropped.values()):,} of {preparation['rows_read']:,} rows were left out: {reasons}")
    told += [in_python(note, SAID) for note in preparation["notes"] if note != FILE_ORDER]
    if told:
        warnings.warn("; ".join(told), UserWarning, stacklevel=5)
