"""Negatives: what must never be drawn, what is left when nearly all is barred, and how often each is drawn."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chisquare

from surge.data.negatives import PopularitySampler
from surge.errors import SurgeError


def rng() -> np.random.Generator:
    return np.random.default_rng(17)


def test_never_the_positive() -> None:
    sampler = PopularitySampler(np.array([1000, 1, 1]))  # the positive is nearly all there is to draw
    drawn = sampler.negatives(np.zeros(500, dtype=int), 8, rng())
    assert drawn.shape == (500, 8)
    assert set(drawn.ravel().tolist()) == {1, 2}


def test_never_a_forbidden_item_and_each_row_has_its_own() -> None:
    sampler = PopularitySampler(np.full(20, 3))
    positive = np.arange(200) % 20
    forbidden = (positive[:, None] + np.array([1, 2, 3, 5, 8])) % 20
    drawn = sampler.negatives(positive, 30, rng(), forbidden)
    barred = np.concatenate([positive[:, None], forbidden], axis=1)
    assert not (drawn[:, :, None] == barred[:, None, :]).any()
    for row in range(20):  # and all that is allowed can come
        assert set(drawn[row::20].ravel().tolist()) == set(range(20)) - set(barred[row].tolist())


def test_a_nearly_exhausted_catalogue_gives_what_is_left() -> None:
    counts = np.full(2000, 10_000)
    counts[[7, 8]] = 0  # so rare that drawing again and again does not find them
    everything_else = np.setdiff1d(np.arange(2000), [0, 7, 8])
    drawn = PopularitySampler(counts).negatives(np.array([0, 0]), 40, rng(), np.stack([everything_else] * 2))
    assert set(drawn.ravel().tolist()) == {7, 8}


def test_an_exhausted_catalogue_bars_the_positive_alone() -> None:
    drawn = PopularitySampler(np.array([5, 3, 2])).negatives(np.array([1]), 50, rng(), np.array([[0, 1, 2]]))
    assert set(drawn.ravel().tolist()) == {0, 2}


def test_one_exhausted_row_does_not_loosen_another() -> None:
    forbidden = np.array([[0, 1, 2, 3], [0, 1, 1, 1]])
    drawn = PopularitySampler(np.ones(4)).negatives(np.array([3, 2]), 30, rng(), forbidden)
    assert set(drawn[0].tolist()) == {0, 1, 2}
    assert set(drawn[1].tolist()) == {3}


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
def test_redrawing_keeps_the_proportions_of_what_is_allowed(others: list[int] | None) -> None:
    counts = np.array([10, 20, 30, 40, 50, 60], dtype=float)
    forbidden = None if others is None else np.tile(others, (4000, 1))
    drawn = PopularitySampler(counts).negatives(np.full(4000, 3), 5, rng(), forbidden)
    allowed = np.setdiff1d(np.arange(6), [3, *(others or [])])
    found = np.bincount(drawn.ravel(), minlength=6)[allowed]
    assert chisquare(found, counts[allowed] / counts[allowed].sum() * 20_000).pvalue > 0.01


def test_same_seed_same_draw() -> None:
    sampler = PopularitySampler(np.arange(50))
    positive, forbidden = np.arange(40), np.tile(np.arange(25), (40, 1))
    first = sampler.negatives(positive, 6, np.random.default_rng(3), forbidden)
    assert (first == sampler.negatives(positive, 6, np.random.default_rng(3), forbidden)).all()
    assert (first != sampler.negatives(positive, 6, np.random.default_rng(4), forbidden)).any()


def test_the_last_item_is_drawn_and_nothing_beyond_it() -> None:
    class Edge:
        def random(self, shape: tuple[int, ...]) -> np.ndarray:
            return np.full(shape, np.nextafter(1.0, 0.0))

    drawn = PopularitySampler(np.full(49, 1)).draw((3,), Edge())  # type: ignore[arg-type]
    assert drawn.tolist() == [48, 48, 48]
