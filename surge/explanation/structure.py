"""Is there anything to explain: figures of the shape of one record, in NumPy alone."""

from __future__ import annotations

import numpy as np

from surge.explanation.record import Explanation

NEIGHBOURS = 2  # items that vouch for another one: with one a chance resemblance does, with more a small interest can't
LEAST_HELD = 0.5  # items; the mean position of a cluster that holds less is that of crumbs
LEAST_CLUSTERS = 3  # a rank correlation of two is 1 or -1 whatever they hold


def effective_clusters(record: Explanation) -> float:
    """exp of the entropy of the clusters' shares of items: 1 is a collapsed pooling, m an even one."""
    share = record.interest_extraction.total_assignment().astype(np.float64).mean(0)
    return float(np.exp(_entropy(share)))


def assignment_entropy(record: Explanation) -> float:
    """Mean entropy of the rows of S over log m: 0 is crisp, 1 says nothing."""
    rows = record.interest_extraction.assignment.astype(np.float64)
    return float(_entropy(rows).mean() / np.log(max(rows.shape[1], 2)))


def attention_distance(record: Explanation) -> float:
    """Total variation of attention from uniform over each item's neighbourhood; mean over items with more
    than one neighbour and over heads. 0 is flat: attention then says nothing that the graph does not."""
    adjacency = record.graph_construction.adjacency.astype(np.float64)
    degree = adjacency.sum(1)
    if not (degree > 1).any():
        return 0.0
    uniform = adjacency / degree[:, None]
    distance = 0.5 * np.abs(record.interest_fusion.attention - uniform).sum(-1)
    return float(distance[:, degree > 1].mean())


def order_time_correlation(record: Explanation) -> float | None:
    """Spearman's correlation of the step at which a cluster is read with its S-weighted mean position in the history.

    1: the clusters are read in time order, as the paper means Eq. 16 (by construction where a model sorts them so).
    Over final clusters that hold at least half an item; None with fewer than 3 of them, or all at one position.
    Positions from 0 to 1 that are equal to five decimals are a tie, as they are for the model.
    """
    assignment = record.interest_extraction.total_assignment().astype(np.float64)
    mass = assignment.sum(0)
    place = (np.arange(len(assignment)) + 0.5) / len(assignment)
    position = (assignment.T @ place / np.where(mass > 0, mass, 1.0)).round(5)
    step = np.argsort(record.prediction.order)
    held = mass >= LEAST_HELD
    if held.sum() < LEAST_CLUSTERS or np.ptp(position[held]) == 0:
        return None
    from scipy.stats import spearmanr  # here: its import is slow, and fails where torch is blocked

    return float(spearmanr(step[held], position[held]).statistic)


def noise_score(record: Explanation) -> np.ndarray:
    """How much each item (n) looks like a click that belongs to no interest: 0 to 1, higher = more like noise.

    score_i = 1 - mean over the two largest, j not i, of max(M_ij, 0) (1 - |i - j| / n)

    M is the learned similarity of Eq. 1-2, i and j count the items in time order. Two items that are alike are enough
    to vouch for a click, where the weighted degree asks for many and so takes a small interest for noise; and they
    vouch for less the further away they are, for interests rise and fade. An item alone scores 1.
    """
    similarity = record.graph_construction.similarity.astype(np.float64)
    n = len(similarity)
    place = np.arange(n)
    nearness = 1 - np.abs(place[:, None] - place) / n
    fit = np.maximum(similarity, 0.0) * nearness
    np.fill_diagonal(fit, 0.0)
    best = np.sort(fit, axis=1)[:, n - min(NEIGHBOURS, max(n - 1, 1)) :]
    return 1 - best.mean(axis=1).clip(max=1)  # a cosine of 1 may round to more


def has_importance(record: Explanation) -> bool:
    """Whether gamma tells items apart: without the candidate's part of the attention, beta is 0 and gamma even."""
    return bool(np.any(record.interest_fusion.query_score))


def has_attention(record: Explanation) -> bool:
    """Whether the model attends at all: with fusion switched off every item hears itself alone."""
    return record.model.get("fusion") != "none"


def has_clusters(record: Explanation) -> bool:
    """Whether the model pools: with extraction switched off every item is its own cluster."""
    return record.model.get("extraction") != "none"


def _entropy(probabilities: np.ndarray) -> np.ndarray:
    """Natural entropy along the last axis; 0 log 0 = 0."""
    safe = np.where(probabilities > 0, probabilities, 1.0)
    return -(probabilities * np.log(safe)).sum(-1)
