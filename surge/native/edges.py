"""What training does along the edges of a graph, compiled: Eq. 8 with the sum of Eq. 4-5, and Eq. 11, with gradients.

The same numbers as torch's dense forms in `surge.model`, within rounding, which take over where there is no compiler.
"""

from __future__ import annotations

import ctypes
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from surge.native.threads import readable, run

SIZES = ("batch", "candidates", "heads", "n", "width", "mean", "linear")
SLOPES = (0.2, 1.0)  # below 0 in Eq. 8; 1, as printed, is `linear`


class EdgeSizes(ctypes.Structure):
    """`EdgeSizes` of edges.cpp."""

    _fields_ = [(name, ctypes.c_int32) for name in SIZES]


def compiled(*tensors: Tensor) -> bool:
    """Whether the compiled forms can read these tensors."""
    return readable("edges", *tensors)


def attend(cluster_score: Tensor, query_score: Tensor, adjacency: Tensor, message: Tensor, slope: float) -> Tensor:
    """sum over j in N_i of E_ij message_j with E of Eq. 8, each head its slice of the message: (B, T, n, d).

    cluster_score alpha (B, heads, n), query_score beta (B, T, heads, n), adjacency (B, n, n) of zeros and ones,
    message (B, n, d); `slope` one of SLOPES. A row without neighbours (padding) passes its own message on.
    """
    return _Attend.apply(cluster_score, query_score, adjacency, message, slope)


def assign(logits: Tensor, adjacency: Tensor, mean: bool) -> Tensor:
    """S_i = softmax of the mean, or the sum, over j in N_i of logits_j (Eq. 11): (B, T, n, m) to (B, T, n, m).

    A row without neighbours (padding) belongs to all clusters alike.
    """
    return _Assign.apply(logits, adjacency, mean)


class _Attend(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, cluster_score: Tensor, query_score: Tensor, adjacency: Tensor, message: Tensor, slope: float
    ) -> Tensor:
        inputs = tuple(x.contiguous() for x in (cluster_score, query_score, adjacency, message))
        ctx.save_for_backward(*inputs)
        batch, candidates, heads, n = query_score.shape
        ctx.sizes = EdgeSizes(batch, candidates, heads, n, width=message.shape[-1], linear=slope == 1)
        out = message.new_empty(batch, candidates, n, message.shape[-1])
        run("edges", "attend", ctx.sizes, *inputs, out)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        inputs = ctx.saved_tensors
        grads = tuple(map(torch.zeros_like, inputs))
        run("edges", "attend_backward", ctx.sizes, *inputs, grad.contiguous(), *grads)
        return *grads, None


class _Assign(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, logits: Tensor, adjacency: Tensor, mean: bool) -> Tensor:
        logits, adjacency = logits.contiguous(), adjacency.contiguous()
        batch, candidates, n, m = logits.shape
        ctx.sizes = EdgeSizes(batch, candidates, heads=1, n=n, width=m, mean=mean)
        out = torch.empty_like(logits)
        run("edges", "assign", ctx.sizes, logits, adjacency, out)
        ctx.save_for_backward(logits, adjacency, out)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None]:
        logits, adjacency, out = ctx.saved_tensors
        grads = torch.zeros_like(logits), torch.zeros_like(adjacency)
        run("edges", "assign_backward", ctx.sizes, logits, adjacency, out, grad.contiguous(), *grads)
        return *grads, None
