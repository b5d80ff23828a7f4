"""Scores along lists of neighbours, in torch: for models and machines that the C++ is not for.

A graph of few edges has few neighbours a node: what is of n x n entries shrinks to n x K, K the largest neighbourhood.
Candidates come last in memory, where an instruction reads several at once.
"""

from __future__ import annotations

import torch
from torch import Tensor

from surge.model.assignment import soft_assignment
from surge.model.edge_operations import EdgeOperations
from surge.model.interest_fusion import over_edges

LEAST = 16  # candidates; fewer don't fill what is read at once, here and in the kernel


class Neighbours(EdgeOperations):
    """For many candidates; the adjacency gets no gradient."""

    def attend(
        self, cluster_score: Tensor, query_score: Tensor, adjacency: Tensor, message: Tensor, slope: float
    ) -> Tensor:
        batch, candidates, heads, n = query_score.shape
        near = adjacency > 0
        near |= torch.diag_embed(~near.any(-1))
        most = int(near.sum(-1).max())
        place = near.to(torch.uint8).sort(dim=-1, descending=True, stable=True).indices[..., :most]  # (B, n, K)
        log_adjacency = torch.where(near.gather(-1, place), 0.0, -torch.inf)
        graphs = torch.arange(batch * heads, device=near.device).view(batch, heads, 1, 1) * n
        rows = (graphs + place.unsqueeze(1)).flatten()  # of tensors of B x heads x n rows
        by_row = query_score.permute(0, 2, 3, 1).reshape(-1, candidates)
        beta = by_row.index_select(0, rows).view(batch, heads, n, most, candidates)
        attention = over_edges(cluster_score[..., None, None], beta, log_adjacency[:, None, :, :, None], slope, 3)
        by_head = message.unflatten(-1, (heads, -1)).transpose(1, 2).flatten(0, 2)
        given = by_head.index_select(0, rows).view(batch, heads, n, most, -1)
        return (attention.transpose(3, 4) @ given).permute(0, 3, 2, 1, 4).flatten(3)

    def assign(self, weight: Tensor, nodes: Tensor, adjacency: Tensor, mean: bool) -> Tensor:
        if mean:  # of n x n numbers, not of n x m for each candidate
            adjacency = adjacency / adjacency.sum(-1, keepdim=True).clamp(min=1e-12)
        assignment = soft_assignment(weight @ nodes.permute(0, 2, 3, 1), adjacency, mean=False)
        # candidates first again, for the products of each
        return assignment.flatten(1, 2).transpose(1, 2).contiguous().unflatten(2, assignment.shape[1:3])


NEIGHBOURS = Neighbours()
