"""Vectors of items from files: which are read, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from surge.data.item_vectors import read_item_vectors
from surge.errors import SurgeError

VALUES = [[1.0, -2.5], [0.0, 3.0]]


def parquet(path: Path, **columns: object) -> Path:
    pl.DataFrame(columns).write_parquet(path)
    return path


def text(path: Path, content: str) -> Path:
    path.write_text(content)
    return path


@pytest.mark.parametrize(
    "written",
    [
        lambda path: parquet(path, item=["a", "b"], vector=VALUES, title=["A", "B"], count=[7, 8]),
        lambda path: parquet(path, movieId=["a", "b"], x=[1.0, 0.0], y=[-2.5, 3.0], title=["A", "7"[:0]]),
        lambda path: text(path, "item,x,y\na,1,-2.5\nb,0,3\n"),
        lambda path: text(path, "sku\tname\tx\ty\na\tA b\t1\t-2.5\nb\t\t0\t3.0\n"),
        lambda path: (
            pl.DataFrame(
                {"item": ["a", "b"], "v": VALUES}, schema={"item": pl.String, "v": pl.Array(pl.Float32, 2)}
            ).write_parquet(path)
            or path
        ),
    ],
)
def test_read(tmp_path: Path, written: object) -> None:
    vectors = read_item_vectors(written(tmp_path / "vectors"))  # type: ignore[operator]
    assert vectors.rows == {"a": 0, "b": 1}
    np.testing.assert_array_equal(vectors.values, np.float32(VALUES))
    assert (vectors.size, vectors.values.dtype) == (2, np.float32)


def test_ids_are_written_as_prepare_writes_them(tmp_path: Path) -> None:
    """12 and 12.0 are one item."""
    vectors = read_item_vectors(parquet(tmp_path / "v", item=[12.0, 7.0], vector=VALUES))
    assert vectors.rows == {"12": 0, "7": 1}


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"item": ["a", "b"], "v": [[1.0], [1.0, 2.0]]}, "vectors of unequal lengths in 'v'"),
        ({"item": ["a", "b"], "v": [[1.0], None]}, "vectors of unequal lengths in 'v'"),
        ({"item": ["a", "b"], "v": [[], []]}, "has no vectors"),
        ({"item": ["a", "b"], "v": [[1.0], [float("nan")]]}, "a vector of item 'b' that is not made of finite numbers"),
        ({"item": ["a", "b"], "v": [[1.0], [None]]}, "a vector of item 'b' that is not made of finite numbers"),
        ({"item": ["a", "b"], "x": [1.0, None]}, "a vector of item 'b' that is not made of finite numbers"),
        ({"item": ["a", "a"], "x": [1.0, 2.0]}, "more than one vector of item 'a'"),
        ({"item": ["a", None], "x": [1.0, 2.0]}, "no item id in its row 2"),
        ({"item": ["a", "b"], "title": ["A", "B"]}, "has no vectors"),
        ({"thing": ["a", "b"], "x": [1.0, 2.0]}, "no column 'item' with the items' ids; it has thing, x"),
        ({"item": ["a"], "v": [[1.0]], "w": [[1.0]]}, r"more than one column of lists \(v, w\)"),
        ({"item": [], "x": []}, "has no vectors"),
    ],
)
def test_refused(tmp_path: Path, columns: dict[str, object], said: str) -> None:
    path = tmp_path / "v.parquet"
    pl.DataFrame(columns, strict=False).write_parquet(path)
    with pytest.raises(SurgeError, match=said):
        read_item_vectors(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("item,x\na,1\nb,1,2\n", "line 3, can't be read: more fields than the header"),
        ("item,x\na,1\nb,one\n", "a vector of item 'b' that is not made of finite numbers"),
        ('{"item": "a", "v": [1, 2]}\n{"item": "b", "v": [1, 2]}\n', "has no vectors"),
        ("", "is empty"),
        ("PAR1 and nothing else", "can't be read as Parquet"),
    ],
)
def test_broken_text(tmp_path: Path, content: str, said: str) -> None:
    with pytest.raises(SurgeError, match=said):
        read_item_vectors(text(tmp_path / "v.csv", content))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SurgeError, match="does not exist"):
        read_item_vectors(tmp_path / "none.parquet")
