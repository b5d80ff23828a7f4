"""Measured values as plain arrays: effects on the lift, and rank correlations."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import spearmanr

from surge.explanation.measurements import Effects, log_lift, rank_correlation

NAN = np.nan
LOG3, LOG9 = np.log(3), np.log(9)


def effects(item_logit: list[float], cluster_logit: list[float] = ()) -> Effects:  # type: ignore[assignment]
    return Effects(float(LOG3), np.array(item_logit), np.array(cluster_logit, dtype=np.float64))


def test_effects_are_with_minus_without() -> None:
    measured = effects([0.0, LOG9, LOG3], [-LOG3, NAN])
    assert measured.item_effect == pytest.approx([LOG3, LOG3 - LOG9, 0.0])  # the first speaks for the candidate
    assert measured.cluster_effect == pytest.approx([2 * LOG3, NAN], nan_ok=True)


def test_the_lift_is_of_the_logit_and_the_offset() -> None:
    measured = replace(effects([0.0, LOG9], [-LOG3, NAN]), offset=np.log(4))
    assert measured.lift == pytest.approx(12)
    assert measured.item_lift == pytest.approx([4, 36])
    assert measured.cluster_lift == pytest.approx([4 / 3, NAN], nan_ok=True)
    # an effect says what the lift is multiplied by, whatever the offset
    assert measured.lift / measured.item_lift == pytest.approx(np.exp(measured.item_effect))
    assert log_lift(np.array([0.0, LOG3]), LOG3) == pytest.approx([LOG3, LOG9])


def test_a_temperature_divides_what_it_divides_in_the_chance() -> None:
    """softmax(score / 2): what takes log 9 from a logit makes the item 3 times less likely beside many others."""
    measured = replace(effects([LOG3 - LOG9], [LOG3 + LOG9]), offset=LOG3 / 2, temperature=2.0)
    assert np.exp(measured.item_effect) == pytest.approx([3]) and np.exp(measured.cluster_effect) == pytest.approx(
        [1 / 3]
    )
    assert measured.lift == pytest.approx(3) and measured.item_lift == pytest.approx([1])
    assert log_lift(LOG3, LOG3 / 2, 2.0) == pytest.approx(LOG3)
    others = np.zeros(9_999)

    def chance(logit: float) -> float:
        scores = np.exp(np.append(logit, others) / 2.0)
        return float(scores[0] / scores.sum())

    assert chance(LOG3) / chance(LOG3 - LOG9) == pytest.approx(3, rel=1e-3)


def test_effects_do_not_saturate() -> None:
    measured = Effects(60.0, np.array([50.0, 40.0]), np.empty(0))
    assert measured.item_effect.tolist() == [10.0, 20.0]


def test_ranks_are_unknown_unless_given() -> None:
    measured = effects([0.0])
    assert measured.rank is None and measured.exact
    assert len(measured.item_rank) == len(measured.cluster_rank) == 0


def test_agreement_is_with_the_size_of_the_effect_whatever_its_sign() -> None:
    measured = effects([LOG3 - 1, LOG3 + 2, LOG3 - 3, LOG3 + 4])  # effects 1, -2, 3, -4
    assert measured.agreement(np.array([0.1, 0.2, 0.3, 0.4])) == pytest.approx(1)
    assert measured.agreement(np.array([4, 3, 2, 1])) == pytest.approx(-1)
    assert measured.agreement(np.full(4, 0.25)) is None
    assert effects([1.0, 2.0, 3.0]).agreement(np.array([1, 2, 3])) is None


def test_rank_correlation_by_hand() -> None:
    # ranks 1 2 3 4 and 1 3 2 4: 1 - 6 * 2 / (4 * 15) = 0.8
    assert rank_correlation(np.array([1, 2, 3, 4]), np.array([10, 30, 20, 999])) == pytest.approx(0.8)


def test_rank_correlation_is_that_of_scipy_with_ties() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, 5, 40), rng.normal(size=40)
    value = rank_correlation(first, second)
    assert value == pytest.approx(spearmanr(first, second).statistic)
    assert type(value) is float and -1 <= value <= 1


def test_entries_that_one_side_lacks_do_not_count() -> None:
    first = np.array([1, NAN, 2, 3, 4, 100.0])
    second = np.array([1, 50.0, 3, 2, 4, NAN])
    assert rank_correlation(first, second) == pytest.approx(0.8)
    assert rank_correlation(np.array([1, 2, np.inf, 3, 4]), np.array([1, 3, 0, 2, 4])) == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ([], []),
        ([1, 2, 3], [1, 2, 3]),
        ([1, 1, 1, 1], [1, 2, 3, 4]),
        ([1, 2, 3, 4], [7, 7, 7, 7]),
        ([1, 1, 1, 1, 9], [1, 2, 3, 4, NAN]),
        ([1, 2, 3, NAN], [1, 2, 3, 4]),
        ([NAN] * 5, [1, 2, 3, 4, 5]),
    ],
)
def test_there_is_no_rank_correlation_of_too_few_or_constant_entries(first: list[float], second: list[float]) -> None:
    assert rank_correlation(np.array(first, dtype=float), np.array(second, dtype=float)) is None
