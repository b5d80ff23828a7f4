"""The best items of a catalogue that is too large to wait for: a search in two stages, which reads a part of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from surge.checkpoint import Checkpoint
from surge.explanation.catalogue import predicted, score_rows
from surge.explanation.history import UserHistory
from surge.explanation.measured import Predicted
from surge.model.batches import Event
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
    of a ranking of all. `read` of the `size` items that can be recommended were scored."""

    rows: np.ndarray
    logits: np.ndarray
    read: int
    size: int
    checkpoint: Checkpoint

    def top(self, count: int) -> list[Predicted]:
        """The `count` best of them; their ranks are the true ones if the search missed none."""
        return predicted(self.checkpoint, self.rows[:count], self.logits[:count])


def find_best(checkpoint: Checkpoint, history: UserHistory, count: int = 20, rough: bool | None = None) -> Found:
    """The `count` best items for a history, or all that there are: with `rough`, the default on a GPU, by `shortlist`,
    else by `search`."""
    rows = np.arange(checkpoint.model_config.item_count)
    if checkpoint.exclude_seen:
        rows = np.setdiff1d(rows, history.rows)
    if rough is None:
        rough = checkpoint.model.item_embedding.weight.device.type == "cuda"
    best, logits, read = (shortlist if rough else search)(checkpoint.model, history.events, rows, count)
    return Found(best, logits, read, len(rows), checkpoint)


def search(
    model: SurgeModel, events: tuple[Event, ...], rows: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray, int]:
    """The `count` best of the candidate `rows` with their logits, best first, and how many were read to find them.

    First SAMPLE candidates drawn at random are read. Then, in rounds, a ridge regression is fitted to the best logits
    so far,

        logit(h) ~ w . phi(h) + c, phi(h) = (z, ReLU(R z)), z = h standardised over the candidates, R random,

    and the STEP unread candidates of the highest estimate are read, until a round changes nothing among the best.
    What is returned was read: the estimates decide only what is. A tie keeps the order of `rows`. Few candidates
    are all read.
    """
    generator = torch.Generator().manual_seed(0)  # the same question, the same answer
    order = torch.randperm(len(rows), generator=generator).numpy()
    logits = np.full(len(rows), -np.inf, dtype=np.float32)
    unread = np.ones(len(rows), dtype=bool)

    def read(places: np.ndarray) -> np.ndarray:
        logits[places] = score_rows(model, events, rows[places])
        unread[places] = False
        return _best(logits, count)

    best = read(np.sort(order[:SAMPLE]))
    estimate = _Estimate(model, rows, generator)
    while unread.any():
        before, best = best, read(estimate.most_promising(logits, unread))
        if np.array_equal(best, before):
            break
    return rows[best], logits[best], int((~unread).sum())


def shortlist(
    model: SurgeModel, events: tuple[Event, ...], rows: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray, int]:
    """The same by reading every candidate in bfloat16, and the SHORTLIST x `count` best of them again in float32."""
    rough = score_rows(model, events, rows, precision="bfloat16")
    places = np.sort(_best(rough, SHORTLIST * count))
    logits = score_rows(model, events, rows[places])
    best = _best(logits, count)
    return rows[places[best]], logits[best], len(rows)


def _best(logits: np.ndarray, count: int) -> np.ndarray:
    """The places of the `count` highest logits, best first; ties in their order."""
    places = np.arange(len(logits))
    if count < len(logits):
        places = np.flatnonzero(logits >= np.partition(logits, -count)[-count])
    return places[np.argsort(-logits[places], kind="stable")][:count]


class _Estimate:
    """The regression of `search` over its candidates."""

    def __init__(self, model: SurgeModel, rows: np.ndarray, generator: torch.Generator) -> None:
        with torch.inference_mode():
            embedded = model.embed(torch.from_numpy(rows).to(model.item_embedding.weight.device)).float().cpu()
        centred = embedded - embedded.mean(0)
        self.standardised = centred / centred.square().mean(0).sqrt().clamp(min=1e-6)
        self.directions = torch.randn(embedded.shape[1], FEATURES, generator=generator) / embedded.shape[1] ** 0.5

    def most_promising(self, logits: np.ndarray, unread: np.ndarray) -> np.ndarray:
        """The STEP unread places of the highest estimate, in order of place."""
        known = np.flatnonzero(~unread)
        size = self.standardised.shape[1]
        fitted, chosen = torch.from_numpy(logits[known]).topk(min(len(known), FITTED * (size + FEATURES)))
        z = self.standardised[torch.from_numpy(known)[chosen]]
        inputs = torch.cat([z, functional.relu(z @ self.directions)], dim=1)
        inputs -= inputs.mean(0)  # in place of a constant among them, which a ridge should not shrink
        gram = inputs.T @ inputs
        gram.diagonal().add_(RIDGE * len(fitted))
        linear, bent = torch.linalg.solve(gram, inputs.T @ (fitted - fitted.mean())).split([size, FEATURES])
        parts = self.standardised.split(CHUNK)
        estimated = torch.cat([part @ linear + functional.relu(part @ self.directions) @ bent for part in parts])
        estimated[torch.from_numpy(known)] = -torch.inf
        return np.sort(estimated.topk(min(STEP, len(logits) - len(known))).indices.numpy())
