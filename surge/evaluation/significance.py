"""Is one model better than another: a paired bootstrap over users."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import bootstrap

from surge.errors import SurgeError
from surge.evaluation.metrics import gains, hits, places, reciprocals, user_auc

RESAMPLES = 2000
TESTED = ("gauc", "mrr", "ndcg@2", "hr@10")


@dataclass(frozen=True)
class Difference:
    """Mean difference of a metric with its 95 % interval; `p` (two-sided) is the share of resamples at 0 or beyond,
    doubled, and at least 1 / resamples."""

    difference: float
    low: float
    high: float
    p: float


def user_values(scores: np.ndarray, user: np.ndarray, metric: str) -> tuple[np.ndarray, np.ndarray]:
    """What each user adds to a metric: their mean value and their number of lists, users in order of their rows.

    The weighted mean over users is the metric itself: `gauc`, or `mrr`, `ndcg@K`, `hr@K` as means over lists.
    scores (k, 1 + negatives), the positive first; user (k,). Another metric is a SurgeError.
    """
    if metric == "gauc":
        return user_auc(scores, user)
    _, group, count = np.unique(user, return_inverse=True, return_counts=True)
    above, tied = places(scores)
    name, _, cut = metric.partition("@")
    if metric == "mrr":
        values = reciprocals(above, tied)
    elif name in ("ndcg", "hr") and cut.isdigit():
        values = (gains if name == "ndcg" else hits)(above, tied, int(cut))
    else:
        raise SurgeError(f"There is no metric {metric!r} by user; the metrics are {', '.join(TESTED)}.")
    return np.bincount(group, values) / count, count


def paired_difference(one: np.ndarray, other: np.ndarray, weight: np.ndarray, seed: int = 0) -> Difference:
    """`one` minus `other`: values of the same users (u,), each with its weight; users are drawn with replacement.

    Fewer than two users have no interval: low and high are then the difference, and p is 1.
    """
    gap, weight = np.asarray(one) - np.asarray(other), np.asarray(weight, dtype=np.float64)
    observed = float((gap * weight).sum() / weight.sum())
    if len(gap) < 2 or not gap.any():
        return Difference(observed, observed, observed, 1.0)

    def mean(weighted: np.ndarray, weights: np.ndarray, axis: int) -> np.ndarray:
        return weighted.sum(axis=axis) / weights.sum(axis=axis)

    drawn = bootstrap(
        (gap * weight, weight),
        mean,
        paired=True,
        vectorized=True,
        n_resamples=RESAMPLES,
        batch=100,
        method="percentile",
        rng=np.random.default_rng(seed),
    )
    means = drawn.bootstrap_distribution
    beyond = min((means <= 0).mean(), (means >= 0).mean())
    p = min(1.0, max(2 * float(beyond), 1 / RESAMPLES))
    return Difference(observed, float(drawn.confidence_interval.low), float(drawn.confidence_interval.high), p)
