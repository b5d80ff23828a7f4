"""How long before the prediction each item of a history was taken (not in the paper, which knows the order alone)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

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


class NoAge(nn.Module):
    """As in the paper."""

    def forward(self, values: Tensor, mask: Tensor, ages: Tensor | None) -> Tensor:
        """The values (B, n, d) of items of these ages (B, n), where an item is (B, n)."""
        return values


class Age(NoAge):
    """A learned embedding of each item's age is added; nothing where the age is unknown."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.weight = nn.Embedding(AGES, size).weight
        nn.init.zeros_(self.weight)  # an age that never occurred in training says nothing

    def forward(self, values: Tensor, mask: Tensor, ages: Tensor | None) -> Tensor:
        if ages is None:
            raise ValueError("this model reads ages; give NaN where they are not known")
        bucket = age_bucket(ages, mask)
        return values + functional.embedding(bucket.clamp(min=0), self.weight) * (bucket >= 0).unsqueeze(-1)
