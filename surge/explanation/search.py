"""The best items of a catalogue that is too large to wait for: a search in two stages, which reads a part of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch.nn import functional

from surge.backends.scoring import score_rows
from surge.checkpoint import Catalogue, Checkpoint
from surge.data.history import History
from surge.explanation.measurements import Predicted
from surge.explanation.ranking import left_out, predicted
from surge.model.surge import SurgeModel

SAMPLE = 1000  # items that are read first
STEP = 1000  # items that are read in a round
FEATURES = 128  # random ones, beside the embedding itself
FITTED = 8  # items that an estimate is fitted to, for each of its weights
RIDGE = 1e-3  # for each of these items
TYPICAL = SAMPLE + 5 * STEP  # items that most searches read, at most
SHORTLIST = 10  # times what is asked for, which a rough score leaves for an exact one
CHUNK = 2048  # items whose features are made at once: they stay in the cache


@dataclass(frozen=True)
class Found:
    """The best items that a search came upon, best first: `rows` of the catalogue and their `logits`, which are those
    of a ranking of all. `read` of the `size` items that can be recommended were scored; `log_normaliser` is about that
    of a ranking of all."""

    rows: np.ndarray
    logits: np.ndarray
    read: int
    size: int
    catalogue: Catalogue
    log_normaliser: float

    def top(self, count: int) -> list[Predicted]:
        """The `count` best of them; their ranks are the true ones if the search missed none."""
        rows, logits = self.rows[:count], self.logits[:count]
        return predicted(self.catalogue, rows, logits, self.next_probability(rows, logits), self.about)

    @property
    def about(self) -> bool:
        """Whether no more than a part was scored, so that chances are estimates."""
        return self.read < self.size

    def next_probability(self, rows: np.ndarray | int, logits: np.ndarray | float) -> np.ndarray:
        """How likely items of these rows and logits are to be next: as `Ranking.next_probability`."""
        scores = (logits + self.catalogue.log_popularity[rows]) / self.catalogue.temperature
        return np.exp(scores - self.log_normaliser)


def find_best(checkpoint: Checkpoint, history: History, count: int = 20, rough: bool | None = None) -> Found:
    """The `count` best items for a history, or all that there are: with `rough`, the default on a GPU, by `shortlist`,
    else by `search`."""
    rows = np.setdiff1d(np.arange(checkpoint.model_config.item_count), left_out(checkpoint, history))
    if rough is None:
        rough = checkpoint.model.item_embedding.weight.device.type == "cuda"
    popularity = checkpoint.catalogue.log_popularity[rows]
    result = (shortlist if rough else search)(checkpoint.model, history, rows, popularity, count)
    best = result.best
    normaliser = _log_normaliser(result, popularity, checkpoint.catalogue.temperature) if len(rows) else 0.0
    return Found(rows[best], result.logits[best], int(result.read.sum()), len(rows), checkpoint.catalogue, normaliser)


class Searched(NamedTuple):
    """What a search of k candidates leaves: places of the best ones, best first; logits (k, -inf where not read), which
    were read (k), and places that stand for those that were not: drawn at random, and held for no more promising."""

    best: np.ndarray
    logits: np.ndarray
    read: np.ndarray
    typical: np.ndarray


def search(model: SurgeModel, history: History, rows: np.ndarray, popularity: np.ndarray, count: int) -> Searched:
    """The `count` best of the candidate `rows` by logit + log q, `popularity` being their log q.

    First SAMPLE candidates drawn at random are read. Then, in rounds, a ridge regression is fitted to the logits of
    the best so far,

        logit(h) ~ w . phi(h) + c, phi(h) = (z, ReLU(R z)), z = h standardised over the candidates, R random,

    and the STEP unread candidates of the highest estimate + log q are read, until a round changes nothing among the
    best. What is returned was read: the estimates decide only what is. A tie keeps the order of `rows`. Few candidates
    are all read.
    """
    generator = torch.Generator().manual_seed(0)  # the same question, the same answer
    order = torch.randperm(len(rows), generator=generator).numpy()
    logits = np.full(len(rows), -np.inf, dtype=np.float32)
    was_read = np.zeros(len(rows), dtype=bool)

    def read(places: np.ndarray) -> np.ndarray:
        logits[places] = score_rows(model, history, rows[places])
        was_read[places] = True
        return _best(logits + popularity, count)

    typical = np.sort(order[:SAMPLE])
    best = read(typical)
    estimate = _Estimate(model, rows, generator)
    estimated = np.zeros(len(rows))
    while not was_read.all():
        estimated = estimate.of(logits, popularity) + popularity
        unread = np.flatnonzero(~was_read)
        before, best = best, read(np.sort(unread[_best(estimated[unread], STEP)]))
        if np.array_equal(best, before):
            break
    if not was_read.all():
        alike = typical[estimated[typical] <= estimated[~was_read].max()]
        typical = alike if len(alike) else typical
    return Searched(best, logits, was_read, typical)


def shortlist(model: SurgeModel, history: History, rows: np.ndarray, popularity: np.ndarray, count: int) -> Searched:
    """The same by reading every candidate in bfloat16, and the SHORTLIST x `count` best of them again in float32."""
    logits = score_rows(model, history, rows, precision="bfloat16")
    places = np.sort(_best(logits + popularity, SHORTLIST * count))
    logits[places] = score_rows(model, history, rows[places])
    best = places[_best(logits[places] + popularity[places], count)]
    return Searched(best, logits, np.ones(len(rows), dtype=bool), best)


def _log_normaliser(searched: Searched, popularity: np.ndarray, temperature: float) -> float:
    """log of the sum over all candidates of exp((logit + log q) / temperature): those that were not read are held to
    have, for their popularity, as much as the typical ones."""
    scores, known = (searched.logits + popularity) / temperature, searched.read
    total = np.logaddexp.reduce(scores[known])
    if not known.all():
        share = np.logaddexp.reduce(scores[searched.typical]) - np.logaddexp.reduce(
            popularity[searched.typical] / temperature
        )
        total = np.logaddexp(total, np.logaddexp.reduce(popularity[~known] / temperature) + share)
    return float(total)


def _best(scores: np.ndarray, count: int) -> np.ndarray:
    """The places of the `count` highest scores, best first; ties in their order."""
    places = np.arange(len(scores))
    if count < len(scores):
        places = np.flatnonzero(scores >= np.partition(scores, -count)[-count])
    return places[np.argsort(-scores[places], kind="stable")][:count]


class _Estimate:
    """The regression of `search` over its candidates."""

    def __init__(self, model: SurgeModel, rows: np.ndarray, generator: torch.Generator) -> None:
        with torch.inference_mode():
            embedded = model.embed(torch.from_numpy(rows).to(model.item_embedding.weight.device)).float().cpu()
        centred = embedded - embedded.mean(0)
        self.standardised = centred / centred.square().mean(0).sqrt().clamp(min=1e-6)
        self.directions = torch.randn(embedded.shape[1], FEATURES, generator=generator) / embedded.shape[1] ** 0.5

    def of(self, logits: np.ndarray, popularity: np.ndarray) -> np.ndarray:
        """The estimated logit of every candidate (k), fitted to the best of those that are known (`logits` is -inf for
        the others); `popularity` (k) is log q."""
        known = np.flatnonzero(np.isfinite(logits))
        size = self.standardised.shape[1]
        chosen = torch.from_numpy(known[_best(logits[known] + popularity[known], FITTED * (size + FEATURES))])
        fitted, z = torch.from_numpy(logits)[chosen], self.standardised[chosen]
        inputs = torch.cat([z, functional.relu(z @ self.directions)], dim=1)
        centre = inputs.mean(0)  # in place of a constant among them, which a ridge should not shrink
        inputs -= centre
        gram = inputs.T @ inputs
        gram.diagonal().add_(RIDGE * len(fitted))
        weights = torch.linalg.solve(gram, inputs.T @ (fitted - fitted.mean()))
        linear, bent = weights.split([size, FEATURES])
        parts = self.standardised.split(CHUNK)
        estimated = torch.cat([part @ linear + functional.relu(part @ self.directions) @ bent for part in parts])
        return (estimated + (fitted.mean() - centre @ weights)).numpy()
