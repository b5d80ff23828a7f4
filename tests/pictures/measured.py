"""Measured effects, and records before an edit, made up for the tests of the views."""

from __future__ import annotations

from typing import Any

import numpy as np

from surge.explanation.measurements import Effects
from surge.explanation.record import Explanation
from surge.pictures.edit_context import Before
from surge.pictures.palette import item_clusters
from tests.records import make_explanation


def make_effects(record: Explanation, seed: int = 0, size: float = 0.6, logit: float = 1.5) -> Effects:
    """Effects of every item and of every cluster that is some item's first choice; the candidate ranks #3."""
    rng = np.random.default_rng(seed)
    clusters = len(record.prediction.order)
    holding = np.isin(np.arange(clusters), item_clusters(record))
    item = logit - size * rng.normal(0.3, 1, record.length)
    cluster = np.where(holding, logit - 3 * size * rng.normal(0.5, 1, clusters), np.nan)
    if record.length == 1:
        item, cluster = np.full(1, np.nan), np.full(clusters, np.nan)
    rank = np.where(np.isfinite(item), np.arange(record.length) + 3.0, np.nan)
    cluster_rank = np.where(np.isfinite(cluster), np.arange(clusters) + 10.0, np.nan)
    return Effects(logit, item, cluster, 3, rank, cluster_rank)


def make_before(items: int = 30, clusters: int = 6, seed: int = 1, **more: Any) -> tuple[Explanation, Before]:
    """A record and what it was before: the third and the last item are gone, a new one stands in fifth place, and
    the first two have changed places."""
    earlier = make_explanation(items=items, clusters=clusters, seed=seed, **more)
    kept: list[int | None] = [1, 0, *range(3, items - 1)]
    origin = (*kept[:4], None, *kept[4:])
    now = make_explanation(items=len(origin), clusters=clusters, seed=seed + 1, **more)
    return now, Before(earlier, origin, make_effects(earlier, seed))
