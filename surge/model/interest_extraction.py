"""Interest-extraction pooling (Eq. 9-15): a soft assignment of the items to a few interest clusters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from surge.model.assignment import Assignment
from surge.model.edge_operations import EdgeOperations
from surge.model.layers import masked_softmax

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
    """importance gamma (B, T, n), one Pooling a layer, readout h_g (B, T, d); pooled false: every item is a cluster."""

    importance: Tensor
    layers: tuple[Pooling, ...]
    readout: Tensor
    pooled: bool = True


def importance(query_score: Tensor, mask: Tensor) -> Tensor:
    """gamma = softmax over the items of beta, mean over heads: (B, T, heads, n) to (B, T, n)."""
    return masked_softmax(query_score, mask[:, None, None, :]).mean(2)


def pool_adjacency(assignment: Tensor, adjacency: Tensor) -> Tensor:
    """A* = S^T A S: (..., n, m) and (..., n, n) to (..., m, m)."""
    return assignment.transpose(-1, -2) @ adjacency @ assignment


class InterestExtraction(nn.Module):
    """S from the assignment of each layer, then h* = S^T h' and gamma* = S^T gamma; a deeper layer pools the clusters
    of the one before, with A* as its graph."""

    def __init__(self, assignments: Sequence[Assignment]) -> None:
        super().__init__()
        self.assign = nn.ModuleList(assignments)
        self.pools = assignments[0].pools

    def forward(
        self, fused: Tensor, query_score: Tensor, adjacency: Tensor, mask: Tensor, operations: EdgeOperations
    ) -> Extraction:
        """fused h' (B, T, n, d), query_score beta (B, T, heads, n), adjacency (B, n, n), mask (B, n)."""
        present = mask.to(fused.dtype)
        length = present.sum(1, keepdim=True)
        weight = importance(query_score, mask)
        readout = (weight.unsqueeze(-2) @ fused).squeeze(-2)  # Eq. 15

        nodes, node_weight, graph = fused, weight, adjacency
        mass = present.unsqueeze(1).expand(weight.shape)
        steps = torch.arange(mask.shape[1], device=mask.device, dtype=fused.dtype) + 0.5
        position = (steps / length).unsqueeze(1).expand(weight.shape)

        layers: list[Pooling] = []
        for assign in self.assign:
            if layers:
                graph = pool_adjacency(layers[-1].assignment, graph if graph.ndim == 4 else graph.unsqueeze(1))
            assignment = assign(nodes, graph, operations)
            if not layers:
                assignment = assignment * present[:, None, :, None]
            across = assignment.transpose(-1, -2)
            nodes = across @ nodes
            node_weight = (across @ node_weight.unsqueeze(-1)).squeeze(-1)
            moment, mass = (across @ torch.stack([mass * position, mass], dim=-1)).unbind(-1)
            # what holds nothing has no position; 2 sorts it behind every real one (and 1 / mass^2 stays finite)
            holds = mass > NOTHING
            position = torch.where(holds, moment / torch.where(holds, mass, 1.0), 2.0)
            layers.append(Pooling(assignment, nodes, node_weight, position, mass))
        return Extraction(weight, tuple(layers), readout, self.pools)
