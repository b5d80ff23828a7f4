"""Scoring the whole catalogue for one history: what the model recommends, and how an item ranks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from surge.backends.scoring import score_rows
from surge.checkpoint import Catalogue, Checkpoint
from surge.data.history import History
from surge.errors import SurgeError
from surge.explanation import measurements as measured
from surge.explanation.measurements import Predicted


@dataclass(frozen=True)
class Ranking:
    """logits (float32, one an embedding row) and `order`: rows by logit + log q, best first, without those left out.

    A logit says how much likelier this user takes an item than anybody does; with log q, how often training met the
    item, it is the log of how likely the item is to be next, and a constant.
    """

    logits: np.ndarray
    order: np.ndarray
    catalogue: Catalogue

    @cached_property
    def scores(self) -> np.ndarray:
        """logit + log q (float64, one an embedding row): what is ranked."""
        return self.logits + self.catalogue.log_popularity

    @cached_property
    def log_normaliser(self) -> float:
        """log of the sum over the ranked items of exp(score / temperature)."""
        return float(np.logaddexp.reduce(self.scores[self.order] / self.catalogue.temperature))

    def next_probability(self, rows: np.ndarray | int) -> np.ndarray:
        """How likely each of these items is to be next, among all that are ranked: softmax(score / temperature). Of an
        item that is not ranked: how likely it would be beside them."""
        scores = self.scores[rows] / self.catalogue.temperature
        beside = np.logaddexp(self.log_normaliser, scores)
        return np.exp(scores - np.where(np.isin(rows, self.order), self.log_normaliser, beside))

    def lift(self, rows: np.ndarray | int) -> np.ndarray:
        """How many times as likely each of these items is to be next as its popularity alone would make it."""
        return np.exp(log_lift(self.catalogue, rows, self.logits[rows]))

    def chance_of(self, row: int) -> float | None:
        """How likely one item is to be next, as `next_probability` has it; None where nothing is left to be ranked."""
        return float(self.next_probability(row)) if len(self.order) else None

    def rank_of(self, row: int) -> int | None:
        """The rank of an item from 1, None where it was left out of the ranking."""
        place = np.flatnonzero(self.order == row)
        return int(place[0]) + 1 if len(place) else None

    def top(self, count: int) -> list[Predicted]:
        """The `count` best items."""
        rows = self.order[:count]
        return predicted(self.catalogue, rows, self.logits[rows], self.next_probability(rows))


def left_out(checkpoint: Checkpoint, history: History) -> np.ndarray:
    """Rows of the items that are never recommended to this user: what was taken, where nothing is taken twice."""
    return history.taken if checkpoint.exclude_seen else history.taken[:0]


def predicted(
    catalogue: Catalogue, rows: np.ndarray, logits: np.ndarray, probability: np.ndarray, about: bool = False
) -> list[Predicted]:
    """These rows of the catalogue, best first, with their logits and next probabilities, as what is told of each."""
    items = catalogue.items[rows.tolist()].to_dicts() if len(rows) else []
    lifts = np.exp(log_lift(catalogue, rows, logits))
    return [
        Predicted(rank, row, item["item"], item["title"], item["category"], logit, lift, likely, about)
        for rank, (row, item, logit, lift, likely) in enumerate(
            zip(rows.tolist(), items, logits.tolist(), lifts.tolist(), probability.tolist(), strict=True), start=1
        )
    ]


def log_lift(catalogue: Catalogue, rows: np.ndarray | int, logits: np.ndarray | float) -> np.ndarray:
    """`measured.log_lift` of the items of these rows with these logits."""
    return measured.log_lift(logits, catalogue.lift_offset(rows), catalogue.temperature)


def stands_above(
    checkpoint: Checkpoint, logits: np.ndarray, own: np.ndarray | float, rows: np.ndarray, row: int
) -> np.ndarray:
    """Where an item of these rows ranks above the one of `row`, whose logit is `own`; a tie keeps the catalogue's
    order, as in a ranking."""
    popularity = checkpoint.catalogue.log_popularity
    scores, mine = logits + popularity[rows], own + popularity[row]
    return (scores > mine) | ((scores == mine) & (rows < row))


def rank_catalogue(
    checkpoint: Checkpoint, history: History, progress: Callable[[float], None] | None = None
) -> Ranking:
    """Score every item of the checkpoint for a history, and rank them by logit + log q, without what the user took
    where the checkpoint recommends nothing twice. Ties keep the order of the catalogue. Logits that are no finite
    numbers are a SurgeError."""
    every = np.arange(checkpoint.model_config.item_count)
    logits = score_rows(checkpoint.model, history, every, progress)
    if not np.isfinite(logits).all():
        raise SurgeError(
            f"The checkpoint {checkpoint.name!r} gives scores that are not finite numbers; train it again."
        )
    catalogue = checkpoint.catalogue
    order = np.argsort(-(logits + catalogue.log_popularity), kind="stable")
    return Ranking(logits, order[~np.isin(order, left_out(checkpoint, history))], catalogue)
