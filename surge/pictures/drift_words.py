"""The drift in words: which interests came when, and when the candidate's lift and rank were there."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from surge.explanation.measurements import Drift
from surge.explanation.record import Explanation
from surge.pictures.palette import ClusterStyle, cluster_styles
from surge.pictures.text import count, listed, shorten, title_of
from surge.vocabulary.amounts import as_likely, factor

LEAST_STEP = 0.05  # of the log of the lift
GOOD = 10  # a rank up to which a candidate would be shown
HELD = 1 / 3  # of the first item: then a cluster was there from the beginning
ABOUT = (
    "The model is run again on the beginning of the history: after the first item, the second, and so on to all of it. "
    "Each step shows what it would have said then: its kept links (Eq. 3), the main cluster of each item (Eq. 11), how "
    "many items were in each cluster, and today's candidate: its rank, and its lift, how many times as "
    "likely it was as by popularity alone. Everything may change with a new item, as the links are chosen anew."
)


def sentence(record: Explanation, drift: Drift, *, styles: Sequence[ClusterStyle] | None = None) -> str:
    """How the interests, the lift and the rank of the candidate became what they are, as plain text."""
    if record.length == 1:
        return "The history holds a single item, so nothing has grown yet."
    if len(drift.lengths) == 1:
        return "Only the whole history was read, so there is no step to compare it with."
    styles = cluster_styles(record) if styles is None else styles
    return f"{_interests(drift, styles)}. {_lift(record, drift)}{_rank(drift)}; {_largest_step(record, drift)}."


def _interests(drift: Drift, styles: Sequence[ClusterStyle]) -> str:
    """It began with ...; what holds most in the end, when it came and since when it does."""
    mass = drift.cluster_mass
    shares = mass[0] / mass[0].sum()
    first = [int(c) for c in np.argsort(-shares, kind="stable") if shares[c] >= HELD] or [int(shares.argmax())]
    last = int(mass[-1].argmax())
    most = _start_of_run(mass.argmax(axis=1) == last)
    told = f"It began with {listed(_named(styles[cluster]) for cluster in first)}"
    if last in first:
        which = "which" if len(first) == 1 else f"of which {_named(styles[last], short=True)}"
        since = "ever since" if most == 0 else f"{_again(mass, last, most)}since {_item(drift, most)}"
        return f"{told}, {which} holds the most items {since}"
    came = next((step for step, clusters in enumerate(drift.clusters) if last in clusters), None)
    name = _named(styles[last])
    if came is None:
        return f"{told}; {name}, though no item's first choice, holds the most items since {_item(drift, most)}"
    if came == most:
        return f"{told}; {name} came with {_item(drift, came)} and holds the most items since then"
    return f"{told}; {name} came with {_item(drift, came)} and holds the most items since {_item(drift, most)}"


def _again(mass: np.ndarray, cluster: int, since: int) -> str:
    return "again " if (mass[:since].argmax(axis=1) == cluster).any() else ""


def _named(style: ClusterStyle, *, short: bool = False) -> str:
    """interest B (bakeware); one without a letter by its name alone."""
    inside = f" ({style.name})" if style.name and not short else ""
    if style.lettered:
        return f"{'' if short else 'interest '}{style.letter}{inside}"
    return f"an interest without a letter{inside}" if not short else "the one without a letter"


def _lift(record: Explanation, drift: Drift) -> str:
    if not np.isfinite(drift.log_lift[-1]):
        return "How likely the candidate is today is not known"
    half = _half(drift)
    start = _start_of_run(half)
    today = f"Today the candidate is {as_likely(float(np.exp(drift.log_lift[-1])))}"
    if start == 0:
        return f"{today}; it was at least half as likely as today from the first item on"
    if start == len(half) - 1:
        return f"{today}; it passed half of that only with the last step"
    good = " for good" if half[:start].any() else ""
    return f"{today}; it passed half of that{good} after {int(drift.lengths[start])} of {record.length} items"


def _half(drift: Drift) -> np.ndarray:
    """At which steps the candidate was at least half as likely as it is today (k)."""
    return drift.log_lift >= drift.log_lift[-1] - np.log(2)


def _rank(drift: Drift) -> str:
    """What its rank became; nothing where no rank is known."""
    rank = drift.rank
    if not np.isfinite(rank).any():
        return ""
    best = int(np.nanargmin(rank))
    estimate = "" if drift.exact else "about "  # the last rank is exact in any case
    if not np.isfinite(rank[-1]):
        return f"; it ranked {estimate}#{int(rank[best]):,} at best, after {_item(drift, best)}, and isn't ranked today"
    today = int(rank[-1])
    limit = 1 if today == 1 else GOOD
    place = "#1" if today == 1 else f"in the top {GOOD}"
    with np.errstate(invalid="ignore"):
        good = rank <= limit
    if good[-1]:
        start = _start_of_run(good)
        now = "" if today == 1 else f" (#{today:,} today)"
        if start == len(rank) - 1:
            return f", and it ranks {place}{now} {'again ' if good[:start].any() else ''}only since the last step"
        half = _start_of_run(_half(drift))
        if start == 0:
            since = "from the first item on"
        else:
            since = "since then" if start == half else f"since {_item(drift, start)}"
        return f", and it ranks {place}{now} {since}{'' if drift.exact else ', by an estimate'}"
    if rank[best] <= GOOD:
        return f", but its rank, {estimate}#{int(rank[best]):,} at best after {_item(drift, best)}, is #{today:,} today"
    return f", but it never ranked in the top {GOOD} (#{today:,} today)"


def _largest_step(record: Explanation, drift: Drift) -> str:
    change = np.nan_to_num(np.diff(drift.log_lift))
    step = int(np.abs(change).argmax())
    size = float(change[step])
    if abs(size) < LEAST_STEP:
        return "no step made it much more or less likely"
    newest = int(drift.lengths[step + 1])
    before = int(drift.lengths[step])
    told = f"the largest step ({factor(size)}) came with"
    if newest - before > 1:
        return f"{told} items {before + 1:,} to {newest:,}"
    return f"{told} item {newest:,}, “{shorten(title_of(record.history[newest - 1]), 48)}”"


def _item(drift: Drift, step: int) -> str:
    """ "item 33", or the items that a step read at once."""
    newest, before = int(drift.lengths[step]), int(drift.lengths[step - 1]) if step else 0
    return f"item {newest:,}" if newest - before == 1 else f"items {before + 1:,} to {newest:,}"


def _start_of_run(holds: np.ndarray) -> int:
    """The step from which on something holds to the end, where it holds in the end."""
    missing = np.flatnonzero(~holds)
    return int(missing[-1]) + 1 if len(missing) else 0


def caption(record: Explanation, drift: Drift) -> str:
    """What is drawn, in which unit, and what is left out."""
    steps = len(drift.lengths)
    every = f"{count(steps, 'step')}, one per item" if steps == record.length else f"{steps} of {record.length} steps"
    most = max(len(edges) for edges in drift.edges)
    lines = f"Lines: the strongest kept links, at most {most} per step. " if most else ""
    rank = ""
    if not np.isfinite(drift.rank).any():
        rank = " Its rank is not known until the catalogue is scored."
    elif not drift.exact:
        rank = " Earlier ranks are estimated from a part of the catalogue."
    return (
        f"What the model says after each part of the history: {every}. {lines}Size: importance γ. Colour and letter: "
        f"the cluster that holds most of the item at that step; small dots: items still to come. Lift: how many times "
        f"as likely the candidate was as by popularity alone.{rank}"
    )
