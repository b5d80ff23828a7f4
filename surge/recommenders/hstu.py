"""HSTU: SASRec's rival that is told the time, trained as eSASRec is."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from surge.config import BaselineConfig
from surge.model.next_item import after_each
from surge.model.surge import ItemSequences
from surge.recommenders.baseline import Context
from surge.recommenders.gsasrec import ESASRec

BUCKETS = 128  # of time, each 1.35 times as long as the one before it
LOG_STEP = 0.301
UNKNOWN = BUCKETS  # the bucket of a time that isn't known


def time_buckets(times: Tensor, following: Tensor) -> Tensor:
    """How long item j was taken before what follows item i, as a bucket (B, n, n), of their times and those of what
    follows each (B, n): floor(log(max(1, seconds)) / 0.301), and UNKNOWN where a time is NaN."""
    seconds = following.double().unsqueeze(2) - times.double().unsqueeze(1)
    bucket = (seconds.abs().clamp(min=1).log() / LOG_STEP).clamp(max=BUCKETS - 1)
    return torch.where(bucket.isnan(), UNKNOWN, bucket.nan_to_num().long())


class Unit(nn.Module):
    """One layer: U, V, Q, K = SiLU(W norm(x)); x + W'(norm(A V) * U), A = SiLU(Q K^T + bias) / n, without a softmax.

    An item looks at itself and at those before it. The bias has a number for each distance in places and for each
    bucket of time; n is the most items that are read.
    """

    def __init__(self, size: int, heads: int, length: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.length = heads, length
        self.norm, self.norm_attended = nn.LayerNorm(size), nn.LayerNorm(size)
        self.project = nn.Linear(size, 4 * size, bias=False)
        self.out = nn.Linear(size, size)
        self.dropout = nn.Dropout(dropout)
        self.place_bias = nn.Parameter(0.02 * torch.randn(length))
        self.time_bias = nn.Parameter(0.02 * torch.randn(BUCKETS + 1))

    def forward(self, x: Tensor, buckets: Tensor) -> Tensor:
        gate, value, query, key = functional.silu(self.project(self.norm(x))).chunk(4, dim=-1)
        query, key, value = (one.unflatten(-1, (self.heads, -1)).transpose(1, 2) for one in (query, key, value))
        count = x.shape[1]
        place = torch.arange(count, device=x.device)
        ago = (place.unsqueeze(1) - place).clamp(0, self.length - 1)
        bias = (self.place_bias[ago] + self.time_bias[buckets]).unsqueeze(1)  # the same for all heads
        attention = functional.silu(query @ key.transpose(2, 3) + bias).tril() / self.length
        attended = (attention @ value).transpose(1, 2).flatten(2)
        return x + self.out(self.dropout(self.norm_attended(attended) * gate))


class HSTU(ESASRec):
    """Hierarchical sequential transduction units (Zhai et al., ICML 2024, arXiv 2402.17152), told the times.

    x_i = sqrt(d) h_i + position, layers of `Unit`, and the last state s; logit, loss and negatives are eSASRec's. How
    long ago an item was taken is counted from what comes next, whose time is known when it is asked for.

    Departs from the paper: rows of items alone (the paper has actions too), all with one width.
    """

    own: ClassVar = {**ESASRec.own, "dropout": 0.2}

    @staticmethod
    def layers(config: BaselineConfig) -> nn.ModuleList:
        return nn.ModuleList(
            Unit(config.size, config.heads, config.max_length, config.dropout) for _ in range(config.layers)
        )

    def steps(self, history: ItemSequences, context: Context) -> Tensor:
        buckets = time_buckets(context.times, after_each(context.times, context.now, history.mask))
        state = self.embedded(history)
        for unit in self.blocks:
            state = unit(state, buckets)
        return self.norm(state)
