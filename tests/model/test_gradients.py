"""Training reaches every weight that a setting has; where an exact identity forbids it, that is written down."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
import torch

from surge.model.surge import SurgeModel
from tests.model.small import HISTORIES, pad, small_model

COMBINATIONS = list(
    product(
        ("full", "without_query", "without_cluster", "none"),
        ("soft", "none"),
        (True, False),
        ("recency", "none"),
        ("augru", "gru", "time_lstm", "attention", "none"),
    )
)


SEEDS = (1, 2, 3, 4)  # in one draw a head's ReLUs may all be shut, or its scores all be of one sign


def untouched(**settings: Any) -> set[str]:
    """The weights that get no gradient from a loss on the logits in any of several draws."""
    return set.intersection(*(untouched_in(small_model(seed=seed, **settings)) for seed in SEEDS))


def untouched_in(model: SurgeModel) -> set[str]:
    generator = torch.Generator().manual_seed(0)
    candidates = torch.randint(12, (len(HISTORIES), 6), generator=generator)
    logits = model(pad(HISTORIES), candidates)
    (logits * torch.randn(logits.shape, generator=generator, dtype=logits.dtype)).sum().backward()
    return {
        name
        for name, parameter in model.named_parameters()
        if parameter.grad is None or parameter.grad.abs().max() < 1e-10
    }


def cancelled(model: SurgeModel) -> set[str]:
    """What can't have a gradient, by the equations.

    - without_query: beta = 0, so LeakyReLU(alpha_i) is the same for all j and leaves the softmax of row i.
    - evolution none: the sum of the pooled clusters is the sum of h', whatever S is.
    - the graph is read by the attention and by S; without both, w has nothing to act on.
    """
    forms, names = model.config.forms, [name for name, _ in model.named_parameters()]
    out: set[str] = set()
    if forms.fusion == "without_query":
        out |= {name for name in names if name.startswith("fuse.cluster")}
    if forms.evolution == "none":
        out |= {name for name in names if name.startswith("extract.assign")}
    if forms.fusion == "none" and (forms.extraction == "none" or forms.evolution == "none"):
        out.add("construct.weight")
    return out


@pytest.mark.parametrize("fusion", ["full", "without_query", "without_cluster", "none"])
def test_gradient_reaches_every_parameter_in_every_combination_of_switches(fusion: str) -> None:
    for _, extraction, readout, position, evolution in (c for c in COMBINATIONS if c[0] == fusion):
        settings = {
            "fusion": fusion,
            "extraction": extraction,
            "readout": readout,
            "position": position,
            "evolution": evolution,
        }
        assert untouched(**settings) == cancelled(small_model(**settings)), settings


@pytest.mark.parametrize(
    "settings",
    [
        {"gate": "absolute"},
        {"flatten": "index"},
        {"assignment_aggregation": "sum"},
        {"clusters": (6, 3)},
        {"heads": 2},
        {"hops": 2},
        {"attention_activation": "leaky_relu"},
        {"metric_heads": 1},
        {"category_size": 0, "item_size": 8},
    ],
    ids=str,
)
def test_gradient_reaches_every_parameter_with_the_other_switches(settings: dict[str, Any]) -> None:
    assert untouched(**settings) == set()


@pytest.mark.parametrize("training", [True, False])
def test_as_printed_what_cancels_goes_without(training: bool) -> None:
    """alpha_i cancels in Eq. 8 without its nonlinearity, and so does what is added to every beta_j, its last bias.

    The gradient of alpha is nothing at all, not what rounding leaves."""
    model = small_model(dtype=torch.float32, attention_nonlinearity="none").train(training)
    of_alpha = {name for name, _ in model.named_parameters() if name.startswith("fuse.cluster")}
    assert of_alpha and untouched(attention_nonlinearity="none") == of_alpha | {"fuse.query.0.rest.1.2.bias"}
    model(pad(HISTORIES), torch.tensor([[5, 9]] * len(HISTORIES))).square().sum().backward()
    assert {name for name, parameter in model.named_parameters() if parameter.grad is None} == of_alpha


def test_parameters_that_a_switch_removes_do_not_exist() -> None:
    def parts(**settings: object) -> set[str]:
        return {".".join(name.split(".")[:2]) for name, _ in small_model(**settings).named_parameters()}

    everything = parts()
    assert everything - parts(fusion="without_query") == {"fuse.query"}
    assert everything - parts(fusion="without_cluster") == {"fuse.cluster"}
    assert everything - parts(fusion="none") == {"fuse.query", "fuse.cluster", "fuse.aggregate"}
    assert everything - parts(extraction="none") == {"extract.assign"}
    assert everything - parts(position="none") == {"position_embedding.weight"}
    assert everything - parts(evolution="none") == {"predict.evolve"}


def test_padding_gives_its_item_no_gradient() -> None:
    """Padding is stored as item row 0; in no history here and no candidate, so nothing may train it."""
    model = small_model()
    model(pad(HISTORIES), torch.tensor([[5, 9]] * len(HISTORIES))).square().sum().backward()
    gradient = model.item_embedding.weight.grad
    assert gradient is not None
    assert torch.all(gradient[0] == 0)
    assert gradient[3].abs().max() > 1e-6


def test_gradients_of_a_padded_batch_are_the_sum_over_its_rows() -> None:
    candidates = torch.tensor([[5, 9]] * len(HISTORIES))
    together, apart = small_model(), small_model()
    together(pad(HISTORIES), candidates).square().sum().backward()
    for row, history in enumerate(HISTORIES):
        apart(pad([history]), candidates[row : row + 1]).square().sum().backward()
    for (name, a), b in zip(together.named_parameters(), apart.parameters(), strict=True):
        assert torch.allclose(a.grad, b.grad, rtol=1e-9, atol=1e-11), name


def test_gradients_of_repeated_items_and_of_single_items_are_finite() -> None:
    model = small_model(dtype=torch.float32)
    model(pad([[5, 5, 5, 5], [3], [1, 2, 1]]), torch.tensor([[5, 1]] * 3)).sum().backward()
    for name, parameter in model.named_parameters():
        assert torch.isfinite(parameter.grad).all(), name
