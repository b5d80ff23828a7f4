"""Stories told by real measurements on a small model with random weights, whose titles would all do harm as HTML."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import polars as pl

from surge.checkpoint import Checkpoint
from surge.data.dataset import Dataset
from surge.explanation.compose import explained_story
from surge.explanation.story import Story
from tests.explanation.worlds import make_checkpoint, make_dataset
from tests.pictures.hostile import HOSTILE

USER = "eve</title><script>alert(2)</script>"
ITEMS = 40
READ = [f"i{row}" for row in (3, 1, 4, 0, 5, 9, 2, 6, 8, 7, 4, 12)]
FOLLOWED = "i11"


@cache
def hostile_world() -> tuple[Checkpoint, Dataset]:
    """A checkpoint and a dataset; every title and every second category is hostile, and so is the user's name."""
    checkpoint = make_checkpoint(count=ITEMS, clusters=(5,), heads=2)
    items = checkpoint.items.with_columns(
        title=pl.Series([HOSTILE[row % len(HOSTILE)] for row in range(ITEMS)]),
        category=pl.Series([HOSTILE[row % 7] if row % 2 else f"shelf {row % 5}" for row in range(ITEMS)]),
    )
    history = [*READ, FOLLOWED]
    truth = [HOSTILE[row % 3] for row in range(len(history))]
    dataset = make_dataset({USER: history, "one": ["i1", "i2"]}, items, {USER: truth, "one": ["a", "b"]})
    return replace(checkpoint, items=items), dataset


@cache
def hostile_story() -> Story:
    """Everything that can be told of that user, by real measurements."""
    return explained_story(*hostile_world(), USER)
