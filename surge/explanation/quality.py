"""Do a checkpoint's explanations mean something: figures computed from explanation records.

Structure says whether there is anything to explain (collapsed pooling and flat attention are pointless);
truth, on simulated data alone, says whether it is right.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from sklearn.metrics import normalized_mutual_info_score, roc_auc_score

from surge.checkpoint import Checkpoint
from surge.data.store import Dataset
from surge.errors import SurgeError
from surge.explanation.catalogue import rank_catalogue
from surge.explanation.explain import explain_history
from surge.explanation.history import UserHistory, read_history
from surge.explanation.record import Explanation
from surge.explanation.structure import assignment_entropy, attention_distance, effective_clusters

NOISE = "noise"
OTHER_CANDIDATE = 50  # rank of the candidate that the top one is compared with


def structure(first: Explanation, second: Explanation) -> dict[str, float]:
    """Figures of one history read with two candidates."""
    n = first.length
    change = 0.5 * np.abs(first.interest_fusion.attention - second.interest_fusion.attention).sum(-1).mean()
    moved = 0.5 * np.abs(first.interest_extraction.assignment - second.interest_extraction.assignment).sum(-1).mean()
    return {
        "effective_clusters": effective_clusters(first),
        "assignment_entropy": assignment_entropy(first),
        "attention_distance_from_uniform": attention_distance(first),
        "attention_change_between_candidates": float(change),
        "assignment_change_between_candidates": float(moved),
        "edges_per_item": float((first.graph_construction.adjacency.sum() - n) / n),
    }


def truth(record: Explanation, interests: Sequence[str], target_interest: str | None) -> dict[str, float]:
    """Figures against the simulated truth; those that this history can't show are absent.

    nmi: of argmax S with the interests, over items that are not noise. *_noise_auc: how well a low value
    tells noise clicks. importance_interest_auc: how well a high gamma tells the target's interest.
    """
    labels = np.asarray(interests)
    clean = labels != NOISE
    figures = {"true_interests": float(len(set(labels[clean].tolist())))}
    if len(set(labels[clean].tolist())) > 1:
        clusters = record.interest_extraction.first_choices()
        figures["nmi"] = float(normalized_mutual_info_score(labels[clean], clusters[clean]))
        figures["nmi_with_noise"] = float(normalized_mutual_info_score(labels, clusters))
    if clean.any() and not clean.all():
        figures["importance_noise_auc"] = float(roc_auc_score(~clean, -record.interest_extraction.importance))
        figures["degree_noise_auc"] = float(roc_auc_score(~clean, -record.graph_construction.weighted_degree()))
    same = labels == target_interest
    if target_interest not in (None, NOISE) and same.any() and not same.all():
        figures["importance_interest_auc"] = float(roc_auc_score(same, record.interest_extraction.importance))
    return figures


def explanation_quality(
    checkpoint: Checkpoint,
    dataset: Dataset,
    *,
    users: int = 300,
    seed: int = 0,
    progress: Callable[[float], None] | None = None,
) -> dict[str, float]:
    """Mean figures over `users` users drawn with `seed`: structure, and truth where the data carry it.

    Structure reads the top predicted item and the one at rank 50; truth reads the true next item.
    """
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(len(dataset.users))[:users]
    collected: dict[str, list[float]] = {}
    for done, index in enumerate(chosen.tolist(), start=1):
        user = dataset.users[index]
        try:
            history = read_history(checkpoint, dataset, user)
        except SurgeError:  # a user of whose items the model knows none has no explanation
            continue
        for name, value in _user_figures(checkpoint, dataset, history).items():
            collected.setdefault(name, []).append(value)
        if progress:
            progress(done / len(chosen))
    if not collected:
        raise SurgeError("The checkpoint knows no item of any of these users' histories; give the dataset it fits.")
    return {"users": float(len(collected["effective_clusters"]))} | {
        name: float(np.mean(values)) for name, values in collected.items()
    }


def _user_figures(checkpoint: Checkpoint, dataset: Dataset, history: UserHistory) -> dict[str, float]:
    best = rank_catalogue(checkpoint, history).top(OTHER_CANDIDATE)
    if not best:
        return {}
    first = explain_history(checkpoint, history, best[0].item)
    figures = structure(first, explain_history(checkpoint, history, best[-1].item))
    if history.interests is not None:
        followed, interest, read = history.next_item, None, first
        if followed is not None and followed.item in checkpoint.rows:
            interest = dataset.history(history.user)["interest"][-1]
            read = explain_history(checkpoint, history, followed.item)
        figures |= truth(read, history.interests, interest)
    return figures
