"""How long before the prediction each item of a history was taken (not in the paper, which knows the order alone)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

AGES = 33  # from within a second to 136 years


def age_bucket(ages: Tensor, mask: Tensor) -> Tensor:
    """floor(log2(1 + age)) of each item (B, n): 0 to AGES - 1; -1 where there is no item, or its age is unknown.

    ages (B, n) in seconds, int64 or float64, NaN where unknown and 0 where negative; mask (B, n) true where an item is.
    Every bucket is about twice as long as the one before it: whether an item was taken seconds or hours ago matters
    as much as whether it was weeks or years ago. By comparison, as not every engine's logarithm of a power of two is
    whole.
    """
    known = mask & ~ages.isnan()
    seconds = ages.double().masked_fill(~known, 0).clamp(min=0)
    edges = 2.0 ** torch.arange(1, AGES, dtype=seconds.dtype, device=seconds.device)
    return torch.where(known, (seconds.unsqueeze(-1) + 1 >= edges).sum(-1), -1)


def embed_ages(ages: Tensor, mask: Tensor, table: nn.Embedding) -> Tensor:
    """The embedding of each item's age (B, n, d), 0 where there is none."""
    bucket = age_bucket(ages, mask)
    return table(bucket.clamp(min=0)) * (bucket >= 0).unsqueeze(-1)
