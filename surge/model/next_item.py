"""A loss at every step of a history: each item should tell the one after it from an item drawn in the batch."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from surge.model.surge import History


def next_item_loss(states: Tensor, history: History, embed: Callable[[Tensor], Tensor]) -> Tensor:
    """L_N = -mean over steps j of log sigma(s_j . h_{j+1}) + log(1 - sigma(s_j . h')), h' drawn from the batch's items.

    DIEN's auxiliary loss (Zhou et al., AAAI 2019). An instance has one positive but n - 1 steps: the embeddings learn
    from all of them. states s (B, n, d) where s_j knows nothing after item j; 0 where no history has two items.
    """
    following, known = history.items[:, 1:], history.mask[:, 1:]
    pool = history.items[history.mask]
    drawn = pool[torch.randint(len(pool), following.shape, device=pool.device)]
    true = logsigmoid((states[:, :-1] * embed(following)).sum(-1))
    false = logsigmoid(-(states[:, :-1] * embed(drawn)).sum(-1)) * (drawn != following)
    return -((true + false) * known).sum() / known.sum().clamp(min=1)
