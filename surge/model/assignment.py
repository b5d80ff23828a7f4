"""How nodes are assigned to clusters: Eq. 11, one module for each pooling layer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from surge.model.edge_operations import EdgeOperations


def soft_assignment(logits: Tensor, adjacency: Tensor, mean: bool) -> Tensor:
    """S of Eq. 11 from logits W_p h', as W_p is linear and m smaller than d: softmax of their mean, or sum, over N_i.

    The logits have n nodes and m clusters where the adjacency has its n x n: (B, T, n, m) with (B, 1 or T, n, n), or
    (B, n, m, T) with (B, n, n).
    """
    clusters = adjacency.ndim - 1
    around = adjacency @ logits.flatten(clusters)
    if mean:
        around = around / adjacency.sum(-1, keepdim=True).clamp(min=1e-12)
    return torch.softmax(around.unflatten(-1, logits.shape[clusters:]), clusters)


class Assignment(nn.Module, ABC):
    """S of one layer. Of the padding, which has no neighbours, nobody reads it.

    `pools`: false where every item is a cluster of its own."""

    pools: ClassVar[bool] = True

    @abstractmethod
    def forward(self, nodes: Tensor, graph: Tensor, operations: EdgeOperations) -> Tensor:
        """nodes h' (B, T, n, d) and their graph: A (B, n, n), which all candidates share, or A* (B, T, n, n) of a
        deeper layer; gives S (B, T, n, m), whose rows sum to 1. `operations`: by whom it may be done along the edges of
        A."""


class SoftAssignment(Assignment):
    """S_i = softmax(W_p mean over j in N_i of A_ij h'_j), or of the sum (`aggregation`)."""

    def __init__(self, size: int, clusters: int, aggregation: str) -> None:
        super().__init__()
        self.mean = aggregation == "mean"
        self.weight = nn.Linear(size, clusters, bias=False).weight

    def forward(self, nodes: Tensor, graph: Tensor, operations: EdgeOperations) -> Tensor:
        if graph.ndim == 3:
            return operations.assign(self.weight, nodes, graph, self.mean)
        return soft_assignment(functional.linear(nodes, self.weight), graph, self.mean)
