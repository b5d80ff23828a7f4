"""Negatives: what must never be drawn, what is left when nearly all is barred, and how often each is drawn."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from scipy.stats import chisquare

from surge.data import negatives
from surge.data.negatives import NONE, Barred, PopularitySampler
from surge.errors import SurgeError


def rng() -> np.random.Generator:
    return np.random.default_rng(17)


def never(forbidden: np.ndarray) -> Barred:
    """Bars these items (k, n) of each row."""
    return lambda rows, items: (items[:, :, None] == forbidden[rows][:, None, :]).any(-1)


def distinct(drawn: np.ndarray) -> bool:
    return all(len(set(row[row != NONE].tolist())) == (row != NONE).sum() for row in drawn)


def test_never_the_positive_and_nothing_twice() -> None:
    sampler = PopularitySampler(np.array([1000, 1, 1]))  # the positive is nearly all there is to draw
    drawn = sampler.negatives(np.zeros(500, dtype=int), 2, rng())
    assert np.sort(drawn, axis=1).tolist() == [[1, 2]] * 500


def test_independent_draws_follow_popularity_over_what_is_not_barred() -> None:
    """Each row for itself, with replacement; also where next to nothing is left and has to be listed."""
    counts = np.array([6, 3, 1, 90_000])
    sampler = PopularitySampler(counts)
    forbidden = np.where((np.arange(6000) % 2)[:, None] == 0, [3, 3], [3, 0])
    drawn = sampler.independent(2, 6000, rng(), never(forbidden))
    for start, left in ((0, [6, 3, 1, 0]), (1, [0, 3, 1, 0])):
        share = np.bincount(drawn[start::2].ravel(), minlength=4) / 6000
        assert share == pytest.approx(np.array(left) / sum(left), abs=0.02)
        assert (drawn[start::2, 0] == drawn[start::2, 1]).mean() == pytest.approx(
            sum((one / sum(left)) ** 2 for one in left), abs=0.03
        )
    free = sampler.independent(3, 4000, rng())
    assert np.bincount(free.ravel(), minlength=4) / 12_000 == pytest.approx(counts / counts.sum(), abs=0.001)
    with pytest.raises(ValueError, match="no item is left"):
        sampler.independent(1, 1, rng(), lambda rows, items: np.ones(items.shape, dtype=bool))


def test_as_many_as_the_catalogue_has_all_of_them_once() -> None:
    drawn = PopularitySampler(np.arange(12) ** 4).negatives(np.arange(12), 11, rng())
    for positive, row in enumerate(drawn):
        assert sorted(row.tolist()) == [item for item in range(12) if item != positive]


def test_never_a_barred_item_and_each_row_has_its_own() -> None:
    sampler = PopularitySampler(np.full(20, 3))
    positive = np.arange(200) % 20
    forbidden = (positive[:, None] + np.array([1, 2, 3, 5, 8])) % 20
    drawn = sampler.negatives(positive, 7, rng(), never(forbidden))
    barred = np.concatenate([positive[:, None], forbidden], axis=1)
    assert not (drawn[:, :, None] == barred[:, None, :]).any()
    assert distinct(drawn) and (drawn >= 0).all()
    for row in range(20):  # and all that is allowed can come
        assert set(drawn[row::20].ravel().tolist()) == set(range(20)) - set(barred[row].tolist())


def test_a_nearly_exhausted_catalogue_gives_what_is_left_and_no_more() -> None:
    counts = np.full(2000, 10_000)
    counts[[7, 8]] = 0  # so rare that drawing again and again does not find them
    everything_else = np.setdiff1d(np.arange(2000), [0, 7, 8])
    drawn = PopularitySampler(counts).negatives(np.array([0, 0]), 4, rng(), never(np.stack([everything_else] * 2)))
    assert np.sort(drawn, axis=1).tolist() == [[NONE, NONE, 7, 8]] * 2
    assert (drawn[:, 2:] == NONE).all()  # at the end


def test_an_exhausted_row_has_none_and_does_not_loosen_another() -> None:
    forbidden = np.array([[0, 1, 2, 3], [0, 1, 1, 1]])
    drawn = PopularitySampler(np.ones(4)).negatives(np.array([3, 2]), 2, rng(), never(forbidden))
    assert drawn.tolist() == [[NONE, NONE], [3, NONE]]


@pytest.mark.parametrize("counts", [[], [5]])
def test_a_catalogue_without_negatives(counts: list[int]) -> None:
    with pytest.raises(SurgeError, match="has no negatives to draw"):
        PopularitySampler(np.array(counts))


def test_frequency_is_proportional_to_popularity() -> None:
    counts = np.array([0, 1, 2, 5, 40, 12])
    expected = np.array([1, 1, 2, 5, 40, 12]) / 61  # what never occurred counts as once
    drawn = PopularitySampler(counts).draw((61_000,), rng())
    assert chisquare(np.bincount(drawn, minlength=6), expected * 61_000).pvalue > 0.01


@pytest.mark.parametrize("others", [None, [1, 5]])
def test_a_single_negative_keeps_the_proportions_of_what_is_allowed(others: list[int] | None) -> None:
    counts = np.array([10, 20, 30, 40, 50, 60], dtype=float)
    barred = None if others is None else never(np.tile(others, (20_000, 1)))
    drawn = PopularitySampler(counts).negatives(np.full(20_000, 3), 1, rng(), barred)
    allowed = np.setdiff1d(np.arange(6), [3, *(others or [])])
    found = np.bincount(drawn.ravel(), minlength=6)[allowed]
    assert chisquare(found, counts[allowed] / counts[allowed].sum() * 20_000).pvalue > 0.01


@pytest.mark.parametrize("rounds", [50, 0])
def test_several_come_as_often_as_one_drawn_after_another(rounds: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The chance of each set of two: of both orders, q_a q_b / (1 - q_a), whether redrawn or listed."""
    monkeypatch.setattr(negatives, "ROUNDS", rounds)
    counts = np.array([1.0, 2.0, 3.0, 6.0])
    drawn = np.sort(PopularitySampler(counts).negatives(np.full(20_000, 0), 2, np.random.default_rng(4)), axis=1)
    q = dict(zip((1, 2, 3), counts[1:] / counts[1:].sum(), strict=True))
    expected: dict[tuple[int, ...], float] = {}
    for a, b in permutations(q, 2):
        pair = tuple(sorted((a, b)))
        expected[pair] = expected.get(pair, 0.0) + q[a] * q[b] / (1 - q[a])
    found = [(drawn == pair).all(1).sum() for pair in expected]
    assert chisquare(found, np.array(list(expected.values())) * 20_000).pvalue > 0.01


def test_same_seed_same_draw() -> None:
    sampler = PopularitySampler(np.arange(50))
    positive, barred = np.arange(40), never(np.tile(np.arange(25), (40, 1)))
    first = sampler.negatives(positive, 6, np.random.default_rng(3), barred)
    assert (first == sampler.negatives(positive, 6, np.random.default_rng(3), barred)).all()
    assert (first != sampler.negatives(positive, 6, np.random.default_rng(4), barred)).any()


def test_the_last_item_is_drawn_and_nothing_beyond_it() -> None:
    class Edge:
        def random(self, shape: tuple[int, ...]) -> np.ndarray:
            return np.full(shape, np.nextafter(1.0, 0.0))

    drawn = PopularitySampler(np.full(49, 1)).draw((3,), Edge())  # type: ignore[arg-type]
    assert drawn.tolist() == [48, 48, 48]
