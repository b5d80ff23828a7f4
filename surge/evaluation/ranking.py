"""The positive among all items of the catalogue: its rank, and how likely the model holds what it ranks first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from surge.data.history import Histories
from surge.data.instances import EncodedLog, Instances
from surge.data.seen_items import SeenItems
from surge.errors import SurgeError
from surge.evaluation.calibration import Reliability, log_normaliser, reliability
from surge.model.batches import read_batch
from surge.recommenders.base import Recommender

Progress = Callable[[float], None]
SHOWN = 10  # of the best items, whose probabilities are held against what came next
ONE = np.ones(1)


@dataclass(frozen=True)
class Ranks:
    """Each of k positives among all items that can be ranked: how many stand `above` it and are `tied` with it (k).

    What a probability softmax(score / T) needs: `own` (k), the score of the positive; `best` (k, SHOWN), the highest
    scores, and `hit` (k, SHOWN), which of them is the positive; `normaliser` (k, g), log sum exp(score / T) for each
    of the `temperatures` T (g).
    """

    above: np.ndarray
    tied: np.ndarray
    own: np.ndarray
    best: np.ndarray
    hit: np.ndarray
    temperatures: np.ndarray
    normaliser: np.ndarray

    def lift_constant(self, log_available: np.ndarray, temperature: float) -> float:
        """The mean of log sum q - log sum exp(score / T) at one of the temperatures, see `Catalogue.lift_offset`."""
        return float((log_available - self.normaliser[:, self._place(temperature)]).mean())

    def reliability(self, temperature: float, first: int = SHOWN) -> Reliability:
        """Of the `first` best items of each history, at one of the temperatures."""
        log_sum = self.normaliser[:, self._place(temperature), None]
        probability = np.exp(self.best[:, :first] / temperature - log_sum)
        ranked = np.isfinite(self.best[:, :first])  # fewer can be ranked in a small catalogue
        return reliability(probability[ranked], self.hit[:, :first][ranked])

    def _place(self, temperature: float) -> int:
        return int(np.flatnonzero(self.temperatures == temperature)[0])


def rank_positives(
    recommender: Recommender,
    log: EncodedLog,
    instances: Instances,
    *,
    taken: SeenItems | None,
    log_popularity: np.ndarray | None,
    temperatures: np.ndarray = ONE,
    progress: Progress | None = None,
) -> Ranks:
    """Rank the positive of each instance among all items by logit + log q.

    Negatives are drawn by popularity q, so a trained logit estimates log p(t | history) - log q(t) and a constant: how
    much likelier this user takes t than anybody does. `log_popularity` (items) is log q, None for a model whose
    scores need none. With `taken` what the user took before is no candidate, but for the positive itself. A score that
    is no finite number is a SurgeError.
    """
    recommender.network.eval()
    size, k = recommender.config.item_count, len(instances)
    shown = min(SHOWN, size)
    above, tied, own = np.empty(k), np.empty(k), np.empty(k)
    best, hit = np.empty((k, shown)), np.empty((k, shown), dtype=bool)
    normaliser = np.empty((k, len(temperatures)))
    histories = log.histories(instances, recommender.config.max_length)
    for done, (place, logits) in enumerate(_catalogues(recommender, histories), start=1):
        if not np.isfinite(logits).all():
            raise SurgeError("The model gives scores that are not finite numbers; train it again.")
        # in float64: a sum in float32 would make ties that the logits don't have
        scores = logits.astype(np.float64) if log_popularity is None else logits + log_popularity
        positive = log.items[instances.position[place]]
        own[place] = scores[positive]
        if taken is not None:
            scores[histories[place].taken] = -np.inf
            scores[positive] = own[place]
        above[place] = (scores > own[place]).sum()
        tied[place] = (scores == own[place]).sum() - 1
        first = np.argpartition(-scores, shown - 1)[:shown]
        first = first[np.argsort(-scores[first], kind="stable")]
        best[place], hit[place] = scores[first], first == positive
        normaliser[place] = log_normaliser(scores, temperatures)
        if progress:
            progress(done / k)
    return Ranks(above, tied, own, best, hit, temperatures, normaliser)


def log_available(
    log: EncodedLog, instances: Instances, taken: SeenItems | None, log_popularity: np.ndarray
) -> np.ndarray:
    """log of the share of q that all items hold among which `rank_positives` ranks each positive (k)."""
    if taken is None:
        return np.full(len(instances), log_normaliser(log_popularity, ONE)[0])
    histories, share = log.histories(instances, longest=1), np.empty(len(instances))
    for place, positive in enumerate(log.items[instances.position].tolist()):
        ranked = np.ones(len(log_popularity), dtype=bool)
        ranked[histories[place].taken] = False
        ranked[positive] = True
        share[place] = log_normaliser(log_popularity[ranked], ONE)[0]
    return share


def _catalogues(recommender: Recommender, histories: Histories) -> Iterator[tuple[int, np.ndarray]]:
    """The place of each history, and the logits (float32) of all items for it."""
    for start in range(0, len(histories), recommender.together):
        places = np.arange(start, min(start + recommender.together, len(histories)))
        history, context = read_batch(histories.take(places), recommender.device)
        yield from zip(places.tolist(), recommender.score_catalogue(history, context), strict=True)
