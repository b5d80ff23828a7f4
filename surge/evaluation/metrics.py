"""Ranking metrics of one positive among its negatives; ties count with what they are worth on average."""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata

from surge.errors import SurgeError


def places(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How many negatives are above the positive, column 0 of scores (k, 1 + negatives), and how many tied with it.

    A negative of -inf is no candidate. Any other score that isn't a finite number, or no list at all, is a SurgeError:
    every comparison with NaN is false, so a model that gives nothing else would come first everywhere.
    """
    _check(scores)
    others, positive = scores[:, 1:], scores[:, :1]
    return (others > positive).sum(1), (others == positive).sum(1)


def reciprocals(above: np.ndarray, tied: np.ndarray) -> np.ndarray:
    """1 / rank of each positive (k), in expectation; the mean is MRR.

    A positive that is tied with t others has each of the t + 1 places after those `above` it equally often, whoever
    orders them, so a metric is the mean over these places and not its value at the middle one. A scorer to which all
    candidates are alike then has what chance has.
    """
    last = int(np.max(above + tied, initial=0)) + 1
    return _expected(above, tied, 1 / np.arange(1, last + 1))


def gains(above: np.ndarray, tied: np.ndarray, cut: int) -> np.ndarray:
    """1 / log2(1 + rank) within the cut, else 0, in expectation (see `reciprocals`); the mean is NDCG@cut."""
    return _expected(above, tied, 1 / np.log2(1 + np.arange(1, cut + 1)))


def hits(above: np.ndarray, tied: np.ndarray, cut: int) -> np.ndarray:
    """1 within the cut, else 0, in expectation (see `reciprocals`); the mean is HR@cut."""
    return _expected(above, tied, np.ones(cut))


def _expected(above: np.ndarray, tied: np.ndarray, worth: np.ndarray) -> np.ndarray:
    """The mean of worth[r - 1] over the places r = above + 1 .. above + tied + 1; those beyond the last are worth 0."""
    total = np.concatenate([[0.0], np.cumsum(worth)])
    first = np.minimum(above, len(worth)).astype(np.int64)
    last = np.minimum(above + tied + 1, len(worth)).astype(np.int64)
    return (total[last] - total[first]) / (tied + 1)


def reciprocal_rank(above: np.ndarray, tied: np.ndarray) -> float:
    """MRR."""
    return float(reciprocals(above, tied).mean())


def ndcg(above: np.ndarray, tied: np.ndarray, cut: int) -> float:
    """NDCG@cut with one relevant item."""
    return float(gains(above, tied, cut).mean())


def hit_rate(above: np.ndarray, tied: np.ndarray, cut: int) -> float:
    """HR@cut."""
    return float(hits(above, tied, cut).mean())


def auc(positive: np.ndarray, negative: np.ndarray) -> float:
    """Area under the ROC curve: the share of (positive, negative) pairs in the right order, ties half.

    A negative of -inf is no candidate; see `places`.
    """
    negative = negative[negative > -np.inf]
    ranks = rankdata(np.concatenate([positive, negative]))
    above = ranks[: len(positive)].sum() - len(positive) * (len(positive) + 1) / 2
    return float(above / (len(positive) * len(negative)))


def user_auc(scores: np.ndarray, user: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each user's AUC over their lists taken together, and how many those are; users in order of their rows."""
    _check(scores)
    order = np.argsort(user, kind="stable")
    starts = np.flatnonzero(np.diff(user[order], prepend=-1))
    lists = np.split(order, starts[1:])
    return np.array([auc(scores[own, 0], scores[own, 1:].ravel()) for own in lists]), np.array([*map(len, lists)])


def grouped_auc(scores: np.ndarray, user: np.ndarray) -> float:
    """GAUC as in the paper: the AUC over each user's lists taken together, weighted by the user's clicks."""
    values, clicks = user_auc(scores, user)
    return float((values * clicks).sum() / len(user))


def list_metrics(scores: np.ndarray, user: np.ndarray) -> dict[str, float]:
    """All metrics of scored lists: scores (k, 1 + negatives), the positive first; user (k,).

    `gauc` weights users by clicks (the release calls it wauc); `list_auc` is the mean over lists (the
    release's group_auc). Scores that aren't finite are a SurgeError; see `places`.
    """
    above, tied = places(scores)
    negatives = (scores[:, 1:] > -np.inf).sum(1)
    return {
        "auc": auc(scores[:, 0], scores[:, 1:].ravel()),
        "gauc": grouped_auc(scores, user),
        "list_auc": float(np.mean(1 - (above + tied / 2) / negatives)),
        "mrr": reciprocal_rank(above, tied),
        "ndcg@2": ndcg(above, tied, 2),
        "ndcg@10": ndcg(above, tied, 10),
        "hr@10": hit_rate(above, tied, 10),
    }


def _check(scores: np.ndarray) -> None:
    wrong = ~np.isfinite(scores)
    wrong[:, 1:] &= scores[:, 1:] != -np.inf
    if wrong.any():
        raise SurgeError(
            f"{wrong.sum():,} of {scores.size:,} scores are no finite numbers, so nothing can be ranked by them; "
            "the weights of the model are damaged, or its training diverged."
        )
    if not len(scores) or (scores[:, 1:] == -np.inf).all(1).any():
        raise SurgeError("A positive can only be ranked among negatives, and there is none.")
