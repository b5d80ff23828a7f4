"""Ranks among all items as figures, by hand: a tie is worth its mean over all orders."""

from __future__ import annotations

from math import log2

import numpy as np
import pytest

from surge.evaluation.evaluate import calibration_metrics, catalogue_metrics
from surge.evaluation.ranking import ONE, Ranks


def test_three_positives_of_which_two_are_tied() -> None:
    # the places 1; 9, 10, 11 or 12; 21 or 22
    nothing = np.empty((3, 0))
    above, tied = np.array([0.0, 8.0, 20.0]), np.array([0.0, 3.0, 1.0])
    metrics = catalogue_metrics(Ranks(above, tied, np.zeros(3), nothing, nothing, ONE, np.zeros((3, 1))))
    assert metrics["catalogue_median_rank"] == 10.5
    assert metrics["catalogue_hr@10"] == pytest.approx((1 + 2 / 4) / 3)
    assert metrics["catalogue_ndcg@10"] == pytest.approx((1 + (1 / log2(10) + 1 / log2(11)) / 4) / 3)


def test_where_no_positive_is_ranked_there_are_no_figures() -> None:
    none, best = np.empty(0), np.empty((0, 10))
    ranks = Ranks(none, none, none, best, best > 0, ONE, np.empty((0, 1)))
    assert catalogue_metrics(ranks) == {}
    assert calibration_metrics(ranks, 1.0) == {}
