"""Negative items, drawn by popularity: one after another for training, distinct ones for the lists of an evaluation."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from surge.errors import SurgeError

ROUNDS = 50  # of redrawing, before the allowed items are listed one by one
NONE = -1  # in place of a negative that the catalogue doesn't have
Barred = Callable[[np.ndarray, np.ndarray], np.ndarray]


class PopularitySampler:
    """Draws items with probability q proportional to how often they occur.

    `counts` (items,); an item that never occurs counts as once, so that all can be drawn. `probability` is q.
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

    def independent(self, count: int, rows: int, rng: np.random.Generator, barred: Barred | None = None) -> np.ndarray:
        """`count` draws (rows, count) with replacement from q over what is not barred: the negatives of training.

        Whatever q gives may come, the positive itself too. Only then a logit trained by log loss is
        log(p(t | history) / (count q(t))) and a constant, in a catalogue of any size (noise-contrastive estimation,
        Gutmann & Hyvarinen, AISTATS 2010); distinct items other than the positive would make popular ones rarer, in a
        catalogue of twelve by half. `barred`: as for `negatives`; a row with everything barred is a ValueError.
        """
        drawn = self.draw((rows, count), rng)
        if barred is None:
            return drawn
        every = np.arange(len(self.probability))
        for row in self._redraw(drawn, barred, rng):
            allowed = np.flatnonzero(~barred(np.array([row]), every[None])[0])
            if not len(allowed):
                raise ValueError("no item is left to draw")
            weight = self.probability[allowed]
            drawn[row] = rng.choice(allowed, count, p=weight / weight.sum())
        return drawn

    def negatives(
        self, positive: np.ndarray, count: int, rng: np.random.Generator, barred: Barred | None = None
    ) -> np.ndarray:
        """Distinct negatives (k, count) of each positive (k,), never the positive itself: for candidate lists.

        `barred(rows, items)` tells which items (r, T) are no negatives of these places (r) of `positive` either, such
        as what their user took before. A row for which fewer than `count` items are left ends with NONE. Each row is
        what comes of drawing one item after another and leaving out what may not be there.
        """
        drawn = self.draw((len(positive), count), rng)
        rows = self._redraw(drawn, lambda rows, items: self._wrong(items, positive[rows], rows, barred), rng)
        for row in rows[self._wrong(drawn[rows], positive[rows], rows, barred).any(1)]:
            drawn[row] = self._listed(drawn[row], positive[row], row, rng, barred)
        return drawn

    def _redraw(self, drawn: np.ndarray, wrong: Barred, rng: np.random.Generator) -> np.ndarray:
        """Draws again, in place and up to ROUNDS times, what is `wrong` of `drawn` (k, count); gives the rows where
        something was wrong at the last look."""
        rows = np.arange(len(drawn))
        for _ in range(ROUNDS):
            bad = wrong(rows, drawn[rows])
            some = bad.any(1)
            rows, bad = rows[some], bad[some]
            if not len(rows):
                break
            again = drawn[rows]
            again[bad] = self.draw((int(bad.sum()),), rng)
            drawn[rows] = again
        return rows

    @staticmethod
    def _wrong(drawn: np.ndarray, positive: np.ndarray, rows: np.ndarray, barred: Barred | None) -> np.ndarray:
        """Where an item (r, T) is the positive, barred, or drawn before in its row."""
        wrong = drawn == positive[:, None]
        if barred is not None and len(rows):
            wrong |= barred(rows, drawn)
        order = np.argsort(drawn, axis=1, kind="stable")
        ordered = np.take_along_axis(drawn, order, axis=1)
        again = np.zeros_like(wrong)
        np.put_along_axis(again, order[:, 1:], ordered[:, 1:] == ordered[:, :-1], axis=1)
        return wrong | again

    def _listed(
        self, drawn: np.ndarray, positive: int, row: int, rng: np.random.Generator, barred: Barred | None
    ) -> np.ndarray:
        """One row where nearly all of the catalogue is barred: the allowed items are listed and drawn from."""
        rows, every = np.array([row]), np.arange(len(self.probability))
        allowed = every != positive
        if barred is not None:
            allowed &= ~barred(rows, every[None])[0]
        wrong = self._wrong(drawn[None], np.array([positive]), rows, barred)[0]
        allowed[drawn[~wrong]] = False
        left, needed = np.flatnonzero(allowed), int(wrong.sum())
        weight = self.probability[left]
        more = rng.choice(left, min(needed, len(left)), replace=False, p=weight / weight.sum()) if len(left) else left
        return np.concatenate([drawn[~wrong], more, np.full(needed - len(more), NONE)])
