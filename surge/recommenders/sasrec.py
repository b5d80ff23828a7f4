"""SASRec: causal self-attention over the history."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from surge.config import BaselineConfig
from surge.model.surge import ItemSequences
from surge.recommenders.baseline import Context, Head, StepBaseline, last_state


class Block(nn.Module):
    """x + attention(norm(x)), then x + FFN(norm(x)): every item looks at itself and at those before it."""

    def __init__(self, size: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.rate = heads, dropout
        self.norm_attention, self.norm_feed = nn.LayerNorm(size), nn.LayerNorm(size)
        self.query_key_value = nn.Linear(size, 3 * size, bias=False)
        self.out = nn.Linear(size, size)
        self.feed = nn.Sequential(nn.Linear(size, size), nn.ReLU(), nn.Dropout(dropout), nn.Linear(size, size))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        # (B, n, 3 d) to three of (B, heads, n, d / heads)
        query, key, value = (
            self.query_key_value(self.norm_attention(x)).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        )
        rate = self.rate if self.training else 0.0
        attended = functional.scaled_dot_product_attention(query, key, value, dropout_p=rate, is_causal=True)
        x = x + self.dropout(self.out(attended.transpose(1, 2).flatten(2)))
        return x + self.dropout(self.feed(self.norm_feed(x)))


class SASRec(StepBaseline):
    """Self-attentive sequential recommendation (Kang and McAuley, ICDM 2018, arXiv 1808.09781).

    x_i = sqrt(d) h_i + (embedding of how many items ago i was), blocks of causal self-attention and a feed-forward
    layer, and the last state s; logit = s . h_t, since that is the paper and what practitioners run
    (`score = "mlp"` has the shared head).

    Every state also learns the item after it, as in the paper (`StepBaseline`).

    Departs from the paper: keys and values are normalised too (the usual pre-norm block); h is the item with its
    category; the last state has more negatives than the others.
    """

    own: ClassVar = {"layers": 2, "dropout": 0.2, "score": "dot"}

    def __init__(self, config: BaselineConfig, item_category: Tensor) -> None:
        super().__init__(config, item_category)
        self.position_embedding = nn.Embedding(config.max_length, config.size)
        nn.init.normal_(self.position_embedding.weight, std=0.02)
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = self.layers(config)
        self.norm = nn.LayerNorm(config.size)
        self.head = Head(config)

    @staticmethod
    def layers(config: BaselineConfig) -> nn.ModuleList:
        """The layers between the embeddings and the states."""
        return nn.ModuleList(Block(config.size, config.heads, config.dropout) for _ in range(config.layers))

    def embedded(self, history: ItemSequences) -> Tensor:
        """What the first block reads of each item (B, n, d)."""
        length = history.mask.sum(1, keepdim=True)
        steps_ago = length - 1 - torch.arange(history.mask.shape[1], device=history.mask.device)
        position = self.position_embedding(steps_ago.clamp(0, self.config.max_length - 1))
        embedded = self.embed(history.items) * self.config.size**0.5
        return self.dropout(embedded + position)

    def steps(self, history: ItemSequences, context: Context) -> Tensor:
        """The state after each item (B, n, d). Padding comes last, so causal attention never sees it."""
        state = self.embedded(history)
        for block in self.blocks:
            state = block(state)
        return self.norm(state)

    def _read(self, history: ItemSequences, context: Context) -> tuple[Tensor, ...]:
        return (last_state(self.steps(history, context), history.mask),)

    def score(self, known: tuple[Tensor, ...], candidates: Tensor) -> Tensor:
        return self.head(known[0], self.embed(candidates))
