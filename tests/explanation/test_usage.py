"""Cluster usage: what many histories read at once give is what their records hold one by one."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from surge.backends import scoring
from surge.errors import SurgeError
from surge.explanation.cluster_usage import cluster_usage, draw_users
from surge.explanation.explain import explain_history
from surge.explanation.history import read_history
from tests.explanation.worlds import make_checkpoint, make_dataset

HISTORIES = {
    "a": ["i1", "i2", "i3", "i4", "i5"],
    "b": ["i6", "i6", "i9"],
    "c": ["i20"],
    "d": [f"i{row}" for row in range(10, 25)],
    "stranger": ["x1", "x2"],
}


def world(**settings):
    checkpoint = make_checkpoint(**settings)
    histories = {user: [item for item in items if item in checkpoint.rows] for user, items in HISTORIES.items()}
    return checkpoint, make_dataset({user: items for user, items in histories.items() if items}, checkpoint.items)


@pytest.mark.parametrize(
    "settings", [{"clusters": (4,)}, {"clusters": (6, 3), "heads": 2}, {"clusters": (4,), "time": "age"}], ids=str
)
@pytest.mark.parametrize("cells", [1, 1_000_000])
def test_equals_the_records_one_by_one(monkeypatch: pytest.MonkeyPatch, settings: dict, cells: int):
    checkpoint, dataset = world(**settings)
    monkeypatch.setattr(scoring, "CELLS", cells)  # one history at a time, and all at once with padding
    found = cluster_usage(checkpoint, dataset, dataset.users)
    mass, first = np.zeros(settings["clusters"][-1]), np.zeros(settings["clusters"][-1], dtype=int)
    categories = [Counter() for _ in first]
    for user in dataset.users:
        history = read_history(checkpoint, dataset, user)
        record = explain_history(checkpoint, history, history.items[-1].item)
        total = record.interest_extraction.total_assignment()
        mass += total.mean(axis=0) / len(dataset.users)
        for item, cluster in zip(history.items, total.argmax(axis=1), strict=True):
            first[cluster] += 1
            categories[cluster][item.category] += 1
    assert found.mass == pytest.approx(mass, abs=1e-5)
    assert found.mass.sum() == pytest.approx(1)
    assert found.first_choices.tolist() == first.tolist()
    assert found.users == 4 and found.items == first.sum() == 4 + 2 + 1 + 14
    for held, counted in zip(found.categories, categories, strict=True):
        assert all(counted[category] == number for category, number in held)
        assert [number for _, number in held] == sorted(counted.values(), reverse=True)[: len(held)]


def test_users_without_a_known_item_are_left_out():
    checkpoint = make_checkpoint(clusters=(3,))
    dataset = make_dataset(HISTORIES, checkpoint.items)
    assert cluster_usage(checkpoint, dataset, dataset.users).users == 4
    with pytest.raises(SurgeError, match="knows no item of any"):
        cluster_usage(checkpoint, dataset, ["stranger"])
    with pytest.raises(SurgeError, match="knows no item of any"):
        cluster_usage(checkpoint, dataset, [])


def test_a_model_without_pooling_has_no_usage():
    checkpoint, dataset = world(extraction="none")
    with pytest.raises(SurgeError, match="no clusters"):
        cluster_usage(checkpoint, dataset, dataset.users)


def test_progress_goes_up_to_the_whole():
    checkpoint, dataset = world()
    shares: list[float] = []
    cluster_usage(checkpoint, dataset, dataset.users, shares.append)
    assert shares == sorted(shares) and shares[-1] == pytest.approx(1)


def test_users_are_drawn_without_repeats_in_order():
    _, dataset = world()
    assert draw_users(dataset, 99) == dataset.users
    drawn = draw_users(dataset, 2, seed=1)
    assert len(set(drawn)) == 2 and drawn == sorted(drawn) == draw_users(dataset, 2, seed=1)
    assert {tuple(draw_users(dataset, 2, seed)) for seed in range(20)} != {tuple(drawn)}
