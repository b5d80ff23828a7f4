"""Eq. 8 with its sum and Eq. 11 along the edges, against torch's dense forms in float64, forward and backward."""

from __future__ import annotations

import copy
import platform
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from surge.backends.training import EDGES
from surge.model.assignment import soft_assignment
from surge.model.dense import DENSE
from surge.model.edge_operations import EdgeOperations
from surge.model.interest_fusion import attention_weights
from surge.model.surge import SurgeModel
from surge.native import edges, library
from surge.native import threads as team
from tests.kernel import needs_kernel
from tests.model.small import HISTORIES, pad, small_model

pytestmark = needs_kernel


def graph_of(batch: int, n: int, generator: torch.Generator) -> Tensor:
    """Adjacency with the diagonal and a fifth of the rest; the last item of every other history is padding."""
    adjacency = (torch.rand(batch, n, n, generator=generator) < 0.2).float()
    adjacency[:, range(n), range(n)] = 1
    if n > 1:
        adjacency[::2, -1], adjacency[::2, :, -1] = 0, 0
    return adjacency


def straight(adjacency: Tensor, passed: Tensor) -> Tensor:
    """0 or 1 with the gradient of the kept entries, as graph construction makes it."""
    kept = passed * adjacency
    return adjacency + (kept - kept.detach())


attend = partial(edges.attend, slope=0.2)


def dense_attend(alpha: Tensor, beta: Tensor, adjacency: Tensor, message: Tensor, slope: float = 0.2) -> Tensor:
    by_head = message.unflatten(-1, (alpha.shape[1], -1)).transpose(1, 2)
    return (attention_weights(alpha, beta, adjacency, slope) @ by_head.unsqueeze(1)).transpose(2, 3).flatten(3)


def dense_assign(logits: Tensor, adjacency: Tensor, mean: bool) -> Tensor:
    return soft_assignment(logits, adjacency.unsqueeze(1), mean)


def gradients(function: Any, inputs: list[Tensor], adjacency: Tensor, place: int) -> list[Tensor]:
    """The result and the gradients of all inputs; input `place` is the similarity behind the adjacency."""
    leaves = [x.clone().requires_grad_() for x in inputs]
    given = [*leaves]
    given[place] = straight(adjacency.to(leaves[place].dtype), leaves[place])
    out = function(*given)
    weight = torch.randn(out.shape, generator=torch.Generator().manual_seed(9), dtype=torch.float64)
    (out * weight.to(out.dtype)).sum().backward()
    return [out.detach(), *(leaf.grad for leaf in leaves)]


def agree(compiled: Any, dense: Any, inputs: list[Tensor], adjacency: Tensor, place: int) -> None:
    found = gradients(compiled, inputs, adjacency, place)
    expected = gradients(dense, [x.double() for x in inputs], adjacency, place)
    for one, other in zip(found, expected, strict=True):
        assert one.dtype == torch.float32
        assert torch.allclose(one.double(), other, rtol=1e-4, atol=2e-6 * float(1 + other.abs().max()))
    assert (found[1 + place][adjacency == 0] == 0).all()


def test_a_slope_that_the_compiled_form_does_not_have_is_computed_by_torch() -> None:
    generator = torch.Generator().manual_seed(0)
    alpha, beta = torch.randn(1, 1, 4, generator=generator), torch.randn(1, 3, 1, 4, generator=generator)
    adjacency, message = torch.ones(1, 4, 4), torch.randn(1, 4, 2, generator=generator)
    for slope in (0.2, 0.5, 1.0):
        found = EDGES.attend(alpha, beta, adjacency, message, slope)
        assert torch.allclose(found, dense_attend(alpha, beta, adjacency, message, slope), atol=1e-6), slope


