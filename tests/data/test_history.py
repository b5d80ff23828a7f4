"""Histories: their windows, what was taken, and edits, each against lists worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surge.data.history import NOBODY, Histories, History
from surge.data.instances import EncodedLog, Instances
from surge.data.seen_items import SeenItems

ITEMS = 8
Event = tuple[int, int]  # an item and its time
USERS = st.lists(
    st.lists(st.tuples(st.integers(0, ITEMS - 1), st.integers(0, 99)), min_size=2, max_size=9), min_size=1, max_size=5
).map(lambda users: [sorted(user, key=lambda event: event[1]) for user in users])


def log_of(users: list[list[Event]]) -> EncodedLog:
    """The log of one user after another."""
    flat = np.array([event for user in users for event in user], dtype=np.int64).reshape(-1, 2)
    return EncodedLog(flat[:, 0], flat[:, 1], np.cumsum([0, *map(len, users)]))


def every_instance(log: EncodedLog) -> Instances:
    """All interactions but each user's first."""
    place = np.flatnonzero(log.places > 0)
    return Instances(log.user[place], place)


# -- many and one -------------------------------------------------------------------------------------


def test_windows_are_the_last_items_padded_on_the_right() -> None:
    log = log_of([[(6, 1), (5, 2), (4, 3), (3, 4), (2, 5)], [(1, 1), (7, 2)]])
    rows, mask, times = log.histories(Instances(np.array([0, 1, 0]), np.array([4, 6, 1])), longest=3).windows()
    assert rows.tolist() == [[5, 4, 3], [1, 0, 0], [6, 0, 0]]
    assert mask.tolist() == [[True, True, True], [True, False, False], [True, False, False]]
    assert times.tolist() == [[2, 3, 4], [1, 1, 1], [1, 1, 1]]  # padding: the window's last time
    assert times.dtype == np.int64  # of today they keep their seconds


def test_windows_are_no_wider_than_the_longest_of_them() -> None:
    log = log_of([[(3, 1), (1, 2), (2, 3)]])
    rows, mask, _ = log.histories(Instances(np.array([0]), np.array([2])), longest=50).windows()
    assert rows.tolist() == [[3, 1]] and mask.all()
    none = log.histories(Instances(np.array([], dtype=int), np.array([], dtype=int)), longest=5)
    assert len(none) == 0 and all(part.shape == (0, 1) for part in none.windows())


@given(USERS, st.integers(1, 6))
def test_one_history_and_the_batch_are_what_the_log_says(users: list[list[Event]], longest: int) -> None:
    """Window, moment and all that was taken: of the columns, of each history alone, and of those put together again."""
    log = log_of(users)
    instances = every_instance(log)
    many = log.histories(instances, longest)
    ones = [many[place] for place in range(len(many))]
    rows, mask, times = many.windows()
    for again, column in zip(Histories.of(ones).windows(), (rows, mask, times), strict=True):
        np.testing.assert_array_equal(again, column)
    taken = SeenItems(log, ITEMS)
    before = taken.before(instances, np.tile(np.arange(ITEMS), (len(instances), 1)))
    for place, one in enumerate(ones):
        user = int(instances.user[place])
        step = int(instances.position[place] - log.offsets[user])
        earlier, (positive, now) = users[user][:step], users[user][step]
        window = earlier[-longest:]
        assert one.taken.tolist() == [item for item, _ in earlier]
        assert one.rows.tolist() == rows[place][mask[place]].tolist() == [item for item, _ in window]
        assert mask[place].tolist() == [at < len(window) for at in range(mask.shape[1])]
        assert times[place].tolist() == [time for _, time in window] + [window[-1][1]] * int((~mask[place]).sum())
        assert one.ages.tolist() == [now - time for _, time in window]
        assert (one.now, one.owner, one.whose, len(one)) == (now, user, "user", len(window))
        assert many.now[place] == now and many.owner[place] == user and many.lengths[place] == len(window)
        # a negative, a candidate and what was taken: one answer, of the whole history
        assert np.flatnonzero(before[place]).tolist() == sorted(set(one.taken.tolist()))
        assert taken.left(instances)[place] == ITEMS - len({*one.taken.tolist(), positive})


@given(USERS, st.integers(1, 6), st.data())
def test_padding_changes_nothing(users: list[list[Event]], longest: int, data: st.DataObject) -> None:
    """A history says the same alone, in any company and in any order."""
    log = log_of(users)
    many = log.histories(every_instance(log), longest)
    rows, mask, times = many.windows()
    index = np.array(data.draw(st.lists(st.integers(0, len(many) - 1), min_size=1)))
    others = many.take(index)
    for place, there in enumerate(index.tolist()):
        alone = many.take(np.array([there])).windows()
        company = others.windows()
        here = company[1][place]
        for whole, lone, part in zip((rows, mask, times), alone, company, strict=True):
            assert lone[0].tolist() == whole[there][mask[there]].tolist() == part[place][here].tolist()
        assert (rows[there][~mask[there]] == 0).all()
        assert others[place].key == many[there].key


