"""The tables behind the pictures: what each view draws, as numbers, for keyboard, screen reader and CSV."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from surge.explanation.measurements import Effects
from surge.explanation.record import Explanation, Item
from surge.pictures.edit_context import Before
from surge.pictures.measures import attention, attention_lift, degrees, mean_update_gate
from surge.pictures.palette import ClusterStyle, cluster_mass, cluster_styles, item_clusters
from surge.pictures.pooled_sequence import strongest_items
from surge.pictures.text import count, title_of


def item_table(
    record: Explanation,
    interests: Sequence[str] | None = None,
    *,
    effects: Effects | None = None,
    before: Before | None = None,
    styles: Sequence[ClusterStyle] | None = None,
) -> pd.DataFrame:
    """One row a history item, in time order: row number = index in the record. Alpha and beta are means over heads.

    `interests` is the simulated truth of each item where the data has it. With `effects`: "effect factor" (how many
    times as likely the item makes the candidate) and its log, "lift without", "rank without" (none where not known).
    With `before`: "gamma before" and, where both are measured, "log effect before", empty for new items. "lambda"
    where the model has a long-term part.
    """
    fusion, extraction = record.interest_fusion, record.interest_extraction
    styles, clusters = cluster_styles(record) if styles is None else styles, item_clusters(record)
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
        "attention": record.attention_received(),
        "degree": degrees(record).astype(np.int64),
        "weighted degree": record.graph_construction.weighted_degree(),
    }
    if record.prediction.long_weight is not None:
        columns["lambda"] = record.prediction.long_weight
    if effects is not None:
        columns |= _measured(effects.item_effect, effects.item_lift, effects.item_rank)
    if before is not None:
        columns["gamma before"] = _earlier(before, before.record.interest_extraction.importance)
        if effects is not None and before.effects is not None:
            columns["log effect before"] = _earlier(before, before.effects.item_effect)
    if interests is not None:
        columns["true interest"] = list(interests)
    columns["item"] = [item.item for item in record.history]
    return pd.DataFrame(columns)


def _measured(effect: np.ndarray, lift: np.ndarray, rank: np.ndarray) -> dict[str, Any]:
    """The columns of measured effects; what could not be measured is empty."""
    ranks = rank if len(rank) else np.full(len(effect), np.nan)
    return {
        "effect factor": np.exp(effect),
        "log effect": effect,
        "lift without": lift,
        "rank without": pd.array(np.where(np.isfinite(ranks), np.round(ranks), np.nan), dtype="Int64"),
    }


def _earlier(before: Before, values: np.ndarray) -> list[float]:
    return [np.nan if index is None else float(values[index]) for index in before.origin]


def cluster_table(
    record: Explanation, *, effects: Effects | None = None, styles: Sequence[ClusterStyle] | None = None
) -> pd.DataFrame:
    """One row a final cluster, in the order read, the almost empty ones included.

    With `effects`, of the items whose first choice it is: "effect factor" and its log, "lift without", "rank without".
    """
    styles, mass = cluster_styles(record) if styles is None else styles, cluster_mass(record)
    gate, importance = mean_update_gate(record), record.interest_extraction.final_importance()
    first_choices = np.bincount(item_clusters(record), minlength=len(mass))
    order = [int(cluster) for cluster in record.prediction.order]
    measured = {}
    if effects is not None:
        ranks = effects.cluster_rank[order] if len(effects.cluster_rank) else effects.cluster_rank
        measured = _measured(effects.cluster_effect[order], effects.cluster_lift[order], ranks)
    return pd.DataFrame(
        {
            "read": np.arange(1, len(order) + 1),
            "cluster": [styles[c].letter for c in order],
            "name": [styles[c].name for c in order],
            "mass": mass[order],
            "items": first_choices[order],
            "update gate": gate[order],
            "importance": importance[order],
            **measured,
            "strongest items": [
                " | ".join(title_of(record.history[i]) for i in strongest_items(record, c)) if mass[c] >= 0.5 else ""
                for c in order
            ],
            "index": order,
        }
    )


def prediction_table(
    predicted: Sequence[Any],
    next_item: Item | None,
    candidate: str | None,
    history: Sequence[Item] = (),
    *,
    ranks_before: Mapping[str, int] | None = None,
) -> pd.DataFrame:
    """One row a predicted item, best first.

    `note` marks the true next item, the candidate on the screen, and items that the history holds already. With
    `ranks_before`, by item id: "rank before" and "change" ("▲ 3" places up, "▼ 2" down, "=", "new" where it had none).
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
        row = {
            "rank": int(entry.rank),
            "title": entry.title if entry.title.strip() else entry.item,
            "category": entry.category or "",
            "chance": float(entry.next_probability),
            "lift": float(entry.lift),
            "logit": float(entry.logit),
            "note": ", ".join(notes),
            "item": entry.item,
        }
        if ranks_before is not None:
            earlier = ranks_before.get(entry.item)
            row |= {"rank before": earlier, "change": _change(int(entry.rank), earlier)}
        rows.append(row)
    compared = ["rank before", "change"] if ranks_before is not None else []
    columns = ["rank", *compared, "title", "chance", "lift", "note", "category", "logit", "item"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.astype({"rank before": "Int64"}) if compared else frame


def _change(rank: int, earlier: int | None) -> str:
    if earlier is None:
        return "new"
    return "=" if rank == earlier else f"▲ {earlier - rank:,}" if rank < earlier else f"▼ {rank - earlier:,}"


def caption(record: Explanation, *, effects: Effects | None = None, before: Before | None = None) -> str:
    """What the item table holds and in which units."""
    heads = len(record.interest_fusion.cluster_score)
    over = f", means over {heads} heads" if heads > 1 else ""
    sentences = []
    if effects is not None:
        guess = "" if effects.exact else ", ranks estimated from a part of the catalogue"
        sentences.append(
            f"Effect: how many times as likely the item makes the candidate, measured by leaving it out{guess}."
        )
    sentences.append(
        "γ: the item's weight in the readout. Attention: how much the others listen to it, as a multiple of listening "
        "to all neighbours alike. α: what the item's neighbourhood adds to attention; β: what the candidate adds"
        f"{over}. Degree: number of kept edges; similarity: sum over these edges. In cluster: the share of the item "
        "that belongs to its cluster."
    )
    if record.prediction.long_weight is not None:
        sentences.append("λ: share of what the user always wants, which the model reads for every candidate alike.")
    if before is not None and (gone := len(before.removed)):
        sentences.append(f"{count(gone, 'item')} taken out {'is' if gone == 1 else 'are'} not listed.")
    return " ".join(sentences)


# -- behind the graph and the matrices ------------------------------------------------------------------


def link_table(record: Explanation) -> pd.DataFrame:
    """One row a pair of items, the earlier first: what the interest graph draws in any of its layers.

    `similarity` is M (Eq. 1), `kept` whether the sparsification left an edge (Eq. 3). `attention to other` is E (Eq.
    8) from the first of the two to the other: how much it listens to it, mean over the heads; `attention from other`
    is the other way. They are empty where there is no edge. Positions count from 1.
    """
    graph, weights = record.graph_construction, attention(record)
    one, other = np.triu_indices(record.length, k=1)
    there, back = graph.adjacency[one, other] > 0, graph.adjacency[other, one] > 0
    return pd.DataFrame(
        {
            "position": one + 1,
            "title": _titles(record, one),
            "other position": other + 1,
            "other title": _titles(record, other),
            "similarity": graph.similarity[one, other],
            "kept": there | back,
            "attention to other": np.where(there, weights[one, other], np.nan),
            "attention from other": np.where(back, weights[other, one], np.nan),
            "item": _ids(record, one),
            "other item": _ids(record, other),
        }
    )


def assignment_table(record: Explanation, *, styles: Sequence[ClusterStyle] | None = None) -> pd.DataFrame:
    """One row an item, one column a final cluster in the order read, the almost empty ones included: S (Eq. 11).

    Shares of a row sum to 1; with more pooling layers than one, S is the product of all. A column is named by its
    letter, where it has one, and by the cluster's index: "A (cluster 3)".
    """
    styles, n = cluster_styles(record) if styles is None else styles, np.arange(record.length)
    share = record.interest_extraction.total_assignment()
    columns: dict[str, Any] = {"position": n + 1, "title": _titles(record, n)}
    for cluster in record.prediction.order.tolist():
        style = styles[cluster]
        columns[f"{style.letter} (cluster {cluster})" if style.lettered else f"cluster {cluster}"] = share[:, cluster]
    return pd.DataFrame({**columns, "item": _ids(record, n)})


def attention_table(record: Explanation) -> pd.DataFrame:
    """One row an entry of E (Eq. 8) that exists: an item and one that it listens to, itself among them.

    `attention` is the mean over the heads, `times even` the same as a multiple of listening to all neighbours alike; of
    more heads than one each has a column too. The rows of one listener sum to 1. Positions count from 1.
    """
    listener, source = np.nonzero(record.graph_construction.adjacency)
    weights = record.interest_fusion.attention
    heads = {f"attention, head {head + 1}": each[listener, source] for head, each in enumerate(weights)}
    return pd.DataFrame(
        {
            "listener position": listener + 1,
            "listener": _titles(record, listener),
            "listens to position": source + 1,
            "listens to": _titles(record, source),
            "attention": attention(record)[listener, source],
            "times even": attention_lift(record)[listener, source],
            **(heads if len(weights) > 1 else {}),
            "listener item": _ids(record, listener),
            "listens to item": _ids(record, source),
        }
    )


def _titles(record: Explanation, places: np.ndarray) -> list[str]:
    return [title_of(record.history[place]) for place in places.tolist()]


def _ids(record: Explanation, places: np.ndarray) -> list[str]:
    return [record.history[place].item for place in places.tolist()]
