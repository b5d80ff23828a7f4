"""The items of a checkpoint, and how a logit becomes a chance and a lift."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
import torch

from surge.data.negatives import PopularitySampler


def category_rows(items: pl.DataFrame) -> tuple[list[str], torch.Tensor]:
    """The sorted categories of a catalogue, and each item's row among them; no category counts as ''."""
    named = items["category"].fill_null("")
    categories = sorted(named.unique().to_list())
    index = {category: row for row, category in enumerate(categories)}
    return categories, torch.tensor([index[category] for category in named.to_list()], dtype=torch.long)


@dataclass(frozen=True, eq=False)
class Catalogue:
    """What a ranking needs of its checkpoint: the items, and how a logit becomes a chance and a lift.

    It holds no model, so a ranking that is kept keeps none in memory.

    `items`: as in `Checkpoint`. `temperature`: what scores are divided by before a softmax makes probabilities of them.
    `lift_constant`: see `lift_offset`.
    """

    items: pl.DataFrame
    temperature: float
    lift_constant: float

    @property
    def counts(self) -> np.ndarray:
        """How often each item was a training positive (items); once each where that isn't known."""
        return self.items["count"].to_numpy() if "count" in self.items.columns else np.ones(self.items.height)

    @cached_property
    def sampler(self) -> PopularitySampler:
        """What training drew its negatives from."""
        return PopularitySampler(self.counts)

    @cached_property
    def log_popularity(self) -> np.ndarray:
        """log q (items): of the distribution that training drew its negatives from."""
        return np.log(self.sampler.probability) if len(self.counts) > 1 else np.zeros(len(self.counts))

    def lift_offset(self, rows: np.ndarray | int) -> np.ndarray:
        """What is added to logit / T of these items to make it the log of their lift (`measured.log_lift`).

        The lift is the chance softmax((logit + log q) / T) over the chance by popularity alone, q, both among what
        the user can still take. Its log is logit / T + (1 / T - 1) log q + c, where c = log sum q - log sum
        exp((logit + log q) / T) differs between users; `lift_constant` of config.json is its mean over the validation
        split, so that a lift needs the candidate's logit alone. In theory c is log K with K negatives drawn for a
        positive and T = 1 (noise-contrastive estimation, Gutmann & Hyvarinen, AISTATS 2010), which a hardly trained
        model has not learned; that is taken where no constant was measured.
        """
        return self.lift_constant + (1 / self.temperature - 1) * self.log_popularity[rows]

    @cached_property
    def rows(self) -> dict[str, int]:
        """Embedding row by item id."""
        return {item: row for row, item in enumerate(self.items["item"].to_list())}
