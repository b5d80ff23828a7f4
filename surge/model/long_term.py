"""What a user always wants, whatever the candidate (not in the paper; SLi-Rec's long-term part)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from surge.model.layers import masked_softmax, multilayer_perceptron


class LongTerm(nn.Module):
    """Attentive asymmetric SVD: l = sum_i lambda_i h_i, lambda = softmax_i FFN(h_i) (Yu et al., IJCAI 2019).

    The weights ask an item alone, so that a candidate can't turn them towards what suits it.
    """

    def __init__(self, size: int, hidden: Sequence[int]) -> None:
        super().__init__()
        self.score = multilayer_perceptron(size, hidden)

    def forward(self, embedded: Tensor, mask: Tensor) -> Tensor:
        """lambda (B, n) of embeddings h (B, n, d), 0 where mask (B, n) says that there is no item."""
        return masked_softmax(self.score(embedded).squeeze(-1), mask)


class NoLongTerm(nn.Module):
    """As in the paper: lambda = 0."""

    def forward(self, embedded: Tensor, mask: Tensor) -> Tensor:
        return torch.zeros_like(embedded[..., 0])
