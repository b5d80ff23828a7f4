"""Candidate lists as a file: what is written is read, and what is wrong with a file is said in one sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from surge.data.instances import EncodedLog, Instances, encode
from surge.data.negatives import NONE
from surge.errors import SurgeError
from surge.evaluation.lists import read_lists, write_lists
from tests.training.toy import dataset_of

USERS = ["ann", "bob"]
ITEMS = ["a", "b", "c", "d"]


@pytest.fixture(scope="module")
def log() -> EncodedLog:
    """ann takes a, b, c; bob takes d, a."""
    dataset = dataset_of({"ann": [("a", 1), ("b", 2), ("c", 3)], "bob": [("d", 1), ("a", 2)]})
    return encode(dataset, {item: row for row, item in enumerate(ITEMS)})


def columns(**changes: Any) -> dict[str, Any]:
    """A good file's columns, apart from `changes`; None leaves one out."""
    good = {"user": ["ann", "bob"], "step": [2, 1], "candidates": [["c", "d", "a"], ["a", "b", "c"]]}
    return {name: values for name, values in (good | changes).items() if values is not None}


def read(log: EncodedLog, path: Path, **changes: Any) -> tuple[Instances, np.ndarray]:
    pl.DataFrame(columns(**changes)).write_parquet(path)
    return read_lists(path, log, USERS, ITEMS)


def refused(log: EncodedLog, path: Path) -> str:
    """The one sentence about a file."""
    with pytest.raises(SurgeError) as problem:
        read_lists(path, log, USERS, ITEMS)
    sentence = str(problem.value)
    assert "\n" not in sentence
    assert path.name in sentence
    return sentence


def test_a_file_by_hand(log: EncodedLog, tmp_path: Path) -> None:
    instances, lists = read(log, tmp_path / "lists.parquet")
    assert instances.user.tolist() == [0, 1]
    assert instances.position.tolist() == [2, 4]  # rows of the log
    assert lists.tolist() == [[2, 3, 0], [0, 1, 2]]


def test_what_is_written_is_read_and_says_ids(log: EncodedLog, tmp_path: Path) -> None:
    path = tmp_path / "lists.parquet"
    instances = Instances(np.array([1, 0, 0]), np.array([4, 1, 2]))
    lists = np.array([[0, 3, 2, 1], [1, 0, 2, NONE], [2, 1, 0, 3]])
    write_lists(path, instances, lists, log, USERS, ITEMS)
    again, same = read_lists(path, log, USERS, ITEMS)
    assert np.array_equal(again.user, instances.user)
    assert np.array_equal(again.position, instances.position)
    assert np.array_equal(same, lists)
    table = pl.read_parquet(path)
    assert table.row(0) == ("bob", 1, ["a", "d", "c", "b"])
    assert table.row(1) == ("ann", 1, ["b", "a", "c"])  # a shorter list is a shorter list
    assert [file.name for file in tmp_path.iterdir()] == ["lists.parquet"]


def test_columns_in_any_order_of_any_whole_number_type_and_more_of_them(log: EncodedLog, tmp_path: Path) -> None:
    path = tmp_path / "lists.parquet"
    table = pl.DataFrame(columns()).with_columns(pl.col("step").cast(pl.UInt8), pl.col("user").cast(pl.Categorical))
    table.with_columns(source=pl.lit("a peer")).select("source", "candidates", "step", "user").write_parquet(path)
    assert read_lists(path, log, USERS, ITEMS)[1].tolist() == [[2, 3, 0], [0, 1, 2]]


