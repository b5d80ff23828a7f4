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
        lambda path: text(path, "item;x;y\na;1;-2,5\nb;0;3,0\n"),
        lambda path: text(path, '{"item": "a", "v": [1, -2.5]}\n{"item": "b", "v": [0, 3.0], "price": 3}\n'),
        lambda path: text(path, 'item,v,price\na,"[1.0, -2.5]",2\nb,"[0 3.0]",3\n'),
        lambda path: parquet(path, item=["a", "b"], v=[["1", "-2.5"], ["0", "3"]], tags=[["x"], ["7", "y"]]),
        lambda path: parquet(path, item=["a", "b"], v=["[1,-2.5]", "[0,3e0]"]),
        lambda path: text(path, "item,title,x0,x1\na,A,1,-2.5\nb,,0,3\n"),
    ],
)
def test_read(tmp_path: Path, written: object) -> None:
    vectors = read_item_vectors(written(tmp_path / "vectors"))  # type: ignore[operator]
    assert vectors.rows == {"a": 0, "b": 1}
    np.testing.assert_array_equal(vectors.values, np.float32(VALUES))
    assert (vectors.size, vectors.values.dtype) == (2, np.float32)


def test_one_title_that_is_a_number_is_a_title(tmp_path: Path) -> None:
    vectors = read_item_vectors(text(tmp_path / "v", "item,title,x,y\na,A,1,-2.5\nb,7,0,3\nc,C,1,1\n"))
    assert vectors.columns == ("x", "y")


def test_ids_are_written_as_prepare_writes_them(tmp_path: Path) -> None:
    """12 and 12.0 are one item."""
    vectors = read_item_vectors(parquet(tmp_path / "v", item=[12.0, 7.0], vector=VALUES))
    assert vectors.rows == {"12": 0, "7": 1}


def test_what_makes_the_vector_is_told_and_can_be_said(tmp_path: Path) -> None:
    columns = {"item": ["a", "b"], "price": [9.5, 8.5], "e0": [1.0, 0.0], "e1": [-2.5, 3.0], "title": ["A", "B"]}
    path = parquet(tmp_path / "v", **columns)
    with pytest.raises(SurgeError, match=r"may be no part of the vector \(price\); .* --vector-columns 'e\*'"):
        read_item_vectors(path)
    vectors = read_item_vectors(path, ["e*"])
    np.testing.assert_array_equal(vectors.values, np.float32(VALUES))
    assert vectors.columns_told == "e0, e1"
    assert read_item_vectors(path, ["e1", "price"]).columns == ("price", "e1")
    with pytest.raises(SurgeError, match=r"no column .x. for --vector-columns .*; it has price, e0, e1, title"):
        read_item_vectors(path, ["x"])
    with pytest.raises(SurgeError, match=r"row 1 \(item 'a'\): column 'title' has A, no number"):
        read_item_vectors(path, ["title"])
    many = parquet(tmp_path / "m", item=["a"], **{str(place): [1.0] for place in range(20)})
    assert read_item_vectors(many).columns_told == "0 to 19"
    assert read_item_vectors(parquet(tmp_path / "l", item=["a"], vector=[[1.0]], price=[2])).columns_told == "'vector'"
    two = parquet(tmp_path / "t", item=["a"], v=[[1.0]], w=[[2.0]])
    assert read_item_vectors(two, ["w"]).values.tolist() == [[2.0]]


def test_arrays_of_numpy_need_ids(tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", np.ones((2, 3)))
    np.savez(tmp_path / "v.npz", a=np.ones((2, 3)))
    for name in ("v.npy", "v.npz"):
        with pytest.raises(SurgeError, match="write them with the items' ids: polars"):
            read_item_vectors(tmp_path / name)


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (
            {"item": ["a", "b", "c"], "v": [[1.0], [1.0, 2.0], [3.0]]},
            r"row 2 \(item 'b'\): column 'v' has 2 numbers where most have 1",
        ),
        ({"item": ["a", "b"], "v": [[1.0], None]}, r"row 2 \(item 'b'\): column 'v' is empty"),
        ({"item": ["a", "b"], "v": pl.Series([[], []], dtype=pl.List(pl.Float32))}, r"row 1 .*: column 'v' is empty"),
        ({"item": ["a", "b"], "v": [[], []]}, "has no vectors"),
        ({"item": ["a", "b"], "v": [[1.0], [float("nan")]]}, r"row 2 \(item 'b'\): number 1 of column 'v' has NaN"),
        (
            {"item": ["a", "b"], "v": [[1.0, 2.0], [3.0, 1e39]]},
            r"number 2 of column 'v' has 1e\+?39, no number that fits",
        ),
        ({"item": ["a", "b"], "v": [[1.0], [None]]}, r"row 2 \(item 'b'\): number 1 of column 'v' is empty"),
        ({"item": ["a", "b"], "x": [1.0, None]}, r"row 2 \(item 'b'\): column 'x' is empty"),
        ({"item": ["a", "b"], "x": [1.0, -1e39]}, r"row 2 \(item 'b'\): column 'x' has -1e\+?39"),
        ({"item": ["a", "b"], "x0": [1, 2], "x1": [None, None]}, r"row 1 \(item 'a'\): column 'x1' is empty"),
        ({"item": ["a", "b"], "a0": [1, 2], "a1": [1, 2], "b0": [1, 2], "b1": [1, 2]}, "may be no part of the vector"),
        ({"item": ["a", "a"], "x": [1.0, 2.0]}, "more than one vector of item 'a'"),
        ({"item": ["a", None], "x": [1.0, 2.0]}, "no item id in its row 2"),
        ({"item": ["a", "b"], "title": ["A", "B"]}, "has no vectors"),
        ({"thing": ["a", "b"], "x": [1.0, 2.0]}, "no column 'item' with the items' ids; name it so; it has thing, x"),
        ({"item": ["a"], "v": [[1.0]], "w": [[1.0]]}, r"more than one column that could be the vector \(v, w\)"),
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
        ("item,x\na,1\nb,one\n", r"v.csv, line 3 \(item 'b'\): column 'x' has one, no number that fits"),
        ("item,x0,x1\na,1,2\n\nb,,2\n", "line 4 .*: column 'x0' is empty"),
        ("item,x0,x1,x2\na,1,2,?\nb,3,4,?\n", r"line 2 \(item 'a'\): column 'x2' has \?, no number"),
        ('item,v\na,"[1, 2]"\nb,"[1, two]"\n', r"line 3 \(item 'b'\): number 2 of column 'v' has two"),
        (
            '{"item": "a", "v": [1, 2]}\n{"item": "b", "v": [1]}\n{"item": "c", "v": [1, 2]}\n',
            "line 2 .* has 1 numbers",
        ),
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
