"""Every term of the loss against values worked out by hand, and its invariants."""

from __future__ import annotations

from math import log, sqrt

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import settings as settings_of_hypothesis
from hypothesis import strategies as st
from torch import Tensor

from surge.model.interest_extraction import Pooling
from surge.model.losses import (
    balance,
    log_loss,
    relative_position,
    relative_position_literal,
    row_entropy,
    same_mapping,
    single_affiliation,
)
from surge.model.next_item import next_item_loss
from surge.model.surge import Context, ItemSequences
from surge.recommenders import build, configure
from surge.recommenders.surge import Surge, loss_terms
from surge.training.losses import total_loss
from tests.model.small import pad
from tests.training.toy import lively_model, settings

CRISP = torch.tensor([[[1.0, 0], [1, 0], [0, 1]]])
EVEN = torch.full((1, 3, 2), 0.5)
ALL = torch.ones(1, 3)
BLOCKS = torch.tensor([[[1.0, 1, 0], [1, 1, 0], [0, 0, 1]]])


def pooling(position: list[float], mass: list[float]) -> Pooling:
    empty = torch.empty(0)
    return Pooling(empty, empty, empty, torch.tensor([position]), torch.tensor([mass]))


def test_log_loss_by_hand() -> None:
    # the positive first: -log sigma(2), then -log(1 - sigma(0)) and -log(1 - sigma(-1))
    expected = (log(1 + 2.718281828**-2) + log(2) + log(1 + 2.718281828**-1)) / 3
    assert float(log_loss(torch.tensor([[2.0, 0, -1]]))) == pytest.approx(expected, abs=1e-6)


def test_log_loss_of_large_logits_is_finite() -> None:
    assert float(log_loss(torch.tensor([[-1e4, 1e4]]))) == pytest.approx(1e4)


def test_row_entropy_and_its_gradient_at_zero() -> None:
    rows = torch.tensor([[1.0, 0], [0.5, 0.5], [0.25, 0.75]], requires_grad=True)
    entropy = row_entropy(rows)
    assert entropy.tolist() == pytest.approx([0, log(2), 0.25 * log(4) + 0.75 * log(4 / 3)], abs=1e-6)
    entropy.sum().backward()
    assert torch.isfinite(rows.grad).all()


def test_same_mapping_by_hand() -> None:
    length = torch.tensor([3.0])
    assert float(same_mapping(CRISP, BLOCKS, length)) == pytest.approx(0, abs=1e-5)
    # S S^T is 1/2 everywhere: nine squares of 1/4, over n = 3
    assert float(same_mapping(EVEN, BLOCKS, length)) == pytest.approx(sqrt(9 / 4) / 3)


def test_same_mapping_is_the_mean_over_histories() -> None:
    both = torch.cat([CRISP, EVEN]), torch.cat([BLOCKS, BLOCKS]), torch.tensor([3.0, 3])
    assert float(same_mapping(*both)) == pytest.approx(0.25, abs=1e-5)


def test_single_affiliation_by_hand() -> None:
    assert float(single_affiliation(CRISP, ALL)) == 0
    assert float(single_affiliation(EVEN, ALL)) == pytest.approx(log(2))
    half = torch.cat([CRISP, EVEN])  # of the second history one item is real
    assert float(single_affiliation(half, torch.tensor([[1.0, 1, 1], [1, 0, 0]]))) == pytest.approx(log(2) / 4)


def test_balance_by_hand() -> None:
    assert float(balance(EVEN, ALL)) == pytest.approx(0, abs=1e-6)
    assert float(balance(torch.tensor([[[1.0, 0]] * 3]), ALL)) == pytest.approx(log(2))  # all in one cluster
    shares = (2 / 3, 1 / 3)
    assert float(balance(CRISP, ALL)) == pytest.approx(log(2) + sum(p * log(p) for p in shares))
    # crisp and balanced over the batch: what L_A and L_B together ask for
    assert float(balance(CRISP, torch.tensor([[0.0, 1, 1]]))) == pytest.approx(0, abs=1e-6)


def test_relative_position_by_hand() -> None:
    assert float(relative_position(pooling([0.25, 0.75], [1, 1]))) == pytest.approx(0, abs=1e-5)
    assert float(relative_position(pooling([0.75, 0.25], [1, 1]))) == pytest.approx(sqrt(2 * 0.25) / sqrt(2))
    # what holds next to nothing has no position
    assert float(relative_position(pooling([0.25, 0.1], [2, 0.01]))) == pytest.approx(0, abs=1e-5)


def test_relative_position_literal_by_hand() -> None:
    # (1 + 2, 3) against (1, 2)
    assert float(relative_position_literal(CRISP)) == pytest.approx(sqrt(2**2 + 1))


