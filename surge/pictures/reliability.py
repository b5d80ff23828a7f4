"""Whether the chances can be taken at their word: what the model gave, against how often it came true."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, floor, log10, sqrt
from typing import Any

import numpy as np
import plotly.graph_objects as go

from surge.errors import SurgeError
from surge.pictures.figure import bare_axis, new_figure, paper_note
from surge.pictures.palette import Theme
from surge.vocabulary.amounts import chance, number_in

HEIGHT = 380
SPLITS = {"test": "Test split", "validation": "Validation split"}  # the first that is measured is drawn
PARTS = ("reliability_probability", "reliability_share", "reliability_count")
MOST_BINS = 100
MOST_COUNTED = 10**15
SURE = 1.96  # standard deviations, within which 19 of 20 lie
STEPS = (1, 2, 5)  # times powers of ten, at the axes' ticks
NONE_BELOW = 0.5  # a bin of which nothing came true is drawn at this share of one that did


@dataclass(frozen=True)
class Bins:
    """Predictions in bins (b), by the chance that the model gave: its mean `probability`, the `share` that came next,
    how many they are. `split`: test or validation; `users`: whose ten best they are, `error_first`: the calibration
    error of the best one alone, None where not known. `temperature`: what scores were divided by."""

    probability: tuple[float, ...]
    share: tuple[float, ...]
    number: tuple[int, ...]
    split: str = "test"
    temperature: float = 1.0
    users: int | None = None
    error_first: float | None = None

    @property
    def error(self) -> float:
        """The expected calibration error: the distance of share and probability, mean over the predictions."""
        return self._mean(tuple(abs(s - p) for s, p in zip(self.share, self.probability, strict=True)))

    @property
    def held(self) -> float:
        """The mean chance of all predictions."""
        return self._mean(self.probability)

    @property
    def came(self) -> float:
        """The share of all predictions that came next."""
        return self._mean(self.share)

    def _mean(self, values: tuple[float, ...]) -> float:
        return sum(v * n for v, n in zip(values, self.number, strict=True)) / sum(self.number)


def find_bins(metrics: Mapping[str, Any], temperature: float = 1.0) -> Bins | None:
    """The bins among a checkpoint's metrics, of the test split where it is measured, else of the validation split.

    None where neither holds any; what doesn't fit together is a SurgeError. Empty bins are left out.
    """
    for split in SPLITS:
        part = metrics.get(split)
        if isinstance(part, Mapping) and any(name in part for name in PARTS):
            columns = [part.get(name) for name in PARTS]
            if not _fit(columns):
                raise SurgeError(
                    f"The chances of the {split} split in metrics.json are damaged, so they are not drawn; measure "
                    "again with `python -m surge evaluate`."
                )
            kept = [row for row in zip(*columns, strict=True) if row[2] > 0]
            probability, share, number = zip(*kept, strict=True)
            return Bins(
                tuple(map(float, probability)),
                tuple(map(float, share)),
                tuple(map(int, number)),
                split,
                temperature,
                int(number_in(part.get("catalogue_instances"), least=0, most=MOST_COUNTED) or 0) or None,
                number_in(part.get("calibration_error_first"), least=0, most=1),
            )
    return None


def _fit(columns: list[Any]) -> bool:
    """Whether these are lists of one length, of probabilities, shares and counts that aren't all 0."""
    if not all(isinstance(column, list) for column in columns) or len({len(column) for column in columns}) > 1:
        return False
    probability, share, number = columns
    if not 0 < len(number) <= MOST_BINS or None in [
        number_in(value, least=0, most=1) for value in [*probability, *share]
    ]:
        return False
    return all(number_in(n, least=0, most=MOST_COUNTED) is not None and n == int(n) for n in number) and sum(number) > 0


