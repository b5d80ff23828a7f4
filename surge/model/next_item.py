"""A loss at every step of a history: each item should tell the one after it from others that were drawn."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, logsigmoid

from surge.model.surge import ItemSequences

Embed = Callable[[Tensor], Tensor]


def draw_items(history: ItemSequences) -> Tensor:
    """An item of the batch for every step but the last: rows (B, n - 1)."""
    pool = history.items[history.mask]
    return pool[torch.randint(len(pool), history.items[:, 1:].shape, device=pool.device)]


def next_item_loss(states: Tensor, history: ItemSequences, embed: Embed, drawn: Tensor) -> Tensor:
    """L_N = -mean over steps j of log sigma(s_j . h_{j+1}) + log(1 - sigma(s_j . h')), h' the item drawn for j.

    DIEN's auxiliary loss (Zhou et al., AAAI 2019). An instance has one positive but n - 1 steps: the embeddings learn
    from all of them. states s (B, n, d) where s_j knows nothing after item j; drawn (B, n - 1), see `draw_items`: a
    step that has drawn its own next item has no false one. 0 where no history has two items.
    """
    following, known = history.items[:, 1:], history.mask[:, 1:]
    true = logsigmoid((states[:, :-1] * embed(following)).sum(-1))
    false = logsigmoid(-(states[:, :-1] * embed(drawn)).sum(-1)) * (drawn != following)
    return -((true + false) * known).sum() / known.sum().clamp(min=1)


def after_each(values: Tensor, end: Tensor, mask: Tensor) -> Tensor:
    """What follows each of a history's values (B, n): the next of them, and `end` (B,) after the last; anything in the
    padding."""
    after = torch.cat([values[:, 1:], end.unsqueeze(1)], dim=1)
    last = mask.sum(1, keepdim=True) - 1
    return after.scatter(1, last, end.unsqueeze(1))


def step_scores(states: Tensor, following: Tensor, mask: Tensor, embed: Embed, drawn: Tensor) -> tuple[Tensor, Tensor]:
    """s_j . h of each of N steps for what follows it (N,), and for the K `drawn` (B, K) of its history (N, K).

    -inf where a drawn item is the following one itself, or below 0, and so none. states (B, n, d); following and mask
    (B, n), N real steps.
    """
    own = (states * embed(following)).sum(-1).float()
    others = (states @ embed(drawn.clamp(min=0)).transpose(1, 2)).float()
    none = (drawn < 0).unsqueeze(1) | (drawn.unsqueeze(1) == following.unsqueeze(2))
    others = others.masked_fill(none, -torch.inf)
    return own[mask], others[mask]


def softmax_loss(own: Tensor, others: Tensor) -> Tensor:
    """The mean over steps of log sum exp over the next item and the others, less the score of the next item."""
    return (torch.cat([own.unsqueeze(1), others], dim=1).logsumexp(1) - own).mean()


def catalogue_loss(states: Tensor, following: Tensor, mask: Tensor, every: Tensor) -> Tensor:
    """The same where all items, with the embeddings `every` (items, d), are the others."""
    return cross_entropy((states[mask] @ every.T).float(), following[mask])
