"""Vectors of items from a file, such as embeddings of their text or pictures."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl

from surge.data.files import check_file, is_parquet
from surge.data.parquet import UnreadableError, read_parquet
from surge.data.tables import ReadOptions, item_columns, listed, open_source
from surge.data.text import LINE, MALFORMED
from surge.errors import SurgeError

_LARGEST = float(np.finfo(np.float32).max)
_MOST = 0.5  # a column of text with so large a share of numbers, or of lists, is meant as one
_LIST = r"^\s*\[.*\]\s*$"
_JSON_LIST = r"^[-+.eE\d|]*\|[-+.eE\d|]*$"  # as JSON lines are read
_NUMBERED = re.compile(r"(.*?)\d+", re.DOTALL)


@dataclass(frozen=True)
class ItemVectors:
    """`values` (rows, size), float32, all finite, of these `columns`; `rows` gives the row of an item id; `source`
    names the file."""

    rows: dict[str, int]
    values: np.ndarray
    source: str
    columns: tuple[str, ...]

    @property
    def size(self) -> int:
        return self.values.shape[1]

    @property
    def columns_told(self) -> str:
        """ "'vector'", or "e0 to e767", or every name."""
        if len(self.columns) == 1:
            return repr(self.columns[0])
        stems = {_stem(name) for name in self.columns}
        if len(self.columns) > 3 and len(stems) == 1 and None not in stems:
            return f"{self.columns[0]} to {self.columns[-1]}"
        return listed(self.columns, 40)


def read_item_vectors(path: str | Path, columns: Sequence[str] | None = None) -> ItemVectors:
    """The vectors of a Parquet file, of delimited text or of JSON lines: the item's id in the column `item` or one of
    its usual names, and beside it either one column of lists of numbers or a column a number. Columns of text are
    passed over. `columns` names those that make the vector, or has patterns such as "e*".

    A SurgeError: a file that can't be read, columns that are not all numbered where some are, vectors of unequal
    lengths, an item given twice and what is no finite number.
    """
    path = Path(path)
    check_file(path)
    _refuse_array(path)
    items, table, is_json = _read(path)
    names = _named(path, columns, table) if columns else [name for name in table.columns if name != LINE]
    lists = [name for name in names if _is_list(table[name], is_json)]
    numbers = names if columns else _numbers(path, [name for name in names if name not in lists], table, bool(lists))
    used = lists or numbers
    if not used or not len(table):
        raise SurgeError(
            f"{path} has no vectors: give one column of lists of numbers, or a column a number, beside the item's id"
        )
    if lists and (len(lists) > 1 or (columns and numbers != lists)):
        several = listed(lists if len(lists) > 1 else names)
        raise SurgeError(
            f"{path} has more than one column that could be the vector ({several}); say which with --vector-columns "
            "(in Python vector_columns)"
        )
    missing = np.flatnonzero(items.is_null().to_numpy())
    if len(missing):
        raise SurgeError(f"{path} has no item id in its {_place(table, int(missing[0]))}; give every vector its item")
    if items.n_unique() < len(items):
        twice = items.filter(items.is_duplicated())[0]
        raise SurgeError(f"{path} has more than one vector of item {twice!r}; give one")
    where = _Where(path, items, table)
    values = (
        _from_list(table[used[0]], where) if lists else np.stack([_checked(table[name], where) for name in used], 1)
    )
    rows = {item: row for row, item in enumerate(items.to_list())}
    return ItemVectors(rows, values.astype(np.float32), path.name, tuple(used))


@dataclass(frozen=True)
class _Where:
    """A file whose rows are named in a sentence."""

    path: Path
    items: pl.Series
    table: pl.DataFrame

    def wrong(self, row: int, what: str) -> SurgeError:
        place = f"{self.path}, {_place(self.table, row)} (item {self.items[row]!r})"
        return SurgeError(f"{place}: {what}; give every item a vector of finite numbers, all of one length")


def _place(table: pl.DataFrame, row: int) -> str:
    line = table[LINE][row]
    return f"row {row + 1}" if line is None else f"line {line}"


def _refuse_array(path: Path) -> None:
    with path.open("rb") as file:
        is_array = file.read(6) == b"\x93NUMPY"
    if not is_array and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            is_array = any(name.endswith(".npy") for name in archive.namelist())
    if is_array:
        raise SurgeError(
            f"{path} holds arrays of NumPy, which don't say whose vectors they are; write them with the items' ids: "
            "polars.DataFrame({'item': ids, 'vector': array.tolist()}).write_parquet('vectors.parquet')"
        )


def _read(path: Path) -> tuple[pl.Series, pl.DataFrame, bool]:
    """Item ids; the other columns with LINE, null where there are no lines; and whether it is JSON."""
    if is_parquet(path):
        try:
            read_parquet(path)  # polars, which reads it below, aborts at some damage
        except UnreadableError as problem:
            raise SurgeError(f"{path} can't be read as Parquet ({problem})") from problem
    with TemporaryDirectory() as work:
        options = ReadOptions(Path(work))
        source = open_source(path, options)
        item = "item" if "item" in source.names else source.usual("item")
        if item is None:
            raise SurgeError(
                f"{path} has no column 'item' with the items' ids; name it so; it has {listed(source.names)}"
            )
        schema = source.rows.collect_schema()
        held = [
            pl.col(name) != "" if schema[name] == pl.String else pl.col(name).is_not_null() for name in source.names
        ]
        table = source.rows.filter(pl.any_horizontal(pl.col(MALFORMED).is_not_null(), *held)).collect()
        broken = table.filter(pl.col(MALFORMED).is_not_null())
        if len(broken):
            raise SurgeError(f"{path}, line {broken[LINE][0]}, can't be read: {broken[MALFORMED][0]}")
        ids = item_columns(replace(source, rows=table.lazy()), {"item": item}, options).collect()["item"]
    return ids, table.select(*(name for name in source.names if name != item), LINE), source.is_json


def _named(path: Path, wanted: Sequence[str], table: pl.DataFrame) -> list[str]:
    """The columns of these names or patterns, in the file's order."""
    names = [name for name in table.columns if name != LINE]
    for one in wanted:
        if not any(name == one or fnmatchcase(name, one) for name in names):
            raise SurgeError(
                f"{path} has no column {one!r} for --vector-columns (in Python vector_columns); it has {listed(names)}"
            )
    return [name for name in names if any(name == one or fnmatchcase(name, one) for one in wanted)]


