"""Eq. 16-17: the order of the clusters, AUGRU steps worked out by hand, the gates, and the readout's switch."""

from __future__ import annotations

import math

import pytest
import torch

from surge.model.evolution import AttentionEvolution, MeanEvolution, Recurrence, gate_scale
from surge.model.interest_extraction import Pooling
from surge.model.prediction import by_slot, by_time
from tests.model.small import HISTORIES, pad, small_model


def pooled(position: list[float], mass: list[float] | None = None, importance: list[float] | None = None) -> Pooling:
    """A pooling of one history and one candidate with one-dimensional clusters 1, 2, 3, ..."""
    m = len(position)

    def tensor(values: list[float]) -> torch.Tensor:
        return torch.tensor([[values]], dtype=torch.float64)

    clusters = tensor([float(c + 1) for c in range(m)]).unsqueeze(-1)
    even = [1 / m] * m
    empty = torch.zeros(1, 1, 1, m, dtype=torch.float64)
    return Pooling(empty, clusters, tensor(importance or even), tensor(position), tensor(mass or [1.0] * m))


def test_clusters_are_read_by_mean_position_or_by_slot() -> None:
    pooling = pooled([0.7, 0.2, 0.9, 0.4])
    assert by_time(pooling)[0, 0].tolist() == [1, 3, 0, 2]
    assert by_slot(pooling)[0, 0].tolist() == [0, 1, 2, 3]


def test_tied_clusters_are_read_in_slot_order_whatever_the_last_bits_say() -> None:
    pooling = pooled([0.5 + 2e-6, 0.5 - 2e-6, 0.1, 0.5])
    assert by_time(pooling)[0, 0].tolist() == [2, 0, 1, 3]


def test_gate_scale_relative_and_absolute() -> None:
    weights = torch.tensor([[[0.1, 0.5, 0.4]]])
    assert torch.allclose(gate_scale(weights, "relative"), torch.tensor([[[0.2, 1.0, 0.8]]]))
    assert torch.equal(gate_scale(weights, "absolute"), weights)


def hand_recurrence() -> Recurrence:
    """One dimension: u = 3/4 whatever comes, r = 1/2, c = tanh(x * atanh(1/2) + r * 2 s)."""
    recurrence = Recurrence(1, 1).double()
    with torch.no_grad():
        for parameter in recurrence.parameters():
            parameter.zero_()
        recurrence.from_input.bias[0] = math.log(3)
        recurrence.from_input.weight[2] = math.atanh(0.5)
        recurrence.from_state.weight[2] = 2.0
    return recurrence


def test_two_augru_steps_by_hand() -> None:
    sequence = torch.ones(1, 1, 2, 1, dtype=torch.float64)
    scale = torch.tensor([[[0.4, 1.0]]], dtype=torch.float64)
    states, gates = hand_recurrence()(sequence, scale)
    assert gates[0, 0, :, 0].tolist() == pytest.approx([0.3, 0.75], abs=1e-12)
    first = 0.3 * 0.5
    second = 0.25 * first + 0.75 * math.tanh(math.atanh(0.5) + 0.5 * 2 * first)
    assert states[0, 0, :, 0].tolist() == pytest.approx([first, second], abs=1e-7)


def test_a_gate_scaled_to_zero_leaves_the_state_alone() -> None:
    sequence = torch.tensor([[[[1.0], [-5.0], [2.0]]]], dtype=torch.float64)
    states, _ = hand_recurrence()(sequence, torch.tensor([[[1.0, 0.0, 0.0]]], dtype=torch.float64))
    assert states[0, 0, 0, 0].item() == pytest.approx(0.375)
    assert torch.equal(states[0, 0, 1], states[0, 0, 0])
    assert torch.equal(states[0, 0, 2], states[0, 0, 0])