def test_what_is_made_up_has_neither_a_time_nor_an_owner() -> None:
    one = History.made_up([3, 1])
    assert one.rows.tolist() == one.taken.tolist() == [3, 1] and one.rows.dtype == np.int64
    assert np.isnan(one.ages).all() and (one.now, one.owner, one.whose) == (None, NOBODY, "made-up")
    many = Histories.of([one, History(np.array([5]), np.array([60]), now=100)])
    assert np.isnan(many.now).tolist() == [True, False] and np.isnan(many.windows()[2]).tolist() == [
        [True] * 2,
        [False] * 2,
    ]
    assert many[0].now is None and many[1].ages.tolist() == [40]
    assert len(History.made_up()) == 0


def test_a_key_tells_what_is_read_and_not_what_came_before() -> None:
    taken, times = np.array([4, 3, 1]), np.array([0, 10, 20])
    one = History(taken, times, start=1, now=30)
    assert one.key == History(np.array([9, 9, 3, 1]), np.array([0, 0, 10, 20]), start=2, now=30).key
    others = [
        History(taken, times, start=1, now=31),
        History(taken, times, start=1),
        History(taken, times, start=0, now=30),
        History(np.array([4, 1, 3]), times, start=1, now=30),
    ]
    assert len({one.key, *(other.key for other in others)}) == 5


def test_nothing_was_taken_after_the_moment_it_is_asked_for() -> None:
    assert History(np.array([1, 2]), np.array([5, 50]), now=20).ages.tolist() == [15, 0]


# -- prefixes and edits -------------------------------------------------------------------------------


def test_a_prefix_is_asked_for_the_item_that_came_then() -> None:
    one = History(np.array([9, 3, 1, 4]), np.array([0, 10, 30, 70]), start=1, now=100, owner=5)
    for length, ages in ((1, [20]), (2, [60, 40]), (3, [90, 70, 30])):
        prefix = one.prefix(length)
        assert prefix.rows.tolist() == [3, 1, 4][:length] and prefix.ages.tolist() == ages
        assert prefix.taken[0] == 9 and (prefix.owner, prefix.whose) == (5, "user")
    assert one.prefix(3).key == one.key
    assert np.isnan(History(one.taken, one.times, start=1).prefix(2).ages).all()


@pytest.mark.parametrize(
    ("places", "new", "rows", "ages"),
    [
        ([0, 1, 2], [], [3, 1, 4], [90, 70, 30]),
        ([2, 0], [], [4, 3], [90, 30]),  # the place of the first item stays the older one
        ([3, 1, 4], [8, 7], [8, 1, 7], [70, 70, 70]),
        ([0, 3, 2], [8], [3, 8, 4], [90, 90, 30]),
        ([3], [8], [8], [np.nan]),
    ],
)
def test_edits_by_hand(places: list[int], new: list[int], rows: list[int], ages: list[float]) -> None:
    one = History(np.array([9, 3, 1, 4]), np.array([0, 10, 30, 70]), start=1, now=100, owner=5)
    changed = one.edit(np.array(places), new)
    assert changed.rows.tolist() == rows and changed.taken.tolist() == [9, *rows]
    np.testing.assert_array_equal(changed.ages, ages)
    assert (changed.owner, changed.now, changed.whose) == (5, 100, "changed")
    assert History.made_up([1, 2]).edit(np.array([1])).whose == "made-up"


def test_nothing_may_be_left_and_nothing_may_have_been_there() -> None:
    one = History(np.array([9, 3]), np.array([0, 10]), start=1, now=100)
    nothing = one.edit(np.array([], dtype=np.int64))
    assert len(nothing) == 0 and nothing.taken.tolist() == [9] and nothing.key == b""
    assert History.made_up().edit(np.array([0, 0, 1]), [4, 2]).rows.tolist() == [4, 4, 2]


@given(USERS.map(lambda users: users[0]), st.integers(1, 6), st.lists(st.integers(0, ITEMS - 1), max_size=4), st.data())
def test_edits_against_lists(events: list[Event], longest: int, new: list[int], data: st.DataObject) -> None:
    log = log_of([events])
    one = log.histories(Instances(np.array([0]), np.array([len(events) - 1])), longest)[0]
    earlier, window, now = events[: one.start], events[one.start : -1], events[-1][1]
    places = data.draw(st.lists(st.integers(0, len(window) + len(new) - 1), min_size=1, max_size=9, unique=True))
    changed = one.edit(np.array(places), new, longest)

    plan: list[tuple[int, int | None]] = [[*window, *((row, None) for row in new)][place] for place in places]
    read = plan[-longest:]
    assert changed.taken.tolist() == [item for item, _ in [*earlier, *plan]]
    assert changed.rows.tolist() == [item for item, _ in read]
    waiting = sorted(time for _, time in read if time is not None)
    if not waiting:
        assert np.isnan(changed.ages).all()
        return
    time, ages = waiting[0], []
    for _, own in read:
        time = time if own is None else waiting.pop(0)
        ages.append(now - time)
    assert changed.ages.tolist() == ages
    # what is left out of what was changed leaves the rest as it is
    kept = np.array(data.draw(st.lists(st.integers(0, len(read) - 1), unique=True).map(sorted)), dtype=np.int64)
    left = changed.edit(kept)
    assert left.rows.tolist() == changed.rows[kept].tolist() and left.ages.tolist() == changed.ages[kept].tolist()
    assert left.taken.tolist() == [*changed.taken[: changed.start].tolist(), *left.rows.tolist()]
