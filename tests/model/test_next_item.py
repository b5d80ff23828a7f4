"""The next-item loss: by hand, what it leaves out, and whom it trains."""

from __future__ import annotations

import math

import pytest
import torch

from surge.config import LossTerms, TrainingConfig
from surge.data.negatives import NONE
from surge.model.next_item import draw_items, next_item_loss
from surge.recommenders.surge import Surge
from tests.model.small import HISTORIES, context_of, pad, small_model

TABLE = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0], [3.0, 1.0]])


def log_sigmoid(x: float) -> float:
    return -math.log1p(math.exp(-x))


def drawn_after(seed: int, pool: list[int], shape: tuple[int, int]) -> list[list[int]]:
    torch.manual_seed(seed)
    return torch.tensor(pool)[torch.randint(len(pool), shape)].tolist()


@pytest.mark.parametrize("seed", range(4))
def test_by_hand(seed: int) -> None:
    """Two histories, the second padded: three steps in all; what is drawn may be the next item, and then counts not."""
    history = pad([[1, 2, 3], [3, 1]])
    states = torch.tensor([[[1.0, 1.0], [0.5, -1.0], [9.0, 9.0]], [[-1.0, 0.0], [9.0, 9.0], [9.0, 9.0]]])
    drawn = drawn_after(seed, [1, 2, 3, 3, 1], (2, 2))
    total = 0.0
    for row, step, following in ((0, 0, 2), (0, 1, 3), (1, 0, 1)):
        state = states[row, step]
        total -= log_sigmoid(float(state @ TABLE[following]))
        if drawn[row][step] != following:
            total -= log_sigmoid(-float(state @ TABLE[drawn[row][step]]))
    torch.manual_seed(seed)
    loss = next_item_loss(states, history, lambda rows: TABLE[rows], draw_items(history))
    assert loss.item() == pytest.approx(total / 3, rel=1e-5)


def test_histories_of_one_item_have_no_next_one() -> None:
    states = torch.ones(2, 1, 2, requires_grad=True)
    history = pad([[1], [2]])
    loss = next_item_loss(states, history, lambda rows: TABLE[rows], draw_items(history))
    assert loss.item() == 0
    loss.backward()
    assert states.grad is not None
    assert not states.grad.any()


@pytest.mark.parametrize("weight", [0.0, 0.5])
def test_it_trains_the_layer_that_no_reading_touches(weight: float) -> None:
    model = small_model(next_item=True)
    history, candidates = pad(HISTORIES), torch.tensor([[5, 9]] * len(HISTORIES))
    config = TrainingConfig(loss=LossTerms(next_item_weight=weight))
    terms = Surge(model).loss_terms(Surge(model).draw(history, candidates, context_of(history), config), config)
    assert ("next_item" in terms) == bool(weight)
    model(history, candidates).sum().backward()
    assert model.follow.weight.grad is None
    if weight:
        terms["next_item"].backward()
        assert model.follow.weight.grad is not None
        assert model.follow.weight.grad.abs().max() > 1e-6


def test_several_others_for_all_steps_of_a_history() -> None:
    """A softmax over the next item and the three others of its history, the positive after the last item included."""
    model = small_model(next_item=True)
    history, candidates = pad([[5, 6, 7], [8]]), torch.tensor([[1, 0], [2, 0]])
    config = TrainingConfig(loss=LossTerms(next_item_negatives=3))
    batch = Surge(model).draw(history, candidates, context_of(history), config)
    assert batch.drawn is not None and batch.drawn.shape == (2, 3)
    batch = batch._replace(drawn=torch.tensor([[3, 7, 9], [2, 4, 4]]))
    loss = Surge(model).loss_terms(batch, config)["next_item"].item()
    states = model.follow(model.build_graph(history).values).detach()
    told = []
    for row, (following, others) in enumerate((([6, 7, 1], [3, 7, 9]), ([2], [2, 4, 4]))):
        for step, item in enumerate(following):
            rivals = [item, *(other for other in others if other != item)]
            scores = (model.embed(torch.tensor(rivals)).detach() @ states[row, step]).tolist()
            told.append(math.log(sum(map(math.exp, scores))) - scores[0])
    assert loss == pytest.approx(sum(told) / 4, rel=1e-5)


def test_many_negatives_leave_out_what_is_barred() -> None:
    """As one for each step does: with `next_item_negatives` several, for the whole history."""
    model = Surge(small_model(next_item=True))
    count = model.config.item_count
    config = TrainingConfig(loss=LossTerms(next_item_negatives=300))
    drawn = model.drawn(pad([[5, 6, 7], [8]]), config, lambda rows, items: (items < count - 2) & (rows[:, None] == 0))
    assert drawn is not None and drawn.shape == (2, 300)
    assert set(drawn[0].tolist()) == {NONE, count - 2, count - 1}
    assert set(drawn[1].tolist()) == set(range(count))


def test_without_the_layer_there_is_no_such_term() -> None:
    model = small_model(next_item=False)
    history, candidates = pad(HISTORIES), torch.tensor([[5, 9]] * len(HISTORIES))
    batch = Surge(model).draw(history, candidates, context_of(history), TrainingConfig())
    assert batch.drawn is None and "next_item" not in Surge(model).loss_terms(batch, TrainingConfig())
    assert not any(name.startswith("follow") for name, _ in model.named_parameters())