def test_recurrence_with_open_gates_is_torchs_gru() -> None:
    torch.manual_seed(0)
    recurrence = Recurrence(4, 3).double()
    gru = torch.nn.GRU(4, 3, batch_first=True).double()
    with torch.no_grad():  # torch's order is reset, update, new, and its u is our 1 - u
        for own, its in ((recurrence.from_input, "ih"), (recurrence.from_state, "hh")):
            update, reset, new = own.weight.chunk(3)
            getattr(gru, f"weight_{its}_l0").copy_(torch.cat([reset, -update, new]))
            update, reset, new = own.bias.chunk(3)
            getattr(gru, f"bias_{its}_l0").copy_(torch.cat([reset, -update, new]))
    sequence = torch.randn(1, 2, 5, 4, dtype=torch.float64)
    states, _ = recurrence(sequence, torch.ones(1, 2, 5, dtype=torch.float64))
    expected, _ = gru(sequence[0])
    assert torch.allclose(states[0], expected, atol=1e-12)


def test_evolution_none_is_the_running_mean_of_the_fused_items() -> None:
    evolve = MeanEvolution()
    pooling = pooled([0.1, 0.5, 0.9], mass=[1.0, 2.0, 1.0])
    states, weights = evolve(pooling, torch.zeros(1, 1, 1), torch.tensor([[[0, 1, 2]]]))
    assert states[0, 0, :, 0].tolist() == [1 / 4, 3 / 4, 6 / 4]
    assert weights[0, 0, :, 0].tolist() == [0.25] * 3


def test_evolution_attention_weighs_clusters_by_the_candidate_and_skips_empty_ones() -> None:
    torch.manual_seed(0)
    evolve = AttentionEvolution(1, (4, 3)).double()
    pooling = pooled([0.1, 0.5, 2.0], mass=[1.0, 1.0, 0.0])
    order = torch.tensor([[[0, 1, 2]]])
    by_target = []
    for value in (-2.0, 2.0):
        target = torch.full((1, 1, 1), value, dtype=torch.float64)
        states, weights = evolve(pooling, target, order)
        score = evolve.score.aligned(pooling.pooled[0, 0], target[0].expand(3, 1))
        expected = torch.sigmoid(score)[:2]
        assert torch.allclose(weights[0, 0, :2, 0], expected, atol=1e-12)
        assert weights[0, 0, 2, 0] == 0
        assert states[0, 0, -1, 0].item() == pytest.approx((expected[0] * 1 + expected[1] * 2).item())
        by_target.append(states[0, 0, -1, 0].item())
    assert abs(by_target[0] - by_target[1]) > 1e-3


def test_relative_gates_are_the_printed_ones_over_the_largest_importance() -> None:
    """From the same state the two differ by max gamma* alone; the first step starts from 0 in both."""
    gates, largest = {}, None
    for gate in ("relative", "absolute"):
        model = small_model(gate=gate)
        reading = model.read(model.build_graph(pad(HISTORIES[:1])), torch.tensor([[0, 5, 9]]))
        gates[gate] = reading.evolution.update_gate[:, :, 0]
        largest = reading.extraction.layers[-1].pooled_importance.amax(-1, keepdim=True)
    assert largest is not None
    assert torch.allclose(gates["absolute"], gates["relative"] * largest, atol=1e-12)
    assert largest.max() < 0.9


@pytest.mark.parametrize("part", ["readout", "long_term"])
@pytest.mark.parametrize("on", [True, False])
def test_a_part_reaches_the_logit_only_where_it_is_switched_on(part: str, on: bool) -> None:
    model = small_model(**{part: on})
    graph = model.build_graph(pad(HISTORIES[:1]))
    reading = model.read(graph, torch.tensor([[5]]))
    given = {"readout": reading.extraction.readout, "long_term": model.long(graph)}
    assert given["long_term"].shape == (1, 8) and bool(given["long_term"].any()) == (part == "long_term" and on)
    given[part] = given[part] + torch.arange(8)
    _, logit = model.predict(reading.extraction.layers[-1], *given.values(), reading.target)
    changed = (logit - reading.logit).abs().item()
    assert changed > 1e-3 if on else changed == 0
