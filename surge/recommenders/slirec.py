"""SLi-Rec: what the user wants now, by a time-aware LSTM, against what the user always wants."""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from torch import Tensor

from surge.config import BaselineConfig
from surge.model.layers import PairScore, masked_softmax, multilayer_perceptron
from surge.model.long_term import LongTerm
from surge.model.surge import Context, ItemSequences
from surge.model.time_lstm import Time4LSTM
from surge.recommenders.baseline import Baseline, Head, resize

DAY = 86_400.0


def time_feature(seconds: Tensor) -> Tensor:
    """log(1 + seconds), moved and scaled to be 0 at a day and 1 at a week: about -6 at once, 3 after a year."""
    return (seconds.clamp(min=0).float().log1p() - math.log1p(DAY)) / math.log(7)


class SLiRec(Baseline):
    """Adaptive user modeling with long and short-term preferences (Yu et al., IJCAI 2019).

    Short: s_t = sum_j softmax_j FFN(W g_j, h_t, W g_j * h_t) g_j over the states g of a Time4LSTM. Long: attentive
    asymmetric SVD, l = sum_j softmax_j FFN(h_j) h_j, the same for every candidate. Fused: a l + (1 - a) s_t with
    a = sigmoid FFN(l, s_t, h_t, time since the last item).

    Departs from the paper: time features are log(1 + seconds), not log of whole days; the attention units are
    SURGE's (no difference of the two sides among the inputs).
    """

    asks_items: ClassVar = True

    def __init__(self, config: BaselineConfig, item_category: Tensor) -> None:
        super().__init__(config, item_category)
        self.recurrence = Time4LSTM(config.size, config.hidden)
        self.resize = resize(config.hidden, config.size)
        self.short_attention = PairScore(config.size, config.attention_hidden)
        self.long_term = LongTerm(config.size, config.attention_hidden)
        self.fuse = multilayer_perceptron(3 * config.size + 1, config.attention_hidden)
        self.head = Head(config)

    def _read(self, history: ItemSequences, context: Context) -> tuple[Tensor, ...]:
        embedded, mask = self.embed(history.items), history.mask
        interval = time_feature(context.times.diff(dim=1, prepend=context.times[:, :1]))
        age = time_feature(context.now.unsqueeze(1) - context.times)
        states = self.resize(self.recurrence(embedded, interval, age, mask)[0])
        long = self.long_term(embedded, mask).unsqueeze(1) @ embedded
        since = age.gather(1, mask.sum(1, keepdim=True) - 1).unsqueeze(1)
        return states, mask, long, since

    def score(self, known: tuple[Tensor, ...], candidates: Tensor) -> Tensor:
        states, mask, long, since = known
        target = self.embed(candidates)
        short = masked_softmax(self.short_attention.crossed(states, target), mask.unsqueeze(1)) @ states
        long, since = long.expand_as(target), since.expand(*target.shape[:2], 1)
        share = torch.sigmoid(self.fuse(torch.cat([long, short, target, since], dim=-1)))
        return self.head(share * long + (1 - share) * short, target)
