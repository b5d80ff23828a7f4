"""One history: all that a user took up to a moment, and the window of it that a model reads; and many, in columns."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

Array = np.ndarray
Whose = Literal["user", "changed", "made-up"]
NOBODY = -1  # in place of a user of the dataset


@dataclass(frozen=True, eq=False)
class History:
    """All that a user took up to a moment, oldest first; its end, from `start`, is the window that a model reads.

    taken (t,): embedding rows; times (t,): when each was taken, in unix seconds, NaN where that is not known. `now`:
    the time at which the next item is asked for, None where that is not known, or the model doesn't ask. `owner`: the
    user's place in the dataset. `whose`: whether this is the user's own history, was changed, or is made up.
    """

    taken: Array
    times: Array
    start: int = 0
    now: float | None = None
    owner: int = NOBODY
    whose: Whose = "user"

    @classmethod
    def made_up(cls, rows: Sequence[int] | Array = ()) -> History:
        """Items that nobody took, at no time."""
        return cls(np.asarray(rows, dtype=np.int64), np.full(len(rows), np.nan), whose="made-up")

    def __len__(self) -> int:
        """How many items the model reads."""
        return len(self.taken) - self.start

    @property
    def rows(self) -> Array:
        """What the model reads (n,)."""
        return self.taken[self.start :]

    @cached_property
    def ages(self) -> Array:
        """How long before now each of these was taken (n,): float64 seconds, NaN where that is not known."""
        return np.maximum((np.nan if self.now is None else self.now) - self.times[self.start :], 0.0)

    @cached_property
    def key(self) -> bytes:
        """Tells apart what a model reads: histories of one key have one score."""
        return self.rows.tobytes() + self.ages.tobytes()

    def prefix(self, length: int) -> History:
        """The first `length` items of the window, asked for the item that came then."""
        stop = self.start + length
        now = self.times[stop] if self.now is not None and length < len(self) else self.now
        return History(self.taken[:stop], self.times[:stop], self.start, now, self.owner, self.whose)

    def edit(self, places: Array, new: Sequence[int] = (), longest: int = sys.maxsize) -> History:
        """The items at these places of the window in its place; places after its end are those of `new` rows. The last
        `longest` are read; the others come after what was taken before the window, which stays taken.

        Items change places in time, too: the known times of those that are read stay in order, whatever the order of
        the items, and a new item has the time of the one before it (the first: after it).
        """
        rows = np.concatenate([self.rows, np.asarray(new, dtype=np.int64)])[places]
        times = np.concatenate([self.times[self.start :], np.full(len(new), np.nan)])[places]
        begin = int(window_start(0, len(rows), longest))
        taken = np.concatenate([self.taken[: self.start], rows])
        times = np.concatenate([self.times[: self.start], times[:begin], _in_order(times[begin:])])
        whose: Whose = "made-up" if self.whose == "made-up" else "changed"
        return History(taken, times, self.start + begin, self.now, self.owner, whose)


def _in_order(times: Array) -> Array:
    """The known times (n,) in order, and each place without one at that of the place before it, or the first."""
    known = np.flatnonzero(~np.isnan(times))
    if not len(known):
        return times
    return np.sort(times[known])[np.maximum(np.searchsorted(known, np.arange(len(times)), side="right") - 1, 0)]


def window_start(first: Array | int, last: Array | int, longest: int) -> Array:
    """Where the window of a history begins that lies from `first` to `last` of a log: it holds `longest` items, or as
    many as there are."""
    return np.maximum(np.subtract(last, longest), first)


@dataclass(frozen=True, eq=False)
class Histories:
    """k histories in columns, each a stretch of taken (N,) and times (N,): from `first` to `last` (k,), its window from
    `start` (k,); now (k,), NaN where not known, and owner (k,) are as in a History."""

    taken: Array
    times: Array
    first: Array
    start: Array
    last: Array
    now: Array
    owner: Array

    @classmethod
    def of(cls, histories: Sequence[History]) -> Histories:
        """Histories of any kind."""
        taken = np.concatenate([one.taken for one in histories])
        times = np.concatenate([one.times for one in histories])
        counts, starts, owner = np.array([(len(one.taken), one.start, one.owner) for one in histories]).T
        now = np.array([np.nan if one.now is None else one.now for one in histories])
        last = np.cumsum(counts)
        return cls(taken, times, last - counts, last - counts + starts, last, now, owner)

    def __len__(self) -> int:
        return len(self.first)

    def __getitem__(self, place: int) -> History:
        first, start, last, now, owner = (column[place].item() for column in self._columns)
        stretch = slice(first, last)
        return History(self.taken[stretch], self.times[stretch], start - first, None if np.isnan(now) else now, owner)

    def take(self, index: Array) -> Histories:
        """The histories at these places."""
        return Histories(self.taken, self.times, *(column[index] for column in self._columns))

    @property
    def _columns(self) -> tuple[Array, ...]:
        return self.first, self.start, self.last, self.now, self.owner

    @property
    def lengths(self) -> Array:
        """How many items of each a model reads (k,)."""
        return self.last - self.start

    def windows(self) -> tuple[Array, Array, Array]:
        """What a model reads, as rows, mask and times (k, n), padded on the right.

        Padding has row 0, and the time of the window's last item, so that nothing seems to have happened in 1970.
        """
        lengths = self.lengths[:, None]
        steps = np.arange(int(lengths.max(initial=1)))
        mask = steps < lengths
        index = self.start[:, None] + np.minimum(steps, lengths - 1)
        return np.where(mask, self.taken[index], 0), mask, self.times[index]
