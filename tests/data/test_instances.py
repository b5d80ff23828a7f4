"""Instances: which positive belongs to which split, what its history is, and what has no embedding row."""

from __future__ import annotations

import numpy as np
import pytest

from surge.data.instances import EncodedLog, Instances, encode
from surge.data.splits import Positives, count_positives, last_of_each_user, split_instances
from surge.errors import SurgeError
from tests.training.toy import dataset_of

LEAVE_LAST = {"method": "leave-last"}


def log_of(*users: list[tuple[int, int]]) -> EncodedLog:
    """(item row, timestamp) pairs of each user."""
    flat = [pair for user in users for pair in user]
    return EncodedLog(
        items=np.array([item for item, _ in flat], dtype=np.int64),
        timestamps=np.array([time for _, time in flat], dtype=np.int64),
        offsets=np.cumsum([0, *(len(user) for user in users)]),
    )


def places(splits: dict[str, Instances]) -> dict[str, list[tuple[int, int]]]:
    """(user, position in the log) of all instances of each split."""
    return {
        name: list(zip(chosen.user.tolist(), chosen.position.tolist(), strict=True)) for name, chosen in splits.items()
    }


# -- encode -------------------------------------------------------------------------------------------


def test_encode_keeps_users_and_order() -> None:
    dataset = dataset_of({"b": [("x", 1), ("y", 2), ("x", 2)], "a": [("y", 5)]})
    log = encode(dataset, {"x": 7, "y": 3})
    assert log.items.tolist() == [3, 7, 3, 7]
    assert log.timestamps.tolist() == [5, 1, 2, 2]
    assert log.offsets.tolist() == [0, 1, 4]
    assert len(log.unknown) == 0
    assert log.items.dtype == log.offsets.dtype == np.int64


def test_encode_leaves_unknown_items_out_and_counts_them() -> None:
    dataset = dataset_of(
        {"a": [("x", 1), ("new", 2), ("y", 3)], "b": [("new", 1), ("newer", 2)], "c": [("y", 1), ("new", 9)]}
    )
    log = encode(dataset, {"y": 0, "x": 1, "never seen": 2})
    assert log.items.tolist() == [1, 0, 0]
    assert log.timestamps.tolist() == [1, 3, 1]
    assert log.offsets.tolist() == [0, 2, 2, 3]  # b keeps its place, with nothing in it
    assert len(log.unknown) == 4
    assert log.unknown.user.tolist() == [0, 1, 1, 2]
    assert log.unknown.place.tolist() == [1, 0, 1, 1]
    assert log.unknown.timestamps.tolist() == [2, 1, 2, 9]


def test_encode_of_nothing_known() -> None:
    log = encode(dataset_of({"a": [("x", 1), ("y", 2)]}), {"other": 0})
    assert log.offsets.tolist() == [0, 0]
    assert len(log.unknown) == 2
    assert places(split_instances(log, LEAVE_LAST)) == {"train": [], "valid": [], "test": []}


# -- split_instances ----------------------------------------------------------------------------------


def test_time_split_at_the_very_second() -> None:
    log = log_of([(0, 9), (1, 99), (2, 100), (3, 101), (4, 199), (5, 200), (6, 201)])
    splits = split_instances(log, {"method": "time", "valid_start": 100, "test_start": 200})
    assert places(splits) == {
        "train": [(0, 1)],  # the first interaction has no history
        "valid": [(0, 2), (0, 3), (0, 4)],
        "test": [(0, 5), (0, 6)],
    }


def test_time_split_goes_by_the_positive_and_not_by_its_history() -> None:
    # user 0 has all its history in training; user 1 begins in the test period
    log = log_of([(0, 1), (1, 2), (2, 250)], [(3, 300), (4, 300)])
    splits = split_instances(log, {"method": "time", "valid_start": 100, "test_start": 200})
    assert places(splits) == {"train": [(0, 1)], "valid": [], "test": [(0, 2), (1, 4)]}


def test_leave_last_with_one_two_three_and_four_interactions() -> None:
    log = log_of(
        [(0, 1)],
        [(0, 1), (1, 2)],
        [(0, 1), (1, 2), (2, 3)],
        [(0, 1), (1, 2), (2, 3), (3, 4)],
    )
    assert places(split_instances(log, LEAVE_LAST)) == {
        "train": [(3, 7)],
        "valid": [(2, 4), (3, 8)],
        "test": [(1, 2), (2, 5), (3, 9)],
    }


@pytest.mark.parametrize("split", [LEAVE_LAST, {"method": "time", "valid_start": 30, "test_start": 60}])
def test_every_interaction_with_a_history_is_in_exactly_one_split(split: dict[str, object]) -> None:
    rng = np.random.default_rng(3)
    log = log_of(*([(0, int(t)) for t in np.sort(rng.integers(0, 90, length))] for length in rng.integers(1, 12, 40)))
    splits = split_instances(log, split)
    found = np.concatenate([chosen.position for chosen in splits.values()])
    assert sorted(found.tolist()) == sorted(set(range(len(log.items))) - set(log.offsets[:-1].tolist()))
    for chosen in splits.values():
        assert (log.offsets[chosen.user] < chosen.position).all()
        assert (chosen.position < log.offsets[chosen.user + 1]).all()


