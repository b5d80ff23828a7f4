"""The settings that SURGE and the baselines have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from surge.config.checks import Range, Sizes, check, require


@dataclass(frozen=True, kw_only=True)
class RecommenderConfig:
    """What fixes the shape of any model: `item_count` items and `category_count` categories are embedded in `item_size`
    and `category_size` dimensions, and the last `max_length` items of a history are read.

    Their concatenation is h_i in R^d, d = item_size + category_size, of which each of the `heads` gets an equal part.
    """

    item_count: Annotated[int, Range(1, 100_000_000)]
    category_count: Annotated[int, Range(1, 10_000_000)]
    item_size: Annotated[int, Range(1, 4096)] = 32
    category_size: Annotated[int, Range(0, 4096)] = 8
    max_length: Annotated[int, Range(1, 5000)] = 50
    heads: Annotated[int, Range(1, 64)] = 1
    attention_hidden: Sizes = (80, 40)
    prediction_hidden: Sizes = (100, 64)

    def __post_init__(self) -> None:
        check(self)
        require(
            self.size % self.heads == 0,
            f"The embedding size {self.size} can't be divided among {self.heads} heads; choose a number of heads that "
            "divides it.",
        )

    @property
    def size(self) -> int:
        """d, the size of h_i."""
        return self.item_size + self.category_size
