"""Eq. 4-8: attention worked out by hand, what alpha and beta can move, and the ablations."""

from __future__ import annotations

import math

import pytest
import torch

from surge.model.interest_fusion import attention_weights, cluster_mean
from surge.model.layers import PairScore
from tests.model.small import HISTORIES, pad, small_model

CHAIN = torch.tensor([[[1, 1, 0, 0], [1, 1, 1, 0], [0, 1, 1, 1], [0, 0, 1, 1]]], dtype=torch.float64)


def scores(alpha: list[float], beta: list[float]) -> tuple[torch.Tensor, torch.Tensor]:
    """alpha and beta of one history, one candidate and one head."""
    return torch.tensor([[alpha]], dtype=torch.float64), torch.tensor([[[beta]]], dtype=torch.float64)


def test_attention_of_two_neighbours_by_hand() -> None:
    full = torch.ones(1, 2, 2, dtype=torch.float64)
    log3 = math.log(3)
    weights = attention_weights(*scores([0.0, -log3], [0.0, log3]), full)[0, 0, 0]
    # row 0: logits 0 and log 3; row 1: LeakyReLU(-log 3) = -0.2 log 3 and 0
    assert weights[0].tolist() == pytest.approx([1 / 4, 3 / 4], abs=1e-12)
    assert weights[1].tolist() == pytest.approx([1 / (1 + 3**0.2), 3**0.2 / (1 + 3**0.2)], abs=1e-12)


def test_attention_is_exactly_zero_off_the_graph_and_rows_sum_to_one() -> None:
    torch.manual_seed(0)
    alpha, beta = torch.randn(1, 2, 4).double() * 5, torch.randn(1, 3, 2, 4).double() * 5
    weights = attention_weights(alpha, beta, CHAIN)
    assert torch.all(weights[..., CHAIN[0] == 0] == 0)
    assert torch.all(weights[..., CHAIN[0] == 1] > 0)
    assert torch.allclose(weights.sum(-1), torch.ones(1, 3, 2, 4).double(), atol=1e-12)


def test_alpha_moves_its_own_row_and_no_other() -> None:
    alpha, beta = scores([0.3, -0.4, 0.2, 0.1], [0.5, -0.6, 0.7, -0.2])
    before = attention_weights(alpha, beta, CHAIN)[0, 0, 0]
    moved = alpha.clone()
    moved[0, 0, 2] -= 0.8
    after = attention_weights(moved, beta, CHAIN)[0, 0, 0]
    assert (after[2] - before[2]).abs().max() > 0.01  # alpha does not cancel in the softmax
    assert torch.equal(after[[0, 1, 3]], before[[0, 1, 3]])


def test_beta_moves_its_own_column_and_through_the_rows_sums_the_rest_of_them() -> None:
    alpha, beta = scores([0.3, -0.4, 0.2, 0.1], [0.5, -0.6, 0.7, -0.2])
    before = attention_weights(alpha, beta, CHAIN)[0, 0, 0]
    moved = beta.clone()
    moved[..., 2] += 1.0
    after = attention_weights(alpha, moved, CHAIN)[0, 0, 0]
    assert torch.all(after[[1, 2, 3], 2] > before[[1, 2, 3], 2] + 0.01)
    others = [(1, 0), (1, 1), (2, 1), (2, 3), (3, 3)]
    assert all(after[i, j] < before[i, j] for i, j in others)
    assert torch.equal(after[0], before[0])  # node 0 has no edge to node 2


def test_cluster_mean_reaches_as_far_as_its_hops() -> None:
    embedded = torch.tensor([[[0.0], [3.0], [6.0], [12.0]]], dtype=torch.float64)
    assert cluster_mean(embedded, CHAIN, 1)[0, :, 0].tolist() == [1.5, 3.0, 7.0, 9.0]
    assert cluster_mean(embedded, CHAIN, 2)[0, :, 0].tolist() == [3.0, 5.25, 5.25, 7.0]
    assert cluster_mean(embedded, CHAIN, 3)[0, :, 0].tolist() == [5.25] * 4


@pytest.mark.parametrize(("kind", "slope"), [("relu", 0), ("leaky_relu", 0.2)])
def test_the_activation_of_the_scores_by_hand(kind: str, slope: float) -> None:
    """W = 1, x = 2, y = -1, so (2, -1, -2): the first layer gives (2, -3), the second 1 - 2 a(-3), negative or not."""
    score = PairScore(1, (2, 1), kind).double()
    weights = ([[1.0]], [[1.0, 0, 0], [0, 1, 1]], [0.0, 0], [[-1.0, 2]], [1.0], [[3.0]], [0.5])
    with torch.no_grad():
        for parameter, values in zip(score.parameters(), weights, strict=True):
            parameter.copy_(torch.tensor(values))
    inner = -2 + 1 - 2 * 3 * slope
    x, y = torch.tensor([[[2.0]]]).double(), torch.tensor([[[-1.0]]]).double()
    assert score.aligned(x, y).item() == pytest.approx(3 * slope * inner + 0.5)
    assert score.crossed(x, y).item() == pytest.approx(3 * slope * inner + 0.5)