STRANGERS = {  # only x, y and z have rows
    "a": [("x", 1), ("y", 2), ("z", 3), ("new", 4)],
    "b": [("new", 1), ("x", 2), ("new", 3), ("y", 4)],
    "c": [("x", 1), ("y", 2), ("z", 3)],
    "d": [("new", 1), ("new", 2), ("x", 3)],
    "e": [("new", 5)],
}


def test_the_last_interaction_is_the_users_real_last_one() -> None:
    """Were unknown items dropped first, z of user a would be the test, which the log may have been trained on."""
    log = encode(dataset_of(STRANGERS), {"x": 0, "y": 1, "z": 2})
    splits = split_instances(log, LEAVE_LAST)
    assert {name: log.items[chosen.position].tolist() for name, chosen in splits.items()} == {
        "train": [1],  # y of a; x of b has nothing known before it
        "valid": [2, 1],  # z of a, y of c
        "test": [1, 2],  # y of b, z of c; a's last is unknown, d's has nothing known before it
    }


def test_positives_that_cannot_be_predicted_are_counted() -> None:
    log = encode(dataset_of(STRANGERS), {"x": 0, "y": 1, "z": 2})
    counted = count_positives(log, LEAVE_LAST)
    assert counted == {
        "train": Positives(whole=2, unknown=0, without_history=1),  # y of a; x of b
        "valid": Positives(whole=4, unknown=2, without_history=0),  # and the second of b and d
        "test": Positives(whole=4, unknown=1, without_history=1),  # e has no positive: it is a first interaction
    }
    splits = split_instances(log, LEAVE_LAST)
    assert {name: one.left for name, one in counted.items()} == {name: len(splits[name]) for name in counted}


def test_positives_are_counted_by_time_too() -> None:
    log = encode(dataset_of(STRANGERS), {"x": 0, "y": 1, "z": 2})
    counted = count_positives(log, {"method": "time", "valid_start": 3, "test_start": 4})
    assert counted == {
        "train": Positives(4, 1, 1),  # at 2: y of a and c, x of b, new of d
        "valid": Positives(4, 1, 1),  # at 3: z of a and c, new of b, x of d
        "test": Positives(2, 1, 0),  # at 4: new of a, y of b
    }


def test_a_log_of_known_items_leaves_nothing_out() -> None:
    log = log_of([(0, 1), (1, 2), (2, 3)], [(3, 1)])
    assert count_positives(log, LEAVE_LAST) == {
        "train": Positives(0, 0, 0),
        "valid": Positives(1, 0, 0),
        "test": Positives(1, 0, 0),
    }


def test_the_last_instance_of_each_user() -> None:
    log = log_of(*[[(item, item) for item in range(10)]] * 3)
    instances = Instances(np.array([2, 0, 2, 1, 0]), np.array([29, 1, 27, 14, 3]))
    last = last_of_each_user(log, instances, LEAVE_LAST, "test")
    assert last.user.tolist() == [0, 1, 2] and last.position.tolist() == [3, 14, 29]
    none = Instances(np.array([], dtype=int), np.array([], dtype=int))
    assert len(last_of_each_user(log, none, LEAVE_LAST, "test")) == 0


def test_whose_last_item_is_unknown_has_no_last_instance() -> None:
    """In the split at hand: an unknown item of a later period, or an earlier one, changes nothing."""
    dataset = dataset_of(
        {
            "a": [("k1", 1), ("k2", 12), ("new", 13), ("k3", 21)],  # validation ends with `new`, the test does not
            "b": [("k1", 1), ("new", 12), ("k2", 13), ("k3", 21), ("new", 22)],
        }
    )
    by_time = {"method": "time", "valid_start": 10, "test_start": 20}
    log = encode(dataset, {"k1": 0, "k2": 1, "k3": 2})
    splits = split_instances(log, by_time)
    assert splits["valid"].user.tolist() == splits["test"].user.tolist() == [0, 1]
    assert last_of_each_user(log, splits["valid"], by_time, "valid").user.tolist() == [1]
    assert last_of_each_user(log, splits["test"], by_time, "test").user.tolist() == [0]


@pytest.mark.parametrize("split", [{}, {"method": "random"}, {"method": None}])
def test_unknown_split(split: dict[str, object]) -> None:
    with pytest.raises(SurgeError, match="must be 'time', 'leave-last' or 'own'"):
        split_instances(log_of([(0, 1), (1, 2)]), split)


# -- sampling instances -------------------------------------------------------------------------------


def test_sample_is_without_replacement_in_log_order_and_by_seed() -> None:
    instances = Instances(np.arange(100) // 10, np.arange(100))
    drawn = instances.sample(30, np.random.default_rng(5))
    assert len(set(drawn.position.tolist())) == len(drawn) == 30
    assert (np.diff(drawn.position) > 0).all()
    assert (drawn.user == drawn.position // 10).all()
    assert drawn.position.tolist() == instances.sample(30, np.random.default_rng(5)).position.tolist()
    assert drawn.position.tolist() != instances.sample(30, np.random.default_rng(6)).position.tolist()


@pytest.mark.parametrize("count", [None, 100, 101])
def test_sample_of_all(count: int | None) -> None:
    instances = Instances(np.zeros(100, dtype=int), np.arange(100))
    assert instances.sample(count, np.random.default_rng(0)).position.tolist() == list(range(100))
