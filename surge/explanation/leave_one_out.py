"""The measured effect: the candidate's lift and rank when one item, or one cluster, is left out of the history."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from surge.backends.scoring import score_histories
from surge.checkpoint import Checkpoint
from surge.data.history import History
from surge.errors import SurgeError
from surge.explanation.explain import candidate_row
from surge.explanation.history import TitledHistory
from surge.explanation.measurements import Effects
from surge.explanation.ranking import Ranking, stands_above
from surge.explanation.record import Explanation
from surge.model.surge import EMPTY

Progress = Callable[[float], None]
BUDGET = 12_000_000  # cells (see `_cells`): under a tenth of a second of one core
CLUSTERS_BUDGET = 100_000_000  # cells of ranking without each cluster: about two tenths of a second
READING = 1_600  # cells that a reading costs whatever the length of the history
LEAST_ROWS = 12  # competitors; fewer can't stand for a catalogue
HEAD = 1 / 3  # share of the competitors that are the best items themselves


@dataclass(frozen=True, eq=False)
class Competitors:
    """What a candidate is ranked against in every changed history; it does not depend on the candidate.

    `rows` (k) of the catalogue, the best first, `weights` (k): the number of ranked items that each stands for,
    `full` (k): their logits with the whole history, whose `History.key` is `history`. `logits` (v x k): their logits
    in each of the changed histories, whose row is in `places` by their key. `exact`: whether every ranked item is there
    with weight 1.
    """

    history: bytes
    rows: np.ndarray
    weights: np.ndarray
    full: np.ndarray
    places: dict[bytes, int]
    logits: np.ndarray
    exact: bool

    def belong_to(self, ranking: Ranking) -> bool:
        """Whether they were taken from this ranking."""
        return np.array_equal(self.full, ranking.logits[self.rows])


def measure_effects(
    checkpoint: Checkpoint,
    history: TitledHistory,
    record: Explanation,
    ranking: Ranking | None = None,
    competitors: Competitors | None = None,
    progress: Progress | None = None,
) -> Effects:
    """What the lift of the record's candidate becomes without each item, and without each cluster's items.

    One place in the history is left out at a time: of an item that is there twice, the other one stays. A cluster's
    items are those whose first choice it is, in the record of the whole history. All logits, that of the whole
    history too, come from the float32 batch that ranks the catalogue, so an effect mixes no precisions;
    `record.prediction.logit` is the same in float64, within 1e-4.

    Ranks need the `ranking` of the whole history, ranks left out `competitors` as well (see
    `measure_competitors`); changed histories that they lack are scored on the way. An estimated rank is
    rank + sum_r w_r ([r is above the candidate without the item] - [r is above it with everything]), so what
    changes nothing leaves the rank as it is; with all competitors it is the rank itself. Clusters are few, and
    sentences quote their ranks: without each of them all ranked items compete, where CLUSTERS_BUDGET allows it.
    Ties keep the order of the catalogue.

    A record, ranking or competitors of another history are a ValueError; a candidate that the checkpoint doesn't
    know is a SurgeError.
    """
    if not history.is_explained_by(record):
        raise ValueError("the record explains another history")
    if competitors is not None and competitors.history != history.key:
        raise ValueError("the competitors were measured for another history")
    if competitors is not None and ranking is not None and not competitors.belong_to(ranking):
        raise ValueError("the competitors were measured with another ranking")
    target = candidate_row(checkpoint, record.target.item)
    n = len(history)
    clusters = record.interest_extraction.total_assignment().shape[1]
    changed = _left_out(history, record.interest_extraction.first_choices(), clusters)
    distinct = _distinct(changed)
    rank = ranking.rank_of(target) if ranking is not None else None
    rivals = competitors if rank is not None and competitors is not None and len(competitors.rows) else None
    pool, missing = rivals, dict[bytes, History]()  # what is left to score, and against whom
    if rivals is not None and ranking is not None:
        missing = {key: one for key, one in distinct.items() if key not in rivals.places}
        wanted = missing | _distinct(changed[n:])
        cells = sum(_cells(checkpoint, len(one)) for one in wanted.values())
        if not rivals.exact and cells * len(ranking.order) <= CLUSTERS_BUDGET:
            pool, missing = _all_ranked(rivals, ranking), wanted
    first, second = _shared(progress, 0.5 if missing else 1.0)

    scores = score_histories(checkpoint.model, [history, *distinct.values()], [target], first)[:, 0]
    logit_without = dict(zip(distinct, scores[1:].tolist(), strict=True))
    rank_without: dict[bytes, float] = {}
    if rivals is not None and pool is not None and ranking is not None:
        known = [key for key in distinct if key in rivals.places]
        theirs = rivals.logits[[rivals.places[key] for key in known]]
        rank_without = _ranks(checkpoint, ranking, rivals, target, known, theirs, logit_without)
        theirs = score_histories(checkpoint.model, list(missing.values()), pool.rows, second)
        rank_without |= _ranks(checkpoint, ranking, pool, target, list(missing), theirs, logit_without)
    logits = np.array([logit_without.get(one.key, np.nan) for one in changed])
    ranks = np.array([rank_without.get(one.key, np.nan) for one in changed])
    return Effects(
        logit=float(scores[0]),
        item_logit=logits[:n],
        cluster_logit=logits[n:],
        rank=rank,
        item_rank=ranks[:n],
        cluster_rank=ranks[n:],
        exact=rivals is None or rivals.exact,
        clusters_exact=pool is None or pool.exact,
        offset=float(checkpoint.catalogue.lift_offset(target)),
        temperature=checkpoint.catalogue.temperature,
    )


def measure_competitors(
    checkpoint: Checkpoint,
    history: TitledHistory,
    clusters: np.ndarray | None,
    ranking: Ranking,
    budget: int = BUDGET,
    progress: Progress | None = None,
) -> Competitors:
    """The logits of the ranked items without each item, and without each cluster's items, as the budget allows.

    `clusters` (n) is each item's first choice (see `first_choices`), or None to leave out items alone. The
    budget counts cells: readings (changed histories x competitors) times attention entries, heads x n x n, and
    READING more for what doesn't grow with n. Where all of `ranking.order` fit, they all compete. Else the best
    ones do, each for itself, and for the rest one item out of each of some stretches of the ranking, equally
    long on a logarithmic scale, with the length of its stretch for a weight. Nobody competes where fewer than
    LEAST_ROWS fit (a history of 250 items needs a larger budget, and seconds): ranks left out then stay unknown.

    The competitors are those of the whole history: where a checkpoint recommends nothing twice, an item that is
    left out of the history still does not compete, so that ranks with and without it count the same items. An empty
    history is a SurgeError.
    """
    if not len(history):
        raise SurgeError(EMPTY)
    order = ranking.order
    chosen = np.asarray(clusters) if clusters is not None else np.zeros(len(history), dtype=np.int64)
    count = int(chosen.max()) + 1 if clusters is not None else 0
    histories = _distinct(_left_out(history, chosen, count))
    cost = sum(_cells(checkpoint, len(one)) for one in histories.values())
    room = len(order) if cost * len(order) <= budget else budget // cost
    places, weights = spread_competitors(len(order), room if room >= min(LEAST_ROWS, len(order)) else 0)
    rows = order[places]
    histories = histories if len(rows) else {}
    return Competitors(
        history=history.key,
        rows=rows,
        weights=weights,
        full=ranking.logits[rows],
        places={key: place for place, key in enumerate(histories)},
        logits=score_histories(checkpoint.model, list(histories.values()), rows, progress),
        exact=len(rows) == len(order),
    )


def _all_ranked(competitors: Competitors, ranking: Ranking) -> Competitors:
    """Every ranked item, each for itself, in place of those competitors; no changed history is scored yet."""
    rows = ranking.order
    return Competitors(
        competitors.history, rows, np.ones(len(rows)), ranking.logits[rows], {}, np.empty((0, len(rows))), True
    )


def _left_out(history: History, clusters: np.ndarray, count: int) -> list[History]:
    """The history without each item, then without each cluster; empty where nothing is left, or left out."""
    every = np.arange(len(history))
    kept = [np.delete(every, place) for place in every]
    kept += [every[clusters != cluster] if cluster in clusters else every[:0] for cluster in range(count)]
    return [history.edit(places) for places in kept]


def _distinct(histories: list[History]) -> dict[bytes, History]:
    """Those that hold an item, each once, by their key."""
    return {one.key: one for one in histories if len(one)}


def _cells(checkpoint: Checkpoint, length: int) -> int:
    """What one reading of a history costs, in attention entries."""
    return checkpoint.model_config.heads * length**2 + READING


def spread_competitors(count: int, room: int) -> tuple[np.ndarray, np.ndarray]:
    """Places of a ranking of `count` items, at most `room`, and how many items each stands for."""
    if room in (0, count):
        return np.arange(room), np.ones(room)
    head = max(1, int(room * HEAD))
    edges = np.unique(np.round(np.geomspace(head, count, room - head + 1)).astype(np.int64))
    starts, stops = edges[:-1], edges[1:]
    middles = np.sqrt(starts * stops.astype(np.float64)).astype(np.int64)
    weights = np.concatenate([np.ones(head), (stops - starts).astype(np.float64)])
    return np.concatenate([np.arange(head), middles]), weights


def _above(
    checkpoint: Checkpoint, competitors: Competitors, logits: np.ndarray, target: int, logit: float
) -> np.ndarray:
    """Which competitors stand above the candidate (k, 1.0 or 0.0); on a tie the earlier row of the catalogue does."""
    own = np.flatnonzero(competitors.rows == target)
    if len(own):  # of the same batch: equal items then have equal logits
        logit = logits[own[0]]
    return stands_above(checkpoint, logits, logit, competitors.rows, target).astype(np.float64)


def _ranks(
    checkpoint: Checkpoint,
    ranking: Ranking,
    competitors: Competitors,
    target: int,
    histories: Sequence[bytes],
    logits: np.ndarray,
    own: Mapping[bytes, float],
) -> dict[bytes, float]:
    """The candidate's rank in each changed history, by key, from its logit and the competitors' (v x k) in each."""
    rank = ranking.rank_of(target) or 1
    before = _above(checkpoint, competitors, competitors.full, target, float(ranking.logits[target]))
    places = {}
    for key, theirs in zip(histories, logits, strict=True):
        after = _above(checkpoint, competitors, theirs, target, own[key])
        estimate = np.round(rank + np.sum(competitors.weights * (after - before)))
        places[key] = float(np.clip(estimate, 1, len(ranking.order)))
    return places


def _shared(progress: Progress | None, share: float) -> tuple[Progress | None, Progress | None]:
    """Progress of a first part of the work, up to `share`, and of the second."""
    if progress is None:
        return None, None
    told = progress
    return (lambda done: told(done * share)), (lambda done: told(share + done * (1 - share)))
