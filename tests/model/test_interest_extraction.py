"""Eq. 9-11 and 15: pooling worked out by hand, hierarchical pooling, and pooling switched off."""

from __future__ import annotations

import math

import pytest
import torch

from surge.model.assignment import SoftAssignment
from surge.model.dense import DENSE
from surge.model.interest_extraction import Extraction, InterestExtraction, importance, pool_adjacency
from tests.model.small import HISTORIES, pad, small_model

LOG3 = math.log(3)


def extract_by_hand(aggregation: str = "mean") -> Extraction:
    """Three items in two dimensions, two heads, items 0 and 1 neighbours; W_p = log 3 times the identity."""
    extract = InterestExtraction([SoftAssignment(2, 2, aggregation)]).double()
    with torch.no_grad():
        extract.assign[0].weight.copy_(torch.eye(2, dtype=torch.float64) * LOG3)
    fused = torch.tensor([[[[2.0, 0.0], [0.0, 0.0], [0.0, 1.0]]]], dtype=torch.float64)
    beta = torch.tensor([[[[0.0, LOG3, 0.0], [0.0, 0.0, 0.0]]]], dtype=torch.float64)
    adjacency = torch.tensor([[[1, 1, 0], [1, 1, 0], [0, 0, 1]]], dtype=torch.float64)
    return extract(fused, beta, adjacency, torch.ones(1, 3, dtype=torch.bool), DENSE)


def test_importance_is_the_mean_over_heads_of_the_softmax_of_beta() -> None:
    # head 1: 1/5, 3/5, 1/5; head 2: a third each
    assert extract_by_hand().importance[0, 0].tolist() == pytest.approx([4 / 15, 7 / 15, 4 / 15], abs=1e-12)


def test_importance_of_padding_is_exactly_zero() -> None:
    mask = torch.tensor([[True, True, False]])
    weights = importance(torch.tensor([[[[0.0, LOG3, 50.0]]]], dtype=torch.float64), mask)
    assert weights[0, 0].tolist() == pytest.approx([1 / 4, 3 / 4, 0], abs=1e-12)
    assert weights[0, 0, 2] == 0


def test_pooling_by_hand() -> None:
    extraction = extract_by_hand()
    (pooling,) = extraction.layers
    # the means are (1, 0), (1, 0), (0, 1), so the odds of the clusters are 3 : 1, 3 : 1 and 1 : 3
    assignment = [[3 / 4, 1 / 4], [3 / 4, 1 / 4], [1 / 4, 3 / 4]]
    expected = {
        "assignment": assignment,
        "pooled": [[2 * 3 / 4, 1 / 4], [2 * 1 / 4, 3 / 4]],
        "pooled_importance": [(3 * 11 + 4) / 60, (11 + 3 * 4) / 60],
        "mass": [7 / 4, 5 / 4],
        "position": [(3 + 9 + 5) / 24 / (7 / 4), (1 + 3 + 15) / 24 / (5 / 4)],
    }
    for name, values in expected.items():
        found = getattr(pooling, name)[0, 0]
        assert torch.allclose(found, torch.tensor(values, dtype=torch.float64), atol=1e-12), name
    assert extraction.readout[0, 0].tolist() == pytest.approx([2 * 4 / 15, 4 / 15], abs=1e-12)


def test_sum_instead_of_mean_in_the_assignment() -> None:
    (pooling,) = extract_by_hand("sum").layers
    assert pooling.assignment[0, 0, 0].tolist() == pytest.approx([9 / 10, 1 / 10], abs=1e-12)
    assert pooling.assignment[0, 0, 2].tolist() == pytest.approx([1 / 4, 3 / 4], abs=1e-12)


def test_pooled_adjacency_by_hand() -> None:
    adjacency = torch.tensor([[1.0, 1.0, 0.0], [1.0, 1.0, 1.0], [0.0, 1.0, 1.0]])
    crisp = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    assert pool_adjacency(crisp, adjacency).tolist() == [[4, 1], [1, 1]]
    soft = torch.tensor([[0.5, 0.5], [1.0, 0.0], [0.0, 1.0]])
    assert pool_adjacency(soft, adjacency).tolist() == [[2.25, 1.75], [1.75, 1.25]]


def test_deeper_pooling_reads_the_pooled_graph() -> None:
    model = small_model(clusters=(6, 3))
    graph = model.build_graph(pad(HISTORIES[:1]))
    reading = model.read(graph, torch.tensor([[5]]))
    first, second = reading.extraction.layers
    pooled_graph = pool_adjacency(first.assignment, graph.adjacency.unsqueeze(1))
    around = pooled_graph @ first.pooled / pooled_graph.sum(-1, keepdim=True)
    expected = torch.softmax(around @ model.extract.assign[1].weight.T, dim=-1)
    assert torch.allclose(second.assignment, expected, atol=1e-12)
    total = first.assignment @ second.assignment
    assert torch.allclose(second.pooled, total.transpose(-1, -2) @ reading.fusion.fused, atol=1e-12)
    assert torch.allclose(second.mass, total.sum(-2), atol=1e-12)
    assert second.pooled_importance.sum().item() == pytest.approx(1, abs=1e-12)


def test_without_extraction_every_item_is_its_own_cluster() -> None:
    model = small_model(extraction="none")
    graph = model.build_graph(pad(HISTORIES))
    reading = model.read(graph, torch.tensor([[5]] * len(HISTORIES)))
    (pooling,) = reading.extraction.layers
    for row, history in enumerate(HISTORIES):
        n = len(history)
        assert torch.equal(pooling.assignment[row, 0, :n, :n], torch.eye(n, dtype=torch.float64))
        assert pooling.assignment[row, 0].sum() == n
        assert torch.equal(pooling.pooled[row, 0, :n], reading.fusion.fused[row, 0, :n])
        assert torch.all(pooling.pooled[row, 0, n:] == 0)
        assert torch.equal(pooling.pooled_importance[row], reading.extraction.importance[row])
        assert pooling.position[row, 0, :n].tolist() == pytest.approx([(i + 0.5) / n for i in range(n)])
        assert reading.evolution.order[row, 0].tolist() == list(range(7))
    assert not list(model.extract.parameters())
