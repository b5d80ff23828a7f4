"""Negative items, drawn by popularity: the same rule for training and for evaluation."""

from __future__ import annotations

import numpy as np

from surge.errors import SurgeError

ROUNDS = 50  # of redrawing, before the allowed items are listed one by one


class PopularitySampler:
    """Draws items with probability proportional to how often they occur.

    `counts` (items,); an item that never occurs counts as once, so that all can be drawn.
    """

    def __init__(self, counts: np.ndarray) -> None:
        if len(counts) < 2:
            raise SurgeError("A catalogue of one item has no negatives to draw; prepare a log with more items.")
        weights = np.maximum(counts, 1).astype(np.float64)
        self.probability = weights / weights.sum()
        self.cumulative = np.cumsum(self.probability)

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        """Items of this shape, with replacement."""
        drawn = np.searchsorted(self.cumulative, rng.random(shape), side="right")
        return np.minimum(drawn, len(self.cumulative) - 1)

    def negatives(
        self, positive: np.ndarray, count: int, rng: np.random.Generator, forbidden: np.ndarray | None = None
    ) -> np.ndarray:
        """`count` negatives (k, count) for each positive (k,), never the positive itself.

        `forbidden` (k, n): items that are no negatives of that row either, as long as others are left.
        """
        barred = positive[:, None] if forbidden is None else np.concatenate([positive[:, None], forbidden], axis=1)
        drawn = self.draw((len(positive), count), rng)
        for _ in range(ROUNDS):
            wrong = (drawn[:, :, None] == barred[:, None, :]).any(-1)
            if not wrong.any():
                return drawn
            drawn[wrong] = self.draw((int(wrong.sum()),), rng)
        wrong = (drawn[:, :, None] == barred[:, None, :]).any(-1)
        for row in np.flatnonzero(wrong.any(1)):
            weight = self.probability.copy()
            weight[barred[row]] = 0
            if weight.sum() == 0:  # the history holds the whole catalogue
                weight = self.probability.copy()
                weight[positive[row]] = 0
            drawn[row, wrong[row]] = rng.choice(len(weight), int(wrong[row].sum()), p=weight / weight.sum())
        return drawn