def _numbers(path: Path, names: Sequence[str], table: pl.DataFrame, others: bool) -> list[str]:
    """The columns of numbers that make the vector; a SurgeError where some are numbered, such as e0 and e1, and others
    are not of these. With `others` there is a vector already."""
    found = [name for name in names if _is_number(table[name])]
    if others:
        return []
    stems = [_stem(name) for name in names]
    numbered = {stem for stem in map(_stem, found) if stem is not None and stems.count(stem) > 1}
    if not numbered:
        return found
    odd = [name for name in found if len(numbered) > 1 or _stem(name) not in numbered]
    stem = min(numbered)
    if odd:
        raise SurgeError(
            f"{path} has columns of numbers that may be no part of the vector ({listed(odd)}); say which columns are, "
            f"such as --vector-columns '{stem or '[0-9]'}*' (in Python vector_columns)"
        )
    return [name for name in names if _stem(name) == stem]  # one of them that holds text is told, not passed over


def _stem(name: str) -> str | None:
    match = _NUMBERED.fullmatch(name)
    return match[1] if match else None


def _is_number(column: pl.Series) -> bool:
    if column.dtype != pl.String:
        return column.dtype.is_numeric()
    known = column.drop_nulls().str.strip_chars()
    known = known.filter(known != "")
    return bool(len(known)) and _as_numbers(known).count() >= _MOST * len(known)


def _as_numbers(column: pl.Series) -> pl.Series:
    """Null where there is no number; in text, a comma may stand for the point."""
    if column.dtype == pl.String:
        column = column.str.strip_chars().str.replace(r"^([+-]?\d+),(\d+(?:[eE][+-]?\d+)?)$", "$1.$2")
    return column.cast(pl.Float64, strict=False)


def _is_list(column: pl.Series, is_json: bool) -> bool:
    kind = column.dtype
    if isinstance(kind, pl.List | pl.Array):
        if kind.inner != pl.String:  # type: ignore[union-attr]
            return kind.inner.is_numeric()  # type: ignore[union-attr]
        held = column.drop_nulls()[:1].to_list()  # numbers as text, or words
        return bool(held and held[0]) and _as_numbers(pl.Series(held[0])).count() >= _MOST * len(held[0])
    if kind != pl.String:
        return False
    known = column.drop_nulls()
    matches = known.str.contains(_LIST) | (known.str.contains(_JSON_LIST) & is_json)
    return bool(len(known)) and int(matches.sum()) >= _MOST * len(known)


def _checked(column: pl.Series, where: _Where) -> np.ndarray:
    """A column of numbers, every one of them finite."""
    numbers = _as_numbers(column).to_numpy()
    wrong = np.flatnonzero(~(np.abs(numbers) <= _LARGEST))
    if len(wrong):
        found = column.cast(pl.String)[int(wrong[0])]
        raise where.wrong(int(wrong[0]), f"column {column.name!r} {_told(found)}")
    return numbers


def _told(found: str | None) -> str:
    return "is empty" if not (found or "").strip() else f"has {found:.60}, no number that fits"


def _from_list(column: pl.Series, where: _Where) -> np.ndarray:
    """A column of lists of numbers, in text or as they are: equally long, and every number finite."""
    if column.dtype == pl.String:
        inside = column.str.strip_chars().str.strip_chars("[]").str.strip_chars().str.replace_all(r"[|,;\s]+", " ")
        lists = inside.str.split(" ").list.eval(pl.element().filter(pl.element() != ""))
    elif isinstance(column.dtype, pl.Array):
        lists = column.arr.to_list()
    else:
        lists = column
    sizes = lists.list.len()
    size = sizes.drop_nulls().mode()[0] if sizes.count() else 0
    for row, length in enumerate(sizes.to_list()):
        if not length:
            raise where.wrong(row, f"column {column.name!r} is empty")
        if length != size:
            raise where.wrong(row, f"column {column.name!r} has {length} numbers where most have {size}")
    flat = lists.list.to_array(size).reshape((-1,))
    values = _as_numbers(flat).to_numpy()
    wrong = np.flatnonzero(~(np.abs(values) <= _LARGEST))
    if len(wrong):
        row, number = divmod(int(wrong[0]), size)
        found = flat.cast(pl.String)[int(wrong[0])]
        raise where.wrong(row, f"number {number + 1} of column {column.name!r} {_told(found)}")
    return values.reshape(len(lists), size)
