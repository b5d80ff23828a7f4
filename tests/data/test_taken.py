"""What a user has taken: counted over the whole history, and never after the moment that is asked for."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from surge.data.instances import EncodedLog, Instances
from surge.data.taken import Taken

ITEMS = 8


def log_of(histories: list[list[int]]) -> EncodedLog:
    items = np.array([item for history in histories for item in history], dtype=np.int64)
    return EncodedLog(items, np.arange(len(items)), np.cumsum([0, *map(len, histories)]))


def every_instance(log: EncodedLog) -> Instances:
    return Instances(log.user, np.arange(len(log.items)))


def test_by_hand() -> None:
    taken = Taken(log_of([[3, 1, 3, 2], [1, 2]]), ITEMS)
    moments = Instances(np.array([0, 0, 0, 1, 1]), np.array([1, 2, 3, 4, 5]))
    asked = np.tile([1, 2, 3], (5, 1))
    assert taken.before(moments, asked).tolist() == [
        [False, False, True],
        [True, False, True],
        [True, False, True],
        [False, False, False],  # the second user's first moment: what the first user took is nothing to them
        [True, False, False],
    ]


@given(st.lists(st.lists(st.integers(0, ITEMS - 1), min_size=1, max_size=12), min_size=1, max_size=6))
@settings(max_examples=60)
def test_against_sets(histories: list[list[int]]) -> None:
    log = log_of(histories)
    taken, instances = Taken(log, ITEMS), every_instance(log)
    before = taken.before(instances, np.tile(np.arange(ITEMS), (len(instances), 1)))
    for place, (user, position) in enumerate(zip(instances.user, instances.position, strict=True)):
        known = set(log.items[log.offsets[user] : position].tolist())
        assert set(np.flatnonzero(before[place]).tolist()) == known
        assert taken.left(instances)[place] == ITEMS - len(known | {log.items[position]})
