"""Batches of a log: what each history holds, when, and whose it is."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from surge.data.history import Histories, History
from surge.data.instances import EncodedLog, Instances
from surge.errors import SurgeError
from surge.model.batches import in_parts, read_batch
from surge.model.surge import EMPTY, ItemSequences
from tests.model.small import small_model

# user 0 takes 3, 1, 4 at 10, 20, 30; user 1 takes 2, 5 at 100, 200
LOG = EncodedLog(np.array([3, 1, 4, 2, 5]), np.array([10, 20, 30, 100, 200]), np.array([0, 3, 5]))
POSITIVES = Instances(np.array([0, 0, 1]), np.array([1, 2, 4]))


def test_by_hand() -> None:
    history, context = read_batch(LOG.histories(POSITIVES, 50))
    assert history.items.tolist() == [[3, 0], [3, 1], [2, 0]]
    assert history.mask.tolist() == [[True, False], [True, True], [True, False]]
    assert context.users.tolist() == [0, 0, 1]
    assert context.times.tolist() == [[10, 10], [10, 20], [100, 100]]  # padding: the history's last time
    assert context.now.tolist() == [20, 30, 200]
    assert history.items.dtype == context.users.dtype == torch.int64
    assert context.times.dtype == context.now.dtype == torch.int64


def test_what_is_not_known_of_a_history_is_nan() -> None:
    """A history of the log beside one made up: either is read as it would be alone."""
    mixed = Histories.of([LOG.histories(POSITIVES, 50)[1], History.made_up([7])])
    history, context = read_batch(mixed)
    assert history.items.tolist() == [[3, 1], [7, 0]] and history.mask.tolist() == [[True, True], [True, False]]
    assert context.users.tolist() == [0, -1] and context.ages()[0].tolist() == [20, 10]
    assert context.ages()[1].isnan().all() and context.ages().dtype == torch.float64


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
        read_batch(LOG.histories(Instances(np.array([0, 1]), np.array([2, 3])), 5))
    with pytest.raises(SurgeError, match="without an item can't be read"):
        read_batch(LOG.histories(POSITIVES, 5).take(np.array([], dtype=np.int64)))


def test_a_batch_made_by_hand_is_refused_alike() -> None:
    """By a whole step of SURGE and by its graph alone."""
    model = small_model()
    history = ItemSequences(torch.tensor([[1, 2], [3, 0]]), torch.tensor([[True, True], [False, False]]))
    for ask in (lambda: model(history, torch.tensor([[4], [5]])), lambda: model.build_graph(history)):
        with pytest.raises(SurgeError, match=f"^{EMPTY}$"):
            ask()
