"""What a user has taken: counted over the whole history, and never after the moment that is asked for."""

from __future__ import annotations

import numpy as np

from surge.data.instances import EncodedLog, Instances
from surge.data.seen_items import SeenItems

ITEMS = 8


def log_of(histories: list[list[int]]) -> EncodedLog:
    items = np.array([item for history in histories for item in history], dtype=np.int64)
    return EncodedLog(items, np.arange(len(items)), np.cumsum([0, *map(len, histories)]))


def test_by_hand() -> None:
    taken = SeenItems(log_of([[3, 1, 3, 2], [1, 2]]), ITEMS)
    moments = Instances(np.array([0, 0, 0, 1, 1]), np.array([1, 2, 3, 4, 5]))
    asked = np.tile([1, 2, 3], (5, 1))
    assert taken.before(moments, asked).tolist() == [
        [False, False, True],
        [True, False, True],
        [True, False, True],
        [False, False, False],  # the second user's first moment: what the first user took is nothing to them
        [True, False, False],
    ]
