"""Instances: a log as flat arrays, and which positives belong to training, validation and test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from surge.data.history import Histories, window_start
from surge.data.store import SPLIT_WORDS, Dataset
from surge.errors import SurgeError

SPLITS = SPLIT_WORDS


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


def time_period(timestamps: np.ndarray, split: Mapping[str, object]) -> np.ndarray:
    """0, 1 or 2 (train, valid, test) of times under {"method": "time", "valid_start", "test_start"}."""
    bounds = [int(split["valid_start"]), int(split["test_start"])]  # type: ignore[call-overload]
    return np.searchsorted(bounds, timestamps, side="right")


def split_instances(log: EncodedLog, split: Mapping[str, object]) -> dict[str, Instances]:
    """Every known interaction with a known one before it is an instance of exactly one split.

    {"method": "time", "valid_start", "test_start"}: by its own time, the history may lie in any period.
    {"method": "leave-last"}: a user's last is test, the one before it validation, the rest training. The last is that
    of the whole log: where its item has no row, that user has no test instance. {"method": "own"}: as the log says of
    each interaction; the history is all before it, whatever that is for.
    """
    user = log.user
    first = np.arange(len(log.items)) == log.offsets[user]
    period = _periods(log, split, user, log.places, log.timestamps)
    return {
        name: Instances(user[chosen], np.flatnonzero(chosen))
        for index, name in enumerate(SPLITS)
        for chosen in [(period == index) & ~first]
    }


def last_of_each_user(log: EncodedLog, instances: Instances, split: Mapping[str, object], name: str) -> Instances:
    """Each user's last interaction in a split, of its `instances`, in log order; nobody's whose last one there is with
    an item that has no row."""
    order = np.argsort(instances.position, kind="stable")
    user = instances.user[order]
    last = instances.take(order[np.append(user[1:] != user[:-1], True)[: len(user)]])
    periods = _periods(log, split, log.unknown.user, log.unknown.place, log.unknown.timestamps)
    here = periods == SPLITS.index(name)
    unknown = np.full(len(log.offsets) - 1, -1)
    np.maximum.at(unknown, log.unknown.user[here], log.unknown.place[here])
    return last.take(np.flatnonzero(log.places[last.position] > unknown[last.user]))


@dataclass(frozen=True)
class Positives:
    """How many positives a split has on the whole log, a user's first interaction being none: `unknown` of them are
    of items that have no row, `without_history` of the others have no known item before them."""

    whole: int
    unknown: int
    without_history: int

    @property
    def left(self) -> int:
        """Those that can be predicted."""
        return self.whole - self.unknown - self.without_history


def count_positives(log: EncodedLog, split: Mapping[str, object]) -> dict[str, Positives]:
    """The positives of each split, and why some of them can't be predicted."""
    instances = split_instances(log, split)
    periods = _periods(log, split, log.unknown.user, log.unknown.place, log.unknown.timestamps)
    unknown = np.bincount(periods[log.unknown.place > 0], minlength=len(SPLITS))
    # each user's first known interaction, where others came before
    user, place = log.user, log.places
    begin = np.flatnonzero((np.arange(len(user)) == log.offsets[user]) & (place > 0))
    periods = _periods(log, split, user[begin], place[begin], log.timestamps[begin])
    without = np.bincount(periods, minlength=len(SPLITS))
    return {
        name: Positives(len(instances[name]) + int(missing) + int(bare), int(missing), int(bare))
        for name, missing, bare in zip(SPLITS, unknown, without, strict=True)
    }


def _periods(
    log: EncodedLog, split: Mapping[str, object], user: np.ndarray, place: np.ndarray, timestamps: np.ndarray
) -> np.ndarray:
    """0, 1 or 2 (train, valid, test) of interactions by their user, their place among all of that user's, and time."""
    if split.get("method") == "time":
        return time_period(timestamps, split)
    lengths = np.diff(log.offsets) + np.bincount(log.unknown.user, minlength=len(log.offsets) - 1)
    if split.get("method") == "own" and log.own is not None:
        return log.own[(np.cumsum(lengths) - lengths)[user] + place]
    if split.get("method") != "leave-last":
        raise SurgeError(
            f"The dataset's split is {split.get('method')!r}; it must be 'time', 'leave-last' or 'own', with a column "
            "'split': prepare it again."
        )
    return np.clip(3 - (lengths[user] - place), 0, 2)
