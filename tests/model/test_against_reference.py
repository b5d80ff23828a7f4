"""The model against the same equations written once more in NumPy, intermediate by intermediate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch

from surge.config import PRESETS
from surge.model.interest_extraction import pool_adjacency
from tests.model.reference_settings import surge
from tests.model.small import HISTORIES, ITEM_CATEGORY, ages_of, pad, small_model, weights_of

SETTINGS: list[Mapping[str, Any]] = [
    {},
    {"fusion": "without_query"},
    {"fusion": "without_cluster"},
    {"fusion": "none"},
    {"extraction": "none"},
    {"extraction": "none", "flatten": "index"},
    {"readout": False},
    {"long_term": True},
    {"long_term": True, "readout": False, "normalise": False},
    {"long_term": True, "time": "age", "activation": "none"},
    {"position": "none"},
    {"position": "message"},
    {"time": "age"},
    {"activation": "none"},
    {"time": "age", "position": "message"},
    {"flatten": "index"},
    {"evolution": "gru"},
    {"evolution": "time_lstm"},
    {"evolution": "time_lstm", "extraction": "none"},
    {"evolution": "time_lstm", "flatten": "index"},
    {"evolution": "attention"},
    {"evolution": "none"},
    {"evolution": "gru", "extraction": "none"},
    {"evolution": "attention", "extraction": "none"},
    {"evolution": "none", "extraction": "none"},
    {"gate": "absolute"},
    {"normalise": False},
    {"normalise": False, "readout": False},
    {"assignment_aggregation": "sum"},
    {"heads": 2},
    {"heads": 4, "fusion": "without_cluster"},
    {"metric_heads": 1},
    {"metric_heads": 5},
    {"hops": 2},
    {"hops": 3},
    {"clusters": (6, 3)},
    {"clusters": (6, 3), "assignment_aggregation": "sum", "flatten": "index"},
    {"clusters": (6, 4, 2), "heads": 2, "hops": 2},
    {"clusters": (1,)},
    {"category_size": 0, "item_size": 8},
    {"max_length": 4},
    {"sparsity": 0.0},
    {"sparsity": 1.0},
    {"attention_hidden": (5,), "prediction_hidden": (6,)},
    {"attention_activation": "leaky_relu"},
    {"attention_activation": "leaky_relu", "attention_hidden": (5,), "heads": 2},
    {"attention_activation": "leaky_relu", "attention_hidden": (5, 4, 3), "fusion": "without_cluster"},
    {"attention_nonlinearity": "none"},
    {"attention_nonlinearity": "none", "heads": 2, "fusion": "without_query"},
    PRESETS["as-printed"]["model"],
    {"position": "none", "flatten": "index", "gate": "absolute", "assignment_aggregation": "sum"},
]
CANDIDATES = (0, 5, 9)


def name_of(settings: Mapping[str, Any]) -> str:
    return ",".join(f"{key}={value}" for key, value in settings.items()) or "defaults"


def computed(graph: Any, reading: Any, row: int, at: int, n: int) -> dict[str, Any]:
    """What the model computed for one history of a padded batch and one candidate, without its padding."""
    extraction, soft = reading.extraction, reading.extraction.layers
    layers, adjacency = [], graph.adjacency.unsqueeze(1)
    for index, pooling in enumerate(soft):
        adjacency = pool_adjacency(pooling.assignment, adjacency)
        nodes = n if index == 0 else None
        layers.append(
            {
                "assignment": pooling.assignment[row, at, :nodes],
                "pooled": pooling.pooled[row, at],
                "importance": pooling.pooled_importance[row, at],
                "adjacency": adjacency[row, at],
            }
        )
    return {
        "embedded": graph.embedded[row, :n],
        "target": reading.target[row, at],
        "values": graph.values[row, :n],
        "similarity": graph.similarity[row, :n, :n],
        "threshold": graph.threshold[row],
        "adjacency": graph.adjacency[row, :n, :n],
        "cluster_score": graph.cluster_score[row, :, :n],
        "query_score": reading.fusion.query_score[row, at, :, :n],
        "attention": reading.fusion.attention[row, at, :, :n, :n],
        "fused": reading.fusion.fused[row, at, :n],
        "importance": extraction.importance[row, at, :n],
        "readout": extraction.readout[row, at],
        "layers": layers,
        "position": soft[-1].position[row, at],
        "mass": soft[-1].mass[row, at],
        "order": reading.evolution.order[row, at],
        "states": reading.evolution.states[row, at],
        "update_gate": reading.evolution.update_gate[row, at],
        "long_weight": graph.long_weight[row, :n],
        "logit": reading.logit[row, at],
    }


def assert_same(actual: Any, expected: Any, where: str) -> None:
    """Nested values agree to 1e-9; slots beyond the expected ones (padding, without extraction) are cut."""
    if isinstance(expected, dict):
        for key, value in expected.items():
            assert_same(actual[key], value, f"{where}.{key}")
    elif isinstance(expected, list):
        assert len(actual) == len(expected), where
        for index, value in enumerate(expected):
            assert_same(actual[index], value, f"{where}[{index}]")
    else:
        values = actual.numpy()[tuple(slice(size) for size in np.shape(expected))]
        np.testing.assert_allclose(values, expected, rtol=0, atol=1e-9, err_msg=where)


@pytest.mark.parametrize("settings", SETTINGS, ids=name_of)
def test_every_intermediate_of_a_padded_batch_equals_the_reference(settings: Mapping[str, Any]) -> None:
    model, batch = small_model(seed=3, **settings), pad(HISTORIES)
    ages = ages_of(batch)
    with torch.no_grad():
        graph = model.build_graph(batch, ages)
        reading = model.read(graph, torch.tensor([CANDIDATES] * len(HISTORIES)))
    weights = weights_of(model)
    for row, history in enumerate(HISTORIES):
        for at, candidate in enumerate(CANDIDATES):
            expected = surge(weights, model.config, ITEM_CATEGORY, history, candidate, ages[row].tolist())
            actual = computed(graph, reading, row, at, len(history))
            assert_same(actual, expected, f"history {row}, candidate {candidate}")


@pytest.mark.parametrize("settings", SETTINGS[1:], ids=name_of)
def test_every_switch_changes_the_logits(settings: Mapping[str, Any]) -> None:
    default, other = small_model(seed=3), small_model(seed=3, **settings)
    shared, own = default.state_dict(), other.state_dict()
    same = {name: tensor for name, tensor in shared.items() if name in own and own[name].shape == tensor.shape}
    other.load_state_dict(own | same)
    with torch.no_grad():
        batch = pad(HISTORIES[:1])
        graphs = [model.build_graph(batch, ages_of(batch)) for model in (default, other)]
        logits = [
            model.read(graph, torch.tensor([CANDIDATES])).logit
            for model, graph in zip((default, other), graphs, strict=True)
        ]
    assert (logits[0] - logits[1]).abs().max() > 1e-4
