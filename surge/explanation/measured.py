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


@dataclass(frozen=True)
class Predicted:
    """One recommended item; rank counts from 1."""

    rank: int
    row: int
    item: str
    title: str
    category: str | None
    logit: float
    probability: float


@dataclass(frozen=True)
class Effects:
    """What the candidate's score and rank become when one item or one cluster is left out of the history.

    `logit`, `rank`: with everything. `item_logit`, `item_rank` (n): without item i. `cluster_logit`,
    `cluster_rank` (m): without all items whose first choice is final cluster c. NaN: nothing would be left, the
    cluster is no item's first choice, or the rank is not known. `rank` is None where the candidate is not ranked.
    With `exact` false, ranks left out are estimated from a part of the catalogue.
    """

    logit: float
    item_logit: Array
    cluster_logit: Array
    rank: int | None = None
    item_rank: Array = field(default_factory=lambda: np.empty(0))
    cluster_rank: Array = field(default_factory=lambda: np.empty(0))
    exact: bool = True

    @property
    def score(self) -> float:
        """The candidate's score (probability) with everything."""
        return float(sigmoid(self.logit))

    @property
    def item_effect(self) -> Array:
        """Score with item i minus score without it (n): above 0 it speaks for the candidate."""
        return self.score - sigmoid(self.item_logit)

    @property
    def cluster_effect(self) -> Array:
        """Score with cluster c minus score without it (m)."""
        return self.score - sigmoid(self.cluster_logit)

    @property
    def item_logit_effect(self) -> Array:
        """The same for the logit (n), which does not saturate."""
        return self.logit - self.item_logit

    @property
    def cluster_logit_effect(self) -> Array:
        """The same for the logit (m)."""
        return self.logit - self.cluster_logit

    def agreement(self, weights: Array) -> float | None:
        """Rank correlation of weights (n), such as gamma or attention, with the size of the measured effect."""
        return rank_correlation(np.asarray(weights, dtype=np.float64), np.abs(self.item_logit_effect))


@dataclass(frozen=True)
class Faithfulness:
    """Deletion and insertion curves of one history and candidate.

    `attributions`: name -> a value an item (n), larger = said to matter more. `deletion[name]` (n): score after
    the k items said to matter most were deleted, k = 0..n-1. `insertion[name]` (n): score of the k+1 items said to
    matter most alone, in time order. `random_deletion`, `random_insertion` (r x n): the same in r random orders.
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
    """How the graph, the clusters and the candidate's score grew with the history: one entry a prefix (k).

    `lengths`: items read, ascending; the last is the whole history. `logit`, `rank` (NaN: not known) of the
    candidate. `cluster_mass` (k x m): items held by each final cluster. `clusters[p]`, `importance[p]` (one an
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

    @property
    def score(self) -> Array:
        """The candidate's score (k)."""
        return sigmoid(self.logit)


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
