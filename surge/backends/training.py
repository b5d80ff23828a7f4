"""What training does along the edges of a graph, compiled where it can be, with gradients."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from surge.model.assignment import soft_assignment
from surge.model.dense import Dense
from surge.native import edges


class Edges(Dense):
    """By C++ (`edges.cpp`), and in the plain forms where there is no compiler, on a GPU, and in other arithmetic than
    float32."""

    def attend(
        self, cluster_score: Tensor, query_score: Tensor, adjacency: Tensor, message: Tensor, slope: float
    ) -> Tensor:
        if slope not in edges.SLOPES or not edges.compiled(cluster_score, query_score, adjacency, message):
            return super().attend(cluster_score, query_score, adjacency, message, slope)
        return edges.attend(cluster_score, query_score, adjacency, message, slope)

    def assign(self, weight: Tensor, nodes: Tensor, adjacency: Tensor, mean: bool) -> Tensor:
        logits = functional.linear(nodes, weight)
        if not edges.compiled(logits, adjacency):
            return soft_assignment(logits, adjacency.unsqueeze(1), mean)
        return edges.assign(logits, adjacency, mean)


EDGES = Edges()
