"""How well the true next item ranks, by how long the history is: a table from a survey of all users."""

from __future__ import annotations

import numpy as np
import pandas as pd

from surge.pictures.text import count

LENGTH_GROUPS = 4
LENGTHS = ["length", "users", "catalogue_hr@10", "catalogue_mrr", "catalogue_median_rank"]


def length_table(frame: pd.DataFrame) -> pd.DataFrame:
    """How well the true next item ranks, by how long the history is: up to four groups, as even as they can be
    while users of one length stay together.

    `frame` is a survey. Counted are users whose next item ranks at all, of the test period where there are any. Columns
    but `length`, which is in words, are those of the vocabulary.
    """
    used = counted_users(frame)
    if not len(used):
        return pd.DataFrame(columns=LENGTHS)
    lengths = used["length"].to_numpy(dtype=np.float64)
    known, sizes = np.unique(lengths, return_counts=True)
    group = _even_groups(sizes, LENGTH_GROUPS)[np.searchsorted(known, lengths)]
    rows = []
    for number in np.unique(group):
        inside = group == number
        ranks = used["next_rank"].to_numpy(dtype=np.float64)[inside]
        low, high = int(lengths[inside].min()), int(lengths[inside].max())
        words = f"{low:,} to {high:,} items" if low < high else count(low, "item")
        rows.append(
            (words, len(ranks), float((ranks <= 10).mean()), float((1 / ranks).mean()), float(np.median(ranks)))
        )
    return pd.DataFrame(rows, columns=LENGTHS)


def _even_groups(sizes: np.ndarray, most: int) -> np.ndarray:
    """The group of each of several bins (n), whose order they keep: of all ways to part them into at most `most` runs,
    the one with the least sum of squared sizes."""
    below = np.concatenate([[0], np.cumsum(sizes, dtype=np.float64)])
    groups = min(most, len(sizes))
    cost = np.full((groups + 1, len(sizes) + 1), np.inf)  # of the first bins, in so many groups
    start = np.zeros(cost.shape, dtype=np.int64)  # of the last of these groups
    cost[0, 0] = 0
    for number in range(1, groups + 1):
        for end in range(1, len(sizes) + 1):
            tried = cost[number - 1, :end] + (below[end] - below[:end]) ** 2
            start[number, end] = int(tried.argmin())
            cost[number, end] = tried[start[number, end]]
    group, end = np.zeros(len(sizes), dtype=np.int64), len(sizes)
    for number in range(groups, 0, -1):
        first = int(start[number, end])
        group[first:end] = number - 1
        end = first
    return group


def counted_users(frame: pd.DataFrame) -> pd.DataFrame:
    """The users whose next item's rank and history's length are known; those of the test period alone where there are
    any."""
    ranked = frame[np.isfinite(frame[["next_rank", "length"]].to_numpy(dtype=np.float64)).all(axis=1)]
    test = ranked[ranked["next_period"] == "test"]
    return test if len(test) else ranked


def length_caption(frame: pd.DataFrame) -> str:
    """Whom the table by length counts."""
    used = counted_users(frame)
    honest = bool(len(used)) and bool((used["next_period"] == "test").all())
    period = (
        "whose next item lies in the test period"
        if honest
        else "with a known next item; none lies in the test period, so the model may have learned from them"
    )
    return (
        f"From the survey: {len(used):,} of {len(frame):,} users, those {period}. Users of one length stay "
        "in one group; apart from that the groups are as even as can be. The rank is among all items of the "
        "catalogue."
    )
