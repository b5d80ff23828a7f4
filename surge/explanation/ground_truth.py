"""Is what is explained right: figures of one record against the interests that the simulator wrote down."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score, roc_auc_score

from surge.explanation.record import Explanation
from surge.explanation.structure import effective_clusters, has_attention, has_clusters, has_importance, noise_score

NOISE = "noise"


def truth(record: Explanation, interests: Sequence[str], target_interest: str | None) -> dict[str, float]:
    """Figures against the simulated truth; those that this history or this model can't show are absent.

    `interests` (n): the true interest of each item, "noise" for a noise click; `target_interest`: the candidate's.
    The names of the figures are those of `surge.explanation.quality.explanation_quality`.
    """
    labels = np.asarray(interests)
    clean = labels != NOISE
    count = len(set(labels[clean].tolist()))
    figures = {"true_interests": float(count)}
    if has_clusters(record):
        if count:
            figures["effective_clusters_ratio"] = effective_clusters(record) / count
        if count > 1:
            clusters = record.interest_extraction.first_choices()
            figures["nmi"] = float(normalized_mutual_info_score(labels[clean], clusters[clean]))
            figures["nmi_with_noise"] = float(normalized_mutual_info_score(labels, clusters))
            figures["ari"] = float(adjusted_rand_score(labels[clean], clusters[clean]))
    importance = record.interest_extraction.importance if has_importance(record) else None
    if clean.any() and not clean.all():
        if importance is not None:
            figures["importance_noise_auc"] = float(roc_auc_score(~clean, -importance))
        figures["degree_noise_auc"] = float(roc_auc_score(~clean, -record.graph_construction.weighted_degree()))
        figures["noise_score_auc"] = float(roc_auc_score(~clean, noise_score(record)))
    same = labels == target_interest
    if target_interest not in (None, NOISE) and same.any() and not same.all():
        if importance is not None:
            figures["importance_interest_auc"] = float(roc_auc_score(same, importance))
        if has_attention(record):
            adjacency = record.graph_construction.adjacency.astype(np.float64)
            uniform = adjacency / adjacency.sum(axis=1, keepdims=True)
            attention = record.interest_fusion.attention.mean(axis=0)
            figures["attention_inside_interest"] = _inside(attention, same)
            figures["uniform_inside_interest"] = _inside(uniform, same)
    return figures


def _inside(weights: np.ndarray, same: np.ndarray) -> float:
    """Mean over these items of the share of their row (n x n, rows sum to 1) that stays among them."""
    return float(weights[np.ix_(same, same)].sum(axis=1).mean())
