"""Numbers that several views show and that the record holds only implicitly."""

from __future__ import annotations

import numpy as np

from surge.explanation.record import Explanation


def neighbour_counts(record: Explanation) -> np.ndarray:
    """|N_i| (n): the kept neighbours of each item, itself among them."""
    return record.graph_construction.adjacency.sum(axis=1)


def degrees(record: Explanation) -> np.ndarray:
    """The kept edges of each item (n) without the one to itself."""
    return neighbour_counts(record) - np.diag(record.graph_construction.adjacency)


def attention(record: Explanation, head: int | None = None) -> np.ndarray:
    """E of one head (n x n), or its mean over the heads."""
    weights = record.interest_fusion.attention
    return weights.mean(axis=0) if head is None else weights[head]


def attention_lift(record: Explanation, head: int | None = None) -> np.ndarray:
    """Attention as a multiple of a uniform one (n x n): E_ij |N_i|, 1 where the item doesn't discriminate."""
    return attention(record, head) * neighbour_counts(record)[:, None]


def mean_update_gate(record: Explanation) -> np.ndarray:
    """The mean over units of the scaled update gate (m), by cluster rather than by step."""
    gate = np.empty(len(record.prediction.order), dtype=np.float64)
    gate[record.prediction.order] = record.prediction.update_gate.mean(axis=1)
    return gate
