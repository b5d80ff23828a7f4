"""What is measured by running the model again, as plain values that the views may read (NumPy only)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

Array = np.ndarray
LEAST_COMPARED = 4  # items; a rank correlation of fewer says nothing


def sigmoid(logits: Array | float) -> Array:
    """Probability of a logit, without overflow; NaN stays NaN."""
    with np.errstate(invalid="ignore"):
        return np.exp(-np.logaddexp(0, -np.asarray(logits, dtype=np.float64)))


def rank_correlation(first: Array, second: Array) -> float | None:
    """Spearman's, over the entries that both have; None where there are fewer than 4 or one side is constant."""
    known = np.isfinite(first) & np.isfinite(second)
    first, second = np.asarray(first)[known], np.asarray(second)[known]
    if len(first) < LEAST_COMPARED or np.ptp(first) == 0 or np.ptp(second) == 0:
        return None
    from scipy.stats import spearmanr  # here: its import is slow, and fails where torch is blocked

    return float(spearmanr(first, second).statistic)


def log_lift(logits: Array | float, offset: Array | float, temperature: float = 1.0) -> Array:
    """log of the lift: how many times as likely an item is to be next as its popularity alone would make it.

    That is logit / T + offset, with the temperature T and `Catalogue.lift_offset` of the item: so it needs the
    candidate's logit alone, and what a change of the history multiplies it by is exp of the change of logit / T.
    """
    return np.asarray(logits, dtype=np.float64) / temperature + offset


@dataclass(frozen=True)
class Predicted:
    """One recommended item; rank counts from 1.

    `lift`: how many times as likely it is to be next as its popularity alone would make it (see `log_lift`).
    `next_probability`: how likely it is to be the next of all items that can be recommended; where no more than a part
    of the catalogue was scored, `about` so.
    """

    rank: int
    row: int
    item: str
    title: str
    category: str | None
    logit: float
    lift: float
    next_probability: float
    about: bool = False


@dataclass(frozen=True)
class Effects:
    """What the candidate's lift and rank become when one item or one cluster is left out of the history.

    `logit`, `rank`: with everything. `offset`, `temperature`: of the candidate, see `log_lift`.
    `item_logit`, `item_rank` (n): without item i. `cluster_logit`, `cluster_rank` (m): without all items whose first
    choice is final cluster c. NaN: nothing would be left, the cluster is no item's first choice, or the rank is not
    known. `rank` is None where the candidate is not ranked. With `exact` false, ranks without an item are estimated
    from a part of the catalogue; with `clusters_exact` false, those without a cluster are too.
    """

    logit: float
    item_logit: Array
    cluster_logit: Array
    rank: int | None = None
    item_rank: Array = field(default_factory=lambda: np.empty(0))
    cluster_rank: Array = field(default_factory=lambda: np.empty(0))
    exact: bool = True
    clusters_exact: bool = True
    offset: float = 0.0
    temperature: float = 1.0

    @property
    def lift(self) -> float:
        """The candidate's lift with everything."""
        return float(np.exp(log_lift(self.logit, self.offset, self.temperature)))

    @property
    def item_lift(self) -> Array:
        """The candidate's lift without item i (n)."""
        return np.exp(log_lift(self.item_logit, self.offset, self.temperature))

    @property
    def cluster_lift(self) -> Array:
        """The candidate's lift without cluster c (m)."""
        return np.exp(log_lift(self.cluster_logit, self.offset, self.temperature))

    @property
    def item_effect(self) -> Array:
        """Log of how many times as likely item i makes the candidate (n): the log lift with it minus that without it.
        Above 0 it speaks for the candidate; exp of it is the factor."""
        return (self.logit - self.item_logit) / self.temperature

    @property
    def cluster_effect(self) -> Array:
        """The same for cluster c (m)."""
        return (self.logit - self.cluster_logit) / self.temperature

    def agreement(self, weights: Array) -> float | None:
        """Rank correlation of weights (n), such as gamma or attention, with the size of the measured effect."""
        return rank_correlation(np.asarray(weights, dtype=np.float64), np.abs(self.item_effect))


@dataclass(frozen=True)
class Faithfulness:
    """Deletion and insertion curves of one history and candidate, in the log of its lift (see `log_lift`).

    `attributions`: name -> a value an item (n), larger = said to matter more. `deletion[name]` (n): log lift after
    the k items said to matter most were deleted, k = 0..n-1. `insertion[name]` (n): log lift with the k+1 items said
    to matter most alone, in time order. `random_deletion`, `random_insertion` (r x n): the same in r random orders.
    Where n is large, k takes the values `deleted` (and `deleted + 1` items are kept for insertion).
    """

    attributions: Mapping[str, Array]
    deleted: Array
    deletion: Mapping[str, Array]
    insertion: Mapping[str, Array]
    random_deletion: Array
    random_insertion: Array

    @property
    def share(self) -> Array:
        """The share of the history that is deleted at each point, from 0 to 1."""
        n = len(next(iter(self.attributions.values())))
        return self.deleted / max(n - 1, 1)

    def area(self, curve: Array) -> float:
        """Area under a curve over the share, from 0 to 1. Deletion: lower is better; insertion: higher."""
        share = self.share
        if len(share) < 2 or share[-1] == share[0]:
            return float(np.mean(curve))
        return float(np.trapezoid(curve, share) / (share[-1] - share[0]))


@dataclass(frozen=True)
class Drift:
    """How the graph, the clusters and the candidate's lift grew with the history: one entry a prefix (k).

    `lengths`: items read, ascending; the last is the whole history. `logit`, `rank` (NaN: not known) of the
    candidate, and its `offset` and `temperature`, see `log_lift`.
    `cluster_mass` (k x m): items held by each final cluster. `clusters[p]`, `importance[p]` (one an
    item of prefix p): first-choice cluster and gamma. `edges[p]` (e x 2, i < j): kept edges between items,
    the strongest first, and `edge_similarity[p]` (e).
    """

    lengths: Array
    logit: Array
    rank: Array
    exact: bool
    cluster_mass: Array
    clusters: tuple[Array, ...]
    importance: tuple[Array, ...]
    edges: tuple[Array, ...]
    edge_similarity: tuple[Array, ...]
    offset: float = 0.0
    temperature: float = 1.0

    @property
    def log_lift(self) -> Array:
        """Log of the candidate's lift (k)."""
        return log_lift(self.logit, self.offset, self.temperature)


@dataclass(frozen=True)
class Match:
    """Two records of one user under two checkpoints, made comparable.

    `places` (k x 2): positions of the items that both read, in the first and in the second record. `partner`
    (clusters of the second): the first's cluster that each is matched with, -1 for none. `overlap` (same): share
    of the second's cluster's mass that its partner holds too. `agreement`: normalised mutual information of the
    first choices (None where undefined). `shared_edges`: Jaccard index of the kept edges between common items.
    """

    places: Array
    partner: Array
    overlap: Array
    agreement: float | None
    shared_edges: float
