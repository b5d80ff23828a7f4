"""Which interactions are for training, validation and test: where a log is cut, and the instances of each part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from surge.data.instances import EncodedLog, Instances
from surge.data.layout import SPLITS
from surge.errors import SurgeError

VALID_SHARE = 0.1
TEST_SHARE = 0.1


def time_split(timestamps: pl.Series, valid_start: int | None = None, test_start: int | None = None) -> dict[str, Any]:
    """Boundaries in unix seconds; an interaction is test from test_start on, validation from valid_start on.

    Without given boundaries about a tenth of the interactions falls into each of the two periods; a second is
    never cut in two. Raises SurgeError when a period would be empty.
    """
    first, last = int(timestamps.min()), int(timestamps.max())  # type: ignore[arg-type]
    if (valid_start is None) != (test_start is None):
        raise SurgeError("only one of --valid-start and --test-start is given; give both, or neither")
    if valid_start is None or test_start is None:
        ordered = timestamps.sort()
        last_row = len(ordered) - 1
        test_start = int(ordered[min(last_row, round(len(ordered) * (1 - TEST_SHARE)))])
        valid_start = int(ordered[min(last_row, round(len(ordered) * (1 - TEST_SHARE - VALID_SHARE)))])
        if not first < valid_start < test_start:
            raise SurgeError(
                f"the log has too few distinct times to cut it into three periods ({timestamps.n_unique()} in all); "
                "use --split leave-last"
            )
    elif not first < valid_start < test_start <= last:
        raise SurgeError(
            f"the periods are out of order: the log runs from {first} to {last} and is to be cut at {valid_start} "
            f"and {test_start} (unix seconds); give first < --valid-start < --test-start <= last"
        )
    split = {"method": "time", "valid_start": valid_start, "test_start": test_start}
    if not all(split_counts(timestamps.to_frame("timestamp"), split).values()):
        raise SurgeError("one of the periods has no interactions; give other --valid-start and --test-start")
    return split


def split_counts(interactions: pl.DataFrame, split: Mapping[str, Any]) -> dict[str, int]:
    """The interactions in each part, of a split by time or the log's own; empty for leave-last."""
    if split["method"] == "time":
        period = time_period(interactions["timestamp"].to_numpy(), split)
        return {name: int((period == place).sum()) for place, name in enumerate(SPLITS)}
    if split["method"] == "own":
        return {name: int((interactions["split"] == name).sum()) for name in SPLITS}
    return {}


def about_own_split(interactions: pl.DataFrame) -> list[str]:
    """Notes where a part of a split that the log says is empty, or stands in the history of an earlier part.

    `interactions`: by user, in the order in which they happened.
    """
    counts = split_counts(interactions, {"method": "own"})
    empty = [name for name, count in counts.items() if not count]
    notes = []
    if empty:
        notes.append(
            f"the log's own split has nothing for {' and '.join(empty)}, so that no model can be trained on it"
        )
    part = pl.col("split").replace_strict({name: place for place, name in enumerate(SPLITS)}, return_dtype=pl.Int8)
    earliest = part.cum_min(reverse=True).over("user")  # of it and all after it
    early = dict(interactions.filter(part > earliest)["split"].value_counts().rows())
    if early:
        shares = " and ".join(f"{early[name]:,} of {counts[name]:,} {name}" for name in SPLITS if name in early)
        notes.append(
            f"the log's own split is not in the order of time: {shares} interactions came before one of an earlier "
            "part, which has them in its history; what is to be predicted is seen in training, and figures are too good"
        )
    return notes


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
