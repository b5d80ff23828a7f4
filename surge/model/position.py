"""Where in its history an item stands (not in the paper, whose parts are blind to order)."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional


class NoPosition(nn.Module):
    """As in the paper."""

    def forward(self, embedded: Tensor, mask: Tensor) -> Tensor:
        """What flows, of embeddings h (B, n, d) and a mask (B, n): (B, n, d)."""
        return embedded

    def queried(self, embedded: Tensor, values: Tensor) -> Tensor:
        """What beta of Eq. 7 reads: the values (B, n, d), or h."""
        return values


class Recency(NoPosition):
    """A learned embedding of steps ago is added wherever values flow, and nowhere in the metric of Eq. 1."""

    def __init__(self, length: int, size: int) -> None:
        super().__init__()
        self.weight = nn.Embedding(length, size).weight
        nn.init.normal_(self.weight, std=0.02)

    def forward(self, embedded: Tensor, mask: Tensor) -> Tensor:
        steps_ago = (mask.cumsum(1) - mask.sum(1, keepdim=True)).neg().clamp(0, len(self.weight) - 1)
        return embedded + functional.embedding(steps_ago, self.weight)


class RecencyOfMessages(Recency):
    """The same, but beta reads the items alone: gamma says what an item is about, whenever it came."""

    def queried(self, embedded: Tensor, values: Tensor) -> Tensor:
        return embedded