@pytest.mark.parametrize("n", [1, 2, 23])
@pytest.mark.parametrize(
    ("heads", "width", "candidates"), [(1, 40, 3), (2, 6, 1), (4, 52, 2), (1, 1, 2), (1, 113, 2), (3, 3, 1)]
)
@pytest.mark.parametrize("slope", [0.2, 1.0])
def test_attention_and_its_gradients(heads: int, width: int, candidates: int, n: int, slope: float) -> None:
    g = torch.Generator().manual_seed(n)
    adjacency = graph_of(3, n, g)
    inputs = [
        torch.randn(3, heads, n, generator=g),
        3 * torch.randn(3, candidates, heads, n, generator=g),
        torch.rand(3, n, n, generator=g),
        torch.randn(3, n, width, generator=g),
    ]
    agree(partial(edges.attend, slope=slope), partial(dense_attend, slope=slope), inputs, adjacency, 2)


@pytest.mark.parametrize("n", [1, 2, 23])
@pytest.mark.parametrize(("m", "candidates"), [(1, 2), (2, 1), (10, 3), (50, 2), (130, 1)])
@pytest.mark.parametrize("mean", [True, False])
def test_assignment_and_its_gradients(mean: bool, m: int, candidates: int, n: int) -> None:
    g = torch.Generator().manual_seed(n)
    adjacency = graph_of(3, n, g)
    inputs = [2 * torch.randn(3, candidates, n, m, generator=g), torch.rand(3, n, n, generator=g)]
    agree(
        lambda logits, a: edges.assign(logits, a, mean),
        lambda logits, a: dense_assign(logits, a, mean),
        inputs,
        adjacency,
        1,
    )


def test_two_items_by_hand() -> None:
    """Item 0 listens to both, item 1 to itself: weights 1/4 and 3/4 from raw scores 0 and ln 3."""
    alpha, beta = torch.tensor([[[0.0, 0.0]]]), torch.tensor([[[[0.0, 1.0986123]]]])
    adjacency = torch.tensor([[[1.0, 1.0], [0.0, 1.0]]])
    message = torch.tensor([[[4.0, 0.0], [8.0, 4.0]]])
    out = edges.attend(alpha, beta, adjacency, message, 0.2)
    assert torch.allclose(out, torch.tensor([[[[7.0, 3.0], [8.0, 4.0]]]]))
    logits = torch.tensor([[[[0.0, 0.0], [2.1972246, 0.0]]]])
    soft = edges.assign(logits, adjacency, True)  # row 0 has the mean ln 3, row 1 its own ln 9
    assert torch.allclose(soft, torch.tensor([[[[0.75, 0.25], [0.9, 0.1]]]]))


def test_scores_far_apart_overflow_nowhere() -> None:
    alpha = torch.tensor([[[0.0, 300.0, -300.0]]])
    beta = torch.tensor([[[[500.0, -500.0, 0.0]]]])
    inputs = [alpha, beta, torch.rand(1, 3, 3), torch.randn(1, 3, 4)]
    agree(attend, dense_attend, inputs, torch.ones(1, 3, 3), 2)


def test_tensors_that_are_not_contiguous_are_read_as_they_are() -> None:
    g = torch.Generator().manual_seed(0)
    adjacency = graph_of(2, 5, g)
    beta, message = torch.randn(2, 1, 5, 3, generator=g).permute(0, 3, 1, 2), torch.randn(2, 8, 5, generator=g)
    out = edges.attend(torch.zeros(2, 1, 5), beta, adjacency.transpose(1, 2), message.transpose(1, 2), 0.2)
    expected = dense_attend(torch.zeros(2, 1, 5), beta, adjacency.transpose(1, 2), message.transpose(1, 2))
    assert torch.allclose(out, expected, atol=1e-6)


