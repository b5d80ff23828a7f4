"""Eq. 1-3: cases worked out by hand, ties, padding, and the gradient of the metric weights."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from surge.model.graph_construction import GraphConstruction, kept_entries, sparsify
from tests.model.small import HISTORIES, pad, small_model


def whole(*rows: list[float]) -> tuple[torch.Tensor, torch.Tensor]:
    """One similarity matrix without padding, and its mask."""
    matrix = torch.tensor([rows], dtype=torch.float64)
    return matrix, torch.ones(1, len(rows), dtype=torch.bool)


THREE = whole([1.0, 0.8, 0.1], [0.8, 1.0, 0.5], [0.1, 0.5, 1.0])


@pytest.mark.parametrize(
    ("sparsity", "threshold", "edges"),
    [
        (0.0, 1.0, set()),  # k = 1 at least
        (1 / 3, 1.0, set()),  # k = 3: the diagonal
        (0.4, 0.8, {(0, 1)}),  # k = ceil(3.6) = 4
        (5 / 9, 0.8, {(0, 1)}),  # k = 5, the other of the pair
        (0.6, 0.5, {(0, 1), (1, 2)}),  # k = ceil(5.4) = 6
        (1.0, 0.1, {(0, 1), (1, 2), (0, 2)}),
    ],
)
def test_threshold_is_the_kth_largest_of_all_entries(
    sparsity: float, threshold: float, edges: set[tuple[int, int]]
) -> None:
    found, adjacency = sparsify(*THREE, sparsity)
    assert found.tolist() == [threshold]
    expected = torch.eye(3, dtype=torch.float64)
    for i, j in edges:
        expected[i, j] = expected[j, i] = 1
    assert torch.equal(adjacency[0], expected)


def test_ties_at_the_threshold_are_all_kept() -> None:
    tied = whole([1.0, 0.5, 0.5, 0.1], [0.5, 1.0, 0.5, 0.1], [0.5, 0.5, 1.0, 0.1], [0.1, 0.1, 0.1, 1.0])
    _, adjacency = sparsify(*tied, 5 / 16)  # k = 5: four on the diagonal and one of six entries of 0.5
    assert adjacency[0].sum() == 4 + 6
    assert adjacency[0, :3, :3].min() == 1
    assert adjacency[0, 3].tolist() == [0, 0, 0, 1]


def test_threshold_stops_at_zero_where_similarities_are_negative() -> None:
    threshold, adjacency = sparsify(*whole([1.0, -0.2, -0.3], [-0.2, 1.0, -0.1], [-0.3, -0.1, 1.0]), 1.0)
    assert threshold.tolist() == [0.0]
    assert torch.equal(adjacency[0], torch.eye(3, dtype=torch.float64))


def test_diagonal_is_kept_even_where_it_lies_under_the_threshold() -> None:
    _, adjacency = sparsify(*whole([0.2, 0.9], [0.9, 0.3]), 0.5)
    assert torch.equal(adjacency[0], torch.ones(2, 2, dtype=torch.float64))
    _, adjacency = sparsify(*whole([-1.0, -0.9], [-0.9, -1.0]), 0.5)
    assert torch.equal(adjacency[0], torch.eye(2, dtype=torch.float64))


def test_each_history_of_a_padded_batch_has_its_own_k() -> None:
    similarity = torch.full((2, 3, 3), 0.9, dtype=torch.float64)  # the padding would win if it were ranked
    similarity[0] = THREE[0][0]
    similarity[1, :2, :2] = torch.tensor([[1.0, 0.4], [0.4, 1.0]], dtype=torch.float64)
    mask = torch.tensor([[True, True, True], [True, True, False]])
    threshold, adjacency = sparsify(similarity, mask, 0.6)  # k = 6 of 9 and ceil(2.4) = 3 of 4
    assert threshold.tolist() == [0.5, 0.4]
    assert adjacency[0].tolist() == [[1, 1, 0], [1, 1, 1], [0, 1, 1]]
    assert adjacency[1].tolist() == [[1, 1, 0], [1, 1, 0], [0, 0, 0]]


@pytest.mark.parametrize("hundredths", range(0, 101))
def test_k_is_that_of_exact_decimals(hundredths: int) -> None:
    """In float64 0.07 * 10^2 is a hair more than 7, and the next whole number 8."""
    lengths, sparsity = range(1, 61), hundredths / 100
    expected = [max(1, math.ceil(Fraction(str(sparsity)) * n**2)) for n in lengths]
    assert kept_entries(sparsity, torch.tensor(lengths)).tolist() == expected


def test_k_of_the_longest_histories_and_of_small_steps() -> None:
    lengths = torch.tensor([4000, 4999, 5000])
    for sparsity in (0.07, 0.14, 0.3, 0.0001, 0.12345, 0.000007):
        expected = [math.ceil(Fraction(str(sparsity)) * n**2) for n in lengths.tolist()]
        assert kept_entries(sparsity, lengths).tolist() == expected


def test_seven_hundredths_of_ten_items_are_seven_entries() -> None:
    """The diagonal is three of them here, so that two pairs are kept; an eighth would keep a third pair."""
    matrix = torch.full((10, 10), -0.5, dtype=torch.float64)
    matrix[range(3), range(3)] = 1
    for i, j, value in ((0, 1, 0.9), (2, 3, 0.8), (4, 5, 0.7)):
        matrix[i, j] = matrix[j, i] = value
    for padding in (0, 3):
        padded = torch.nn.functional.pad(matrix, (0, padding, 0, padding)).unsqueeze(0)
        threshold, adjacency = sparsify(padded, torch.arange(10 + padding).unsqueeze(0) < 10, 0.07)
        assert threshold.tolist() == [0.8]
        assert adjacency[0].sum() == 10 + 4


@st.composite
def similarities(draw: st.DrawFn) -> tuple[np.ndarray, int, float]:
    """A symmetric matrix of few different values (so with ties), an amount of padding, and a sparsity."""
    n = draw(st.integers(1, 6))
    levels = st.sampled_from([-0.75, -0.25, 0.0, 0.25, 0.5, 0.75])
    matrix = np.eye(n)
    for i in range(n):
        for j in range(i):
            matrix[i, j] = matrix[j, i] = draw(levels)
    return matrix, draw(st.integers(0, 3)), draw(st.integers(0, 64)) / 64


@settings(max_examples=150)
@given(similarities())
def test_sparsify_keeps_what_the_definition_says(case: tuple[np.ndarray, int, float]) -> None:
    matrix, padding, sparsity = case
    n = len(matrix)
    padded = np.pad(matrix, (0, padding), constant_values=2.0)
    mask = torch.arange(n + padding).unsqueeze(0) < n
    threshold, adjacency = sparsify(torch.tensor(padded).unsqueeze(0), mask, sparsity)
    k = max(1, math.ceil(Fraction(sparsity) * n * n))  # of sixty-fourths: exact in float64
    kth = sorted(matrix.ravel().tolist(), reverse=True)[k - 1]
    assert threshold.item() == max(0.0, kth)
    kept = adjacency[0].numpy()
    assert np.array_equal(kept[:n, :n], (matrix >= max(0.0, kth)) | np.eye(n, dtype=bool))
    assert kept[n:].sum() == kept[:, n:].sum() == 0
    if kth >= 0:
        assert kept.sum() >= k


def test_similarity_is_the_mean_over_heads_of_weighted_cosines() -> None:
    construct = GraphConstruction(size=2, metric_heads=2, sparsity=0.1)
    with torch.no_grad():
        construct.weight.copy_(torch.tensor([[1.0, 1.0], [1.0, 0.0]]))
    similarity = construct.similarity(torch.tensor([[[3.0, 4.0], [1.0, 0.0], [0.0, 2.0]]]))
    # head 1: cosines 0.6, 0.8, 0; head 2 sees the first dimension alone: 1, 0, 0
    expected = torch.tensor([[1.0, 0.8, 0.4], [0.8, 1.0, 0.0], [0.4, 0.0, 0.5]])
    assert torch.allclose(similarity[0], expected, atol=1e-7)


def test_repeated_items_are_tied_exactly_whatever_the_padding() -> None:
    torch.manual_seed(0)
    history = [3, 5, 3, 7, 5, 3, 9, 1]
    model = small_model(dtype=torch.float32)
    alone = model.build_graph(pad([history]))
    beside = model.build_graph(pad([[1, 2], history, list(range(12)) * 4]))
    similarity = alone.similarity[0]
    for i, j in ((0, 2), (0, 5), (1, 4)):
        assert torch.equal(similarity[i], similarity[j])
        assert torch.equal(similarity[:, i], similarity[:, j])
        assert similarity[i, j] == 1
        assert torch.equal(alone.adjacency[0, i], alone.adjacency[0, j])
    assert torch.equal(similarity, similarity.T)
    assert torch.equal(beside.similarity[1, :8, :8], similarity)
    assert torch.equal(beside.threshold[1], alone.threshold[0])


def test_adjacency_is_exactly_binary_though_it_carries_a_gradient() -> None:
    graph = small_model(dtype=torch.float32).build_graph(pad(HISTORIES))
    assert graph.adjacency.requires_grad
    assert set(graph.adjacency.detach().unique().tolist()) == {0.0, 1.0}


@pytest.mark.parametrize("fusion", ["full", "none"])  # A is read by the attention and by the assignment
def test_metric_weights_get_their_gradient_through_the_kept_similarities_alone(fusion: str) -> None:
    model = small_model(fusion=fusion)
    graph = model.build_graph(pad(HISTORIES))
    candidates = torch.tensor([[0, 5]] * len(HISTORIES))
    model.read(graph, candidates).logit.sum().backward()
    gradient = model.construct.weight.grad
    assert gradient is not None
    assert gradient.abs().min() > 1e-9  # every head, every dimension

    model.zero_grad()
    graph = model.build_graph(pad(HISTORIES))
    hard = graph._replace(adjacency=graph.adjacency.detach())
    model.read(hard, candidates).logit.sum().backward()
    assert model.construct.weight.grad is None
    assert model.predict.score[0].weight.grad is not None


def test_gradient_of_the_adjacency_is_that_of_the_kept_similarities() -> None:
    torch.manual_seed(1)
    construct = GraphConstruction(size=4, metric_heads=2, sparsity=0.5).double()
    embedded = torch.randn(1, 5, 4, dtype=torch.float64)
    factor = torch.randn(5, 5, dtype=torch.float64)
    mask = torch.ones(1, 5, dtype=torch.bool)
    graph = construct(embedded, mask)
    (through,) = torch.autograd.grad((graph.adjacency[0] * factor).sum(), construct.weight, retain_graph=True)
    kept = graph.adjacency[0].detach()
    assert 5 < kept.sum() < 25
    (expected,) = torch.autograd.grad((graph.similarity[0] * kept * factor).sum(), construct.weight)
    assert torch.allclose(through, expected, atol=1e-12)
