"""The computed sentence above the views: rank, probability, and where the pooled importance lies."""

from __future__ import annotations

import numpy as np

from app.components.labels import as_text
from app.views.palette import cluster_styles, item_clusters
from app.views.pooled_sequence import strongest_items
from app.views.text import count, title_of
from surge.explanation.record import Explanation


def headline(record: Explanation, rank: int | None, ranked: int) -> str:
    """Markdown. `rank` of the candidate among `ranked` items; None where it is left out of the ranking."""
    target = as_text(title_of(record.target), 70)
    place = (
        f"ranks **#{rank:,} of {ranked:,}**" if rank is not None else "is not ranked, as it is in the history already,"
    )
    known = record.target.item in {item.item for item in record.history}
    repeat = ", which the history holds already," if known and rank is not None else ""
    first = (
        f"**{target}**{repeat} {place} for user {as_text(record.user, 40)}, with a score of "
        f"**{percent(record.prediction.probability)}**."
    )
    importance = record.interest_extraction.final_importance()
    heaviest = int(np.argmax(importance))
    style = cluster_styles(record)[heaviest]
    held = int((item_clusters(record) == heaviest).sum())
    name = f"**{style.letter}**" if style.lettered else "one without a letter"
    words = f", {as_text(style.name, 60)}" if style.name else ""
    strongest = [f"“{as_text(title_of(record.history[i]), 48)}”" for i in strongest_items(record, heaviest, 2)]
    items = (
        f"; its strongest {'items are' if len(strongest) > 1 else 'item is'} {' and '.join(strongest)}"
        if strongest
        else ""
    )
    share = percent(float(importance[heaviest]))
    return (
        f"{first} Of the clusters, {name} ({held} of {count(record.length, 'item')}{words}) holds the most pooled "
        f"importance, {share}{items}."
    )


def percent(share: float) -> str:
    """A share from 0 to 1 in per cent, never rounded to a certainty."""
    if 0 < share < 0.001:
        return "under 0.1 %"
    if 0.999 < share < 1:
        return "over 99.9 %"
    return f"{share:.1%}".replace("%", " %")
