"""Why ① and not ② in words: which items speak more for either of two candidates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from surge.explanation.measurements import Effects
from surge.explanation.record import Explanation
from surge.pictures.ledger import DIFFERS, FIRST, SECOND, check_pair, difference_of, shown_items
from surge.pictures.palette import item_clusters
from surge.pictures.text import count, listed, shorten, title_of
from surge.vocabulary.amounts import bound, chance, times

NAMED = 2  # items on each side of the sentence
ABOUT = (
    "Why ① and not ②? Each item is left out of the history in turn, and the model is asked again for both. A bar "
    "to the right up to ×2: with the item the candidate is twice as likely as without it; to the left down to ÷2: half "
    "as likely. Equal factors are equally long, which makes a bar a change of the raw score (logit, Eq. 17). The gap "
    "between an item's two bars is what it adds to the lead of ① over ②."
)


def ledger_sentence(
    first: Explanation, second: Explanation, first_effects: Effects, second_effects: Effects, *, length: int = 44
) -> str:
    """Which items speak more for ①, which for ②, as plain text; or that none makes a difference."""
    check_pair(first, second, first_effects, second_effects)
    names = [f"{mark} “{shorten(title_of(r.target), length)}”" for mark, r in ((FIRST, first), (SECOND, second))]
    start = _start(first, second, names)
    difference = difference_of(first_effects, second_effects)
    measured = np.flatnonzero(np.isfinite(difference))
    if not len(measured):
        return f"{start} The history holds a single item: nothing can be left out to see what makes the difference."
    if first.target.item == second.target.item:
        return f"{start} They are the same item."
    sides: list[str] = []
    for mark, sign in ((FIRST, 1.0), (SECOND, -1.0)):
        order = measured[np.argsort(-sign * difference[measured], kind="stable")]
        speaking = dict.fromkeys(
            f"“{shorten(title_of(first.history[i]), length)}”" for i in order if sign * difference[i] >= DIFFERS
        )
        if speaking:
            named = list(speaking)[:NAMED]
            verb = "speaks" if len(named) == 1 else "speak"
            sides.append(f"{listed(named)} {verb} more for {mark}")
    if not sides:
        most = float(np.abs(difference[measured]).max())
        return (
            f"{start} No single item makes the difference: leaving out any one of them changes how the two compare by "
            f"less than a factor of {bound(most)}."
        )
    if len(sides) == 1:
        other = SECOND if sides[0].endswith(FIRST) else FIRST
        sides.append(f"no single item speaks clearly more for {other}")
    return f"{start} {'; '.join(sides)}."


def caption(
    first: Explanation, second: Explanation, first_effects: Effects, second_effects: Effects, *, limit: int = 16
) -> str:
    """What the ledger draws, in which unit, and what it leaves out."""
    shown = len(shown_items(first_effects, second_effects, limit))
    if not shown:
        return "Nothing is drawn: no item can be left out of this history."
    left_out = first.length - shown
    rest = f" {count(left_out, 'item')} with a smaller difference are not drawn." if left_out > 1 else ""
    rest = " 1 item with a smaller difference is not drawn." if left_out == 1 else rest
    moved = int((item_clusters(first) != item_clusters(second)).sum())
    elsewhere = (
        f" {count(moved, 'item')} of the history {'lies' if moved == 1 else 'lie'} in another cluster when read for "
        f"{SECOND}."
        if moved
        else ""
    )
    return (
        f"Filled: effect on {FIRST}; hollow: on {SECOND}, how many times as likely the item makes it, measured by "
        f"leaving it out. {count(shown, 'item')}, ordered by the difference; colour and letter: the cluster when read "
        f"for {FIRST}.{rest}{elsewhere}"
    )


def _start(first: Explanation, second: Explanation, names: Sequence[str]) -> str:
    """How likely the two are (or would be, of what is never recommended), as far as it is known of both."""
    one, other = first.prediction.next_probability, second.prediction.next_probability
    lifts = [times(record.lift) for record in (first, second)]
    left_out = [record.is_left_out() for record in (first, second)]
    subjects = [
        f"{name} (not ranked, {record.left_out_words})" if never else name
        for name, record, never in zip(names, (first, second), left_out, strict=True)
    ]
    unlike = left_out[0] != left_out[1]  # then the verb of the first doesn't hold for the second
    if one is None or other is None:
        verbs = ["would be " if never else "is " for never in left_out]
        return (
            f"{subjects[0]} {verbs[0]}{lifts[0]} as likely as by popularity alone, {subjects[1]} "
            f"{verbs[1] if unlike else ''}{lifts[1]}."
        )
    verbs = ["would have " if never else "has " for never in left_out]
    return (
        f"{subjects[0]} {verbs[0]}a chance of {chance(one)} of being the next item, {lifts[0]} as likely as by "
        f"popularity alone; {subjects[1]} {verbs[1] if unlike else ''}one of {chance(other)}, {lifts[1]} as likely."
    )
