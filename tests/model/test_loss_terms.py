"""Eq. 12-14 and 18 and the balance term, with values worked out by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from sklearn.metrics import log_loss as sklearn_log_loss

from surge.config import LossTerms, TrainingConfig, from_dict
from surge.model.assignment import Assignment
from surge.model.edge_operations import EdgeOperations
from surge.model.interest_extraction import Pooling
from surge.model.losses import (
    balance,
    log_loss,
    relative_position,
    relative_position_literal,
    row_entropy,
    same_mapping,
    same_mapping_literal,
    single_affiliation,
)
from surge.model.surge import ItemSequences, SurgeModel
from surge.recommenders.surge import loss_terms
from surge.training.losses import total_loss
from tests.model.small import HISTORIES, pad, small_model

CRISP = torch.tensor([[[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]])
CANDIDATES = torch.tensor([[0, 5, 9], [1, 1, 2], [3, 4, 11], [8, 0, 6]])
TERMS = {"log_loss", "same_mapping", "single_affiliation", "relative_position", "balance"}


def at(position: list[float], mass: list[float]) -> Pooling:
    """A pooling of one history that says where its clusters lie and what they hold."""
    m = len(position)
    return Pooling(
        assignment=torch.zeros(1, 2, m),
        pooled=torch.zeros(1, m, 2),
        pooled_importance=torch.full((1, m), 1 / m),
        position=torch.tensor([position]),
        mass=torch.tensor([mass]),
    )


def terms_of(model: SurgeModel, extra: int = 0, **settings: object) -> dict[str, torch.Tensor]:
    history = pad([*HISTORIES, list(range(12)) + [0] * extra])
    history = ItemSequences(history.items[:4], history.mask[:4])  # at least as long as the fifth
    graph = model.build_graph(history)
    config = from_dict(TrainingConfig, settings)
    return loss_terms(graph, model.read(graph, CANDIDATES), config)


def test_log_loss_is_sklearns_with_the_positive_first() -> None:
    logit = torch.tensor([[2.0, -1.0, 0.5], [-0.3, 0.0, -4.0]])
    expected = sklearn_log_loss([1, 0, 0, 1, 0, 0], torch.sigmoid(logit).double().flatten().numpy())
    assert log_loss(logit).item() == pytest.approx(expected, abs=1e-6)
    # by hand, for one positive at log 3 (p = 3/4) and one negative at 0
    assert log_loss(torch.tensor([[math.log(3), 0.0]])).item() == pytest.approx(math.log(8 / 3) / 2, abs=1e-6)


def test_same_mapping_by_hand() -> None:
    adjacency, length = torch.eye(3).unsqueeze(0), torch.tensor([3.0])
    together = torch.tensor([[[1.0, 0.0]] * 3])
    assert same_mapping(together, adjacency, length).item() == pytest.approx(math.sqrt(6) / 3)
    assert same_mapping(CRISP, adjacency, length).item() == pytest.approx(math.sqrt(2) / 3)
    blocks = CRISP @ CRISP.transpose(1, 2)
    assert same_mapping(CRISP, blocks, length).item() == pytest.approx(0, abs=1e-6)


def test_same_mapping_is_the_mean_over_histories_of_their_own_lengths() -> None:
    adjacency = torch.zeros(2, 3, 3)
    adjacency[0], adjacency[1, :2, :2] = torch.eye(3), torch.eye(2)
    assignment = torch.tensor([[[1.0, 0.0]] * 3, [[1.0, 0.0], [1.0, 0.0], [0.0, 0.0]]])
    found = same_mapping(assignment, adjacency, torch.tensor([3.0, 2.0])).item()
    assert found == pytest.approx((math.sqrt(6) / 3 + math.sqrt(2) / 2) / 2)


def test_same_mapping_as_printed_by_hand() -> None:
    adjacency = torch.eye(3).expand(2, 3, 3)
    together = torch.tensor([[[1.0, 0.0]] * 3])
    assert same_mapping_literal(together, adjacency[:1]).item() == pytest.approx(math.sqrt(6))
    both = torch.cat([together, CRISP])
    assert same_mapping_literal(both, adjacency).item() == pytest.approx((math.sqrt(6) + math.sqrt(2)) / 2)
    padded = torch.nn.functional.pad(both, (0, 0, 0, 2)), torch.nn.functional.pad(adjacency, (0, 2, 0, 2))
    assert same_mapping_literal(*padded).item() == pytest.approx((math.sqrt(6) + math.sqrt(2)) / 2)


def test_the_form_of_same_mapping_is_a_setting() -> None:
    model, history = small_model(), pad([HISTORIES[0]] * 4)
    graph = model.build_graph(history)
    reading = model.read(graph, CANDIDATES)
    scaled, literal = (
        loss_terms(graph, reading, TrainingConfig(loss=LossTerms(same_mapping=form)))["same_mapping"].item()
        for form in ("scaled", "literal")
    )
    assert literal == pytest.approx(len(HISTORIES[0]) * scaled) and scaled > 0.01


def test_single_affiliation_is_the_mean_entropy_of_the_real_rows() -> None:
    assignment = torch.tensor([[[0.5, 0.5], [1.0, 0.0], [0.0, 0.0]], [[0.75, 0.25], [0.0, 0.0], [0.0, 0.0]]])
    mask = torch.tensor([[1.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
    quarter = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    assert single_affiliation(assignment, mask).item() == pytest.approx((math.log(2) + quarter) / 3, abs=1e-6)


def test_relative_position_by_hand() -> None:
    assert relative_position(at([0.25, 0.75], [1, 1])).item() == pytest.approx(0, abs=1e-5)
    assert relative_position(at([0.75, 0.25], [1, 1])).item() == pytest.approx(0.5)
    assert relative_position(at([0.75, 0.75], [1, 1])).item() == pytest.approx(0.5 / math.sqrt(2))


def test_relative_position_leaves_out_clusters_that_hold_next_to_nothing() -> None:
    assert relative_position(at([0.75, 0.75], [0.01, 1])).item() == pytest.approx(0, abs=1e-5)
    assert relative_position(at([0.75, 0.75], [0.06, 1])).item() == pytest.approx(0.5 / math.sqrt(2))


def test_relative_position_as_printed_by_hand() -> None:
    # (1, 2, 3) S = (3, 3), from (1, 2): (2, 1)
    assert relative_position_literal(CRISP).item() == pytest.approx(math.sqrt(5))
    assert relative_position_literal(torch.eye(4).unsqueeze(0)).item() == pytest.approx(0, abs=1e-5)
    padded = torch.cat([CRISP, torch.zeros(1, 2, 2)], dim=1)
    assert relative_position_literal(padded).item() == pytest.approx(math.sqrt(5))


@pytest.mark.parametrize("m", [2, 5, 20])
def test_balance_is_zero_where_clusters_are_used_alike_and_log_m_where_one_is(m: int) -> None:
    mask = torch.ones(2, m)
    crisp = torch.eye(m).expand(2, m, m)
    assert balance(crisp, mask).item() == pytest.approx(0, abs=1e-5)
    assert balance(torch.full((2, m, m), 1 / m), mask).item() == pytest.approx(0, abs=1e-5)
    one = torch.zeros(2, m, m)
    one[..., 0] = 1
    assert balance(one, mask).item() == pytest.approx(math.log(m), abs=1e-5)


def test_balance_counts_items_and_not_histories_and_skips_padding() -> None:
    assignment = torch.zeros(2, 3, 2)
    assignment[0, :, 0] = 1  # three items in cluster 0
    assignment[1, 0, 1] = 1  # and one in cluster 1
    mask = torch.tensor([[1.0, 1.0, 1.0], [1.0, 0.0, 0.0]])
    entropy = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    assert balance(assignment, mask).item() == pytest.approx(math.log(2) - entropy, abs=1e-6)


def test_entropy_of_a_one_hot_row_is_zero_and_its_gradient_finite() -> None:
    rows = torch.eye(3, requires_grad=True)
    entropy = row_entropy(rows)
    assert entropy.tolist() == [0, 0, 0]
    entropy.sum().backward()
    assert torch.isfinite(rows.grad).all()


def test_gradient_of_every_term_is_finite_where_the_assignment_is_exactly_one_hot() -> None:
    mask, adjacency = torch.ones(1, 3), CRISP @ CRISP.transpose(1, 2)
    for term in (
        lambda s: same_mapping(s, adjacency, torch.tensor([3.0])),
        lambda s: single_affiliation(s, mask),
        relative_position_literal,
        lambda s: balance(s, mask),
    ):
        assignment = CRISP.clone().requires_grad_()
        term(assignment).backward()
        assert torch.isfinite(assignment.grad).all()


def test_gradient_of_the_whole_loss_is_finite_where_training_has_made_the_assignment_one_hot() -> None:
    model = small_model(dtype=torch.float32)
    with torch.no_grad():
        model.extract.assign[0].weight.mul_(1e6)
    terms = terms_of(model)
    assert terms["single_affiliation"] == 0
    config = TrainingConfig(loss=LossTerms(same_mapping_weight=1.0, relative_position_weight=1.0, warmup_steps=0))
    total_loss(terms, config, 1).backward()
    for name, parameter in model.named_parameters():
        assert torch.isfinite(parameter.grad).all(), name


def test_total_loss_is_the_weighted_sum_with_the_entropy_term_warmed_up() -> None:
    loss = LossTerms(
        same_mapping_weight=2.0,
        single_affiliation_weight=0.5,
        relative_position_weight=3.0,
        balance_weight=0.25,
        warmup_steps=200,
    )
    config = TrainingConfig(loss=loss)
    values = {
        "log_loss": 0.5,
        "same_mapping": 1.0,
        "single_affiliation": 4.0,
        "relative_position": 0.25,
        "balance": 2.0,
    }
    terms = {name: torch.tensor(value) for name, value in values.items()}
    rest = 0.5 + 2.0 * 1.0 + 3.0 * 0.25 + 0.25 * 2.0
    for step, warmed in ((0, 0.0), (50, 0.25), (100, 0.5), (200, 1.0), (1000, 1.0)):
        assert total_loss(terms, config, step).item() == rest + warmed * 0.5 * 4.0
    assert total_loss(terms, TrainingConfig(loss=replace(loss, warmup_steps=0)), 0).item() == rest + 2.0


def test_loss_terms_are_those_of_the_positive_reading() -> None:
    model = small_model()
    history = pad(HISTORIES)
    graph = model.build_graph(history)
    reading = model.read(graph, CANDIDATES)
    terms = loss_terms(graph, reading, TrainingConfig())
    assert set(terms) == TERMS
    positive = model.read(graph, CANDIDATES[:, :1]).extraction.layers[0]
    entropies = [row_entropy(positive.assignment[row, 0, : len(items)]).tolist() for row, items in enumerate(HISTORIES)]
    mean = sum(map(sum, entropies)) / sum(map(len, entropies))
    assert terms["single_affiliation"].item() == pytest.approx(mean, abs=1e-6)
    norms = []
    for row, items in enumerate(HISTORIES):
        n = len(items)
        assignment = positive.assignment[row, 0, :n]
        difference = graph.adjacency[row, :n, :n] - assignment @ assignment.T
        norms.append(math.sqrt(difference.square().sum().item()) / n)
    assert terms["same_mapping"].item() == pytest.approx(sum(norms) / 4, abs=1e-6)
    assert terms["log_loss"].item() == pytest.approx(log_loss(reading.logit).item(), abs=1e-6)


FORMS = [{}, {"relative_position": "literal", "same_mapping": "literal"}]


@pytest.mark.parametrize("forms", FORMS, ids=str)
@pytest.mark.parametrize("settings", [{}, {"clusters": (6, 3)}, {"extraction": "none"}], ids=str)
def test_padding_changes_no_term(settings: dict[str, object], forms: dict[str, object]) -> None:
    model = small_model(**settings)
    before = terms_of(model, **forms)
    after = terms_of(model, extra=5, **forms)
    for name in TERMS:
        assert after[name].item() == pytest.approx(before[name].item(), abs=1e-6), name


@pytest.mark.parametrize("forms", FORMS, ids=str)
def test_without_extraction_two_terms_train_something_and_the_others_are_nothing(forms: dict[str, object]) -> None:
    """S is fixed, every item its own cluster: in its own place, used as much as any other."""
    terms = terms_of(small_model(extraction="none"), extra=5, **forms)
    assert {name for name in TERMS if terms[name].requires_grad} == {"log_loss", "same_mapping"}
    for name in ("single_affiliation", "relative_position", "balance"):
        assert terms[name].item() == 0, name


def test_without_extraction_the_terms_are_those_of_the_identity_of_n_items() -> None:
    """What the definitions give where nothing is padded, but for L_B, which sees no use of clusters there."""
    model = small_model(extraction="none")
    graph = model.build_graph(pad(HISTORIES[:1]))
    reading = model.read(graph, CANDIDATES[:1])
    first = Pooling(*(tensor[:, 0] for tensor in reading.extraction.layers[0]))
    assert relative_position(first).item() == pytest.approx(0, abs=1e-5)
    assert relative_position_literal(first.assignment).item() == pytest.approx(0, abs=1e-5)
    itself = torch.eye(len(HISTORIES[0]), dtype=torch.float64)
    printed = loss_terms(graph, reading, TrainingConfig(loss=LossTerms(same_mapping="literal")))["same_mapping"]
    assert printed.item() == pytest.approx((graph.adjacency[0] - itself).norm().item())


class Alone(Assignment):
    """Every item by itself, as somebody else may write it."""

    pools = False

    def forward(self, nodes: torch.Tensor, graph: torch.Tensor, operations: EdgeOperations) -> torch.Tensor:
        return torch.ones_like(nodes[..., 0]).diag_embed()


def test_a_pooling_says_itself_that_every_item_is_its_own_cluster() -> None:
    own = small_model(extraction="none")
    other = SurgeModel(own.config, own.item_category, assignments=[Alone()]).double()
    other.load_state_dict(own.state_dict())
    (expected, terms) = ({k: v.item() for k, v in terms_of(model, extra=5).items()} for model in (own, other))
    assert terms == expected


def test_regularisers_reach_the_metric_and_the_assignment() -> None:
    for name, parts in (
        ("same_mapping", ("construct.weight", "extract.assign.0.weight")),
        ("single_affiliation", ("construct.weight", "extract.assign.0.weight")),
        ("relative_position", ("construct.weight", "extract.assign.0.weight")),
        ("balance", ("construct.weight", "extract.assign.0.weight")),
    ):
        model = small_model()
        terms_of(model)[name].backward()
        gradients = dict(model.named_parameters())
        for part in parts:
            assert gradients[part].grad.abs().max() > 1e-8, (name, part)
