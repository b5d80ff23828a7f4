"""FFN(W x, y, W x * y) of every item with every candidate (Eq. 7), compiled, with gradients, for training.

The same numbers as `surge.model.layers.PairScore.crossed` in torch, within rounding, which takes over where there is no
compiler.
"""

from __future__ import annotations

import ctypes
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from surge.native.team import readable, run

SIZES = ("batch", "candidates", "n", "d", "first", "second")


class PairSizes(ctypes.Structure):
    """`PairSizes` of pairs.cpp."""

    _fields_ = [(name, ctypes.c_int32) for name in SIZES]


def compiled(*tensors: Tensor) -> bool:
    """Whether the compiled form can read these tensors."""
    return readable("pairs", *tensors)


def score_pairs(
    x: Tensor, y: Tensor, of_x: Tensor, of_y: Tensor, product: Tensor,
    second: tuple[Tensor, Tensor], third: tuple[Tensor, Tensor],
) -> Tensor:  # fmt: skip
    """w3 relu(W2 relu(of_x + of_y + P (x * y)) + b2) + b3 for every x with every y: (B, T, n).

    x (B, n, d), y (B, T, d), of_x (B, n, first), of_y (B, T, first), product P (first, d), second W2 (second, first)
    and b2 (second), third w3 (1, second) and b3 (1).
    """
    return _ScorePairs.apply(x, y, of_x, of_y, product, *second, *third)


class _ScorePairs(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *inputs: Tensor) -> Tensor:
        inputs = tuple(tensor.contiguous() for tensor in inputs)
        ctx.save_for_backward(*inputs)
        x, y, product, w2 = inputs[0], inputs[1], inputs[4], inputs[5]
        ctx.sizes = PairSizes(len(x), y.shape[1], x.shape[1], x.shape[2], len(product), len(w2))
        out = x.new_empty(len(x), y.shape[1], x.shape[1])
        run("pairs", "score_pairs", ctx.sizes, *inputs, out)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, ...]:
        inputs = ctx.saved_tensors
        own, weights = inputs[:4], inputs[4:]
        grads = [torch.empty_like(tensor) for tensor in own]
        each = [tensor.new_empty(len(grad), *tensor.shape) for tensor in weights]  # of every history, added up below
        run("pairs", "score_pairs_backward", ctx.sizes, *inputs, grad.contiguous(), *grads, *each)
        return *grads, *(tensor.sum(0) for tensor in each)
