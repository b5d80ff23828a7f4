"""Whether probabilities can be taken at their word: bins, errors and temperatures by hand."""

from __future__ import annotations

import numpy as np
import pytest

from surge.evaluation.calibration import (
    TEMPERATURES,
    best_temperature,
    log_normaliser,
    reliability,
)


def test_bins_of_equal_numbers_by_hand() -> None:
    measured = reliability(np.array([0.4, 0.1, 0.2, 0.3]), np.array([True, False, True, False]), bins=2)
    assert measured.probability == pytest.approx([0.15, 0.35])
    assert measured.share == pytest.approx([0.5, 0.5])
    assert measured.count.tolist() == [2, 2]
    assert measured.error == pytest.approx((2 * 0.35 + 2 * 0.15) / 4)


def test_bins_count_by_what_they_hold() -> None:
    measured = reliability(np.array([0.1, 0.2, 0.9]), np.array([0, 0, 1]), bins=2)
    assert measured.count.tolist() == [2, 1]
    assert measured.error == pytest.approx((2 * 0.15 + 0.1) / 3)
    assert reliability(np.array([0.5]), np.array([1])).count.tolist() == [1]
    with pytest.raises(ValueError, match="no prediction"):
        reliability(np.array([]), np.array([]))


def test_true_probabilities_have_next_to_no_error_and_others_have_theirs() -> None:
    rng = np.random.default_rng(0)
    probability = rng.uniform(0, 0.4, 200_000)
    came = rng.random(200_000) < probability
    assert reliability(probability, came).error < 0.004
    assert reliability(probability * 2, came).error == pytest.approx(0.2, abs=0.005)


def test_the_normaliser_is_that_of_a_softmax_and_leaves_out() -> None:
    scores = np.array([1000.0, 1001.0, -np.inf, 999.0])
    for temperature, value in zip((1.0, 2.0), log_normaliser(scores, np.array([1.0, 2.0])), strict=True):
        expected = 1000 / temperature + np.log(sum(np.exp(x / temperature) for x in (0.0, 1.0, -1.0)))
        assert value == pytest.approx(expected)


@pytest.mark.parametrize("true", [0.7, 1.0, 1.5])
def test_the_temperature_that_made_the_data_is_found(true: float) -> None:
    rng = np.random.default_rng(1)
    scores = rng.normal(0, 2, (8000, 12))
    weights = np.exp(scores / true)
    drawn = (weights.cumsum(1) / weights.sum(1, keepdims=True) > rng.random((8000, 1))).argmax(1)
    own = scores[np.arange(8000), drawn]
    normaliser = np.array([log_normaliser(row, TEMPERATURES) for row in scores])
    assert best_temperature(own, normaliser) == pytest.approx(true, rel=0.05)
    assert 1.0 in TEMPERATURES and (np.diff(TEMPERATURES) > 0).all()


def test_a_few_positives_are_no_reason_for_a_temperature() -> None:
    """Of 40 draws from the very probabilities another temperature is likelier by chance, but not surely so."""
    rng = np.random.default_rng(1)
    scores = rng.normal(0, 2, (2000, 12))
    weights = np.exp(scores)
    drawn = (weights.cumsum(1) / weights.sum(1, keepdims=True) > rng.random((2000, 1))).argmax(1)
    own = scores[np.arange(2000), drawn]
    normaliser = np.array([log_normaliser(row, TEMPERATURES) for row in scores])
    found = [best_temperature(own[part], normaliser[part]) for part in np.array_split(np.arange(2000), 50)]
    assert found.count(1.0) >= 40
    assert best_temperature(own[:1], normaliser[:1]) == 1.0


def test_a_model_that_is_sure_of_nothing_it_knows_is_cooled_as_far_as_that_takes() -> None:
    """Scores that say nothing of what comes: the likeliest temperature is the highest that is tried."""
    rng = np.random.default_rng(2)
    scores = rng.normal(0, 5, (3000, 6))
    own = scores[np.arange(3000), rng.integers(0, 6, 3000)]
    normaliser = np.array([log_normaliser(row, TEMPERATURES) for row in scores])
    assert best_temperature(own, normaliser) == TEMPERATURES[-1] == 16
