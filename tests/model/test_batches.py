"""Batches of a log: what each history holds, when, and whose it is."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from surge.data.instances import EncodedLog, Instances
from surge.errors import SurgeError
from surge.model.batches import in_parts, read_batch, read_events
from surge.model.surge import EMPTY, ItemSequences
from tests.model.small import small_model

# user 0 takes 3, 1, 4 at 10, 20, 30; user 1 takes 2, 5 at 100, 200
LOG = EncodedLog(np.array([3, 1, 4, 2, 5]), np.array([10, 20, 30, 100, 200]), np.array([0, 3, 5]))
POSITIVES = Instances(np.array([0, 0, 1]), np.array([1, 2, 4]))


def test_by_hand() -> None:
    history, context = read_batch(LOG, POSITIVES, 50)
    assert history.items.tolist() == [[3, 0], [3, 1], [2, 0]]
    assert history.mask.tolist() == [[True, False], [True, True], [True, False]]
    assert context.users.tolist() == [0, 0, 1]
    assert context.times.tolist() == [[10, 10], [10, 20], [100, 100]]  # padding: the history's last time
    assert context.now.tolist() == [20, 30, 200]
    assert history.items.dtype == context.users.dtype == torch.int64
    assert context.times.dtype == context.now.dtype == torch.int64


@pytest.mark.parametrize(("longest", "items", "times"), [(1, [[1], [2]], [[20], [100]]), (2, [[3, 1], [2, 0]], None)])
def test_the_last_items_stay_where_a_history_is_cut(
    longest: int, items: list[list[int]], times: list[list[int]] | None
) -> None:
    history, context = read_batch(LOG, POSITIVES.take(np.array([1, 2])), longest)
    assert history.items.tolist() == items
    assert context.times.tolist() == (times or [[10, 20], [100, 100]])
    assert context.now.tolist() == [30, 200]  # the cut changes what came before, not when it is asked


def test_times_of_today_keep_their_seconds() -> None:
    log = EncodedLog(np.array([0, 1]), np.array([1_772_409_601, 1_772_409_603]), np.array([0, 2]))
    _, context = read_batch(log, Instances(np.array([0]), np.array([1])), 5)
    assert (context.now[0] - context.times[0, 0]).item() == 2


@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, 9), st.integers(0, 99)), min_size=2, max_size=9), min_size=1, max_size=5
    ),
    st.integers(1, 6),
)
def test_every_row_is_what_the_log_says(users: list[list[tuple[int, int]]], longest: int) -> None:
    users = [sorted(user, key=lambda pair: pair[1]) for user in users]
    flat = [pair for user in users for pair in user]
    offsets = np.cumsum([0, *map(len, users)])
    log = EncodedLog(np.array([p[0] for p in flat]), np.array([p[1] for p in flat]), offsets)
    places = [(user, place) for user, pairs in enumerate(users) for place in range(1, len(pairs))]
    instances = Instances(
        np.array([user for user, _ in places]), np.array([offsets[user] + place for user, place in places])
    )
    history, context = read_batch(log, instances, longest)
    assert history.items.shape == context.times.shape
    for row, (user, place) in enumerate(places):
        taken = users[user][max(0, place - longest) : place]
        mask = history.mask[row]
        assert mask.tolist() == [step < len(taken) for step in range(len(mask))]
        assert history.items[row][mask].tolist() == [item for item, _ in taken]
        assert context.times[row][mask].tolist() == [time for _, time in taken]
        assert set(context.times[row][~mask].tolist()) <= {taken[-1][1]}
        assert context.now[row] == users[user][place][1]


# -- histories made otherwise ---------------------------------------------------------------------------


def test_events_are_rows_and_ages() -> None:
    history, ages = read_events([((4, 9), (2, None), (7, 0)), ((3, 2**40),)])
    assert history.items.tolist() == [[4, 2, 7], [3, 0, 0]]
    assert history.mask.tolist() == [[True, True, True], [True, False, False]]
    assert ages.dtype == torch.float64
    assert ages.isnan().tolist() == [[False, True, False], [False, True, True]]
    assert ages[0, 0] == 9 and ages[0, 2] == 0 and ages[1, 0] == 2**40


def test_the_ages_of_a_log_are_those_of_its_events() -> None:
    history, context = read_batch(LOG, POSITIVES, 50)
    same, ages = read_events([[(3, 10)], [(3, 20), (1, 10)], [(2, 100)]])
    assert torch.equal(same.items, history.items) and torch.equal(same.mask, history.mask)
    assert torch.equal(ages[history.mask], context.ages()[history.mask].double())


class Room:
    """Work for which the memory holds `most` at once; `parts` is what was done."""

    def __init__(self, most: int, error: Exception | None = None) -> None:
        self.most, self.error = most, error or MemoryError()
        self.parts: list[tuple[int, int]] = []

    def __call__(self, start: int, stop: int) -> None:
        if stop - start > self.most:
            raise self.error
        self.parts.append((start, stop))


def test_parts_are_as_large_as_asked_for_and_cover_all() -> None:
    room, told = Room(99), []
    in_parts(10, lambda start: 4, room, told.append)
    assert room.parts == [(0, 4), (4, 8), (8, 10)] and told == [0.4, 0.8, 1.0]
    growing = Room(99)
    in_parts(7, lambda start: start + 1, growing)
    assert growing.parts == [(0, 1), (1, 3), (3, 7)]
    at_least_one = Room(99)
    in_parts(2, lambda start: 0, at_least_one)
    assert at_least_one.parts == [(0, 1), (1, 2)]
    in_parts(0, lambda start: 4, at_least_one)
    assert len(at_least_one.parts) == 2


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: 9 bytes")])
def test_where_memory_runs_out_less_is_done_at_once(error: Exception) -> None:
    room = Room(3, error)
    in_parts(11, lambda start: 8, room)
    assert room.parts == [(0, 2), (2, 4), (4, 6), (6, 8), (8, 10), (10, 11)]


def test_where_not_even_one_fits_a_sentence_says_so() -> None:
    with pytest.raises(SurgeError, match="not enough free memory to score even one item; close other programs"):
        in_parts(5, lambda start: 4, Room(0))


def test_other_errors_are_not_taken_for_a_lack_of_memory() -> None:
    with pytest.raises(RuntimeError, match="shapes"):
        in_parts(5, lambda start: 4, Room(0, RuntimeError("shapes don't fit")))


def test_a_positive_with_nothing_before_it_is_one_sentence() -> None:
    """For SURGE and the baselines alike: their softmaxes over nothing would be 0 / 0."""
    with pytest.raises(SurgeError, match="without an item can't be read"):
        read_batch(LOG, Instances(np.array([0, 1]), np.array([2, 3])), 5)


def test_a_batch_made_by_hand_is_refused_alike() -> None:
    """By a whole step of SURGE and by its graph alone."""
    model = small_model()
    history = ItemSequences(torch.tensor([[1, 2], [3, 0]]), torch.tensor([[True, True], [False, False]]))
    for ask in (lambda: model(history, torch.tensor([[4], [5]])), lambda: model.build_graph(history)):
        with pytest.raises(SurgeError, match=f"^{EMPTY}$"):
            ask()
