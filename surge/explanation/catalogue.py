"""Scoring the whole catalogue for one history: what the model recommends, and how an item ranks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
import torch
from torch import Tensor

from surge.checkpoint import Catalogue, Checkpoint
from surge.errors import SurgeError
from surge.explanation.history import UserHistory
from surge.explanation.measured import Predicted, log_lift
from surge.fused.compiled import CompiledScores
from surge.fused.reader import Scorer
from surge.model.batches import Event, in_parts, padded, read_events
from surge.model.precision import autocast
from surge.model.surge import EMPTY, SurgeModel

CELLS = 1_000_000  # numbers of the largest tensor of a chunk; more don't fit the cache
ON_GPU = 64  # times as many, for which it has both the memory and the threads
FUSED_CHUNK = 16_384  # candidates that the kernel reads between two reports of progress; fewer don't fill two threads


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
        return _lift(self.catalogue, rows, self.logits[rows])

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


def left_out(checkpoint: Checkpoint, history: UserHistory) -> tuple[int, ...]:
    """Rows of the items that are never recommended to this user: what was taken, where nothing is taken twice."""
    return history.taken if checkpoint.exclude_seen else ()


def predicted(
    catalogue: Catalogue, rows: np.ndarray, logits: np.ndarray, probability: np.ndarray, about: bool = False
) -> list[Predicted]:
    """These rows of the catalogue, best first, with their logits and next probabilities, as what is told of each."""
    items = catalogue.items[rows.tolist()].to_dicts() if len(rows) else []
    lifts = _lift(catalogue, rows, logits)
    return [
        Predicted(rank, row, item["item"], item["title"], item["category"], logit, lift, likely, about)
        for rank, (row, item, logit, lift, likely) in enumerate(
            zip(rows.tolist(), items, logits.tolist(), lifts.tolist(), probability.tolist(), strict=True), start=1
        )
    ]


def _lift(catalogue: Catalogue, rows: np.ndarray | int, logits: np.ndarray) -> np.ndarray:
    return np.exp(log_lift(logits, catalogue.lift_offset(rows), catalogue.temperature))


def stands_above(
    checkpoint: Checkpoint, logits: np.ndarray, own: np.ndarray | float, rows: np.ndarray, row: int
) -> np.ndarray:
    """Where an item of these rows ranks above the one of `row`, whose logit is `own`; a tie keeps the catalogue's
    order, as in a ranking."""
    scores, mine = logits + checkpoint.log_popularity[rows], own + checkpoint.log_popularity[row]
    return (scores > mine) | ((scores == mine) & (rows < row))


def candidates_at_once(model: SurgeModel, length: int, near: int) -> int:
    """How many candidates torch scores together for a history of so many items, `near` of them around an item.

    An item takes so many numbers for each candidate: the first layer of Eq. 7, or its edges.
    """
    config, on_cpu = model.config, model.item_embedding.weight.device.type == "cpu"
    near = length if config.extraction == "none" else near
    width = max(config.attention_hidden[0], config.heads * near)
    # lists of neighbours make smaller tensors beside the widest one: twice as many fit
    return max(1, 2 * CELLS * (1 if on_cpu else ON_GPU) // (width * length))


def score_rows(
    model: SurgeModel,
    events: Sequence[Event],
    candidates: np.ndarray,
    progress: Callable[[float], None] | None = None,
    *,
    precision: str = "float32",
    compiled: CompiledScores | None = None,
) -> np.ndarray:
    """Logits (float32) of candidate rows for one history: one graph, read in chunks that fit in memory.

    `progress` is called with the share done; `precision` is that of the arithmetic; `compiled` scores in place of the
    kernel and of torch's single calls.
    """
    device = model.item_embedding.weight.device
    scores = np.empty(len(candidates), dtype=np.float32)
    with torch.inference_mode(), autocast(device, precision):
        history, ages = read_events([events], device)
        if compiled:
            graph = model.build_graph(*padded(history, ages, compiled.longest))
            score: Callable[[Tensor], Tensor] = partial(compiled, graph)
            chunk = compiled.size
        else:
            graph = model.build_graph(history, ages)
            score = scorer = Scorer(model, graph)
            near = int(graph.adjacency.sum(-1).max())
            chunk = FUSED_CHUNK if scorer.fused else candidates_at_once(model, len(events), near)

        def read(start: int, stop: int) -> None:
            part = torch.as_tensor(candidates[start:stop], dtype=torch.long, device=device)
            scores[start:stop] = score(part.unsqueeze(0))[0].float().cpu().numpy()

        in_parts(len(candidates), lambda start: chunk, read, progress)
    return scores


def score_histories(
    model: SurgeModel,
    histories: Sequence[Sequence[Event]],
    candidates: Sequence[int] | np.ndarray,
    progress: Callable[[float], None] | None = None,
) -> np.ndarray:
    """Logits (float32, histories x candidates) of the same candidate rows for many histories, in chunks.

    Histories of like length are read together, so that little is padded. An empty history is a SurgeError.
    """
    if any(len(history) == 0 for history in histories):
        raise SurgeError(EMPTY)
    device = model.item_embedding.weight.device
    order = sorted(range(len(histories)), key=lambda index: len(histories[index]))
    rows = torch.as_tensor(np.asarray(candidates, dtype=np.int64), device=device)
    scores = np.empty((len(histories), len(rows)), dtype=np.float32)

    def fitting(start: int) -> int:
        # the longest of a chunk is its last: as many as fit
        take = 1
        while start + take < len(order):
            longest = len(histories[order[start + take]])
            if (take + 1) * max(len(rows), 1) * model.config.heads * longest**2 > CELLS:
                break
            take += 1
        return take

    def read(start: int, stop: int) -> None:
        part = order[start:stop]
        if len(part) == 1:
            scores[part[0]] = score_rows(model, histories[part[0]], rows.cpu().numpy())
        else:
            score = Scorer(model, model.build_graph(*read_events([histories[index] for index in part], device)))
            scores[part] = score(rows.expand(len(part), -1)).float().cpu().numpy()

    with torch.inference_mode():
        in_parts(len(order), fitting, read, progress)
    return scores


def rank_catalogue(
    checkpoint: Checkpoint, history: UserHistory, progress: Callable[[float], None] | None = None
) -> Ranking:
    """Score every item of the checkpoint for a history, and rank them by logit + log q, without what the user took
    where the checkpoint recommends nothing twice. Ties keep the order of the catalogue. Logits that are no finite
    numbers are a SurgeError."""
    every = np.arange(checkpoint.model_config.item_count)
    logits = score_rows(checkpoint.model, history.events, every, progress)
    if not np.isfinite(logits).all():
        raise SurgeError(
            f"The checkpoint {checkpoint.name!r} gives scores that are not finite numbers; train it again."
        )
    order = np.argsort(-(logits + checkpoint.log_popularity), kind="stable")
    return Ranking(logits, order[~np.isin(order, left_out(checkpoint, history))], checkpoint.catalogue)
