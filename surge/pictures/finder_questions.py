"""Questions to ask of a population: each is a filter and an order of the survey's users, in plain words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from surge.pictures.text import count, lower_first
from surge.vocabulary import METRICS
from surge.vocabulary.writing import metric_text

SHARE = 0.1  # of the users whose value is known: what a preset calls much or little; users alike may make it more


@dataclass(frozen=True)
class Preset:
    """`column` None shows everybody; `highest` says which end of the column stands out; `says` what that means."""

    name: str
    column: str | None = None
    highest: bool = True
    says: str = ""


PRESETS = (
    Preset("All"),
    Preset(
        "One dominant interest",
        "dominant_interest",
        says="most of what the model reads out comes from a single interest cluster",
    ),
    Preset("Interests drifted", "drift", says="the newer half of the history lies in other clusters than the older"),
    Preset(
        "Attention unfaithful",
        "attention_faithfulness",
        highest=False,
        says="items that get much attention are not those whose removal changes the prediction most",
    ),
    Preset("Model wrong", "next_rank", says="the item that really came next ranks low"),
    Preset(
        "Personal prediction",
        "top_lift",
        says="their top prediction is far likelier for them than by popularity alone",
    ),
    Preset(
        "Predicted by popularity",
        "top_lift",
        highest=False,
        says="their top prediction owes more to its popularity than that of others",
    ),
    Preset("Noise", "noise_share", says="many items of the history seem to belong to none of its interests"),
)


def preset_named(name: str | None) -> Preset:
    """The preset of that name; the first, which shows everybody, where there is none."""
    return next((preset for preset in PRESETS if preset.name == name), PRESETS[0])


def threshold(frame: pd.DataFrame, preset: Preset) -> float | None:
    """The value that a user must reach: the quantile that cuts off SHARE of the known values.

    None where there is nothing to reach: no filter, no value, or the same value for everybody.
    """
    if preset.column is None:
        return None
    values = frame[preset.column].to_numpy(dtype=np.float64)
    values = values[np.isfinite(values)]
    if not len(values) or np.ptp(values) == 0:
        return None
    limit = float(
        np.quantile(values, 1 - SHARE, method="higher")
        if preset.highest
        else np.quantile(values, SHARE, method="lower")
    )
    ordinary = values.min() if preset.highest else values.max()
    if limit == ordinary:  # more than the other 90 % share one value: what differs from it stands out
        others = values[values != ordinary]
        limit = float(others.min() if preset.highest else others.max())
    return limit


def matching(frame: pd.DataFrame, preset: Preset) -> np.ndarray:
    """Row numbers of the users that a preset shows, the most telling first; users alike keep their order."""
    if preset.column is None:
        return np.arange(len(frame))
    limit = threshold(frame, preset)
    if limit is None:
        return np.empty(0, dtype=np.int64)
    values = frame[preset.column].to_numpy(dtype=np.float64)
    with np.errstate(invalid="ignore"):
        inside = np.flatnonzero(values >= limit if preset.highest else values <= limit)
    order = -values[inside] if preset.highest else values[inside]
    return inside[np.argsort(order, kind="stable")]


def caption(frame: pd.DataFrame, preset: Preset, left: int | None = None, *, sort: str | None = None) -> str:
    """Whom the preset keeps, with the threshold that this population gives it; users alike are kept together.

    `left`: how many of them a text and ranges left over; None where nothing else narrows.
    `sort`: in words, by what they are sorted; None: in the order that the preset gives them.
    """
    by = f" Sorted: {sort}." if sort is not None else ""
    if preset.column is None:
        narrowed = "" if left is None or left == len(frame) else f"{left:,} of "
        return f"{narrowed}{count(len(frame), 'user')}{', in the order of the dataset' if sort is None else ''}.{by}"
    metric = METRICS[preset.column]
    limit = threshold(frame, preset)
    if limit is None:
        return (
            f"{preset.name}: no user stands out; {lower_first(metric.name)} is unknown or the same for everybody.{by}"
        )
    end = "highest" if preset.highest else "lowest"
    least = "at least" if preset.highest else "at most"
    kept = len(matching(frame, preset))
    narrowed = "" if left is None or left == kept else f" The text and the ranges leave {left:,} of them."
    return (
        f"{preset.name}: {preset.says}. Kept by this question: the {kept:,} of {count(len(frame), 'user')} with the "
        f"{end} value of “{metric.name}” here, {least} {metric_text(preset.column, limit)}.{narrowed}{by}"
    )
