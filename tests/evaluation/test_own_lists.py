"""A user's own candidate lists, of any lengths, for a checkpoint that may not know all of their items."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from surge.errors import SurgeError
from surge.evaluation.metrics import list_metrics
from surge.evaluation.own_lists import evaluate_own_lists
from surge.evaluation.words import own_positives_told
from surge.explanation.history import read_history
from surge.explanation.ranking import rank_catalogue
from surge.vocabulary import METRICS
from tests.explanation.worlds import make_checkpoint, make_dataset

HISTORIES = {
    "a": ["i1", "i2", "i3", "i4"],
    "b": ["new", "i5", "i6", "new", "i7"],
    "c": ["new", "i8", "i9"],
    "d": ["i1", "new"],
}


@pytest.fixture
def world() -> tuple:
    checkpoint = make_checkpoint(count=12)
    new = pl.DataFrame(
        {"item": ["new"], "title": ["New"], "category": [None]}, schema_overrides={"category": pl.String}
    )
    return checkpoint, make_dataset(HISTORIES, pl.concat([checkpoint.items.drop("count"), new]))


def lists_at(path: Path, rows: list[tuple]) -> Path:
    pl.DataFrame(rows, schema=["user", "step", "candidates"], orient="row").write_parquet(path)
    return path


def test_lists_of_unequal_length_are_measured_and_what_is_unknown_is_counted(world: tuple, tmp_path: Path) -> None:
    checkpoint, dataset = world
    rows = [
        ("a", 3, ["i4", "i9", "i10", "i11"]),
        ("b", 4, ["i7", "new", "i1"]),  # one negative is unknown
        ("d", 1, ["new", "i2"]),  # the positive is
        ("c", 1, ["i8", "i2"]),  # its only history is
    ]
    figures = evaluate_own_lists(checkpoint, dataset, lists_at(tmp_path / "lists.parquet", rows))
    assert (figures["instances"], figures["lists_left_out"], figures["unknown_negatives"]) == (2, 2, 1)
    assert figures.keys() <= METRICS.keys()
    assert (figures["negatives"], figures["fewest_negatives"]) == (3, 1)
    scores = np.full((2, 4), -np.inf)
    for place, (user, candidates) in enumerate((("a", rows[0][2]), ("b", ["i7", "i1"]))):
        logits = rank_catalogue(checkpoint, read_history(checkpoint, dataset, user)).logits  # the last one is held out
        scores[place, : len(candidates)] = [logits[checkpoint.rows[item]] for item in candidates]
    expected = list_metrics(scores, np.array([0, 1]))
    for name, value in expected.items():
        assert figures[name] == pytest.approx(value, abs=1e-6), name


def test_lists_that_can_not_be_measured_are_a_sentence(world: tuple, tmp_path: Path) -> None:
    checkpoint, dataset = world
    with pytest.raises(SurgeError, match="can measure none of the 1 lists"):
        evaluate_own_lists(checkpoint, dataset, lists_at(tmp_path / "lists.parquet", [("d", 1, ["new", "i2"])]))
    pl.DataFrame({"user": ["a"], "candidates": [["i4", "i9"]]}).write_parquet(tmp_path / "short.parquet")
    with pytest.raises(SurgeError, match=r"has no column 'step'\. It needs user, step \(how many"):
        evaluate_own_lists(checkpoint, dataset, tmp_path / "short.parquet")


def test_the_positives_are_told_by_their_split_and_those_of_the_training(world: tuple, tmp_path: Path) -> None:
    checkpoint, dataset = world
    path = lists_at(
        tmp_path / "lists.parquet", [("a", 1, ["i2", "i9"]), ("a", 2, ["i3", "i9"]), ("a", 3, ["i4", "i9"])]
    )
    counts = ("train_positives", "valid_positives", "test_positives", "trained_positives")
    figures = evaluate_own_lists(checkpoint, dataset, path)
    assert [figures[name] for name in counts] == [1, 1, 1, 0]
    counted = "the positives by their split of the dataset: train 1, valid 1, test 1"
    assert own_positives_told(figures).startswith(f"{counted}; if the model was trained on this log")
    trained = replace(checkpoint, description={**checkpoint.description, "dataset": {"digest": dataset.digest}})
    figures = evaluate_own_lists(trained, dataset, path)
    assert [figures[name] for name in counts] == [1, 1, 1, 1]
    assert own_positives_told(figures).startswith(f"{counted}; the model was trained on those of train, so that")
    figures = evaluate_own_lists(trained, dataset, lists_at(path, [("a", 3, ["i4", "i9"])]))
    assert own_positives_told(figures).splitlines() == [
        "the positives by their split of the dataset: train 0, valid 0, test 1",
        "lists of at most ten candidates, where HR@10 is 1 for any model: 1",
    ]


@pytest.mark.parametrize("excluded", [False, True])
def test_negatives_that_were_taken_before_are_counted_where_nothing_is_recommended_twice(
    world: tuple, tmp_path: Path, excluded: bool
) -> None:
    checkpoint, dataset = world
    checkpoint = replace(checkpoint, description={**checkpoint.description, "exclude_seen": excluded})
    rows = [
        ("a", 3, ["i4", "i1", "i2", "i9"]),  # two taken
        ("a", 1, ["i2", "i3", "i1"]),  # i3 comes later, i1 came before
        ("b", 4, ["i7", *(f"i{number}" for number in range(12) if number not in (5, 7))]),  # i6 taken; eleven
    ]
    figures = evaluate_own_lists(checkpoint, dataset, lists_at(tmp_path / "lists.parquet", rows))
    assert figures["short_lists"] == 2
    assert figures.get("taken_negatives") == (4 if excluded else None)
    told = own_positives_told(figures)
    assert ("would not recommend: 4; leave them out" in told) == excluded
    assert "where HR@10 is 1 for any model: 2" in told
