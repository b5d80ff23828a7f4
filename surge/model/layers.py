"""Small layers that several parts of the model share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

ATTENTION_SLOPE = 0.2  # of LeakyReLU below 0 in Eq. 6-8; the paper names none


def bend(kind: str) -> nn.Module:
    """The activation relu or leaky_relu; in place, as a linear layer needs what it was given alone."""
    return nn.ReLU(inplace=True) if kind == "relu" else nn.LeakyReLU(ATTENTION_SLOPE, inplace=True)


def multilayer_perceptron(
    inputs: int, hidden: Sequence[int], outputs: int = 1, activation: str = "relu"
) -> nn.Sequential:
    """Linear layers with the activation (relu | leaky_relu) between them; none after the last."""
    sizes = [inputs, *hidden, outputs]
    layers: list[nn.Module] = []
    for index, (before, after) in enumerate(pairwise(sizes)):
        layers.append(nn.Linear(before, after))
        if index < len(sizes) - 2:
            layers.append(bend(activation))
    return nn.Sequential(*layers)


def masked_softmax(score: Tensor, mask: Tensor) -> Tensor:
    """Softmax over the last axis, where padding weighs 0."""
    return score.masked_fill(~mask, -torch.inf).softmax(-1)


def scaled(x: Tensor) -> Tensor:
    """Layer normalisation without weights: mean 0 and variance 1 over the last axis."""
    return functional.layer_norm(x, x.shape[-1:])


def joined(parts: Sequence[Tensor], target: Tensor, crossed: Sequence[Tensor], normalise: bool) -> Tensor:
    """The input of a prediction: parts, h_t, and of each x of `crossed` x and x * h_t; (B, T, their sizes).

    With `normalise` each of them has mean 0 and variance 1 first (layer normalisation without weights).
    """
    if normalise:
        parts, target, crossed = [scaled(x) for x in parts], scaled(target), [scaled(x) for x in crossed]
    whole = [*parts, target]
    for x in crossed:
        whole += [x, x * target]
    return torch.cat(whole, dim=-1)


class PairScore(nn.Module):
    """FFN(W x, y, W x * y): the score of Eq. 6 and 7, for every pair of an x and a y.

    The first layer acts on a concatenation, so its product is the sum of three: one part depends on x
    alone, one on y alone, and only the third on the pair: no tensor of all concatenations is ever made.
    `activation`: relu | leaky_relu, between the layers.
    """

    def __init__(self, size: int, hidden: Sequence[int], activation: str = "relu") -> None:
        super().__init__()
        self.project = nn.Linear(size, size, bias=False)
        self.first = nn.Linear(3 * size, hidden[0])
        self.rest = nn.Sequential(bend(activation), multilayer_perceptron(hidden[0], hidden[1:], activation=activation))

    def aligned(self, x: Tensor, y: Tensor) -> Tensor:
        """Scores of x_i with y_i: x and y are (..., size), the result (...)."""
        projected = self.project(x)
        return self.rest(self.first(torch.cat([projected, y, projected * y], dim=-1))).squeeze(-1)

    def crossed(self, x: Tensor, y: Tensor) -> Tensor:
        """Scores of every x_j with every y_t: (B, n, size) and (B, T, size) give (B, T, n)."""
        of_x, of_y, of_product = self.first.weight.chunk(3, dim=1)
        projected = self.project(x)
        from_x, from_y = projected @ of_x.T, y @ of_y.T + self.first.bias
        # in place: fresh memory of this size costs as much as the sum
        first = (projected.unsqueeze(1) * y.unsqueeze(2)) @ of_product.T
        first += from_x.unsqueeze(1)
        first += from_y.unsqueeze(2)
        return self.rest(first).squeeze(-1)


class PairScores(nn.ModuleList):
    """Such a score for each head: Attention_c of Eq. 6, or Attention_q of Eq. 7."""

    def __init__(self, heads: int, size: int, hidden: Sequence[int], activation: str = "relu") -> None:
        super().__init__(PairScore(size, hidden, activation) for _ in range(heads))

    def __iter__(self) -> Iterator[PairScore]:
        return cast(Iterator[PairScore], super().__iter__())

    def aligned(self, x: Tensor, y: Tensor) -> Tensor:
        """(B, n, size) twice to (B, heads, n)."""
        return torch.stack([score.aligned(x, y) for score in self], dim=1)

    def crossed(self, x: Tensor, y: Tensor) -> Tensor:
        """(B, n, size) and (B, T, size) to (B, T, heads, n)."""
        return torch.stack([score.crossed(x, y) for score in self], dim=2)
