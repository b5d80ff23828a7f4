"""Eq. 7's network for every pair, against torch's form in float64, forward and backward."""

from __future__ import annotations

import copy
import platform
from pathlib import Path

import pytest
import torch
from torch import Tensor

from surge.backends.training import EDGES
from surge.model.layers import PairScore
from surge.native import library, pairs, team
from tests.kernel import needs_kernel

pytestmark = needs_kernel


def inputs_of(n: int, candidates: int, d: int, first: int, second: int) -> list[Tensor]:
    g = torch.Generator().manual_seed(n)
    sizes = [(3, n, d), (3, candidates, d), (3, n, first), (3, candidates, first), (first, d), (second, first)]
    return [torch.randn(*size, generator=g) for size in (*sizes, (second,), (1, second), (1,))]


def dense(x: Tensor, y: Tensor, of_x: Tensor, of_y: Tensor, product: Tensor, *rest: Tensor) -> Tensor:
    w2, bias2, w3, bias3 = rest
    first = torch.einsum("bnd,btd,fd->btnf", x, y, product) + of_x.unsqueeze(1) + of_y.unsqueeze(2)
    return ((first.relu() @ w2.T + bias2).relu() @ w3.T + bias3).squeeze(-1)


def compiled(*inputs: Tensor) -> Tensor:
    return pairs.score_pairs(*inputs[:5], (inputs[5], inputs[6]), (inputs[7], inputs[8]))


def gradients(function, inputs: list[Tensor]) -> list[Tensor]:
    leaves = [x.clone().requires_grad_() for x in inputs]
    out = function(*leaves)
    weight = torch.randn(out.shape, generator=torch.Generator().manual_seed(9), dtype=torch.float64)
    (out * weight.to(out.dtype)).sum().backward()
    return [out.detach(), *(leaf.grad for leaf in leaves)]


@pytest.mark.parametrize("n", [1, 6, 50])
@pytest.mark.parametrize(
    ("candidates", "d", "first", "second"), [(5, 40, 80, 40), (1, 1, 1, 1), (2, 17, 33, 5), (3, 8, 6, 130)]
)
def test_scores_and_their_gradients(n: int, candidates: int, d: int, first: int, second: int) -> None:
    inputs = inputs_of(n, candidates, d, first, second)
    found = gradients(compiled, inputs)
    expected = gradients(dense, [x.double() for x in inputs])
    for one, other in zip(found, expected, strict=True):
        assert one.dtype == torch.float32 and one.shape == other.shape
        assert torch.allclose(one.double(), other, rtol=1e-4, atol=1e-5 * float(other.abs().max()))


def test_one_pair_by_hand() -> None:
    """x * y = 6: the first layer gives relu(6 + 1 - 2) = 5 and relu(-6 + 1 + 3) = 0, the second relu(2 * 5 - 4) = 6."""
    one = torch.ones(1)
    out = compiled(
        torch.full((1, 1, 1), 2.0),
        torch.full((1, 1, 1), 3.0),
        torch.tensor([[[1.0, 1.0]]]),
        torch.tensor([[[-2.0, 3.0]]]),
        torch.tensor([[1.0], [-1.0]]),
        torch.tensor([[2.0, 7.0]]),
        -4 * one,
        torch.tensor([[0.5]]),
        10 * one,
    )
    assert out.tolist() == [[[13.0]]]


@pytest.mark.parametrize(
    ("hidden", "activation"), [((80, 40), "relu"), ((80, 40), "leaky_relu"), ((7,), "relu"), ((6, 5, 4), "relu")]
)
def test_a_score_learns_the_same_with_and_without(
    hidden: tuple[int, ...], activation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of what the compiled form isn't written for, torch does the work."""
    torch.manual_seed(0)
    score, x, y = PairScore(9, hidden, activation), torch.randn(2, 11, 9), torch.randn(2, 3, 9)
    other = copy.deepcopy(score)
    out = EDGES.score_pairs(score, x, y)
    out.sin().sum().backward()
    monkeypatch.setenv(library.SWITCH, "0")
    plain = EDGES.score_pairs(other, x, y)
    plain.sin().sum().backward()
    assert torch.allclose(out, plain, atol=1e-5)
    assert (type(out.grad_fn) is not type(plain.grad_fn)) == (len(hidden) == 2 and activation == "relu")
    for one, same in zip(score.parameters(), other.parameters(), strict=True):
        assert torch.allclose(one.grad, same.grad, rtol=1e-4, atol=1e-5)


def test_so_many_threads_give_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = inputs_of(9, 2, 8, 20, 10)
    one = gradients(compiled, inputs)
    for threads in (2, 16):
        monkeypatch.setattr(torch, "get_num_threads", lambda threads=threads: threads)
        assert all(torch.equal(a, b) for a, b in zip(one, gradients(compiled, inputs), strict=True))


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="the flags are those of x86")
@pytest.mark.parametrize("flag", ["-mno-avx512f", "-mno-avx"])
def test_on_narrower_processors_it_gives_the_same(fresh: Path, monkeypatch: pytest.MonkeyPatch, flag: str) -> None:
    monkeypatch.setattr(library, "FLAGS", (*library.FLAGS, flag))
    kernel = library.library("pairs")
    monkeypatch.setattr(team, "library", lambda name: kernel)
    test_scores_and_their_gradients(6, 2, 17, 33, 5)