def test_as_printed_alpha_cancels() -> None:
    """Eq. 8 without its nonlinearity: E_ij = e^beta_j over the neighbours of i, whatever alpha is."""
    alpha, beta = scores([0.3, -0.4, 0.2, 0.1], [0.5, -0.6, 0.7, -0.2])
    printed = attention_weights(alpha, beta, CHAIN, 1.0)[0, 0, 0]
    share = beta[0, 0, 0].exp() * CHAIN[0]
    assert torch.allclose(printed, share / share.sum(1, keepdim=True), rtol=0, atol=1e-12)
    other = attention_weights(-5 * alpha, beta, CHAIN, 1.0)[0, 0, 0]
    assert torch.allclose(printed, other, rtol=0, atol=1e-12)
    assert (attention_weights(alpha, beta, CHAIN)[0, 0, 0] - printed).abs().max() > 0.01


def test_fused_items_by_hand() -> None:
    """d = 2 in two heads; no scores, so attention is even over the neighbours."""
    fuse = small_model(item_size=1, category_size=1, heads=2, attention_hidden=(3, 2)).fuse
    with torch.no_grad():
        for parameter in fuse.parameters():
            parameter.zero_()
        fuse.aggregate.weight.copy_(torch.tensor([[1.0, 0.0], [1.0, -1.0]]))
    values = torch.tensor([[[1.0, 2.0], [3.0, 10.0], [5.0, 0.0]]], dtype=torch.float64)
    adjacency = torch.tensor([[[1, 1, 0], [1, 1, 0], [0, 0, 1]]], dtype=torch.float64)
    beta = torch.zeros(1, 1, 2, 3).double()
    fusion = fuse(values, adjacency, beta[:, 0], beta)
    # the mean of the neighbours is (2, 6), (2, 6), (5, 0); head 1 passes 2, 2, 5 and head 2 -4, -4, 5
    expected = [[1 + 2, 0.01 * (2 - 4)], [3 + 2, 10 - 4], [5 + 5, 0 + 5]]
    assert torch.allclose(fusion.fused[0, 0], torch.tensor(expected).double(), atol=1e-7)


def test_crossed_and_aligned_scores_are_one_function() -> None:
    torch.manual_seed(0)
    score = PairScore(4, (5, 3)).double()
    x, y = torch.randn(2, 6, 4).double(), torch.randn(2, 3, 4).double()
    pairs = score.aligned(x.unsqueeze(1).expand(2, 3, 6, 4), y.unsqueeze(2).expand(2, 3, 6, 4))
    assert pairs.std() > 1e-3
    assert torch.allclose(score.crossed(x, y), pairs, atol=1e-12)


def test_without_query_nothing_but_the_score_depends_on_the_candidate() -> None:
    model = small_model(fusion="without_query")
    reading = model.read(model.build_graph(pad(HISTORIES[:1])), torch.tensor([[0, 5, 9]]))
    extraction = reading.extraction
    for tensor in (reading.fusion.attention, reading.fusion.fused, extraction.importance, extraction.readout):
        assert torch.equal(tensor[:, :1].expand_as(tensor), tensor)
    assert torch.all(reading.fusion.query_score == 0)
    assert torch.allclose(extraction.importance, torch.full((1, 3, 7), 1 / 7).double())
    assert reading.logit.std() > 1e-3


def test_with_the_query_attention_and_importance_do_depend_on_the_candidate() -> None:
    model = small_model()
    reading = model.read(model.build_graph(pad(HISTORIES[:1])), torch.tensor([[0, 5]]))
    for tensor in (reading.fusion.attention, reading.extraction.importance):
        assert (tensor[:, 0] - tensor[:, 1]).abs().max() > 0.01


def test_without_cluster_two_items_with_the_same_neighbours_attend_alike() -> None:
    adjacency = torch.ones(1, 3, 3).double()
    values, target = torch.randn(1, 3, 8, generator=torch.Generator().manual_seed(0)).double(), torch.ones(1, 1, 8)
    rows = {}
    for mode in ("full", "without_cluster"):
        fuse = small_model(fusion=mode).fuse
        alpha = fuse.cluster_score(values, adjacency) + (torch.tensor([0.0, -3.0, 3.0]) if mode == "full" else 0)
        beta = fuse.query_score(values, target.double())
        rows[mode] = fuse(values, adjacency, alpha, beta).attention[0, 0, 0]
        if mode == "without_cluster":
            assert torch.all(alpha == 0)
    assert torch.equal(rows["without_cluster"][0], rows["without_cluster"][1])
    assert (rows["full"][0] - rows["full"][1]).abs().max() > 1e-3


def test_fusion_none_passes_the_values_on() -> None:
    model = small_model(fusion="none")
    graph = model.build_graph(pad(HISTORIES[:1]))
    reading = model.read(graph, torch.tensor([[0, 5]]))
    assert torch.equal(reading.fusion.fused, graph.values.unsqueeze(1).expand(1, 2, 7, 8))
    assert torch.equal(reading.fusion.attention[0, 1, 0], torch.eye(7, dtype=torch.float64))
