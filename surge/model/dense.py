"""The plain forms of what a reading does along the edges of a graph."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from surge.model.assignment import soft_assignment
from surge.model.edge_operations import EdgeOperations
from surge.model.interest_fusion import attention_weights, gather


class Dense(EdgeOperations):
    """Dense, in torch."""

    def attend(
        self, cluster_score: Tensor, query_score: Tensor, adjacency: Tensor, message: Tensor, slope: float
    ) -> Tensor:
        return gather(attention_weights(cluster_score, query_score, adjacency, slope), message)

    def assign(self, weight: Tensor, nodes: Tensor, adjacency: Tensor, mean: bool) -> Tensor:
        return soft_assignment(functional.linear(nodes, weight), adjacency.unsqueeze(1), mean)


DENSE = Dense()
