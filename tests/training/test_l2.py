"""L2 by hand: it acts, however small it is, and on every weight alike."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from surge.training.l2 import L2, LEAST


def weights() -> list[nn.Parameter]:
    return [nn.Parameter(torch.tensor([1.0, -2.0])), nn.Parameter(torch.tensor([[0.5]]))]


def test_a_step_by_hand() -> None:
    parameters = weights()
    L2(parameters, 0.05).step(0.1)  # 2 x 0.1 x 0.05 = 0.01
    assert parameters[0].tolist() == pytest.approx([0.99, -1.98], rel=1e-6)
    assert parameters[1].item() == pytest.approx(0.5 * 0.99, rel=1e-6)


def test_a_large_step_takes_what_it_says() -> None:
    parameters = weights()
    l2 = L2(parameters, 0.4)
    l2.step(1.0)  # theta - 2 x 1 x 0.4 theta
    assert parameters[0].tolist() == pytest.approx([0.2, -0.4], rel=1e-6)
    l2.step(0.5)
    assert parameters[0].tolist() == pytest.approx([0.12, -0.24], rel=1e-6)


def test_what_float32_cannot_hold_is_added_up() -> None:
    """1 - 2 lr lambda is 1 in float32, so a thousand such steps did nothing at all."""
    parameters = weights()
    l2 = L2(parameters, 1e-6)
    for _ in range(1000):
        l2.step(2e-3)
        assert l2.pending < LEAST
    assert parameters[0][0] == 1.0
    l2.settle()
    assert parameters[0][0].item() == pytest.approx(1 - 4e-6, abs=1e-7) and parameters[0][0] < 1
    before = parameters[0].tolist()
    l2.settle()
    assert parameters[0].tolist() == before


def test_small_steps_are_as_many_large_ones() -> None:
    small, large = weights(), weights()
    many, few = L2(small, 0.3), L2(large, 0.3)
    for _ in range(1000):
        many.step(1e-5)
    few.step(1e-2)
    many.settle()
    assert small[0].tolist() == pytest.approx(large[0].tolist(), rel=3e-5)  # (1 - x / 1000)^1000 is nearly 1 - x


def test_its_value_and_none_of_it() -> None:
    parameters = weights()
    assert L2(parameters, 0.1).value() == pytest.approx(0.1 * 5.25)
    L2(parameters, 0.0).step(10.0)
    assert parameters[0].tolist() == [1.0, -2.0]
