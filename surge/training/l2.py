"""The L2 of Eq. 18, beside Adam and not inside of it."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import nn

LEAST = 1e-4  # a smaller change would be mostly rounding: float32 has seven digits


class L2:
    """lambda ||Theta||^2 as plain gradient descent acts on it: theta <- theta - 2 lr lambda theta, at every step.

    Beside Adam's own step (decoupled, Loshchilov & Hutter, ICLR 2019): as a part of the gradient, Adam would scale it
    up to a step of full size wherever the loss has less to say. With lambda = 1e-6 that took more than half of the
    weights of Attention_c below 1e-20 on MovieLens-1M, where arithmetic is five times slower, and would shrink
    embeddings of rare items to nothing. Small changes are added up until float32 can hold them, or until `settle`.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], weight: float) -> None:
        self.parameters: list[torch.Tensor] = list(parameters)
        self.weight, self.pending = weight, 0.0

    def step(self, learning_rate: float) -> None:
        """One step at this learning rate."""
        self.pending -= math.log1p(-2 * learning_rate * self.weight)
        if self.pending >= LEAST:
            self.settle()

    @torch.no_grad()
    def settle(self) -> None:
        """Whatever is added up acts now: the product of all 1 - 2 lr lambda, as exp of the sum of their logarithms."""
        if self.pending:
            torch._foreach_mul_(self.parameters, math.exp(-self.pending))
            self.pending = 0.0

    def value(self) -> float:
        """lambda ||Theta||^2; no finite number where a weight is none, even with a lambda of 0."""
        return self.weight * sum(float(p.detach().double().square().sum()) for p in self.parameters)
