"""The history strip in words."""

from __future__ import annotations

import numpy as np

from surge.explanation.measurements import Effects
from surge.explanation.record import Explanation
from surge.explanation.story import Whose
from surge.pictures.edit_context import Before, Staged
from surge.pictures.factor_axis import LEAST_SPAN
from surge.pictures.text import count, listed
from surge.vocabulary.amounts import bound

ABOUT = (
    "Each column is one thing the user did, oldest left. The bar is measured: the item is left out and the model is "
    "asked again. A bar up to ×2: with the item the candidate is twice as likely as without it. Down to ÷2: half as "
    "likely. Two items that can replace each other both look weak. The grey row is what the model itself says: "
    "importance γ, a softmax of how well an item suits the candidate (Eq. 7), its weight in the readout (Eq. 15)."
)


def lead(whose: Whose) -> str:
    """What the history is, above the picture of it."""
    what = {
        "user": "What the user did",
        "changed": "The history as you changed it",
        "made-up": "A history made up by you",
    }[whose]
    return f"{what}, oldest first. These are the items that the model read."


def caption(
    record: Explanation,
    *,
    effects: Effects | None = None,
    before: Before | None = None,
    staged: Staged | None = None,
) -> str:
    """What the strip draws, in which unit, and what it leaves out."""
    sentences = [
        f"{count(record.length, 'item')} in time order, evenly spaced. Colour and letter: the item's cluster "
        "(grey from the eighth on)."
    ]
    if effects is None:
        sentences.append("Height: importance γ, its share of the readout for this candidate (all shares sum to 100 %).")
    elif not np.isfinite(effects.item_effect).any():
        sentences.append("No bar: without its only item, the history would leave nothing to score.")
    else:
        sentences.append(
            "Height: how many times as likely the item makes this candidate (the factor on its lift), measured by "
            "leaving out that one item and keeping all others; ×2 is as high as ÷2 is low."
        )
        largest = float(np.nanmax(np.abs(effects.item_effect)))
        if largest < LEAST_SPAN:
            sentences.append(f"All effects are small: below a factor of {bound(largest)}.")
    if effects is not None:
        sentences.append("Grey row: importance γ, the weight the model itself gives (all sum to 100 %).")
    if before is not None:
        gone, new = len(before.removed), sum(origin is None for origin in before.origin)
        parts = []
        if effects is None or before.effects is not None:
            parts.append("outlines: the bars before the change")
        if gone:
            parts.append(f"× {count(gone, 'item')} taken out")
        if new:
            parts.append(f"+ {count(new, 'item')} added")
        if parts:
            sentences.append(f"{parts[0][0].upper()}{'; '.join(parts)[1:]}.")
    if staged is not None and not staged.empty:
        waiting = [
            f"{sign} {number} {word}"
            for sign, number, word in (
                ("×", len(staged.removed), "to take out"),
                ("↔", len(staged.moved), "to move"),
                ("+", len(staged.added), "to add"),
            )
            if number
        ]
        sentences.append(f"Not run yet: {listed(waiting)}.")
    return " ".join(sentences)
