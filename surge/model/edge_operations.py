"""What a reading does along the edges of a graph, as whoever does it has to offer it."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor


class EdgeOperations(Protocol):
    """`surge.model.dense` has the plain forms, `surge.backends` others, which give the same numbers within rounding;
    who scores or trains chooses one and hands it to the model."""

    def attend(
        self, cluster_score: Tensor, query_score: Tensor, adjacency: Tensor, message: Tensor, slope: float
    ) -> Tensor:
        """sum over j in N_i of E_ij message_j with E of Eq. 8, each head its slice of the message: (B, T, n, d).

        cluster_score alpha (B, heads, n), query_score beta (B, T, heads, n), adjacency (B, n, n) of zeros and ones,
        message (B, n, d); `slope` below 0 in Eq. 8. A row without neighbours (padding) passes its own message on.
        """

    def assign(self, weight: Tensor, nodes: Tensor, adjacency: Tensor, mean: bool) -> Tensor:
        """S_i = softmax of the mean, or the sum, over j in N_i of W_p h'_j (Eq. 11): (B, T, n, m).

        weight W_p (m, d), nodes h' (B, T, n, d), adjacency (B, n, n), the same for all candidates. A row without
        neighbours (padding) belongs to all clusters alike.
        """
