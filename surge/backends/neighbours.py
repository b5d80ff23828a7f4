"""Eq. 8 with the sum of Eq. 4-5, and Eq. 11, along lists of neighbours: for scores, where nobody reads E.

A graph of few edges has few neighbours a node: what is of n x n entries shrinks to n x K, K the largest neighbourhood.
Candidates come last in memory, where an instruction reads several at once. No gradients.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from surge.model.layers import ATTENTION_SLOPE
from surge.model.plain import Plain

LEAST = 16  # candidates; fewer don't fill what is read at once


class Neighbours(Plain):
    """Along lists of neighbours; for many candidates, without gradients."""

    def attend(
        self, cluster_score: Tensor, query_score: Tensor, adjacency: Tensor, message: Tensor, linear: bool
    ) -> Tensor:
        return attend(cluster_score, query_score, adjacency, message, linear)

    def assign(self, weight: Tensor, nodes: Tensor, adjacency: Tensor, mean: bool) -> Tensor:
        return assign(weight, nodes, adjacency, mean)


def attend(
    cluster_score: Tensor, query_score: Tensor, adjacency: Tensor, message: Tensor, linear: bool = False
) -> Tensor:
    """sum over j in N_i of E_ij message_j with E of Eq. 8, each head its slice of the message: (B, T, n, d).

    cluster_score alpha (B, heads, n), query_score beta (B, T, heads, n), adjacency (B, n, n) of zeros and ones,
    message (B, n, d); `linear`: without the LeakyReLU. A row without neighbours (padding) passes its own message on.
    """
    batch, candidates, heads, n = query_score.shape
    near = adjacency > 0
    near |= torch.diag_embed(~near.any(-1))
    most = int(near.sum(-1).max())
    place = near.to(torch.uint8).sort(dim=-1, descending=True, stable=True).indices[..., :most]  # (B, n, K)
    present = near.gather(-1, place)
    graphs = torch.arange(batch * heads, device=near.device).view(batch, heads, 1, 1) * n
    rows = (graphs + place.unsqueeze(1)).flatten()  # of tensors of B x heads x n rows
    by_row = query_score.permute(0, 2, 3, 1).reshape(-1, candidates)
    raw = by_row.index_select(0, rows).view(batch, heads, n, most, candidates)
    raw += cluster_score[..., None, None]
    if not linear:
        functional.leaky_relu_(raw, ATTENTION_SLOPE)
    raw += torch.where(present, 0.0, -torch.inf)[:, None, :, :, None]
    attention = raw.softmax(3).transpose(3, 4)
    by_head = message.unflatten(-1, (heads, -1)).transpose(1, 2).flatten(0, 2)
    given = by_head.index_select(0, rows).view(batch, heads, n, most, -1)
    return (attention @ given).permute(0, 3, 2, 1, 4).flatten(3)


def assign(weight: Tensor, nodes: Tensor, adjacency: Tensor, mean: bool) -> Tensor:
    """S_i = softmax of the mean, or the sum, over j in N_i of W_p h'_j (Eq. 11): (B, T, n, m).

    weight W_p (m, d), nodes h' (B, T, n, d), adjacency (B, n, n), the same for all candidates: one product for all.
    """
    logits = weight @ nodes.permute(0, 2, 3, 1)  # (B, n, m, T)
    if mean:
        adjacency = adjacency / adjacency.sum(-1, keepdim=True).clamp(min=1e-12)
    summed = (adjacency @ logits.flatten(2)).view(logits.shape)
    # candidates first again, for the products of each
    return summed.softmax(2).flatten(1, 2).transpose(1, 2).contiguous().unflatten(2, logits.shape[1:3])


NEIGHBOURS = Neighbours()
