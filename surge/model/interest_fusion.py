"""Interest-fusion graph attention (Eq. 4-8): strengthens what the cluster and the candidate agree on."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from surge.model.edge_operations import EdgeOperations
from surge.model.layers import ATTENTION_SLOPE, PairScores


class Fusion(NamedTuple):
    """query_score beta (B, T, heads, n), attention E (B, T, heads, n, n), fused h' (B, T, n, d)."""

    query_score: Tensor
    attention: Tensor
    fused: Tensor


def cluster_mean(embedded: Tensor, adjacency: Tensor, hops: int) -> Tensor:
    """h_ic of Eq. 6: the mean of h over the nodes within `hops` steps of i, i included; (B, n, d)."""
    reached = adjacency = adjacency.detach()
    for _ in range(hops - 1):
        reached = ((reached @ adjacency) > 0).to(adjacency.dtype)
    return (reached @ embedded) / reached.sum(-1, keepdim=True).clamp(min=1)


def over_edges(alpha: Tensor, beta: Tensor, log_adjacency: Tensor, slope: float, sources: int = -1) -> Tensor:
    """Eq. 8: E_ij = softmax over j in N_i of LeakyReLU(alpha_i + beta_j), whose slope below 0 is 1 as printed.

    The target node i carries alpha, the source node j beta. Without the nonlinearity alpha_i, the same for all j,
    cancels in the softmax. The three tensors are broadcastable, `sources` is their axis of j, and log A is -inf where
    j is not in N_i.
    """
    bent = functional.leaky_relu_(alpha + beta, slope)  # in place: fresh memory of this size costs as much
    return torch.softmax(bent + log_adjacency, sources)


def attention_weights(
    cluster_score: Tensor, query_score: Tensor, adjacency: Tensor, slope: float = ATTENTION_SLOPE
) -> Tensor:
    """E (B, T, heads, n, n) of Eq. 8, row i over sources j, exactly 0 off the graph.

    cluster_score (B, heads, n), query_score (B, T, heads, n), adjacency (B, n, n) with gradient through its kept
    entries. A row without neighbours (padding) attends to nothing but itself.
    """
    binary = adjacency.detach()
    alone = torch.diag_embed((binary.sum(-1) == 0).to(binary.dtype))
    # log A has value 0 and gradient dA where A = 1: the softmax passes it on to the metric weights
    log_adjacency = (adjacency - binary).masked_fill((binary + alone) == 0, -torch.inf)[:, None, None]
    return over_edges(cluster_score[:, None, :, :, None], query_score[:, :, :, None, :], log_adjacency, slope)


def gather(attention: Tensor, message: Tensor) -> Tensor:
    """sum_j E_ij message_j, each head its slice of the message: (B, T, heads, n, n) and (B, n, d) to (B, T, n, d)."""
    by_head = message.view(*message.shape[:2], attention.shape[2], -1).transpose(1, 2)
    return (attention @ by_head.unsqueeze(1)).transpose(2, 3).flatten(3)


class InterestFusion(nn.Module):
    """Cluster- and query-aware attention over the graph.

    `aggregate`: W_a of all heads, one block of rows each; `cluster` and `query`: Attention_c and Attention_q; `hops` of
    Eq. 6; `slope` below 0 in Eq. 8; `activation`: sigma of Eq. 5.
    """

    def __init__(
        self,
        aggregate: nn.Module,
        cluster: PairScores,
        query: PairScores,
        hops: int,
        slope: float,
        activation: nn.Module,
    ) -> None:
        super().__init__()
        self.aggregate, self.cluster, self.query = aggregate, cluster, query
        self.hops, self.slope, self.activation = hops, slope, activation

    def cluster_score(self, embedded: Tensor, adjacency: Tensor) -> Tensor:
        """Eq. 6: alpha_i = FFN_c(W_c h_i, h_ic, W_c h_i * h_ic), (B, heads, n)."""
        return self.cluster.aligned(embedded, cluster_mean(embedded, adjacency, self.hops))

    def query_score(self, queried: Tensor, target: Tensor) -> Tensor:
        """Eq. 7: beta_j = FFN_q(W_q h_j, h_t, W_q h_j * h_t), (B, T, heads, n)."""
        return self.query.crossed(queried, target)

    def forward(self, values: Tensor, adjacency: Tensor, cluster_score: Tensor, query_score: Tensor) -> Fusion:
        """values (B, n, d), adjacency (B, n, n), cluster_score (B, heads, n), query_score (B, T, heads, n)."""
        attention = attention_weights(cluster_score, query_score, adjacency, self.slope)
        return Fusion(query_score, attention, self.updated(values, gather(attention, self.aggregate(values))))

    def fused(
        self, values: Tensor, adjacency: Tensor, cluster_score: Tensor, query_score: Tensor, operations: EdgeOperations
    ) -> Tensor:
        """h' (B, T, n, d) alone, whose E need not be made."""
        messages = operations.attend(cluster_score, query_score, adjacency, self.aggregate(values), self.slope)
        return self.updated(values, messages)

    def updated(self, values: Tensor, messages: Tensor) -> Tensor:
        """Eq. 4-5: h'_i = concat over heads of sigma(W_a sum_j E_ij h_j + h_i[slice of the head])."""
        return self.activation(messages + values.unsqueeze(1))
