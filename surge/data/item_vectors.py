"""Vectors of items from a file, such as embeddings of their text or pictures."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl

from surge.data.files import check_file, is_parquet
from surge.data.parquet import UnreadableError, read_parquet
from surge.data.tables import ReadOptions, item_columns, listed, open_source
from surge.data.text import LINE, MALFORMED
from surge.errors import SurgeError


@dataclass(frozen=True)
class ItemVectors:
    """`values` (rows, size), float32, all finite; `rows` gives the row of an item id; `source` names the file."""

    rows: dict[str, int]
    values: np.ndarray
    source: str

    @property
    def size(self) -> int:
        return self.values.shape[1]


def read_item_vectors(path: str | Path) -> ItemVectors:
    """The vectors of a Parquet file or of delimited text: the item's id in the column `item` or one of its usual names,
    and beside it either one column of lists of numbers or a column a number. Columns of text are passed over.

    A file that can't be read, lists of unequal lengths, an item given twice and what is no finite number are a
    SurgeError.
    """
    path = Path(path)
    check_file(path)
    items, numbers = _read(path)
    if not numbers.width:
        raise SurgeError(
            f"{path} has no vectors: give one column of lists of numbers, or a column a number, beside the item's id"
        )
    first = numbers.to_series()
    if first.dtype.is_numeric():
        values = numbers.cast(pl.Float32).to_numpy()
    else:
        sizes = first.cast(pl.List(pl.Float32)).list.len()
        if sizes.n_unique() != 1 or not sizes[0]:
            raise SurgeError(f"{path} has vectors of unequal lengths in {first.name!r}; give each as many numbers")
        values = np.array(first.to_list(), dtype=np.float32)
    missing = np.flatnonzero(items.is_null().to_numpy())
    if len(missing):
        raise SurgeError(f"{path} has no item id in its row {missing[0] + 1}; give every vector its item")
    wrong = np.flatnonzero(~np.isfinite(values).all(1))
    if len(wrong):
        raise SurgeError(f"{path} has a vector of item {items[int(wrong[0])]!r} that is not made of finite numbers")
    if items.n_unique() < len(items):
        twice = items.filter(items.is_duplicated())[0]
        raise SurgeError(f"{path} has more than one vector of item {twice!r}; give one")
    return ItemVectors({item: row for row, item in enumerate(items.to_list())}, values, path.name)


def _read(path: Path) -> tuple[pl.Series, pl.DataFrame]:
    """Item ids, and either one column of lists or columns of numbers."""
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
            raise SurgeError(f"{path} has no column 'item' with the items' ids; it has {listed(source.names)}")
        table = source.rows.collect()
        broken = table.filter(pl.col(MALFORMED).is_not_null())
        if len(broken):
            raise SurgeError(f"{path}, line {broken[LINE][0]}, can't be read: {broken[MALFORMED][0]}")
        ids = item_columns(replace(source, rows=table.lazy()), {"item": item}, options).collect()["item"]
    table = table.select(name for name in source.names if name != item)
    lists = [name for name, kind in table.schema.items() if _lists_numbers(kind)]
    if len(lists) > 1:
        raise SurgeError(f"{path} has more than one column of lists ({', '.join(lists)}); leave one")
    if lists:
        return ids, table.select(lists)
    # a text column without a number is a title or a category
    numbers = table.with_columns(pl.col(pl.String).str.strip_chars().cast(pl.Float64, strict=False))
    return ids, numbers.select(column for column in numbers if column.dtype.is_numeric() and column.count())


def _lists_numbers(kind: pl.DataType) -> bool:
    return isinstance(kind, pl.List | pl.Array) and kind.inner.is_numeric()  # type: ignore[union-attr]
