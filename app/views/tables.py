"""The tables behind the pictures: what each view draws, as numbers, for keyboard, screen reader and CSV."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from app.views.measures import degrees, mean_update_gate
from app.views.palette import cluster_mass, cluster_styles, item_clusters
from app.views.pooled_sequence import strongest_items
from app.views.text import title_of
from surge.explanation.record import Explanation, Item


def item_table(record: Explanation, interests: Sequence[str] | None = None) -> pd.DataFrame:
    """One row a history item, in time order: row number = index in the record. Scores are means over heads.

    `interests` is the simulated truth of each item where the data has it.
    """
    fusion, extraction = record.interest_fusion, record.interest_extraction
    styles, clusters = cluster_styles(record), item_clusters(record)
    n = record.length
    columns: dict[str, Any] = {
        "position": np.arange(1, n + 1),
        "title": [title_of(item) for item in record.history],
        "category": [item.category or "" for item in record.history],
        "date": pd.to_datetime([item.timestamp for item in record.history], unit="s"),
        "cluster": [styles[cluster].letter for cluster in clusters],
        "share": extraction.total_assignment()[np.arange(n), clusters],
        "alpha": fusion.cluster_score.mean(axis=0),
        "beta": fusion.query_score.mean(axis=0),
        "gamma": extraction.importance,
        "degree": degrees(record).astype(np.int64),
        "weighted degree": record.graph_construction.weighted_degree(),
    }
    if interests is not None:
        columns["true interest"] = list(interests)
    columns["item"] = [item.item for item in record.history]
    return pd.DataFrame(columns)


def cluster_table(record: Explanation) -> pd.DataFrame:
    """One row a final cluster, in the order read, the almost empty ones included."""
    styles, mass = cluster_styles(record), cluster_mass(record)
    gate, importance = mean_update_gate(record), record.interest_extraction.final_importance()
    first_choices = np.bincount(item_clusters(record), minlength=len(mass))
    order = [int(cluster) for cluster in record.prediction.order]
    return pd.DataFrame(
        {
            "read": np.arange(1, len(order) + 1),
            "cluster": [styles[c].letter for c in order],
            "name": [styles[c].name for c in order],
            "mass": mass[order],
            "items": first_choices[order],
            "update gate": gate[order],
            "importance": importance[order],
            "strongest items": [
                " | ".join(title_of(record.history[i]) for i in strongest_items(record, c)) if mass[c] >= 0.5 else ""
                for c in order
            ],
            "index": order,
        }
    )


def prediction_table(
    predicted: Sequence[Any], next_item: Item | None, candidate: str | None, history: Sequence[Item] = ()
) -> pd.DataFrame:
    """One row a predicted item, best first.

    `note` marks the true next item, the candidate on the screen, and items that the history holds already.
    """
    known = {item.item for item in history}
    true_next = next_item.item if next_item is not None else None
    rows = []
    for entry in predicted:
        notes = [
            word
            for word, holds in (
                ("next item", entry.item == true_next),
                ("candidate", entry.item == candidate),
                ("in history", entry.item in known),
            )
            if holds
        ]
        rows.append(
            {
                "rank": int(entry.rank),
                "title": entry.title if entry.title.strip() else entry.item,
                "category": entry.category or "",
                "probability": float(entry.probability),
                "logit": float(entry.logit),
                "note": ", ".join(notes),
                "item": entry.item,
            }
        )
    columns = ["rank", "title", "probability", "note", "category", "logit", "item"]
    return pd.DataFrame(rows, columns=columns)


def caption(record: Explanation) -> str:
    """What the item table holds and in which units."""
    heads = len(record.interest_fusion.cluster_score)
    over = f", means over {heads} heads" if heads > 1 else ""
    return (
        f"α: what the item's neighbourhood adds to attention; β: what the candidate adds{over}. γ: share of the "
        "readout. Degree: kept edges; similarity: theirs added up. In cluster: the share that its cluster holds."
    )
