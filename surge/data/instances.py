"""Instances: a log as flat arrays, and which positives belong to training, validation and test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from surge.data.store import Dataset
from surge.errors import SurgeError

SPLITS = ("train", "valid", "test")


@dataclass(frozen=True)
class EncodedLog:
    """All interactions as embedding rows, user after user in time order.

    items (N,) rows; timestamps (N,); offsets (users + 1,): user u has the rows offsets[u]:offsets[u + 1].
    `unknown` counts interactions left out because their item has no row.
    """

    items: np.ndarray
    timestamps: np.ndarray
    offsets: np.ndarray
    unknown: int


@dataclass(frozen=True)
class Instances:
    """Positives by their index in the log, and each one's user; the history is all before it in the log."""

    user: np.ndarray
    position: np.ndarray

    def __len__(self) -> int:
        return len(self.position)

    def take(self, index: np.ndarray) -> Instances:
        """The instances at these places."""
        return Instances(self.user[index], self.position[index])

    def sample(self, count: int | None, rng: np.random.Generator) -> Instances:
        """At most `count` of them, drawn without replacement, in log order (None: all)."""
        if count is None or count >= len(self):
            return self
        return self.take(np.sort(rng.choice(len(self), count, replace=False)))


def encode(dataset: Dataset, rows: Mapping[str, int]) -> EncodedLog:
    """The log as embedding rows; interactions with items that have no row are left out and counted."""
    table = pl.DataFrame({"item": list(rows), "row": np.fromiter(rows.values(), dtype=np.int64, count=len(rows))})
    users = pl.DataFrame({"user": dataset.users, "user_row": np.arange(len(dataset.users))})
    joined = (
        dataset.interactions.select("user", "item", "timestamp")
        .join(table, on="item", how="left", maintain_order="left")
        .join(users, on="user", how="left", maintain_order="left")
    )
    known = joined.filter(pl.col("row").is_not_null())
    counts = np.bincount(known["user_row"].to_numpy(), minlength=len(dataset.users))
    return EncodedLog(
        items=known["row"].to_numpy().astype(np.int64),
        timestamps=known["timestamp"].to_numpy(),
        offsets=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        unknown=joined.height - known.height,
    )


def time_period(timestamps: np.ndarray, split: Mapping[str, object]) -> np.ndarray:
    """0, 1 or 2 (train, valid, test) of times under {"method": "time", "valid_start", "test_start"}."""
    bounds = [int(split["valid_start"]), int(split["test_start"])]  # type: ignore[call-overload]
    return np.searchsorted(bounds, timestamps, side="right")


def split_instances(log: EncodedLog, split: Mapping[str, object]) -> dict[str, Instances]:
    """Every interaction with at least one before it is an instance of exactly one split.

    {"method": "time", "valid_start", "test_start"}: by its own time, the history may lie in any period.
    {"method": "leave-last"}: a user's last is test, the one before it validation, the rest training.
    """
    lengths = np.diff(log.offsets)
    user = np.repeat(np.arange(len(lengths)), lengths)
    place = np.arange(len(log.items)) - log.offsets[user]
    if split.get("method") == "time":
        period = time_period(log.timestamps, split)
    elif split.get("method") == "leave-last":
        period = np.clip(3 - (lengths[user] - place), 0, 2)
    else:
        raise SurgeError(
            f"The dataset's split is {split.get('method')!r}; it must be 'time' or 'leave-last': prepare it again."
        )
    return {
        name: Instances(user[chosen], np.flatnonzero(chosen))
        for index, name in enumerate(SPLITS)
        for chosen in [(period == index) & (place > 0)]
    }


def histories(log: EncodedLog, instances: Instances, longest: int) -> tuple[np.ndarray, np.ndarray]:
    """The last `longest` items before each positive, as rows and mask (k, n), padded on the right with row 0."""
    length = np.minimum(instances.position - log.offsets[instances.user], longest)
    steps = np.arange(int(length.max(initial=1)))
    mask = steps < length[:, None]
    index = np.where(mask, (instances.position - length)[:, None] + steps, 0)
    return np.where(mask, log.items[index], 0), mask
