"""Two records of one user under two checkpoints, made comparable: common items, matched clusters, shared edges."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from surge.explanation.measurements import Array, Match
from surge.explanation.record import Explanation

NEGLIGIBLE = 0.1  # of a cluster's mass, or items: clusters that share less have no partner


def common_places(first: Explanation, second: Explanation) -> Array:
    """Positions of the items that both records read (k x 2), in the order of the first.

    An item is the same where id and time are. Of one that is there more than once, the last occurrences are
    paired, then those before: a record that reads less of a history has lost its beginning.
    """
    waiting: defaultdict[tuple[str, int | None], list[int]] = defaultdict(list)
    for place, item in enumerate(second.history):
        waiting[item.item, item.timestamp].append(place)
    pairs = []
    for place in reversed(range(first.length)):
        item = first.history[place]
        if waiting[item.item, item.timestamp]:
            pairs.append((place, waiting[item.item, item.timestamp].pop()))
    return np.array(pairs[::-1], dtype=np.int64).reshape(-1, 2)


def match_records(first: Explanation, second: Explanation, places: Array | None = None) -> Match:
    """Which final cluster of the first record each one of the second is, and how far the two agree.

    With S and S' the assignments of the common items to the final clusters of the first and of the second, clusters
    c and c' share sum_i min(S_ic, S'_ic') items; partners are chosen one to one so that they share the most in
    all. Where they share less than NEGLIGIBLE items or less than that part of the second's cluster, there is no
    partner.

    `agreement` is None where fewer than two items are common or each record puts all of them in one cluster.
    `shared_edges` is 0 without a common item, and 1 where neither record has an edge between common ones.
    """
    from scipy.optimize import linear_sum_assignment  # here: its import is slow

    places = common_places(first, second) if places is None else np.asarray(places, dtype=np.int64).reshape(-1, 2)
    ours = first.interest_extraction.total_assignment()[places[:, 0]].astype(np.float64)
    theirs = second.interest_extraction.total_assignment()[places[:, 1]].astype(np.float64)
    shared = np.stack([np.minimum(held[:, None], ours).sum(axis=0) for held in theirs.T])
    matched, partners = linear_sum_assignment(shared, maximize=True)

    mass = theirs.sum(axis=0)
    partner = np.full(len(mass), -1, dtype=np.int64)
    overlap = np.zeros(len(mass))
    for cluster, other in zip(matched.tolist(), partners.tolist(), strict=True):
        part = shared[cluster, other] / mass[cluster] if mass[cluster] > 0 else 0.0
        if shared[cluster, other] >= NEGLIGIBLE and part >= NEGLIGIBLE:
            partner[cluster], overlap[cluster] = other, part
    return Match(
        places=places,
        partner=partner,
        overlap=overlap,
        agreement=_agreement(ours.argmax(axis=1), theirs.argmax(axis=1)),
        shared_edges=_shared_edges(first, second, places),
    )


def _agreement(first: Array, second: Array) -> float | None:
    """Normalised mutual information of two groupings; None where it is 0 / 0."""
    if len(first) < 2 or (np.ptp(first) == 0 and np.ptp(second) == 0):
        return None
    from sklearn.metrics import normalized_mutual_info_score  # here: its import is slow

    return float(normalized_mutual_info_score(first, second))


def _shared_edges(first: Explanation, second: Explanation, places: Array) -> float:
    """Jaccard index of the kept edges between common items."""
    if not len(places):
        return 0.0
    pairs = np.triu_indices(len(places), k=1)
    kept, also = (
        record.graph_construction.adjacency[np.ix_(at, at)][pairs] > 0
        for record, at in ((first, places[:, 0]), (second, places[:, 1]))
    )
    either = np.count_nonzero(kept | also)
    return float(np.count_nonzero(kept & also) / either) if either else 1.0