@pytest.mark.parametrize(
    ("step", "warmup", "weight"), [(0, 100, 0), (25, 100, 0.25), (100, 100, 1), (10**6, 100, 1), (0, 0, 1), (0, 1, 0)]
)
def test_only_single_affiliation_is_warmed_up(step: int, warmup: int, weight: float) -> None:
    config = settings(
        warmup_steps=warmup,
        same_mapping_weight=2.0,
        single_affiliation_weight=3.0,
        relative_position_weight=5.0,
        balance_weight=7.0,
    )
    names = ("log_loss", "same_mapping", "single_affiliation", "relative_position", "balance")
    terms = {name: torch.tensor(10.0**power) for power, name in enumerate(names)}
    expected = 1 + 2 * 10 + weight * 3 * 100 + 5 * 1000 + 7 * 10_000
    assert float(total_loss(terms, config, step)) == pytest.approx(expected)


def test_a_term_without_weight_is_left_out_even_where_it_is_no_finite_number() -> None:
    weight = torch.tensor(3.0, requires_grad=True)
    terms = {"log_loss": 2 * weight, "balance": weight / 0, "same_mapping": weight * float("nan")}
    loss = total_loss(terms, settings(balance_weight=0.0, same_mapping_weight=0.0), 1)
    loss.backward()
    assert (loss.item(), float(weight.grad)) == (6, 2)  # type: ignore[arg-type]


# -- loss_terms on a model ----------------------------------------------------------------------------


def terms_of(
    histories: list[list[int]], padding: int = 0, changes: dict | None = None, **config: object
) -> dict[str, Tensor]:
    model = lively_model(20, **(changes or {}))
    history = pad(histories)
    if padding:
        history = ItemSequences(*(torch.cat([part, part.new_zeros(len(part), padding)], dim=1) for part in history))
    graph = model.build_graph(history)
    reading = model.read(graph, torch.tensor([[3, 4, 5]] * len(histories)))
    return {name: term.detach() for name, term in loss_terms(graph, reading, settings(**config)).items()}


@settings_of_hypothesis(max_examples=40)
@given(
    histories=st.lists(st.lists(st.integers(1, 19), min_size=1, max_size=8), min_size=1, max_size=4),
    padding=st.integers(1, 9),
    kind=st.sampled_from(["mean_position", "literal"]),
    mapping=st.sampled_from(["scaled", "literal"]),
    extraction=st.sampled_from(["soft", "none"]),
)
@example([[1, 2, 3, 2, 7], [4, 9]], 3, "literal", "literal", "none")
def test_padding_changes_no_term(
    histories: list[list[int]], padding: int, kind: str, mapping: str, extraction: str
) -> None:
    plain, padded = (
        terms_of(histories, more, {"extraction": extraction}, relative_position=kind, same_mapping=mapping)
        for more in (0, padding)
    )
    assert {n: float(t) for n, t in plain.items()} == pytest.approx({n: float(t) for n, t in padded.items()}, abs=1e-5)


@pytest.mark.parametrize("changes", [{}, {"extraction": "none"}, {"clusters": (6, 3)}, {"fusion": "none"}])
def test_every_term_is_there_finite_and_in_range(changes: dict) -> None:
    terms = terms_of([[1, 2, 3, 2, 7], [4, 9], [5]], changes=changes)
    assert set(terms) == {"log_loss", "same_mapping", "single_affiliation", "relative_position", "balance"}
    for name, term in terms.items():
        assert term.ndim == 0
        assert torch.isfinite(term), name
        assert float(term) >= -1e-5, name


def test_regularisers_read_the_positive_alone() -> None:
    model = lively_model(20).requires_grad_(False)
    graph = model.build_graph(pad([[1, 2, 3]]))
    one, two = (loss_terms(graph, model.read(graph, torch.tensor([row])), settings()) for row in ([3, 4], [3, 9]))
    for name in ("same_mapping", "single_affiliation", "relative_position", "balance"):
        assert float(one[name]) == pytest.approx(float(two[name]), abs=1e-6)
    assert float(one["log_loss"]) != pytest.approx(float(two["log_loss"]), abs=1e-6)


# -- ages ---------------------------------------------------------------------------------------------


def test_training_reads_the_ages_and_hides_those_of_some_histories() -> None:
    model = lively_model(20, time="age")
    many = 400
    history = ItemSequences(torch.full((many, 2), 3), torch.ones(many, 2, dtype=torch.bool))
    context = Context(
        torch.zeros(many, dtype=torch.long), torch.tensor([[0, 90]]).expand(many, -1), torch.full((many,), 100)
    )
    read: list[Tensor] = []
    build = model.graph_from_embeddings
    model.graph_from_embeddings = lambda h, mask, ages: read.append(ages) or build(h, mask, ages)  # type: ignore
    torch.manual_seed(0)
    for training in (True, False):
        model.train(training)
        batch = Surge(model).draw(history, torch.tensor([[4, 5]] * many), context, settings())
        terms = Surge(model).loss_terms(batch, settings())
    assert torch.isfinite(terms["log_loss"])
    hidden = read[0].isnan()
    assert torch.equal(hidden.all(1), hidden.any(1))  # a whole history or nothing
    assert 0.05 < float(hidden.double().mean()) < 0.15
    assert read[0][~hidden[:, 0]].unique(dim=0).tolist() == read[1].unique(dim=0).tolist() == [[100, 10]]


