"""Is there anything to explain: figures of the shape of one record, in NumPy alone."""

from __future__ import annotations

import numpy as np

from surge.explanation.record import Explanation


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


def _entropy(probabilities: np.ndarray) -> np.ndarray:
    """Natural entropy along the last axis; 0 log 0 = 0."""
    safe = np.where(probabilities > 0, probabilities, 1.0)
    return -(probabilities * np.log(safe)).sum(-1)
