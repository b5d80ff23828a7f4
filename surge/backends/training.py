"""What training does along the edges of a graph, compiled where it can be, with gradients."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from surge.model.assignment import soft_assignment
from surge.model.layers import PairScore
from surge.model.plain import Plain
from surge.native import edges, pairs


class Edges(Plain):
    """By C++ (`edges.cpp`, `pairs.cpp`), and in the plain forms where there is no compiler, on a GPU, in other
    arithmetic than float32, or of settings that the C++ doesn't know."""

    def score_pairs(self, score: PairScore, x: Tensor, y: Tensor) -> Tensor:
        layers = [layer for layer in score.rest.modules() if isinstance(layer, nn.Linear)]
        projected, from_x, from_y, of_product = parts = score.parts(x, y)
        if score.activation != "relu" or len(layers) != 2 or not pairs.compiled(projected, y, from_x):
            return score.summed(y, *parts)
        second, third = ((layer.weight, layer.bias) for layer in layers)
        return pairs.score_pairs(projected, y, from_x, from_y, of_product, second, third)

    def attend(
        self, cluster_score: Tensor, query_score: Tensor, adjacency: Tensor, message: Tensor, linear: bool
    ) -> Tensor:
        if not edges.compiled(cluster_score, query_score, adjacency, message):
            return super().attend(cluster_score, query_score, adjacency, message, linear)
        return edges.attend(cluster_score, query_score, adjacency, message, linear)

    def assign(self, weight: Tensor, nodes: Tensor, adjacency: Tensor, mean: bool) -> Tensor:
        logits = functional.linear(nodes, weight)
        if not edges.compiled(logits, adjacency):
            return soft_assignment(logits, adjacency.unsqueeze(1), mean)
        return edges.assign(logits, adjacency, mean)


EDGES = Edges()
