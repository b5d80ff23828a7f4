"""How the graph, the clusters and the candidate's lift grew with the history: each prefix read by itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from surge.backends.scoring import histories_at_once, read_graphs, score_histories
from surge.checkpoint import Checkpoint
from surge.data.history import History
from surge.explanation.explain import candidate_row
from surge.explanation.faithfulness import spread
from surge.explanation.history import TitledHistory
from surge.explanation.leave_one_out import READING, spread_competitors
from surge.explanation.measurements import Drift
from surge.explanation.ranking import Ranking, left_out, rank_catalogue, stands_above
from surge.explanation.record import Explanation
from surge.model.surge import SurgeModel

Array = np.ndarray
MOST_EDGES = 60  # of one prefix
BUDGET = 200_000_000  # cells, as `leave_one_out` counts them: about three seconds of one core
FEWEST_COMPETITORS = 50


def measure_drift(
    checkpoint: Checkpoint,
    history: TitledHistory,
    record: Explanation,
    *,
    points: int = 60,
    ranks: bool = True,
    competitors_budget: int = BUDGET,
    ranking: Ranking | None = None,
    progress: Callable[[float], None] | None = None,
) -> Drift:
    """What the model says of the record's candidate after 1, 2, ... n items (at most `points` prefixes,
    evenly spread, the first item and the whole history among them).

    The candidate is ranked among the whole catalogue; where the checkpoint leaves out what was seen, without
    what else the user took, so that all prefixes have the same competitors. A competitor costs
    heads x length^2 + READING cells a prefix. Where `competitors_budget` is too small for all of them, a part is
    scored, dense among the best of the whole history's `ranking` (made here if not given), and earlier ranks are
    estimated from it: rank + sum_r w_r ([r is above the candidate in the prefix] - [r is above it at the end]),
    where item r stands for w_r. The last rank is exact in any case. Without `ranks` no competitor is scored, and no
    rank is known (NaN): that is quick for any catalogue.

    A `record` of another history is a ValueError. `progress` is called with the share done.
    """
    if not history.is_explained_by(record):
        raise ValueError("the record belongs to another history")
    move = progress or (lambda share: None)
    row = candidate_row(checkpoint, record.target.item)
    lengths = spread(record.length, points) + 1
    prefixes = [history.prefix(length) for length in lengths.tolist()]
    readings = _read_prefixes(checkpoint.model, prefixes, row, lambda share: move(share / 10))
    if ranks:
        rank, exact = _ranks(checkpoint, history, prefixes, row, competitors_budget, ranking, move)
    else:
        rank, exact = np.full(len(lengths), np.nan), False
        move(1.0)
    mass = np.zeros((len(lengths), max(len(reading.mass) for reading in readings)))
    for place, reading in enumerate(readings):
        mass[place, : len(reading.mass)] = reading.mass
    return Drift(
        lengths=lengths,
        logit=np.array([reading.logit for reading in readings]),
        rank=rank,
        exact=exact,
        cluster_mass=mass,
        clusters=tuple(reading.clusters for reading in readings),
        importance=tuple(reading.importance for reading in readings),
        edges=tuple(reading.edges for reading in readings),
        edge_similarity=tuple(reading.edge_similarity for reading in readings),
        offset=float(checkpoint.catalogue.lift_offset(row)),
        temperature=checkpoint.catalogue.temperature,
    )


def _ranks(
    checkpoint: Checkpoint,
    history: TitledHistory,
    prefixes: list[History],
    row: int,
    budget: int,
    ranking: Ranking | None,
    progress: Callable[[float], None],
) -> tuple[Array, bool]:
    """The candidate's rank after each prefix, and whether all of them are exact; see `measure_drift`."""
    rivals = np.setdiff1d(np.arange(checkpoint.model_config.item_count), [row, *left_out(checkpoint, history)])
    cost = sum(checkpoint.model_config.heads * len(prefix) ** 2 + READING for prefix in prefixes)
    exact = len(rivals) <= budget // cost
    scored, weights, last = rivals, np.ones(len(rivals)), 0.0
    if not exact:
        ranking = ranking or rank_catalogue(checkpoint, history)
        order = ranking.order[np.isin(ranking.order, rivals)]
        places, weights = spread_competitors(len(order), max(budget // cost, FEWEST_COMPETITORS))
        scored = order[places]
        last = float(stands_above(checkpoint, ranking.logits[rivals], ranking.logits[row], rivals, row).sum())
    logits = score_histories(
        checkpoint.model, prefixes, np.append(scored, row), lambda share: progress(0.1 + 0.9 * share)
    )
    ahead = stands_above(checkpoint, logits[:, :-1], logits[:, -1:], scored, row) @ weights
    if not exact:
        ahead = last + ahead - ahead[-1]
    return 1 + np.clip(np.round(ahead), 0, len(rivals)), exact


# -- reading ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Reading:
    """What one prefix's reading leaves: see Drift."""

    logit: float
    mass: Array
    clusters: Array
    importance: Array
    edges: Array
    edge_similarity: Array


def _read_prefixes(
    model: SurgeModel, prefixes: list[History], row: int, progress: Callable[[float], None]
) -> list[_Reading]:
    """All prefixes, shortest first, read with one candidate in chunks that fit in memory."""
    readings: list[_Reading] = []
    with torch.inference_mode():
        while len(readings) < len(prefixes):
            rest = prefixes[len(readings) :]
            part = rest[: histories_at_once(model, [len(prefix) for prefix in rest])]
            graph = read_graphs(model, part)
            reading = model.read(graph, torch.full((len(part), 1), row, device=graph.mask.device))
            total = reading.extraction.layers[0].assignment
            for layer in reading.extraction.layers[1:]:
                total = total @ layer.assignment
            for place, prefix in enumerate(part):
                n = len(prefix)
                edges, similarity = _strongest_edges(
                    graph.adjacency[place, :n, :n].cpu().numpy(), graph.similarity[place, :n, :n].cpu().numpy()
                )
                readings.append(
                    _Reading(
                        logit=float(reading.logit[place, 0]),
                        mass=total[place, 0, :n].sum(0).double().cpu().numpy(),
                        clusters=total[place, 0, :n].argmax(-1).cpu().numpy(),
                        importance=reading.extraction.importance[place, 0, :n].double().cpu().numpy(),
                        edges=edges,
                        edge_similarity=similarity,
                    )
                )
            progress(len(readings) / len(prefixes))
    return readings


def _strongest_edges(adjacency: Array, similarity: Array) -> tuple[Array, Array]:
    """The strongest kept edges between two items i < j (e x 2), and their similarity (e)."""
    edges = np.argwhere(np.triu((adjacency + adjacency.T) > 0, 1))
    strength = similarity[edges[:, 0], edges[:, 1]].astype(np.float64)
    strongest = np.argsort(-strength, kind="stable")[:MOST_EDGES]
    return edges[strongest], strength[strongest]
