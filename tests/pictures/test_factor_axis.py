"""Axes of effects and lifts: round numbers at the logs of what they say, neither none nor too many."""

from __future__ import annotations

import numpy as np
import pytest

from surge.pictures.factor_axis import LEAST_SPAN, factor_ticks, lift_range, lift_ticks


def test_factors_are_told_on_both_sides_of_one() -> None:
    ticks, words = factor_ticks(float(np.log(1 / 2.5)), float(np.log(2.5)))
    assert words == ["÷2", "÷1.5", "×1", "×1.5", "×2"]
    np.testing.assert_allclose(np.exp(ticks), [1 / 2, 1 / 1.5, 1, 1.5, 2])
    assert factor_ticks(0, float(np.log(24)))[1] == ["×1", "×2", "×5", "×10", "×20"]
    assert factor_ticks(-0.03, 0.07)[1] == ["÷1.02", "×1", "×1.02", "×1.05"]


@pytest.mark.parametrize("reach", [0.0, 1e-6, 0.05, 0.5, 3, 12, 300, 950])
def test_any_reach_has_a_few_factors(reach: float) -> None:
    ticks, words = factor_ticks(-reach, reach)
    assert "×1" in words and len(set(words)) == len(words) <= 11 and ticks == sorted(ticks)
    assert len(words) >= (3 if reach >= 0.05 else 1)


def test_lifts_are_powers_of_ten_or_what_lies_between() -> None:
    assert lift_ticks(-7, 7)[1] == ["0.01×", "1×", "100×"]
    assert lift_ticks(float(np.log(0.05)), float(np.log(20)))[1] == ["0.1×", "1×", "10×"]
    assert lift_ticks(float(np.log(0.8)), float(np.log(12)))[1] == ["1×", "3×", "10×"]
    assert lift_ticks(2, 4)[1] == ["10×", "20×", "50×"]
    ticks, words = lift_ticks(2, 2.1)
    assert words == ["7.4×", "7.6×", "7.8×", "8×"]
    np.testing.assert_allclose(np.exp(ticks), [7.4, 7.6, 7.8, 8])


@pytest.mark.parametrize("width", [LEAST_SPAN, 0.3, 1, 3, 10, 40, 400])
@pytest.mark.parametrize("middle", [-6.0, 0.0, 1.7])
def test_any_range_of_lifts_has_a_few(width: float, middle: float) -> None:
    low, high = middle - width / 2, middle + width / 2
    ticks, words = lift_ticks(low, high)
    assert 2 <= len(ticks) <= 9 and len(set(words)) == len(words)
    assert all(low - 1e-9 <= tick <= high + 1e-9 for tick in ticks)


def test_a_range_has_room_and_is_never_empty() -> None:
    low, high = lift_range(np.array([1.0, 3.0]))
    assert low == pytest.approx(0.88) and high == pytest.approx(3.12)
    low, high = lift_range(np.array([2.0, 2.0]))
    assert high - low == pytest.approx(LEAST_SPAN) and low < 2 < high
