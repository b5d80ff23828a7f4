"""A loss at every step of a history: each item should tell the one after it from an item drawn in the batch."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from surge.model.surge import ItemSequences


def draw_items(history: ItemSequences) -> Tensor:
    """An item of the batch for every step but the last: rows (B, n - 1)."""
    pool = history.items[history.mask]
    return pool[torch.randint(len(pool), history.items[:, 1:].shape, device=pool.device)]


def next_item_loss(states: Tensor, history: ItemSequences, embed: Callable[[Tensor], Tensor], drawn: Tensor) -> Tensor:
    """L_N = -mean over steps j of log sigma(s_j . h_{j+1}) + log(1 - sigma(s_j . h')), h' the item drawn for j.

    DIEN's auxiliary loss (Zhou et al., AAAI 2019). An instance has one positive but n - 1 steps: the embeddings learn
    from all of them. states s (B, n, d) where s_j knows nothing after item j; drawn (B, n - 1), see `draw_items`: a
    step that has drawn its own next item has no false one. 0 where no history has two items.
    """
    following, known = history.items[:, 1:], history.mask[:, 1:]
    true = logsigmoid((states[:, :-1] * embed(following)).sum(-1))
    false = logsigmoid(-(states[:, :-1] * embed(drawn)).sum(-1)) * (drawn != following)
    return -((true + false) * known).sum() / known.sum().clamp(min=1)