def test_whole_numbers_as_floats_or_text_are_whole_numbers(log: EncodedLog, tmp_path: Path) -> None:
    for step in ([2.0, 1.0], ["2", "1"]):
        assert read(log, tmp_path / "lists.parquet", step=step)[0].position.tolist() == [2, 4]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        # items and users
        ({"candidates": [["c", "d", "x"], ["a", "b", "c"]]}, "user 'ann' at step 2 .* the item 'x'"),
        ({"candidates": [["c", "d", None], ["a", "b", "c"]]}, "holds the item None"),
        ({"candidates": [[1, 2], [3, 4]]}, "holds the item '1'"),
        ({"user": ["ann", "eve"]}, "'eve' at step 1 .* of a user that the dataset doesn't have"),
        ({"user": ["ann", None]}, "None at step 1 .* of a user"),
        ({"user": [1, 2]}, "user '1' .* of a user"),
        # steps
        ({"step": [0, 1]}, "'ann' at step 0 .* no history"),
        ({"step": [3, 1]}, "'ann' at step 3 .* no positive there"),
        ({"step": [2, -1]}, "'bob' at step -1 .* no history"),
        ({"step": [2, 2]}, "'bob' at step 2 .* no positive there"),  # it would be a row of nobody
        ({"step": [2, None]}, "'bob' at step None .* no history"),
        ({"step": [2.0, 1.5]}, "has 1.5 as 'step' in its row 2; it must be a whole number"),
        ({"step": [2.0, float("nan")]}, "has nan as 'step' in its row 2"),
        ({"step": [2.0, 1e30]}, r"has 1e\+30 as 'step' in its row 2"),
        ({"step": ["2", "one"]}, "has 'one' as 'step' in its row 2; it must be a whole number"),
        # the positive
        ({"candidates": [["b", "d", "a"], ["a", "b", "c"]]}, "'ann' at step 2 .* start with its positive, 'c'"),
        ({"candidates": [["c", "d", "a"], ["a", "b", "a"]]}, "'bob' at step 1 .* its positive among its negatives"),
        # what is there twice
        ({"candidates": [["c", "d", "d"], ["a", "b", "c"]]}, "'ann' at step 2 .* holds the item 'd' more than once"),
        ({"candidates": [["c", "a", "b"], ["a", "c", "c"]]}, "'bob' at step 1 .* holds the item 'c' more than once"),
        (
            {"user": ["ann", "ann"], "step": [2, 2], "candidates": [["c", "d"], ["c", "d"]]},
            "'ann' at step 2 .* is there more than once; keep one list of each user and step",
        ),
        (
            {"user": ["ann", "bob", "ann"], "step": [2, 1, 2], "candidates": [["c", "d"], ["a", "b"], ["c", "a"]]},
            "'ann' at step 2 .* is there more than once; keep one list of each user and step",
        ),
        # lengths
        ({"candidates": [["c", "d"], ["a"]]}, "1 candidate in its row 2; .* at least one negative"),
        ({"candidates": [[], []]}, "no candidates in its row 1; .* at least one negative"),
        ({"candidates": [None, None]}, "'candidates' as Null; they must be lists of item ids"),
        ({"candidates": pl.Series([None, None], dtype=pl.List(pl.String))}, "at least one negative"),
        ({"candidates": pl.Series([["c", "d"], None], dtype=pl.List(pl.String))}, "at least one negative"),
        ({"candidates": [[["c", "d"]], [["a", "b"]]]}, "they must be lists of item ids"),
        ({"candidates": [[{"item": "c"}], [{"item": "a"}]]}, "they must be lists of item ids"),
        ({"candidates": ["c d a", "a b c"]}, "'candidates' as String; they must be lists of item ids"),
        # columns
        ({"user": None}, "no file of candidate lists: it has no column .user"),
        ({"step": None}, "no file of candidate lists: it has no column .step"),
        ({"candidates": None}, "no file of candidate lists: it has no column .candidates"),
    ],
)
def test_what_is_wrong_is_said(log: EncodedLog, tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    path = tmp_path / "lists.parquet"
    pl.DataFrame(columns(**changes), strict=False).write_parquet(path)
    sentence = refused(log, path)
    with pytest.raises(SurgeError, match=words):
        raise SurgeError(sentence)


def test_no_row(log: EncodedLog, tmp_path: Path) -> None:
    path = tmp_path / "lists.parquet"
    pl.DataFrame(columns()).clear().write_parquet(path)
    assert "at least one negative" in refused(log, path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"user,step,candidates\n", "is not Parquet, which candidate lists are read from; write it with"),
        (b"PAR1" + bytes(64) + b"PAR1", "can't be read as Parquet"),
    ],
)
def test_no_parquet(log: EncodedLog, tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "lists.parquet"
    path.write_bytes(content)
    assert words in refused(log, path)


def test_a_file_that_was_cut(log: EncodedLog, tmp_path: Path) -> None:
    path = tmp_path / "lists.parquet"
    pl.DataFrame(columns()).write_parquet(path)
    path.write_bytes(path.read_bytes()[:-20])
    assert "can't be read as Parquet" in refused(log, path)


def test_no_file_and_a_folder(log: EncodedLog, tmp_path: Path) -> None:
    assert "does not exist; check the path" in refused(log, tmp_path / "missing.parquet")
    folder = tmp_path / "folder.parquet"
    folder.mkdir()
    assert "is not a file; give the file itself" in refused(log, folder)
