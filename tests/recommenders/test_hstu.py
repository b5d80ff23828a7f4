"""HSTU: a layer against NumPy, the buckets of time by hand, what it knows and what it can learn."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from surge.config import TrainingConfig
from surge.model.surge import Context, ItemSequences
from surge.recommenders.hstu import BUCKETS, HSTU, UNKNOWN, Unit, time_buckets
from tests.recommenders.toy import batch_of, small

HOUR = 3600


def numbers(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().double().numpy()


def test_the_buckets_of_time() -> None:
    """Rows are counted from what comes next: 1 s and 0 s are bucket 0, an hour floor(ln 3600 / 0.301) = 27."""
    times = torch.tensor([[0, HOUR, HOUR + 1]])
    buckets = time_buckets(times, torch.tensor([[HOUR, HOUR + 1, HOUR + 1]]))
    assert buckets.tolist() == [[[27, 0, 0], [27, 0, 0], [27, 0, 0]]]
    assert time_buckets(times, torch.tensor([[HOUR * 2] * 3]))[0, 0].tolist() == [29, 27, 27]
    assert time_buckets(torch.tensor([[0.0, math.nan]]), torch.tensor([[1e300, 5.0]])).tolist() == [
        [[BUCKETS - 1, UNKNOWN], [5, UNKNOWN]]
    ]


def test_a_layer_is_pointwise_attention_with_a_gate() -> None:
    """Three items, two heads, against NumPy."""
    torch.manual_seed(0)
    unit = Unit(16, 2, 5, 0.0).eval()
    with torch.no_grad():
        for bias in (unit.place_bias, unit.time_bias):
            bias.normal_()
    x = torch.randn(1, 3, 16)
    buckets = torch.tensor([[[3, 0, 0], [9, 4, 0], [UNKNOWN, 9, 1]]])
    rows = numbers(x[0])

    def silu(values: np.ndarray) -> np.ndarray:
        return values / (1 + np.exp(-values))

    def normalised(values: np.ndarray) -> np.ndarray:
        return (values - values.mean(-1, keepdims=True)) / np.sqrt(values.var(-1, keepdims=True) + 1e-5)

    gate, value, query, key = np.split(silu(normalised(rows) @ numbers(unit.project.weight).T), 4, axis=1)
    attended = np.zeros((3, 16))
    for head in (slice(0, 8), slice(8, 16)):
        for i in range(3):
            for j in range(i + 1):
                bias = unit.place_bias[i - j].item() + unit.time_bias[buckets[0, i, j]].item()
                attended[i, head] += silu(query[i, head] @ key[j, head] + bias) / 5 * value[j, head]
    expected = rows + (normalised(attended) * gate) @ numbers(unit.out.weight).T + numbers(unit.out.bias)
    assert np.allclose(numbers(unit(x, buckets)[0]), expected, atol=1e-5)


def model_of(**settings: object) -> HSTU:
    sizes = {"item_size": 16, "category_size": 0, "dropout": 0.0, "layers": 1, "step_negatives": 0}
    model = small("hstu", **{**sizes, **settings})
    assert isinstance(model, HSTU)
    return model


def test_states_know_nothing_of_later_items_and_times() -> None:
    model = model_of(layers=2)
    one, other = batch_of([[1, 2, 3, 4, 5]], [[0]]), batch_of([[1, 2, 3, 9, 5]], [[0]])
    later = one.context.times.clone()
    later[:, 4] += HOUR  # which is what the fourth state counts from
    states = model.steps(one.history, one.context)
    assert torch.equal(states[:, :3], model.steps(other.history, one.context)[:, :3])
    moved = model.steps(one.history, one.context._replace(times=later, now=one.context.now + HOUR))
    assert torch.equal(states[:, :3], moved[:, :3])
    assert not torch.equal(states[:, 3], moved[:, 3])


def test_times_that_nobody_knows_give_scores() -> None:
    model = model_of()
    history, candidates, context = batch_of([[1, 2, 3], [4]], [[5, 6], [7, 8]])
    unknown = Context(context.users, torch.full((2, 3), math.nan), torch.full((2,), math.nan))
    assert torch.isfinite(model(history, candidates, unknown)).all()


@pytest.mark.parametrize("layers", [1, 2])
def test_it_can_learn_what_time_alone_tells(layers: int) -> None:
    """Of two items the one that was taken a second ago is taken again, the other a day ago: places say nothing."""
    model = model_of(layers=layers, step_negatives=8)
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-2)
    rng = np.random.default_rng(0)

    def draw(count: int) -> tuple[ItemSequences, torch.Tensor, Context]:
        items = torch.from_numpy(np.stack([rng.permutation(20)[:2] for _ in range(count)]))
        recent = torch.from_numpy(rng.integers(2, size=count))
        age = torch.full((count, 2), 86_400.0).scatter(1, recent.unsqueeze(1), 1.0)
        now = torch.full((count,), 1.6e9).double()
        history = ItemSequences(items, torch.ones(count, 2, dtype=torch.bool))
        context = Context(torch.zeros(count, dtype=torch.long), now.unsqueeze(1) - age, now)
        return history, items.gather(1, recent.unsqueeze(1)), context

    model.train()
    for _ in range(300):
        history, positive, context = draw(64)
        batch = model.draw(history, positive, context, TrainingConfig())
        optimiser.zero_grad()
        model.loss_terms(batch, TrainingConfig())["log_loss"].backward()
        optimiser.step()
    model.eval()
    history, positive, context = draw(200)
    with torch.no_grad():
        scores = model(history, torch.arange(20).expand(200, -1), context) + model.log_popularity
    assert (scores.argmax(1) == positive[:, 0]).float().mean() > 0.9
