"""Interest graph construction (Eq. 1-3): which items of a history belong to the same interest."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

FINEST = 10**9  # the denominator of a sparsity: times the square of the longest history it fits into 64 bits
Nodes = TypeVar("Nodes", int, Tensor)


class SparseGraph(NamedTuple):
    """similarity M (B, n, n), threshold (B,), adjacency A (B, n, n): 0/1 with the diagonal, 0 where padded."""

    similarity: Tensor
    threshold: Tensor
    adjacency: Tensor


def kept_entries(sparsity: float, nodes: Nodes) -> Nodes:
    """k = ceil(sparsity * n^2) of Eq. 3, at least 1, for n nodes, a number or int64: as in exact decimal arithmetic.

    In whole numbers, as in float64 0.07 * 10^2 is a hair more than 7, of which the next whole number is 8.
    """
    share = max(Fraction(str(sparsity)).limit_denominator(FINEST), Fraction(1, FINEST))
    return (share.numerator * nodes * nodes + share.denominator - 1) // share.denominator


def sparsify(similarity: Tensor, mask: Tensor, sparsity: float) -> tuple[Tensor, Tensor]:
    """Threshold and adjacency of Eq. 3, relative to the whole graph.

    threshold = max(0, k-th largest of the n*n entries of M), k = ceil(sparsity * n^2); A_ij = 1 where
    M_ij >= threshold (ties stay), and A_ii = 1, so that i is always in its own neighbourhood N_i.

    similarity (B, n, n), mask (B, n) true where an item is; gives threshold (B,) and a 0/1 adjacency.
    """
    pairs = mask.unsqueeze(1) & mask.unsqueeze(2)
    k = kept_entries(sparsity, mask.sum(1))
    most = kept_entries(sparsity, mask.shape[1])  # what k is without padding; a number, not a tensor
    entries = similarity.masked_fill(~pairs, -math.inf).flatten(1)
    # of one shape whatever k holds, and a GPU isn't asked what it holds; sorting all would take most of the time
    threshold = entries.topk(most, dim=1).values.gather(1, (k - 1).unsqueeze(1)).squeeze(1).clamp(min=0)
    kept = (similarity >= threshold[:, None, None]) & pairs
    diagonal = torch.diag_embed(mask)
    return threshold, (kept | diagonal).to(similarity.dtype)


class _Products(torch.autograd.Function):
    """x x^T of float64 x (B, n, d), rounded to a dtype; what is exact is its value, so its gradient has that dtype."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, dtype: torch.dtype) -> Tensor:
        ctx.save_for_backward(x)
        return (x @ x.transpose(1, 2)).to(dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        (x,) = ctx.saved_tensors
        return ((grad + grad.transpose(1, 2)) @ x.to(grad.dtype)).to(x.dtype), None


class GraphConstruction(nn.Module):
    """M_ij = mean over heads of cos(w * h_i, w * h_j), and the binary graph that is left of it.

    The forward value of A is exactly 0/1. Its gradient is that of the similarities that were kept
    (straight-through): with a hard mask alone the metric weights w would never be trained.
    """

    def __init__(self, size: int, metric_heads: int, sparsity: float) -> None:
        super().__init__()
        self.sparsity = sparsity
        # near 1, but not equal: equal heads would stay equal for ever
        self.weight = nn.Parameter(torch.empty(metric_heads, size).uniform_(0.5, 1.5))

    def similarity(self, embedded: Tensor) -> Tensor:
        """Eq. 1-2: (B, n, d) to (B, n, n).

        In float64, then rounded: entries that are equal in exact arithmetic (repeated items, i-j and j-i)
        stay equal, whatever the amount of padding or the device, so Eq. 3 treats them alike.
        """
        with torch.autocast(embedded.device.type, enabled=False):
            weighted = embedded.double().unsqueeze(1) * self.weight.double()[:, None, :]
            unit = functional.normalize(weighted, dim=-1)
            # the mean over heads of their products: one product of what all heads hold side by side
            together = unit.transpose(1, 2).flatten(2) / math.sqrt(len(self.weight))
            return _Products.apply(together, self.weight.dtype)

    def forward(self, embedded: Tensor, mask: Tensor) -> SparseGraph:
        similarity = self.similarity(embedded)
        threshold, binary = sparsify(similarity.detach(), mask, self.sparsity)
        passed = similarity * binary
        return SparseGraph(similarity, threshold, binary + (passed - passed.detach()))