def test_ages_are_trained() -> None:
    model = lively_model(20, time="age").train()
    history = pad([[1, 2, 3]] * 30)
    context = Context(torch.zeros(30, dtype=torch.long), torch.tensor([[0, 50, 90]] * 30), torch.full((30,), 100))
    batch = Surge(model).draw(history, torch.tensor([[4, 5]] * 30), context, settings())
    total_loss(Surge(model).loss_terms(batch, settings()), settings(), 9).backward()
    gradient = model.age_embedding.weight.grad
    assert gradient is not None
    assert gradient.abs().sum(1).nonzero()[:, 0].tolist() == [3, 5, 6]  # 10, 50 and 100 seconds


# -- what a step draws and where it takes it ----------------------------------------------------------


@pytest.mark.parametrize(
    ("next_item", "weight", "drawn"), [(True, 0.1, True), (True, 0.0, False), (False, 0.1, False), (False, 0.0, False)]
)
def test_items_for_the_next_item_loss_are_drawn_where_it_counts(next_item: bool, weight: float, drawn: bool) -> None:
    model, config = lively_model(20, next_item=next_item), settings(next_item_weight=weight)
    context = Context(torch.zeros(1, dtype=torch.long), torch.tensor([[0, 50, 90]]), torch.tensor([100]))
    batch = Surge(model).draw(pad([[1, 2, 3]]), torch.tensor([[4, 5]]), context, config)
    assert (batch.drawn is not None) == drawn
    assert ("next_item" in Surge(model).loss_terms(batch, config)) == drawn


def test_what_the_user_took_is_no_false_next_item() -> None:
    """An item that is barred gives way to the next item itself, which is its step's way of having no false one."""
    model, config = lively_model(20, next_item=True), settings(next_item_weight=1.0)
    context = Context(torch.zeros(40, dtype=torch.long), torch.zeros(40, 3, dtype=torch.long), torch.full((40,), 100))
    history = pad([[1, 2, 3], [4, 5, 6]] * 20)

    def barred(rows: np.ndarray, items: np.ndarray) -> np.ndarray:
        return items <= 3  # what one half has taken, and the other has not

    candidates = torch.tensor([[7, 8]] * 40)
    torch.manual_seed(3)
    free = Surge(model).draw(history, candidates, context, config).drawn
    torch.manual_seed(3)
    held = Surge(model).draw(history, candidates, context, config, barred).drawn
    assert free is not None and held is not None
    wrong = free <= 3
    assert wrong.any() and (~wrong).any()
    assert torch.equal(held[wrong], history.items[:, 1:][wrong])
    assert torch.equal(held[~wrong], free[~wrong])


@pytest.mark.parametrize("name", ["gru4rec", "sasrec", "dien", "din"])
@pytest.mark.parametrize("weight", [0.5, 0.0])
def test_baselines_that_follow_draw_next_items_where_it_counts(name: str, weight: float) -> None:
    sizes = {"item_count": 20, "category_count": 2, "user_count": 1, "auxiliary_weight": weight}
    model = build(name, configure(name, sizes), torch.arange(20) % 2).eval()  # no dropout
    context = Context(torch.zeros(1, dtype=torch.long), torch.tensor([[0, 50, 90]]), torch.tensor([100]))
    batch = model.draw(pad([[1, 2, 3]]), torch.tensor([[4, 5]]), context, settings())
    counts = name != "din" and weight > 0
    assert (batch.drawn is not None) == counts
    terms = model.loss_terms(batch, settings())
    assert set(terms) == ({"log_loss", "auxiliary"} if counts else {"log_loss"})
    if counts:
        whole = next_item_loss(model.steps(batch.history, batch.context), batch.history, model.embed, batch.drawn)
        assert float(terms["auxiliary"].detach()) == pytest.approx(0.5 * float(whole.detach()), rel=1e-5) != 0


def test_all_of_a_batch_goes_to_its_device() -> None:
    model = Surge(lively_model(20, time="age", next_item=True))
    context = Context(torch.zeros(1, dtype=torch.long), torch.tensor([[0, 50, 90]]), torch.tensor([100]))
    batch = model.draw(pad([[1, 2, 3]]), torch.tensor([[4, 5]]), context, settings())
    there = batch.to(torch.device("meta"))
    tensors = [*there.history, there.candidates, *there.context, there.ages, there.drawn]
    assert [tensor.device.type for tensor in tensors if tensor is not None] == ["meta"] * 8
