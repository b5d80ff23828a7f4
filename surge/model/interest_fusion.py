"""Interest-fusion graph attention (Eq. 4-8): strengthens what the cluster and the candidate agree on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from surge.config import EquationForms
from surge.model.edge_operations import EdgeOperations
from surge.model.layers import ATTENTION_SLOPE, PairScore


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


def over_edges(alpha: Tensor, beta: Tensor, log_adjacency: Tensor, linear: bool, sources: int = -1) -> Tensor:
    """Eq. 8: E_ij = softmax over j in N_i of LeakyReLU_0.2(alpha_i + beta_j); with `linear`, as printed, no LeakyReLU.

    The target node i carries alpha, the source node j beta. Without the nonlinearity alpha_i, the same for all j,
    cancels in the softmax. The three tensors are broadcastable, `sources` is their axis of j, and log A is -inf where
    j is not in N_i.
    """
    raw = alpha + beta
    if not linear:
        functional.leaky_relu_(raw, ATTENTION_SLOPE)  # in place: fresh memory of this size costs as much
    return torch.softmax(raw + log_adjacency, sources)


def attention_weights(cluster_score: Tensor, query_score: Tensor, adjacency: Tensor, linear: bool = False) -> Tensor:
    """E (B, T, heads, n, n) of Eq. 8, row i over sources j, exactly 0 off the graph.

    cluster_score (B, heads, n), query_score (B, T, heads, n), adjacency (B, n, n) with gradient through its kept
    entries. A row without neighbours (padding) attends to nothing but itself.
    """
    binary = adjacency.detach()
    alone = torch.diag_embed((binary.sum(-1) == 0).to(binary.dtype))
    # log A has value 0 and gradient dA where A = 1: the softmax passes it on to the metric weights
    log_adjacency = (adjacency - binary).masked_fill((binary + alone) == 0, -torch.inf)[:, None, None]
    return over_edges(cluster_score[:, None, :, :, None], query_score[:, :, :, None, :], log_adjacency, linear)


def gather(attention: Tensor, message: Tensor) -> Tensor:
    """sum_j E_ij message_j, each head its slice of the message: (B, T, heads, n, n) and (B, n, d) to (B, T, n, d)."""
    by_head = message.view(*message.shape[:2], attention.shape[2], -1).transpose(1, 2)
    return (attention @ by_head.unsqueeze(1)).transpose(2, 3).flatten(3)


class InterestFusion(nn.Module):
    """Cluster- and query-aware attention over the graph; the form `fusion` switches its parts off for ablations."""

    def __init__(self, size: int, heads: int, hidden: Sequence[int], hops: int, forms: EquationForms) -> None:
        super().__init__()
        self.heads, self.hops, self.mode, self.activation = heads, hops, forms.fusion, forms.activation
        self.linear = forms.attention_nonlinearity == "none"
        self.by_cluster = self.mode in ("full", "without_query")
        self.by_query = self.mode in ("full", "without_cluster")
        if self.mode != "none":
            self.aggregate = nn.Linear(size, size, bias=False)  # W_a of all heads, one block of rows each
        if self.by_cluster:
            self.cluster = nn.ModuleList(PairScore(size, hidden, forms.attention_activation) for _ in range(heads))
        if self.by_query:
            self.query = nn.ModuleList(PairScore(size, hidden, forms.attention_activation) for _ in range(heads))

    def cluster_score(self, embedded: Tensor, adjacency: Tensor) -> Tensor:
        """Eq. 6: alpha_i = FFN_c(W_c h_i, h_ic, W_c h_i * h_ic), (B, heads, n); 0 where switched off."""
        if not self.by_cluster:
            return embedded.new_zeros(embedded.shape[0], self.heads, embedded.shape[1])
        around = cluster_mean(embedded, adjacency, self.hops)
        return torch.stack([score.aligned(embedded, around) for score in self.cluster], dim=1)  # type: ignore[operator]

    def query_score(self, queried: Tensor, target: Tensor) -> Tensor:
        """Eq. 7: beta_j = FFN_q(W_q h_j, h_t, W_q h_j * h_t), (B, T, heads, n); 0 where switched off."""
        if not self.by_query:
            return queried.new_zeros(queried.shape[0], target.shape[1], self.heads, queried.shape[1])
        scores = [cast(PairScore, score).crossed(queried, target) for score in self.query]
        return torch.stack(scores, dim=2)

    def forward(
        self, values: Tensor, target: Tensor, adjacency: Tensor, cluster_score: Tensor, query_score: Tensor
    ) -> Fusion:
        """values (B, n, d), target (B, T, d), adjacency (B, n, n), cluster_score (B, heads, n), query_score
        (B, T, heads, n)."""
        if self.mode == "none":
            itself = torch.eye(values.shape[1], dtype=values.dtype, device=values.device)
            attention = itself.expand(*query_score.shape, -1)
            return Fusion(query_score, attention, self.unchanged(values, target))
        attention = attention_weights(self.passed(cluster_score), query_score, adjacency, self.linear)
        return Fusion(query_score, attention, self.updated(values, gather(attention, self.aggregate(values))))

    def fused(
        self,
        values: Tensor,
        target: Tensor,
        adjacency: Tensor,
        cluster_score: Tensor,
        query_score: Tensor,
        operations: EdgeOperations,
    ) -> Tensor:
        """h' (B, T, n, d) alone, whose E need not be made."""
        if self.mode == "none":
            return self.unchanged(values, target)
        alpha, message = self.passed(cluster_score), self.aggregate(values)
        return self.updated(values, operations.attend(alpha, query_score, adjacency, message, self.linear))

    def updated(self, values: Tensor, messages: Tensor) -> Tensor:
        """Eq. 4-5: h'_i = concat over heads of sigma(W_a sum_j E_ij h_j + h_i[slice of the head])."""
        fused = messages + values.unsqueeze(1)
        return functional.leaky_relu(fused) if self.activation != "none" else fused

    def unchanged(self, values: Tensor, target: Tensor) -> Tensor:
        """h' = h."""
        return values.unsqueeze(1).expand(-1, target.shape[1], -1, -1)

    def passed(self, cluster_score: Tensor) -> Tensor:
        """As printed, alpha cancels; what rounding leaves of its gradient, Adam would scale up to whole steps."""
        return cluster_score.detach() if self.linear else cluster_score
