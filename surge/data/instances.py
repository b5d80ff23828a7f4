"""Instances: a log as flat arrays, and positives by their place in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from surge.data.history import Histories, window_start
from surge.data.layout import SPLITS

if TYPE_CHECKING:
    from surge.data.dataset import Dataset


@dataclass(frozen=True)
class Unknown:
    """Interactions with items that have no row: whose they are (k), their times (k), and their places (k) among all
    interactions of that user."""

    user: np.ndarray
    timestamps: np.ndarray
    place: np.ndarray

    def __len__(self) -> int:
        return len(self.user)


NOTHING = Unknown(*(np.empty(0, dtype=np.int64) for _ in range(3)))


@dataclass(frozen=True)
class EncodedLog:
    """All interactions as embedding rows, user after user in time order.

    items (N,) rows; timestamps (N,); offsets (users + 1,): user u has the rows offsets[u]:offsets[u + 1].
    `unknown`: what is left out because its item has no row. A split is cut on the whole log all the same: `place` (N,)
    counts each interaction among all of its user's (None where none is left out). `own`: which split each of all
    interactions belongs to, as a place in SPLITS, where the log says so itself.
    """

    items: np.ndarray
    timestamps: np.ndarray
    offsets: np.ndarray
    unknown: Unknown = NOTHING
    place: np.ndarray | None = None
    own: np.ndarray | None = None

    @property
    def user(self) -> np.ndarray:
        """Whose each interaction is (N,)."""
        return np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))

    @property
    def places(self) -> np.ndarray:
        """The place of each interaction among all of its user's, known or not (N,)."""
        return np.arange(len(self.items)) - self.offsets[self.user] if self.place is None else self.place

    def item_counts(self, instances: Instances, item_count: int) -> np.ndarray:
        """How often each of so many items is one of these positives (items,)."""
        return np.bincount(self.items[instances.position], minlength=item_count)

    def histories(self, instances: Instances, longest: int, now: np.ndarray | None = None) -> Histories:
        """All that was taken before each positive, of which a model reads the last `longest`; asked for at the time of
        the positive, or `now` (k,)."""
        first, last = self.offsets[instances.user], instances.position
        now = self.timestamps[last] if now is None else now
        return Histories(
            self.items, self.timestamps, first, window_start(first, last, longest), last, now, instances.user
        )


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

    def last(self) -> Instances:
        """The last one of each user, in log order."""
        order = np.argsort(self.position, kind="stable")
        user = self.user[order]
        return self.take(order[np.append(user[1:] != user[:-1], True)] if len(user) else order)

    def sample(self, count: int | None, rng: np.random.Generator) -> Instances:
        """At most `count` of them, drawn without replacement, in log order (None: all)."""
        if count is None or count >= len(self):
            return self
        return self.take(np.sort(rng.choice(len(self), count, replace=False)))


def encode(dataset: Dataset, rows: Mapping[str, int], user: str | None = None) -> EncodedLog:
    """The log, or one user's part of it, as embedding rows; interactions with items that have no row are kept apart in
    `unknown`."""
    if user is None:
        frame, offsets = dataset.interactions, dataset.offsets
        own = {item: rows.get(item, -1) for item in frame["item"].unique().to_list()}
        row = frame["item"].replace_strict(own, return_dtype=pl.Int64).to_numpy()
    else:  # of a few interactions this is the faster way
        frame = dataset.history(user)
        offsets, row = np.array([0, len(frame)]), np.array([rows.get(item, -1) for item in frame["item"].to_list()])
    timestamps = frame["timestamp"].to_numpy()
    lengths = np.diff(offsets)
    owner = np.repeat(np.arange(len(lengths)), lengths)
    place = np.arange(len(row)) - offsets[owner]
    known = row >= 0
    counts = np.bincount(owner[known], minlength=len(lengths))
    return EncodedLog(
        items=row[known],
        timestamps=timestamps[known],
        offsets=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        unknown=Unknown(owner[~known], timestamps[~known], place[~known]),
        place=None if known.all() else place[known],
        own=frame["split"].replace_strict(list(SPLITS), [0, 1, 2], return_dtype=pl.Int64).to_numpy()
        if dataset.description.get("split", {}).get("method") == "own"
        else None,
    )
