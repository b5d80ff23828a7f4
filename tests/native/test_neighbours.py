"""Scores along lists of neighbours against the dense form, which keeps E."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from surge.backends import neighbours
from surge.backends.kernel import by_torch
from surge.model.interest_fusion import attention_weights
from surge.model.surge import SurgeModel
from surge.native import library
from tests.model.small import HISTORIES, ITEMS, ages_of, pad, small_model

HISTORY = pad(HISTORIES)
EVERY = torch.arange(ITEMS).repeat(2).expand(len(HISTORIES), -1)  # 24 candidates a history


@pytest.fixture(autouse=True)
def by_torch_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(library.SWITCH, "0")


def both(model: SurgeModel, candidates: Tensor = EVERY) -> tuple[Tensor, Tensor]:
    with torch.inference_mode():
        graph = model.build_graph(HISTORY, ages_of(HISTORY))
        return by_torch(model, graph, candidates), model.read(graph, candidates).logit


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"heads": 2},
        {"sparsity": 1.0},
        {"sparsity": 0.0},
        {"clusters": (4, 2)},
        {"extraction": "none"},
        {"fusion": "without_query", "assignment_aggregation": "sum"},
        {"fusion": "without_cluster", "activation": "none"},
        {"fusion": "none"},
        {"attention_activation": "leaky_relu"},
        {"attention_nonlinearity": "none", "heads": 2},
        {"attention_nonlinearity": "none", "attention_activation": "leaky_relu", "assignment_aggregation": "sum"},
        {"evolution": "gru", "flatten": "index"},
        {"evolution": "time_lstm", "time": "age", "long_term": True},
        {"evolution": "attention", "readout": False},
        {"evolution": "none", "gate": "absolute"},
    ],
    ids=str,
)
def test_scores_are_those_of_the_reading(settings: dict) -> None:
    scored, read = both(small_model(**settings))
    assert read.std() > 0.01
    assert torch.allclose(scored, read, rtol=0, atol=1e-12)


def test_the_clusters_of_a_score_are_those_of_the_reading() -> None:
    model = small_model()
    with torch.inference_mode():
        graph = model.build_graph(HISTORY)
        scored = model.score_embeddings(graph, model.embed(EVERY), neighbours.NEIGHBOURS)
        read = model.read(graph, EVERY)
    for mine, theirs in zip(scored.extraction.layers[0], read.extraction.layers[0], strict=True):
        assert torch.allclose(mine, theirs, rtol=0, atol=1e-12)


def test_few_candidates_take_the_dense_form(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> Tensor:
        raise AssertionError

    monkeypatch.setattr(neighbours.Neighbours, "attend", never)
    monkeypatch.setattr(neighbours.Neighbours, "assign", never)
    model = small_model()
    both(model, EVERY[:, : neighbours.LEAST - 1])
    model.score(model.build_graph(HISTORY), EVERY).sum().backward()  # the model itself has no other
    assert model.construct.weight.grad is not None
    with pytest.raises(AssertionError):
        both(model, EVERY)


def test_the_sum_by_hand() -> None:
    """Three items, of which the last is padding; the first sees both, the second itself."""
    adjacency = torch.tensor([[[1.0, 1.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]])
    alpha, beta = torch.tensor([[[0.5, -1.0, 9.0]]]), torch.tensor([[[[1.0, -2.0, 9.0]]]])
    message = torch.tensor([[[1.0, 0.0], [0.0, 10.0], [7.0, 7.0]]])
    first = torch.softmax(torch.tensor([1.5, -1.5 * 0.2]), 0)
    expected = torch.stack([first @ message[0, :2], message[0, 1], message[0, 2]])
    assert torch.allclose(neighbours.NEIGHBOURS.attend(alpha, beta, adjacency, message, 0.2)[0, 0], expected)
    dense = attention_weights(alpha, beta, adjacency)[0, 0, 0] @ message[0]
    assert torch.allclose(dense, expected)


def test_whose_neighbour_one_is_does_not_matter() -> None:
    """The second is a neighbour of the first and has none itself: it passes its own message on."""
    adjacency = torch.tensor([[[0.0, 1.0], [0.0, 0.0]]])
    alpha, beta = torch.zeros(1, 1, 2), torch.zeros(1, 1, 1, 2)
    message = torch.tensor([[[1.0, 0.0], [0.0, 10.0]]])
    assert neighbours.NEIGHBOURS.attend(alpha, beta, adjacency, message, 0.2)[0, 0].tolist() == [[0, 10], [0, 10]]