def reliability_figure(bins: Bins, theme: Theme | str) -> go.Figure:
    """The chance that was given (x) against the share that came next (y), both on one logarithmic scale.

    Trace "as promised": the diagonal; "bins": a dot a bin with how far luck may have moved it, customdata (chance
    given, share that came, words about the number, the range that luck leaves); a bin of which nothing came is an open
    triangle at the foot.
    """
    theme = Theme(theme)
    ranges = [within_luck(share, number) for share, number in zip(bins.share, bins.number, strict=True)]
    low, high = _limits(bins)
    held, shown = (np.maximum(values, low).tolist() for values in (bins.probability, bins.share))
    figure = new_figure(theme, HEIGHT, margin={"l": 62, "r": 12, "t": 8, "b": 46})
    figure.add_scatter(
        x=[low, high],
        y=[low, high],
        name="as promised",
        mode="lines",
        line={"color": theme.muted, "width": 1.5, "dash": "dash"},
        hoverinfo="skip",
    )
    figure.add_scatter(
        x=held,
        y=shown,
        name="bins",
        mode="markers",
        error_y={
            "type": "data",
            "symmetric": False,
            "array": [max(0.0, min(end, high) - at) for (_, end), at in zip(ranges, shown, strict=True)],
            "arrayminus": [max(0.0, at - max(start, low)) for (start, _), at in zip(ranges, shown, strict=True)],
            "color": theme.edge,
            "thickness": 1.5,
            "width": 0,
        },
        marker={
            "size": 10,
            "color": theme.edge,
            "symbol": ["circle" if share > 0 else "triangle-down-open" for share in bins.share],
            "line": {"color": theme.background, "width": 1},
        },
        customdata=[
            [chance(p), chance(s), f"{round(s * n):,} of {n:,}", f"{chance(start)} and {chance(end)}"]
            for p, s, n, (start, end) in zip(bins.probability, bins.share, bins.number, ranges, strict=True)
        ],
        hovertemplate=(
            "<b>chance given: %{customdata[0]}</b><br>came next: %{customdata[1]} (%{customdata[2]} predictions)"
            "<br>by luck alone between %{customdata[3]}<extra></extra>"
        ),
    )
    for x, y, words, anchor in (
        (0.02, 0.98, "too modest: more came than promised", "left"),
        (0.98, 0.02, "promises too much", "right"),
    ):
        font, high_up = {"size": 11, "color": theme.muted}, "top" if y > 0.5 else "bottom"
        figure.add_annotation(paper_note(words, x, y, theme, xanchor=anchor, yanchor=high_up, font=font))
    ticks = _ticks(low, high)
    axis = bare_axis(
        type="log",
        range=[log10(low), log10(high)],
        tickvals=ticks,
        ticktext=[_tick(tick) for tick in ticks],
        showgrid=True,
        gridcolor=theme.grid,
        tickfont={"size": 11, "color": theme.muted},
    )
    figure.update_xaxes(axis, title={"text": "chance that the model gave", "standoff": 6})
    figure.update_yaxes(axis, title={"text": "share that came next", "standoff": 6})
    return figure


def within_luck(share: float, number: int) -> tuple[float, float]:
    """Between which chances 19 of 20 would show a share like this in so many predictions (Wilson's interval)."""
    middle = (share + SURE**2 / (2 * number)) / (1 + SURE**2 / number)
    half = SURE * sqrt(share * (1 - share) / number + SURE**2 / (4 * number**2)) / (1 + SURE**2 / number)
    return max(0.0, middle - half), min(1.0, middle + half)


def _limits(bins: Bins) -> tuple[float, float]:
    """The ends of both axes, around everything that is above 0."""
    positive = [value for value in (*bins.probability, *bins.share) if value > 0] or [0.01]
    ends = [within_luck(share, number)[1] for share, number in zip(bins.share, bins.number, strict=True)]
    return max(min(positive) * NONE_BELOW, 1e-9), min(1.0, max(*positive, *ends) * 1.3)


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers from low to high; the powers of ten alone where these are many."""
    powers = range(floor(log10(low)), ceil(log10(high)) + 1)
    steps = STEPS if len(powers) <= 4 else STEPS[:1]
    ticks = [float(f"{step}e{power}") for power in powers for step in steps]
    return [tick for tick in ticks if low <= tick <= high]


def _tick(value: float) -> str:
    return f"{100 * value:.12g} %"
