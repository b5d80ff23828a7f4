"""The embeddings that every model here has: an item's own beside its category's."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from surge.config import RecommenderConfig


def embedding(count: int, size: int) -> nn.Embedding:
    """A table of embeddings with small normal entries."""
    table = nn.Embedding(count, size)
    nn.init.normal_(table.weight, std=0.1)
    return table


class EmbedsItems(nn.Module):
    """A model whose items are embedded as h_i in R^d, d = item_size + category_size (no category where that is 0).

    `item_category` (item_count,) gives the category row of every item row.
    """

    item_category: Tensor

    def __init__(self, config: RecommenderConfig, item_category: Tensor) -> None:
        super().__init__()
        self.item_embedding = embedding(config.item_count, config.item_size)
        self.category_embedding = (
            embedding(config.category_count, config.category_size) if config.category_size else None
        )
        self.register_buffer("item_category", item_category.long())

    def embed(self, items: Tensor) -> Tensor:
        """h: the item's own embedding beside its category's; (...) to (..., d)."""
        embedded = self.item_embedding(items)
        if self.category_embedding is None:
            return embedded
        return torch.cat([embedded, self.category_embedding(self.item_category[items])], dim=-1)
