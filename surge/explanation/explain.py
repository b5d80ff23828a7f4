"""From tensors to the explanation record: the only place where the two meet."""

from __future__ import annotations

import difflib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from surge.arguments import arguments, flag, identifier, optional
from surge.backends.scoring import read_graphs
from surge.checkpoint import Checkpoint, as_checkpoint
from surge.config import to_dict
from surge.data.dataset import Dataset, as_dataset
from surge.errors import SurgeError
from surge.explanation.history import TitledHistory, read_history
from surge.explanation.measurements import sigmoid
from surge.explanation.ranking import Ranking, left_out, log_lift, rank_catalogue
from surge.explanation.record import (
    Embeddings,
    Explanation,
    GraphConstruction,
    InterestExtraction,
    InterestFusion,
    Item,
    PoolingLayer,
    Prediction,
)
from surge.model.interest_extraction import Pooling, pool_adjacency
from surge.model.surge import InterestGraph

LONGEST_TOLD = 60  # characters of an unknown id in a message


@arguments(item=optional(identifier), hold_out=flag)
def explain(
    checkpoint: Checkpoint | str | Path,
    dataset: Dataset | str | Path,
    user: str | int,
    item: str | int | None = None,
    *,
    hold_out: bool = True,
) -> Explanation:
    """Why the checkpoint's model gives `item` its score for `user`: the whole record of one reading.

    Without `item` the top predicted one is explained. With `hold_out` the user's last interaction is not
    read. An unknown user or item is a SurgeError.
    """
    checkpoint, dataset = as_checkpoint(checkpoint), as_dataset(dataset)
    history = read_history(checkpoint, dataset, user, hold_out=hold_out)
    if item is not None:
        candidate_row(checkpoint, item)  # an unknown one is told before anything is scored
    return explain_history(checkpoint, history, item, rank_catalogue(checkpoint, history))


def explain_history(
    checkpoint: Checkpoint, history: TitledHistory, item: str | int | None = None, ranking: Ranking | None = None
) -> Explanation:
    """The same for a history at hand. Without a `ranking` of it, and with an `item`, nothing else is scored, and the
    record doesn't say how likely the item is to be the next of all."""
    if item is None:
        ranking = ranking or rank_catalogue(checkpoint, history)
        top = ranking.top(1)
        if not top:
            raise SurgeError("Every item of this catalogue is in the history already; name an item to explain.")
        row = top[0].row
    else:
        row = candidate_row(checkpoint, item)
    chosen = checkpoint.items.row(row, named=True)
    model = checkpoint.model
    device = model.item_embedding.weight.device
    with torch.inference_mode():
        graph = read_graphs(model, [history])
        target = model.embed(torch.tensor([[row]], device=device))
        # the graph that scoring uses, read in float64: see precise_model
        graph = InterestGraph(*(part.double() if part.is_floating_point() else part for part in graph))
        reading = checkpoint.precise_model.read_embeddings(graph, target.double())
        layers = []
        adjacency = graph.adjacency.unsqueeze(1)
        for pooling in reading.extraction.layers:
            adjacency = pool_adjacency(pooling.assignment, adjacency)
            layers.append(_layer(pooling, adjacency))
    attention = reading.fusion.attention
    assert attention is not None  # training alone goes without
    logit = float(reading.logit[0, 0])
    return Explanation(
        user=history.user,
        target=Item(chosen["item"], chosen["title"], chosen["category"]),
        history=history.items,
        model=to_dict(checkpoint.model_config),
        embeddings=Embeddings(_array(graph.embedded), _array(reading.target[0])),
        graph_construction=GraphConstruction(
            _array(graph.similarity), float(graph.threshold[0]), _array(graph.adjacency).astype(np.int8)
        ),
        interest_fusion=InterestFusion(
            cluster_score=_array(graph.cluster_score),
            query_score=_array(reading.fusion.query_score[0]),
            attention=_array(attention[0]),
            fused=_array(reading.fusion.fused[0]),
        ),
        interest_extraction=InterestExtraction(
            assignment=layers[0].assignment,
            importance=_array(reading.extraction.importance[0]),
            pooled=layers[0].pooled,
            pooled_importance=layers[0].pooled_importance,
            pooled_adjacency=layers[0].pooled_adjacency,
            readout=_array(reading.extraction.readout[0]),
            layers=tuple(layers[1:]),
        ),
        prediction=Prediction(
            order=_array(reading.evolution.order[0]),
            evolution=_array(reading.evolution.states[0]),
            update_gate=_array(reading.evolution.update_gate[0]),
            logit=logit,
            probability=float(sigmoid(np.asarray(logit))),
            long_weight=_array(graph.long_weight) if checkpoint.model_config.forms.long_term else None,
            log_popularity=float(checkpoint.catalogue.log_popularity[row]),
            lift=float(np.exp(log_lift(checkpoint.catalogue, row, logit))),
            next_probability=ranking.chance_of(row) if ranking is not None else None,
            left_out=row in left_out(checkpoint, history),
        ),
        notes=history.notes,
    )


def candidate_row(checkpoint: Checkpoint, item: str | int) -> int:
    """The embedding row of an item; an unknown one is a SurgeError that names the closest ids."""
    item = identifier(item, "item")
    row = checkpoint.rows.get(item)
    if row is None:
        close = difflib.get_close_matches(item, list(checkpoint.rows)[:50_000], n=3)
        hint = f"; the closest ids are {', '.join(repr(_short(each)) for each in close)}" if close else ""
        raise SurgeError(f"The checkpoint {checkpoint.name!r} knows no item {_short(item)!r}{hint}.")
    return row


def _short(text: str) -> str:
    """As much of an id as a sentence can hold."""
    return text if len(text) <= LONGEST_TOLD else f"{text[: LONGEST_TOLD - 1]}…"


def _array(tensor: Tensor) -> np.ndarray:
    """The single history (or candidate) of a tensor, as NumPy."""
    return tensor[0].detach().cpu().numpy()


def _layer(pooling: Pooling, adjacency: Tensor) -> PoolingLayer:
    return PoolingLayer(
        assignment=_array(pooling.assignment[0]),
        pooled=_array(pooling.pooled[0]),
        pooled_importance=_array(pooling.pooled_importance[0]),
        pooled_adjacency=_array(adjacency[0]),
    )
