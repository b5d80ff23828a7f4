"""The survey in words: one user among all, and the map of all users."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd

from surge.pictures.metric_words import LOGARITHMIC, whole_percent
from surge.pictures.percentiles import ENDS, TIE, Array, Row, known_rows
from surge.pictures.text import count, lower_first
from surge.vocabulary import METRICS

FAR_OUT = 0.9  # of the users below, or above: then a value stands out
MOST_TOLD = 3  # figures that stand out
ABOUT_PERCENTILES = (
    "Is this user like the others? Each row is one figure of how the model reads a history. The hill shows how many "
    "users have which value, the line their median, the diamond this user. A user far out on a row is a case of its "
    "own: what is true there need not be true for others. All users are read without their last item, with the top "
    "prediction as the candidate; the survey knows nothing about edits or another candidate."
)
ABOUT_MAP = (
    "Every point is a user of the survey. A user's history is summed up by the average of its items' embeddings, and "
    "those averages are squeezed into two directions: users close together like things that the model finds alike. "
    "The directions themselves have no unit and no name, and two of them can't keep all distances: far apart means "
    "unlike, but neighbours may still differ. The colour is one figure of the survey; grey users have no value of it. "
    "Faint users are outside the present choice."
)


def percentile_sentence(values: Mapping[str, float | None], population: Mapping[str, Array]) -> str:
    """Whether this user is like the others, and what stands out: figures that for at least nine in ten users are
    lower, or for at least nine in ten higher. By chance a fifth of all figures do."""
    rows = [row for row in known_rows(values, population) if not np.isnan(row.below)]
    if not rows:
        return "No figure of this user can be compared with those of the other users."
    outside = [row for row in rows if max(row.below, row.above) >= FAR_OUT - TIE]
    if len(rows) == 1:
        where = "in the outer 20 %" if outside else "in the middle 80 %"
        told = f"The only figure that is known lies {where} of all users"
    else:
        share = len(outside) / len(rows)
        who = "An ordinary user" if share <= 0.25 else "A somewhat unusual user" if share <= 0.5 else "An unusual user"
        inside = len(rows) - len(outside)
        told = (
            f"{who}: {inside or 'none'} of {count(len(rows), 'figure')} {'lies' if inside == 1 else 'lie'} in the "
            "middle 80 % of all users"
        )
    if not outside:
        return f"{told}; nothing stands out."
    outside.sort(key=lambda row: -max(row.below, row.above))
    words = [_stands_out(row) for row in outside[:MOST_TOLD]]
    return f"{told}. {'Most unusual' if len(outside) > MOST_TOLD else 'Unusual'}: {'; '.join(words)}."


def _stands_out(row: Row) -> str:
    """ "more noise than 94 % of users"."""
    high = row.below >= row.above
    share = row.below if high else row.above
    alone = share + row.same > 1 - TIE and row.same * len(row.known) < 1.5
    others = "all others" if alone else f"{whole_percent(share)} of users"
    return f"{row.metric.extremes[0 if high else 1]} {others}"


def percentile_caption(values: Mapping[str, float | None], population: Mapping[str, Array]) -> str:
    """What the figure draws, in which unit, and what it leaves out."""
    rows = known_rows(values, population)
    if not rows:
        return "There is no figure that this user and the survey both have."
    users = max(len(row.known) for row in rows)
    return (
        f"This user (diamond) among up to {users:,} users of the survey. Hill: how many users have which value; line: "
        f"the median. Each row has its own scale{_logarithms(rows)}, from the {ENDS[0]}st to the {ENDS[1]}th "
        "percentile; what lies beyond is drawn at the end. At right: the value, and the share of users with a lower "
        "one."
    )


def _logarithms(rows: list[Row]) -> str:
    """Which rows are drawn on a logarithmic scale, though their format doesn't say so to a reader."""
    return ", chances and lifts a logarithmic one" if any(row.metric.format in LOGARITHMIC for row in rows) else ""


def map_caption(
    frame: pd.DataFrame, metric: str, *, emphasised: Collection[int] | None = None, method: str = "pca"
) -> str:
    """How many users are drawn, how the plane was made, what the colour says, and what is missing."""
    places = np.isfinite(frame[["x", "y"]].to_numpy(dtype=np.float64)).all(axis=1)
    rows = np.arange(len(frame)) if emphasised is None else np.asarray(sorted(emphasised), dtype=np.int64)
    unknown = int((~np.isfinite(frame[metric].to_numpy(dtype=np.float64)[rows]) & places[rows]).sum())
    made = {"pca": "principal components (PCA)", "umap": "UMAP"}.get(method, "a method that is not known")
    shown = (
        f"{count(int(places[rows].sum()), 'user')} of {len(frame):,} in colour"
        if emphasised is not None
        else (count(int(places.sum()), "user"))
    )
    parts = [f"{shown}, placed by {made}. Colour: {lower_first(METRICS[metric].name)}."]
    if unknown:
        parts.append(f"Grey: {count(unknown, 'user')} without a value.")
    if missing := int((~places).sum()):
        parts.append(f"{count(missing, 'user')} {'has' if missing == 1 else 'have'} no place on the map.")
    parts.append("A click on a point opens the user.")
    return " ".join(parts)
