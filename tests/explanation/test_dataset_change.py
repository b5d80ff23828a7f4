"""How a dataset differs from what a checkpoint learned from: newer or other, and how much of it is unknown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from surge.checkpoint import Checkpoint
from surge.data.dataset import Dataset
from surge.explanation.dataset_change import dataset_change
from tests.explanation.worlds import make_checkpoint

KNOWN = pl.DataFrame({"item": ["a", "b"], "title": ["A", "B"], "category": ["x", "x"]})
DAY = 86_400
START = 1_760_000_000  # 2025-10-09


@pytest.fixture(scope="module")
def checkpoint() -> Checkpoint:
    return replace(make_checkpoint(2), folder=Path("september"), items=KNOWN)


def told(checkpoint: Checkpoint, **dataset: Any) -> Checkpoint:
    """The checkpoint that says this of its dataset."""
    return replace(checkpoint, description=checkpoint.description | {"dataset": dataset})


def log(rows: list[tuple[str, int]], digest: str = "new") -> Dataset:
    """A log of one user."""
    items = sorted({item for item, _ in rows})
    frame = pl.DataFrame(rows, schema={"item": pl.String, "timestamp": pl.Int64}, orient="row")
    catalogue = pl.DataFrame({"item": items, "title": items, "category": ["x"] * len(items)})
    return Dataset(Path("logs/october"), "shop", frame.with_columns(user=pl.lit("u")), catalogue, {}, digest)


def test_a_newer_log_says_by_how_much_and_what_is_unknown(checkpoint: Checkpoint) -> None:
    old = told(checkpoint, digest="old", time_range=[START - 90 * DAY, START])
    newer = log([("a", START - DAY), ("b", START), ("new", START + 1), ("a", START + 20 * DAY)])
    change = dataset_change(old, newer)
    assert change is not None and change.newer
    assert (change.items, change.unknown_items, change.interactions, change.unknown_interactions, change.later) == (
        3, 1, 4, 1, 2,
    )  # fmt: skip
    assert str(change) == (
        "Dataset 'october' is newer than checkpoint 'september': it goes on to 2025-10-29, and what the checkpoint "
        "learned from ended on 2025-10-09; 50.0 % of its interactions came after that. The model doesn't know 1 of its "
        "3 items; the interactions with them (25.0 %) are left out."
    )


def test_the_same_dataset_is_no_change_and_one_of_an_unknown_past_is_none_that_is_told(checkpoint: Checkpoint) -> None:
    rows = [("a", START), ("b", START + 1)]
    assert dataset_change(told(checkpoint, digest="new", time_range=[0, 1]), log(rows)) is None
    assert dataset_change(told(checkpoint), log(rows)) is None
    assert dataset_change(replace(checkpoint, description={}), log(rows)) is None


@pytest.mark.parametrize("span", [None, [START], "long", [START, "x"], [START, True], [START - 9, START + 1]])
def test_a_log_that_does_not_go_on_is_another_one(checkpoint: Checkpoint, span: object) -> None:
    """Neither where it ends at the same moment, nor where the checkpoint doesn't say when its own ended."""
    change = dataset_change(told(checkpoint, digest="old", time_range=span), log([("a", START), ("b", START + 1)]))
    assert change is not None and not change.newer
    assert str(change) == (
        "Checkpoint 'september' was trained on another dataset, or another version of this one. The model knows all of "
        "its 2 items."
    )


def test_places_in_a_log_without_times_are_no_dates(checkpoint: Checkpoint) -> None:
    change = dataset_change(told(checkpoint, digest="old", time_range=[0, 4]), log([("a", 4), ("b", 5)]))
    assert str(change).startswith(
        "Dataset 'october' is newer than checkpoint 'september': 50.0 % of its interactions came after that. The"
    )


def test_a_share_that_rounds_to_nothing_is_counted(checkpoint: Checkpoint) -> None:
    change = dataset_change(
        told(checkpoint, digest="old"), log([("a", START + step) for step in range(2999)] + [("z", 0)])
    )
    assert "1 of its 2 items; the interactions with them (1) are" in str(change)
