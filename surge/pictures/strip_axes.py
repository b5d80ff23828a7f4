"""The axes of the history strip: days below, shares or factors beside."""

from __future__ import annotations

from typing import Any

import numpy as np

from surge.explanation.record import Explanation
from surge.pictures.factor_axis import factor_ticks
from surge.pictures.figure import bare_axis
from surge.pictures.palette import Theme
from surge.pictures.text import date_of, moment_of

LEAST_PLACES = 12  # a short history doesn't fill the width: bars stay bars
DATES = 6


def time_axis(record: Explanation, place: np.ndarray, columns: int) -> dict[str, Any]:
    """`place`: the column of each item, from 1, of so many `columns`."""
    n = record.length
    shown = sorted({round(step) for step in np.linspace(0, n - 1, min(n, DATES))})
    return bare_axis(
        range=[0.3, max(columns, LEAST_PLACES) + 0.7],
        tickvals=[int(place[i]) for i in shown],
        ticktext=_tick_texts(record, shown),
    )


def value_axis(
    low: float, high: float, shown: tuple[float, float], theme: Theme, *, known: bool, factors: bool
) -> dict[str, Any]:
    """Ticks from `low` to `high` on an axis that shows more; where nothing is `known`, one at ×1. The values are logs
    of `factors`, or shares."""
    if not known:
        ticks, words = [0.0], ["×1"]
    elif factors:
        ticks, words = factor_ticks(low, high)
    else:
        ticks = _ticks(low, high)
        words = [f"{100 * tick:.{0 if high >= 0.04 else 1}f} %" for tick in ticks]
    return bare_axis(range=list(shown), showgrid=True, gridcolor=theme.grid, tickvals=ticks, ticktext=words)


def _tick_texts(record: Explanation, shown: list[int]) -> list[str]:
    """The day under each tick; the time where the tick before has the same day; the position without a time."""
    texts, before = [], ""
    for index in shown:
        day = date_of(record.history[index])
        texts.append(moment_of(record.history[index])[5:] if day and day == before else day or f"item {index + 1}")
        before = day
    return texts


def _ticks(low: float, high: float) -> list[float]:
    """0 and a few round values on both sides of it, inside the range."""
    span = high - low
    step = 10.0 ** np.floor(np.log10(span))
    step = next(step * factor for factor in (0.2, 0.5, 1.0, 2.0) if span / (step * factor) <= 5)
    return [float(step * k) for k in range(int(np.ceil(low / step)), int(np.floor(high / step)) + 1)]
