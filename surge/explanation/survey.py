"""Explanation figures of all users of a dataset."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl

from surge.checkpoint import Checkpoint
from surge.data.dataset import Dataset
from surge.errors import SurgeError
from surge.explanation.cluster_usage import draw_users
from surge.explanation.explain import explain_history
from surge.explanation.history import read_history
from surge.explanation.leave_one_out import measure_effects
from surge.explanation.ranking import rank_catalogue
from surge.explanation.record import Explanation
from surge.explanation.structure import assignment_entropy, attention_distance, effective_clusters
from surge.explanation.survey_file import COLUMNS
from surge.explanation.survey_map import check_method, place

Array = np.ndarray
NEIGHBOURS, ALIKE = 2, 2 / 3  # see noise_share


def survey(
    checkpoint: Checkpoint,
    dataset: Dataset,
    *,
    users: int | None = None,
    seed: int = 0,
    method: str = "pca",
    progress: Callable[[float], None] | None = None,
) -> pl.DataFrame:
    """One row a user, in the order of the dataset: the columns of COLUMNS (all users, or `users` drawn with `seed`).

    Each user is read without the last interaction, the true next item; the top predicted item is the candidate of
    the explanation. Left out are users of whose items the model knows none, and those for whom nothing is left to
    predict; none left is a SurgeError. `method` makes the map of the histories' mean embeddings, see `place`.
    `progress` is called with the share done.
    """
    check_method(method)
    chosen = dataset.users if users is None else draw_users(dataset, users, seed)
    rows: list[dict[str, Any]] = []
    vectors: list[Array] = []
    for done, user in enumerate(chosen, start=1):
        figures = _user_figures(checkpoint, dataset, user)
        if figures:
            rows.append(figures[0])
            vectors.append(figures[1])
        if progress:
            progress(done / len(chosen))
    if not rows:
        raise SurgeError(
            f"The model of checkpoint {checkpoint.name!r} can predict nothing for any of these users; give the dataset "
            "that it was trained on."
        )
    map_ = place(np.stack(vectors), method, seed)
    frame = pl.DataFrame(rows, schema={name: column.dtype for name, column in COLUMNS.items() if name not in "xy"})
    return frame.with_columns(x=pl.Series(map_[:, 0]), y=pl.Series(map_[:, 1]))


def _user_figures(checkpoint: Checkpoint, dataset: Dataset, user: str) -> tuple[dict[str, Any], Array] | None:
    """A user's row without the map, and the vector that is mapped; None where there is nothing to explain."""
    try:
        history = read_history(checkpoint, dataset, user)
    except SurgeError:  # the model knows none of the items
        return None
    ranking = rank_catalogue(checkpoint, history)
    if not len(ranking.order):
        return None
    top = ranking.top(1)[0]
    record = explain_history(checkpoint, history, top.item)
    effects = measure_effects(checkpoint, history, record)
    assignment = record.interest_extraction.total_assignment()
    following = history.next_item
    next_row = checkpoint.rows.get(following.item) if following else None
    next_rank = ranking.rank_of(next_row) if next_row is not None else None
    row = {
        "user": user,
        "length": record.length,
        "clusters_in_use": len(np.unique(assignment.argmax(axis=1))),
        "effective_clusters": max(1.0, effective_clusters(record)),
        "assignment_entropy": assignment_entropy(record),
        "dominant_interest": float(record.interest_extraction.final_importance().max()),
        "noise_share": noise_share(record),
        "drift": cluster_drift(assignment),
        "next_item": following.item if following else None,
        "next_rank": next_rank,
        # an item that can't be recommended has no chance among those that can
        "next_probability": float(ranking.next_probability(next_row)) if next_row is not None and next_rank else None,
        "next_lift": float(ranking.lift(next_row)) if next_row is not None else None,
        "next_period": history.next_period,
        "top_item": top.item,
        "top_probability": top.next_probability,
        "top_lift": top.lift,
        "faithfulness": effects.agreement(record.interest_extraction.importance),
        "attention_faithfulness": effects.agreement(record.attention_received()),
        "attention_distance": attention_distance(record),
    }
    return row, record.embeddings.history.mean(axis=0)


def noise_share(record: Explanation) -> float:
    """The share of items that fit nothing else in their history; needs no truth.

    An item's fit is its mean similarity M to the two items most like it; too low is less than two thirds of the
    history's median. Relative, for the scale of M is a model's own. A history of fewer than three has none.
    """
    n = record.length
    if n <= NEIGHBOURS:
        return 0.0
    similarity = record.graph_construction.similarity.astype(np.float64)
    np.fill_diagonal(similarity, -np.inf)
    fit = np.sort(similarity, axis=1)[:, -NEIGHBOURS:].mean(axis=1)
    return float((fit < ALIKE * max(np.median(fit), 0.0)).mean())


def cluster_drift(assignment: Array) -> float:
    """Total variation, 0 to 1, between the clusters' shares of the older half of the items and of the newer one.

    assignment: items to final clusters (n x m), rows sum to 1. The middle item counts as newer; one item has no drift.
    """
    middle = len(assignment) // 2
    if middle == 0:
        return 0.0
    older, newer = assignment[:middle].mean(axis=0), assignment[middle:].mean(axis=0)
    return float(0.5 * np.abs(older - newer).sum())
