"""What the tests of logs look at in a dataset."""

from __future__ import annotations

from surge.data.dataset import Dataset


def rows(dataset: Dataset) -> list[tuple]:
    """User, item and time of each interaction."""
    return dataset.interactions.select("user", "item", "timestamp").rows()


def notes(dataset: Dataset) -> str:
    """What its preparation told, a line each."""
    return "\n".join(dataset.description["preparation"]["notes"])