def training_gradients(model: SurgeModel, candidates: Tensor, operations: EdgeOperations) -> dict[str, Tensor]:
    model.zero_grad()
    logits = model.score_batch(pad(HISTORIES), candidates, None, operations)[1].logit
    (logits * torch.linspace(-1, 1, logits.numel()).view_as(logits)).sum().backward()
    return {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("count", [1, 5])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"heads": 2, "assignment_aggregation": "sum"},
        {"clusters": (4, 2)},
        {"extraction": "none"},
        {"fusion": "none"},
        {"fusion": "without_cluster", "evolution": "gru", "activation": "none"},
        {"attention_activation": "leaky_relu"},
        {"attention_nonlinearity": "none", "heads": 2},
        {"attention_nonlinearity": "none", "attention_activation": "leaky_relu", "assignment_aggregation": "sum"},
    ],
    ids=str,
)
def test_a_model_learns_the_same_with_and_without(settings: dict[str, Any], count: int) -> None:
    """flatten by index: by time, rounding may put two clusters in another order."""
    model = small_model(dtype=torch.float32, flatten="index", **settings)
    candidates = torch.randint(12, (len(HISTORIES), count), generator=torch.Generator().manual_seed(3))
    found = training_gradients(model, candidates, EDGES)
    expected = training_gradients(copy.deepcopy(model), candidates, DENSE)
    assert found.keys() == expected.keys()
    for name, grad in expected.items():
        assert torch.allclose(found[name], grad, rtol=1e-3, atol=1e-5 * float(1 + grad.abs().max())), name


def test_what_the_compiled_forms_can_not_read_the_plain_ones_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a compiler, and in float64."""
    history, candidates = pad(HISTORIES), torch.zeros(len(HISTORIES), 2, dtype=torch.long)

    def scores(model: SurgeModel, operations: EdgeOperations) -> Tensor:
        return model.score_batch(history, candidates, None, operations)[1].logit

    model, precise = small_model(dtype=torch.float32), small_model()
    assert not torch.equal(scores(model, EDGES), scores(model, DENSE))
    assert torch.allclose(scores(model, EDGES), scores(model, DENSE), atol=1e-5)
    assert torch.equal(scores(precise, EDGES), scores(precise, DENSE))
    monkeypatch.setenv(library.SWITCH, "0")
    assert torch.equal(scores(model, EDGES), scores(model, DENSE))


@pytest.mark.parametrize("openmp", [True, False], ids=["torch's threads", "threads of its own"])
def test_so_many_threads_give_the_same_bits(openmp: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not openmp:
        monkeypatch.setattr(team, "_openmp", lambda: None)
    g = torch.Generator().manual_seed(1)
    adjacency = graph_of(5, 9, g)
    inputs = [torch.randn(5, 1, 9, generator=g), torch.randn(5, 2, 1, 9, generator=g), torch.rand(5, 9, 9, generator=g)]
    inputs.append(torch.randn(5, 9, 8, generator=g))
    one = gradients(attend, inputs, adjacency, 2)
    for threads in (2, 3, 16):
        monkeypatch.setattr(torch, "get_num_threads", lambda threads=threads: threads)
        more = gradients(attend, inputs, adjacency, 2)
        assert all(torch.equal(a, b) for a, b in zip(one, more, strict=True))


def test_the_threads_are_those_of_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 7)
    assert team.team().threads == 7


def test_no_memory_is_an_error_that_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    class Kernel:
        assign = staticmethod(lambda *arguments: 1)

    monkeypatch.setattr(team, "library", lambda name: Kernel())
    with pytest.raises(MemoryError):
        edges.assign(torch.zeros(1, 1, 2, 2), torch.eye(2).unsqueeze(0), True)


def test_what_is_not_float32_on_a_cpu_is_left_to_torch() -> None:
    assert edges.compiled(torch.zeros(1))
    assert not edges.compiled(torch.zeros(1), torch.zeros(1, dtype=torch.float64))
    assert not edges.compiled(torch.zeros(1, device="meta"))


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="the flags are those of x86")
@pytest.mark.parametrize("flag", ["-mno-avx512f", "-mno-avx"])
def test_on_narrower_processors_it_gives_the_same(fresh: Path, monkeypatch: pytest.MonkeyPatch, flag: str) -> None:
    monkeypatch.setattr(library, "FLAGS", (*library.FLAGS, flag))
    kernel = library.library("edges")
    monkeypatch.setattr(team, "library", lambda name: kernel)
    for slope in (0.2, 1.0):
        test_attention_and_its_gradients(2, 26, 2, 23, slope)
    test_assignment_and_its_gradients(True, 10, 2, 23)
