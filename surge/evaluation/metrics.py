"""Ranking metrics over lists of one positive and its negatives."""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata


def positive_ranks(scores: np.ndarray) -> np.ndarray:
    """Rank from 1 of the positive, column 0 of scores (k, 1 + negatives); ties share their mean rank.

    So a model that scores all alike gets the middle rank, not the first.
    """
    others, positive = scores[:, 1:], scores[:, :1]
    return 1 + (others > positive).sum(1) + (others == positive).sum(1) / 2


def auc(positive: np.ndarray, negative: np.ndarray) -> float:
    """Area under the ROC curve: the share of (positive, negative) pairs in the right order, ties half."""
    ranks = rankdata(np.concatenate([positive, negative]))
    above = ranks[: len(positive)].sum() - len(positive) * (len(positive) + 1) / 2
    return float(above / (len(positive) * len(negative)))


def user_auc(scores: np.ndarray, user: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each user's AUC over their lists taken together, and how many those are; users in order of their rows."""
    order = np.argsort(user, kind="stable")
    starts = np.flatnonzero(np.diff(user[order], prepend=-1))
    lists = np.split(order, starts[1:])
    return np.array([auc(scores[own, 0], scores[own, 1:].ravel()) for own in lists]), np.array([*map(len, lists)])


def grouped_auc(scores: np.ndarray, user: np.ndarray) -> float:
    """GAUC as in the paper: the AUC over each user's lists taken together, weighted by the user's clicks."""
    values, clicks = user_auc(scores, user)
    return float((values * clicks).sum() / len(user))


def reciprocal_rank(ranks: np.ndarray) -> float:
    """MRR."""
    return float(np.mean(1 / ranks))


def ndcg(ranks: np.ndarray, cut: int) -> float:
    """NDCG@cut with one relevant item: 1 / log2(1 + rank) within the cut, else 0."""
    return float(np.mean(np.where(ranks <= cut, 1 / np.log2(1 + ranks), 0.0)))


def hit_rate(ranks: np.ndarray, cut: int) -> float:
    """HR@cut: the share of lists whose positive is within the cut."""
    return float(np.mean(ranks <= cut))


def list_metrics(scores: np.ndarray, user: np.ndarray) -> dict[str, float]:
    """All metrics of scored lists: scores (k, 1 + negatives), the positive first; user (k,).

    `gauc` weights users by clicks (the release calls it wauc); `list_auc` is the mean over lists (the
    release's group_auc).
    """
    ranks = positive_ranks(scores)
    return {
        "auc": auc(scores[:, 0], scores[:, 1:].ravel()),
        "gauc": grouped_auc(scores, user),
        "list_auc": float(np.mean(1 - (ranks - 1) / (scores.shape[1] - 1))),
        "mrr": reciprocal_rank(ranks),
        "ndcg@2": ndcg(ranks, 2),
        "ndcg@10": ndcg(ranks, 10),
        "hr@10": hit_rate(ranks, 10),
    }
