"""The preset as-printed against the paper, written down once more by someone who had not seen the model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from surge.config import TrainingConfig, from_dict, preset
from surge.model.interest_extraction import pool_adjacency
from surge.model.layers import ATTENTION_SLOPE, PairScore
from surge.model.losses import log_loss
from surge.model.surge import SurgeModel
from surge.recommenders.surge import loss_terms
from surge.training.l2 import L2
from tests.model import reference
from tests.model.small import HISTORIES, pad, small_model

PRINTED = preset("as-printed")
SHAPES: list[dict[str, Any]] = [{}, {"heads": 2}, {"heads": 4, "metric_heads": 3}, {"hops": 2}, {"clusters": (5,)}]
TARGETS = [0, 6]


def array(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().double().numpy()


def layers(modules: torch.nn.Module) -> list[tuple[np.ndarray, np.ndarray]]:
    return [(array(part.weight), array(part.bias)) for part in modules.modules() if isinstance(part, torch.nn.Linear)]


def attention(score: PairScore) -> list[tuple[np.ndarray, np.ndarray]]:
    return [(array(score.first.weight), array(score.first.bias)), *layers(score.rest)]


def gates(weights: torch.Tensor) -> np.ndarray:
    """The model stacks update, reset, new; the paper's reference reset, update, new."""
    update, reset, new = np.split(array(weights), 3)
    return np.concatenate([reset, update, new])


def prediction(model: SurgeModel) -> list[tuple[np.ndarray, np.ndarray]]:
    """The layers of Eq. 17; the model joins h_s, h_t, h_g, h_g * h_t, and the paper h_s, h_g, h_t, h_g * h_t."""
    (weight, bias), *rest = layers(model.predict.score)
    state, size = model.config.state_size, model.config.size
    h_s, h_t, h_g, product = np.split(weight, [state, state + size, state + 2 * size], axis=1)
    return [(np.concatenate([h_s, h_g, h_t, product], axis=1), bias), *rest]


def paper_weights(model: SurgeModel) -> dict[str, Any]:
    """The model's weights by the names of the reference."""
    fuse, recurrence = model.fuse, model.predict.evolve.recurrence
    return {
        "metric": array(model.construct.weight),
        "W_a": np.split(array(fuse.aggregate.weight), model.config.heads),
        "W_c": [array(score.project.weight) for score in fuse.cluster],
        "W_q": [array(score.project.weight) for score in fuse.query],
        "attention_c": [attention(score) for score in fuse.cluster],
        "attention_q": [attention(score) for score in fuse.query],
        "W_p": array(model.extract.assign[0].weight),
        "weight_ih": gates(recurrence.from_input.weight),
        "weight_hh": gates(recurrence.from_state.weight),
        "bias_ih": gates(recurrence.from_input.bias),
        "bias_hh": gates(recurrence.from_state.bias),
        "predict": prediction(model),
    }


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_intermediate_is_the_papers(shape: dict[str, Any]) -> None:
    model = small_model(**PRINTED["model"] | shape)
    history = pad(HISTORIES)
    with torch.no_grad():
        graph = model.build_graph(history)
        reading = model.read(graph, torch.tensor(TARGETS).expand(len(HISTORIES), -1))
        embedded = array(model.embed(torch.arange(model.config.item_count)))
    weights = paper_weights(model)
    pooling = reading.extraction.layers[0]
    for place, rows in enumerate(HISTORIES):
        n = len(rows)
        for column, target in enumerate(TARGETS):
            paper = reference.surge(
                embedded[rows],
                embedded[target],
                weights,
                sparsity=model.config.sparsity,
                hops=model.config.hops,
                attention_slope=ATTENTION_SLOPE,
            )
            at = (place, column)
            ours = {
                "similarity": graph.similarity[place, :n, :n],
                "threshold": graph.threshold[place],
                "adjacency": graph.adjacency[place, :n, :n],
                "cluster_score": graph.cluster_score[place, :, :n],
                "query_score": reading.fusion.query_score[at][:, :n],
                "attention": reading.fusion.attention[at][:, :n, :n],
                "fused": reading.fusion.fused[at][:n],
                "importance": reading.extraction.importance[at][:n],
                "assignment": pooling.assignment[at][:n],
                "pooled": pooling.pooled[at],
                "pooled_importance": pooling.pooled_importance[at],
                "pooled_adjacency": pool_adjacency(pooling.assignment, graph.adjacency.unsqueeze(1))[at],
                "readout": reading.extraction.readout[at],
                "evolution": reading.evolution.states[at],
                "update_gate": reading.evolution.update_gate[at],
                "logit": reading.logit[at],
                "probability": torch.sigmoid(reading.logit[at]),
            }
            for name, value in ours.items():
                assert array(value) == pytest.approx(np.asarray(paper[name]), abs=1e-9), name
            assert reading.evolution.order[at].tolist() == list(range(model.config.clusters[0]))


def test_the_loss_is_the_papers() -> None:
    """Eq. 12-14 as printed, Eq. 18's log loss, and nothing that the paper doesn't have."""
    model = small_model(**PRINTED["model"])
    config = from_dict(TrainingConfig, PRINTED["training"])
    with torch.no_grad():
        embedded = array(model.embed(torch.arange(model.config.item_count)))
        graph = model.build_graph(pad(HISTORIES[:1]))
        reading = model.read(graph, torch.tensor([TARGETS]))
        terms = loss_terms(graph, reading, config)
    paper = reference.surge(
        embedded[HISTORIES[0]],
        embedded[TARGETS[0]],
        paper_weights(model),
        sparsity=model.config.sparsity,
        attention_slope=ATTENTION_SLOPE,
    )
    for name, value in reference.losses(paper).items():
        assert float(terms[name]) == pytest.approx(value, rel=1e-5), name
    logits = reading.logit[0].tolist()
    assert float(log_loss(reading.logit)) == pytest.approx(reference.log_loss(logits, [1, 0]))
    loss = config.loss
    assert loss.balance_weight == loss.next_item_weight == loss.warmup_steps == 0
    assert min(loss.same_mapping_weight, loss.single_affiliation_weight, loss.relative_position_weight) > 0


def test_l2_is_the_papers() -> None:
    """A step of gradient descent on lambda ||Theta||^2, its gradient by differences."""
    model, rate, weight = small_model(**PRINTED["model"]), 1e-3, 0.3
    before = {name: array(parameter).ravel().copy() for name, parameter in model.named_parameters()}
    L2(model.parameters(), weight).step(rate)
    for name, parameter in model.named_parameters():
        step = np.zeros_like(before[name])
        step[0] = 1e-4
        slope = (reference.l2([before[name] + step], weight) - reference.l2([before[name] - step], weight)) / 2e-4
        moved = float(array(parameter).ravel()[0]) - before[name][0]
        assert moved == pytest.approx(-rate * slope, rel=1e-3), name
