"""Popularity: the same items for everybody, by how often they were taken."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from surge.config import BaselineConfig
from surge.data.instances import EncodedLog, Instances
from surge.model.surge import ItemSequences
from surge.recommenders.baseline import Baseline, Context


class Popularity(Baseline):
    """logit = log max(n_t, 1), n_t how many training positives are item t: log q, but for a constant, of the q that
    negatives are drawn from. What knows no more than this has learned nothing about a user.

    No history is read and nothing is learned; the one number of an item is its embedding, so it's saved as others are.
    """

    learns: ClassVar[bool] = False
    corrected: ClassVar[bool] = False

    def __init__(self, config: BaselineConfig, item_category: Tensor) -> None:
        super().__init__(replace(config, item_size=1, category_size=0, heads=1), item_category)
        self.config = config
        self.requires_grad_(False)
        self.item_embedding.weight.zero_()

    def prepare(self, log: EncodedLog, trained_on: Instances) -> None:
        """Count the positives."""
        counts = log.item_counts(trained_on, self.config.item_count)
        self.item_embedding.weight.copy_(torch.from_numpy(np.log(np.maximum(counts, 1))).unsqueeze(1))

    def _read(self, history: ItemSequences, context: Context) -> tuple[Tensor, ...]:
        return ()

    def score(self, known: tuple[Tensor, ...], candidates: Tensor) -> Tensor:
        return self.item_embedding(candidates).squeeze(-1)
