"""DIN: each candidate asks the history what in it matters."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from surge.config import BaselineConfig
from surge.model.layers import PairScore
from surge.model.surge import ItemSequences
from surge.recommenders.baseline import Baseline, Context, Head


class DIN(Baseline):
    """Deep interest network (Zhou et al., KDD 2018, arXiv 1706.06978).

    s_t = sum_j a(h_j, h_t) h_j, the weights not normalised: how much of the history speaks for h_t counts.

    Departs from the paper: the activation unit is SURGE's FFN(W h_j, h_t, W h_j * h_t) in place of an outer
    product, with ReLU in place of Dice; no mini-batch aware regularisation, since all models share one L2.
    """

    asks_items: ClassVar = True

    def __init__(self, config: BaselineConfig, item_category: Tensor) -> None:
        super().__init__(config, item_category)
        self.activation_unit = PairScore(config.size, config.attention_hidden)
        self.head = Head(config)

    def attend(self, embedded: Tensor, target: Tensor, mask: Tensor) -> Tensor:
        """s_t (B, T, d) of h (B, n, d), h_t (B, T, d) and the mask (B, n)."""
        return (self.activation_unit.crossed(embedded, target) * mask.unsqueeze(1)) @ embedded

    def _read(self, history: ItemSequences, context: Context) -> tuple[Tensor, ...]:
        return self.embed(history.items), history.mask

    def score(self, known: tuple[Tensor, ...], candidates: Tensor) -> Tensor:
        embedded, mask = known
        target = self.embed(candidates)
        return self.head(self.attend(embedded, target, mask), target)
