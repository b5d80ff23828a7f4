"""The record before the edits: what is gone, and where it stood."""

from __future__ import annotations

import random

import pytest

from surge.pictures.edit_context import Before, Staged
from tests.records import make_explanation


def before(items: int, *origin: int | None) -> Before:
    return Before(make_explanation(items=items), origin)


@pytest.mark.parametrize(
    ("items", "origin", "removed", "timeline"),
    [
        (3, (0, 1, 2), (), [(0, 0), (1, 1), (2, 2)]),
        (3, (0, 2), (1,), [(0, 0), (None, 1), (1, 2)]),
        (4, (2,), (0, 1, 3), [(None, 0), (None, 1), (0, 2), (None, 3)]),
        (2, (0, None, 1, None), (), [(0, 0), (1, None), (2, 1), (3, None)]),
        # moved: what is gone follows the item that stood before it, wherever that one is now
        (4, (3, 0, 2), (1,), [(0, 3), (1, 0), (None, 1), (2, 2)]),
        # nothing is left of what was: what is gone comes first, in its order
        (2, (None,), (0, 1), [(None, 0), (None, 1), (0, None)]),
        # gone at the start stands before a new item there
        (2, (None, 1), (0,), [(None, 0), (0, None), (1, 1)]),
        # a new item right after a kept one comes after what is gone there
        (2, (0, None), (1,), [(0, 0), (None, 1), (1, None)]),
    ],
)
def test_removed_and_timeline(items: int, origin: tuple, removed: tuple, timeline: list) -> None:
    earlier = before(items, *origin)
    assert earlier.removed == removed
    assert earlier.timeline() == timeline


def test_every_item_is_in_the_timeline_once() -> None:
    chance = random.Random(3)
    for _ in range(50):
        kept: list[int | None] = list(range(10))
        chance.shuffle(kept)
        origin = [*kept[: chance.randrange(11)], *[None] * chance.randrange(4)]
        chance.shuffle(origin)
        timeline = before(10, *origin).timeline()
        assert [now for now, _ in timeline if now is not None] == list(range(len(origin)))
        assert sorted(old for _, old in timeline if old is not None) == list(range(10))
        assert all(old == origin[now] for now, old in timeline if now is not None)
        places = {old: place for place, (_, old) in enumerate(timeline)}
        for old in set(range(1, 10)) - set(origin):
            assert places[old] == places[old - 1] + 1  # right after the one that stood before it
        assert 0 in origin or places[0] == 0


def test_nothing_is_staged_until_something_is() -> None:
    assert Staged().empty
    assert not Staged(removed=frozenset({1})).empty
    assert not Staged(moved=frozenset({1})).empty
    assert not Staged(added=((-1, "New"),)).empty
