"""What must hold whatever the weights: sums, padding, batches, permutations, precision."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
import torch

from surge.config import ModelConfig, from_dict
from surge.errors import SurgeError
from surge.model.interest_extraction import pool_adjacency
from surge.model.surge import InterestGraph, ItemSequences, Reading, SurgeModel
from tests.model.small import HISTORIES, ages_of, pad, small_model

SETTINGS: list[dict[str, Any]] = [
    {},
    {"clusters": (6, 3), "heads": 2, "hops": 2},
    {"extraction": "none"},
    {"extraction": "none", "evolution": "gru", "fusion": "none"},
    {"evolution": "attention", "fusion": "without_cluster"},
    {"evolution": "none", "flatten": "index", "readout": False},
    {"position": "none", "gate": "absolute", "assignment_aggregation": "sum"},
    {"position": "message", "heads": 2},
    {"time": "age"},
    {"activation": "none", "heads": 2},
    {"time": "age", "position": "none", "flatten": "index"},
]
CANDIDATES = torch.tensor([[0, 5, 9], [1, 1, 2], [3, 4, 11], [8, 0, 6]])
every_setting = pytest.mark.parametrize("settings", SETTINGS, ids=str)


class Read(NamedTuple):
    graph: InterestGraph
    reading: Reading


def read(model: SurgeModel, history: ItemSequences, candidates: torch.Tensor) -> Read:
    with torch.no_grad():
        graph = model.build_graph(history, ages_of(history))
        return Read(graph, model.read(graph, candidates))


def logits(model: SurgeModel, histories: list[list[int]], candidates: torch.Tensor) -> torch.Tensor:
    return read(model, pad(histories), candidates).reading.logit


def longer(history: ItemSequences, extra: int, item: int) -> ItemSequences:
    """The same histories with more padding, which holds any item."""
    rows = len(history.items)
    items = torch.cat([history.items, torch.full((rows, extra), item)], dim=1)
    return ItemSequences(items, torch.cat([history.mask, torch.zeros(rows, extra, dtype=torch.bool)], dim=1))


@every_setting
def test_rows_of_attention_and_assignment_and_the_importances_sum_to_one(settings: dict[str, Any]) -> None:
    graph, reading = read(small_model(**settings), pad(HISTORIES), CANDIDATES)
    present = graph.mask[:, None].double().expand(-1, 3, -1)
    attention = reading.fusion.attention.sum(-1)
    assert torch.allclose(attention, torch.ones_like(attention), atol=1e-12)
    assert torch.allclose(reading.extraction.importance.sum(-1), torch.ones(4, 3).double(), atol=1e-12)
    first, *deeper = reading.extraction.layers
    assert torch.allclose(first.assignment.sum(-1), present, atol=1e-12)
    for pooling in deeper:
        assert torch.allclose(pooling.assignment.sum(-1), torch.ones(4, 3, 6).double(), atol=1e-12)
    for pooling in reading.extraction.layers:
        assert torch.allclose(pooling.pooled_importance.sum(-1), torch.ones(4, 3).double(), atol=1e-12)
        assert torch.allclose(pooling.mass.sum(-1), graph.mask.sum(1, keepdim=True).double().expand(4, 3))


@every_setting
def test_masked_edges_weigh_exactly_zero(settings: dict[str, Any]) -> None:
    graph, reading = read(small_model(**settings), pad(HISTORIES), CANDIDATES)
    attention = reading.fusion.attention
    off = (graph.adjacency == 0)[:, None, None].expand_as(attention)
    itself = torch.eye(7, dtype=torch.bool)  # a padded row has nothing else to attend to
    assert torch.all(attention[off & ~itself] == 0)
    pairs = graph.mask.unsqueeze(1) & graph.mask.unsqueeze(2)
    assert torch.all(attention[~pairs[:, None, None].expand_as(attention) & ~itself] == 0)
    assert torch.all(graph.adjacency[~pairs] == 0)
    padded = ~graph.mask[:, None].expand(-1, 3, -1)
    assert torch.all(reading.extraction.importance[padded] == 0)
    assert torch.all(reading.extraction.layers[0].assignment[padded] == 0)


def test_pooled_adjacency_keeps_the_number_of_edges_and_the_symmetry() -> None:
    graph, reading = read(small_model(), pad(HISTORIES), CANDIDATES)
    pooled = pool_adjacency(reading.extraction.layers[0].assignment, graph.adjacency.unsqueeze(1))
    assert torch.allclose(pooled.sum((-1, -2)), graph.adjacency.sum((-1, -2))[:, None].expand(4, 3))
    assert torch.allclose(pooled, pooled.transpose(-1, -2), atol=1e-12)


@every_setting
@pytest.mark.parametrize("item", [0, 7])
def test_more_padding_changes_nothing(settings: dict[str, Any], item: int) -> None:
    model, history = small_model(**settings), pad(HISTORIES)
    before, after = read(model, history, CANDIDATES), read(model, longer(history, 4, item), CANDIDATES)
    assert torch.allclose(before.reading.logit, after.reading.logit, atol=1e-12)
    assert torch.equal(before.graph.adjacency, after.graph.adjacency[:, :7, :7])
    assert torch.allclose(before.reading.extraction.readout, after.reading.extraction.readout, atol=1e-12)
    states = after.reading.evolution.states[:, :, -1]
    assert torch.allclose(before.reading.evolution.states[:, :, -1], states, atol=1e-12)


@every_setting
def test_a_batch_equals_its_rows_one_by_one(settings: dict[str, Any]) -> None:
    model = small_model(**settings)
    together = logits(model, HISTORIES, CANDIDATES)
    apart = [logits(model, [history], CANDIDATES[row : row + 1])[0] for row, history in enumerate(HISTORIES)]
    assert together.std() > 1e-2
    assert torch.allclose(together, torch.stack(apart), atol=1e-12)


@every_setting
def test_permuting_the_batch_or_the_candidates_permutes_the_answer(settings: dict[str, Any]) -> None:
    model, rows, columns = small_model(**settings), [2, 0, 3, 1], [1, 2, 0]
    answer = logits(model, HISTORIES, CANDIDATES)
    permuted = logits(model, [HISTORIES[row] for row in rows], CANDIDATES[rows][:, columns])
    assert torch.allclose(permuted, answer[rows][:, columns], atol=1e-12)


@every_setting
def test_all_candidates_at_once_equal_one_by_one(settings: dict[str, Any]) -> None:
    model = small_model(**settings)
    everything = logits(model, HISTORIES[:1], torch.arange(12).unsqueeze(0))[0]
    single = [logits(model, HISTORIES[:1], torch.tensor([[item]]))[0, 0] for item in range(12)]
    assert torch.allclose(everything, torch.stack(single), atol=1e-12)


def test_a_permuted_history_scores_the_same_as_in_the_paper_and_not_by_default() -> None:
    history, permuted = HISTORIES[0], [HISTORIES[0][at] for at in (3, 6, 0, 5, 1, 4, 2)]
    for settings, blind in (
        ({"position": "none", "flatten": "index"}, True),
        ({"position": "none", "flatten": "index", "clusters": (6, 3), "evolution": "gru"}, True),
        ({}, False),
        ({"position": "none"}, False),
        ({"flatten": "index"}, False),
    ):
        model = small_model(**settings)
        change = (logits(model, [history], CANDIDATES[:1]) - logits(model, [permuted], CANDIDATES[:1])).abs().max()
        assert change < 1e-12 if blind else change > 1e-3, settings


def test_the_graph_is_blind_to_order_even_where_positions_are_learned() -> None:
    order = [3, 6, 0, 5, 1, 4, 2]
    history, permuted = HISTORIES[0], [HISTORIES[0][at] for at in order]
    model = small_model()
    one, other = (model.build_graph(pad([items])) for items in (history, permuted))
    assert torch.equal(one.adjacency[0][order][:, order], other.adjacency[0])
    assert torch.allclose(one.cluster_score[0][:, order], other.cluster_score[0], atol=1e-12)
    assert not torch.allclose(one.values[0][order], other.values[0], atol=1e-3)


def test_as_a_message_the_position_moves_values_but_no_importance() -> None:
    order = [3, 6, 0, 5, 1, 4, 2]
    history, permuted = HISTORIES[0], [HISTORIES[0][at] for at in order]
    for position, blind in (("message", True), ("recency", False)):
        model = small_model(position=position)
        one, other = (read(model, pad([items]), CANDIDATES[:1]) for items in (history, permuted))
        before, after = one.reading.extraction.importance[0][:, order], other.reading.extraction.importance[0]
        assert ((before - after).abs().max() < 1e-12) == blind, position
        assert (one.reading.logit - other.reading.logit).abs().max() > 1e-3


def test_recency_counts_from_the_last_item_and_stops_at_the_longest_history() -> None:
    model = small_model(max_length=3)
    graph = model.build_graph(pad([[1, 2, 3, 4, 5], [6]]))
    added = graph.values - graph.embedded
    steps = model.position_embedding.weight
    for place, ago in enumerate([2, 2, 2, 1, 0]):
        assert torch.allclose(added[0, place], steps[ago], atol=1e-12)
    assert torch.allclose(added[1, 0], steps[0], atol=1e-12)


@pytest.mark.parametrize(
    "history", [[5] * 4, [5] * 50, [5] * 100, [5, 6, 5, 6, 5], [3]], ids=lambda items: f"{len(items)} items"
)
def test_float32_scores_do_not_depend_on_batch_padding_and_candidates_where_clusters_tie(history: list[int]) -> None:
    """All clusters of such a history have one mean position; rounding must not choose the order."""
    model = SurgeModel(ModelConfig(item_count=12, category_count=3, max_length=100), torch.arange(12) % 3)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.3)
    everything = torch.arange(12).unsqueeze(0)
    alone = logits(model, [history], everything)[0]
    beside = logits(model, [[1, 2], history, list(range(12)) * 3], everything.expand(3, -1))[1]
    single = torch.stack([logits(model, [history], torch.tensor([[item]]))[0, 0] for item in range(12)])
    assert alone.std() > 1e-2
    assert torch.allclose(alone, beside, atol=1e-5)
    assert torch.allclose(alone, single, atol=1e-5)


@pytest.mark.parametrize("settings", [{}, {"clusters": (30, 10), "heads": 2}, {"extraction": "none"}], ids=str)
def test_float32_agrees_with_float64_at_the_default_sizes(settings: dict[str, Any]) -> None:
    torch.manual_seed(0)
    single = SurgeModel(
        from_dict(ModelConfig, {"item_count": 200, "category_count": 7, **settings}), torch.arange(200) % 7
    )
    double = SurgeModel(single.config, single.item_category).double()
    double.load_state_dict(single.state_dict())
    histories = [torch.randperm(200)[:n].tolist() for n in (50, 20, 3, 1)]
    candidates = torch.randint(200, (4, 20))
    a, b = (read(model.eval(), pad(histories), candidates) for model in (single, double))
    assert torch.equal(a.graph.adjacency.double(), b.graph.adjacency)
    assert torch.allclose(a.graph.similarity.double(), b.graph.similarity, atol=1e-6)
    for name in ("attention", "fused"):
        assert torch.allclose(getattr(a.reading.fusion, name).double(), getattr(b.reading.fusion, name), atol=1e-6)
    assert torch.allclose(a.reading.logit.double(), b.reading.logit, atol=2e-6)


def test_forward_is_the_reading_of_the_graph() -> None:
    model = small_model()
    with torch.no_grad():
        assert torch.equal(model(pad(HISTORIES), CANDIDATES), logits(model, HISTORIES, CANDIDATES))


def test_pad_keeps_time_order_and_marks_what_is_real() -> None:
    history = pad([[3, 1], [4, 4, 2]])
    assert history.items.tolist() == [[3, 1, 0], [4, 4, 2]]
    assert history.mask.tolist() == [[True, True, False], [True, True, True]]


@pytest.mark.parametrize("place", [0, 1])
def test_an_empty_history_in_a_batch_is_one_sentence_and_not_nan(place: int) -> None:
    rows = [[1, 2], [3]]
    rows[place] = []
    with pytest.raises(SurgeError, match="without an item can't be read"):
        pad(rows)
    mask = torch.tensor([[True, True], [True, False]])
    mask[place] = False
    with pytest.raises(SurgeError, match="without an item can't be read"):
        small_model().build_graph(ItemSequences(torch.ones(2, 2, dtype=torch.long), mask))
