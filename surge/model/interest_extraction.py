"""Interest-extraction pooling (Eq. 9-15): a soft assignment of the items to a few interest clusters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, cast

import torch
from torch import Tensor, nn

from surge.model.layers import masked_softmax

if TYPE_CHECKING:
    from surge.model.operations import Operations

NOTHING = 1e-12  # items


class Pooling(NamedTuple):
    """One pooling layer over n nodes: S (B, T, n, m), h* (B, T, m, d), gamma* (B, T, m).

    position (B, T, m) is the S-weighted mean position of each cluster in the history, in [0, 1], and
    mass (B, T, m) the number of items that it holds.
    """

    assignment: Tensor
    pooled: Tensor
    pooled_importance: Tensor
    position: Tensor
    mass: Tensor


class Extraction(NamedTuple):
    """importance gamma (B, T, n), one Pooling a layer, readout h_g (B, T, d); soft false: every item is a cluster."""

    importance: Tensor
    layers: tuple[Pooling, ...]
    readout: Tensor
    soft: bool = True


def importance(query_score: Tensor, mask: Tensor) -> Tensor:
    """gamma = softmax over the items of beta, mean over heads: (B, T, heads, n) to (B, T, n)."""
    return masked_softmax(query_score, mask[:, None, None, :]).mean(2)


def pool_adjacency(assignment: Tensor, adjacency: Tensor) -> Tensor:
    """A* = S^T A S: (..., n, m) and (..., n, n) to (..., m, m)."""
    return assignment.transpose(-1, -2) @ adjacency @ assignment


def soft_assignment(logits: Tensor, adjacency: Tensor, mean: bool) -> Tensor:
    """Eq. 11 of logits W_p h' (B, T, n, m), as W_p is linear and m smaller than d; adjacency broadcastable to
    (B, T, n, n); gives S (B, T, n, m), the softmax of their mean, or sum, over N_i."""
    logits = adjacency @ logits
    if mean:
        logits = logits / adjacency.sum(-1, keepdim=True).clamp(min=1e-12)
    return torch.softmax(logits, dim=-1)


class InterestExtraction(nn.Module):
    """S_i = softmax(W_p mean over j in N_i of A_ij h'_j), then h* = S^T h' and gamma* = S^T gamma.

    `clusters` gives the number of clusters of each layer: (30, 10) pools twice, the second time over the
    clusters of the first with A* as its graph. With `soft` false every item is its own cluster.
    """

    def __init__(self, size: int, clusters: Sequence[int], aggregation: str, soft: bool) -> None:
        super().__init__()
        self.aggregation, self.soft = aggregation, soft
        if soft:
            self.assign = nn.ModuleList(nn.Linear(size, count, bias=False) for count in clusters)

    def forward(
        self, fused: Tensor, query_score: Tensor, adjacency: Tensor, mask: Tensor, operations: Operations
    ) -> Extraction:
        """fused h' (B, T, n, d), query_score beta (B, T, heads, n), adjacency (B, n, n), mask (B, n)."""
        present = mask.to(fused.dtype)
        length = present.sum(1, keepdim=True)
        weight = importance(query_score, mask)
        readout = (weight.unsqueeze(-2) @ fused).squeeze(-2)  # Eq. 15

        nodes, node_weight, graph = fused, weight, adjacency.unsqueeze(1)
        mass = present.unsqueeze(1).expand(weight.shape)
        steps = torch.arange(mask.shape[1], device=mask.device, dtype=fused.dtype) + 0.5
        position = (steps / length).unsqueeze(1).expand(weight.shape)

        layers, mean = [], self.aggregation == "mean"
        for index in range(len(self.assign) if self.soft else 1):
            if self.soft and index == 0:
                assignment = operations.assign(cast(nn.Linear, self.assign[0]).weight, nodes, adjacency, mean)
            elif self.soft:
                assignment = soft_assignment(self.assign[index](nodes), graph, mean)
            else:
                assignment = torch.eye(nodes.shape[2], dtype=fused.dtype, device=fused.device).expand(
                    *nodes.shape[:2], -1, -1
                )
            if index == 0:
                assignment = assignment * present[:, None, :, None]
            if index + 1 < (len(self.assign) if self.soft else 1):
                graph = pool_adjacency(assignment, graph)
            across = assignment.transpose(-1, -2)
            nodes = across @ nodes
            node_weight = (across @ node_weight.unsqueeze(-1)).squeeze(-1)
            moment, mass = (across @ torch.stack([mass * position, mass], dim=-1)).unbind(-1)
            # what holds nothing has no position; 2 sorts it behind every real one (and 1 / mass^2 stays finite)
            holds = mass > NOTHING
            position = torch.where(holds, moment / torch.where(holds, mass, 1.0), 2.0)
            layers.append(Pooling(assignment, nodes, node_weight, position, mass))
        return Extraction(weight, tuple(layers), readout, self.soft)
