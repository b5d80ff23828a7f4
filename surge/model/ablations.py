"""What stands in place of a part of the paper that is switched off (its Table 4), or taken as printed."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from surge.model.assignment import Assignment
from surge.model.edge_operations import EdgeOperations
from surge.model.interest_fusion import Fusion, InterestFusion
from surge.model.layers import PairScores


class NoScores(PairScores):
    """alpha = 0, or beta = 0."""

    def __init__(self, heads: int, *shape: Any) -> None:
        super().__init__(0, 0, ())
        self.heads = heads

    def aligned(self, x: Tensor, y: Tensor) -> Tensor:
        return x.new_zeros(len(x), self.heads, x.shape[1])

    def crossed(self, x: Tensor, y: Tensor) -> Tensor:
        return x.new_zeros(len(x), y.shape[1], self.heads, x.shape[1])


class CancelledScores(PairScores):
    """alpha where Eq. 8 is as printed: it cancels, and what rounding leaves of its gradient, Adam would scale up to
    whole steps."""

    def aligned(self, x: Tensor, y: Tensor) -> Tensor:
        return super().aligned(x, y).detach()


class NoFusion(InterestFusion):
    """h' = h: every item attends to itself alone."""

    def __init__(self, heads: int) -> None:
        none = NoScores(heads)
        super().__init__(nn.Identity(), none, none, hops=1, slope=1.0, activation=nn.Identity())

    def forward(self, values: Tensor, adjacency: Tensor, cluster_score: Tensor, query_score: Tensor) -> Fusion:
        itself = torch.eye(values.shape[1], dtype=values.dtype, device=values.device).expand(*query_score.shape, -1)
        return Fusion(query_score, itself, self.repeated(values, query_score))

    def fused(
        self, values: Tensor, adjacency: Tensor, cluster_score: Tensor, query_score: Tensor, operations: EdgeOperations
    ) -> Tensor:
        return self.repeated(values, query_score)

    def repeated(self, values: Tensor, query_score: Tensor) -> Tensor:
        """For each of T candidates: (B, T, n, d)."""
        return values.unsqueeze(1).expand(-1, query_score.shape[1], -1, -1)


class OwnCluster(Assignment):
    """Every item is its own cluster."""

    pools = False

    def forward(self, nodes: Tensor, graph: Tensor, operations: EdgeOperations) -> Tensor:
        itself = torch.eye(nodes.shape[2], dtype=nodes.dtype, device=nodes.device)
        return itself.expand(*nodes.shape[:2], -1, -1)
