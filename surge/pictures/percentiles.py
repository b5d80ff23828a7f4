"""One user among all: where each figure of the survey stands in the population."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from textwrap import wrap
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from surge.escapes import for_plotly
from surge.pictures.figure import bare_axis, new_figure
from surge.pictures.metric_words import LOGARITHMIC, short_text, whole_percent
from surge.pictures.palette import Theme, rgba
from surge.pictures.text import count
from surge.vocabulary import METRICS
from surge.vocabulary.amounts import percent
from surge.vocabulary.metric import Metric
from surge.vocabulary.survey import USER

Array = np.ndarray

ROW_HEIGHT = 42  # pixels
BINS = 36
HILL = 0.72  # of a row, at its highest
ENDS = (1, 99)  # percentiles: a few outliers don't press all others into a corner
FAR_OUT = 0.9  # of the users below, or above: then a value stands out
TIE = 1e-9
MOST_TOLD = 3  # figures that stand out
LOG_FROM = 30  # times the low end: then a count is drawn on a logarithmic scale
LEAST = np.finfo(np.float64).tiny  # a chance can be rounded to 0, which has no logarithm

ABOUT = (
    "Is this user like the others? Each row is one figure of how the model reads a history. The hill shows how many "
    "users have which value, the line their median, the diamond this user. A user far out on a row is a case of its "
    "own: what is true there need not be true for others. All users are read without their last item, with the top "
    "prediction as the candidate; the survey knows nothing about edits or another candidate."
)


@dataclass(frozen=True)
class _Row:
    """One metric: this user's value (NaN: not known) among the known values of the population, sorted."""

    name: str
    value: float
    known: Array

    @property
    def metric(self) -> Metric:
        return METRICS[self.name]

    @property
    def below(self) -> float:
        """The share of users with a lower value; NaN where that can't be said."""
        if not len(self.known) or np.isnan(self.value):
            return float("nan")
        return float(np.searchsorted(self.known, self.value, side="left")) / len(self.known)

    @property
    def same(self) -> float:
        """The share of users with this very value."""
        if not len(self.known) or np.isnan(self.value):
            return float("nan")
        return float(np.searchsorted(self.known, self.value, side="right")) / len(self.known) - self.below

    @property
    def above(self) -> float:
        """The share of users with a higher value."""
        return 1 - self.below - self.same

    @property
    def median(self) -> float:
        return float(np.median(self.known)) if len(self.known) else float("nan")


def sentence(values: Mapping[str, float | None], population: Mapping[str, Array]) -> str:
    """Whether this user is like the others, and what stands out: figures that for at least nine in ten users are
    lower, or for at least nine in ten higher. By chance a fifth of all figures do."""
    rows = [row for row in _rows(values, population) if not np.isnan(row.below)]
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


def _stands_out(row: _Row) -> str:
    """ "more noise than 94 % of users"."""
    high = row.below >= row.above
    share = row.below if high else row.above
    alone = share + row.same > 1 - TIE and row.same * len(row.known) < 1.5
    others = "all others" if alone else f"{whole_percent(share)} of users"
    return f"{row.metric.extremes[0 if high else 1]} {others}"


def _place(row: _Row) -> str:
    """Where a value stands: above most, below most, or the same as most."""
    if np.isnan(row.below):
        return "–"
    if row.same >= 0.5:
        return f"the same as {whole_percent(row.same)}"
    if row.below >= row.above:
        return f"higher than {whole_percent(row.below)}"
    return f"lower than {whole_percent(row.above)}"


def percentile_table(values: Mapping[str, float | None], population: Mapping[str, Array]) -> pd.DataFrame:
    """One row a metric that both sides have, in the order of the vocabulary.

    `among all users` says the place in words; `users below` and `users alike` are in per cent of the users whose
    value is known (`users`); `this user` and `median of all` are words, `value` and `median` the numbers behind them.
    """
    rows = _rows(values, population)
    return pd.DataFrame(
        {
            "figure": [row.metric.name for row in rows],
            "this user": [short_text(row.name, row.value) for row in rows],
            "among all users": [_place(row) for row in rows],
            "users below": np.array([100 * row.below for row in rows], dtype=np.float64),
            "users alike": np.array([100 * row.same for row in rows], dtype=np.float64),
            "median of all": [short_text(row.name, row.median) for row in rows],
            "what it says": [row.metric.says for row in rows],
            "users": np.array([len(row.known) for row in rows], dtype=np.int64),
            "value": np.array([row.value for row in rows], dtype=np.float64),
            "median": np.array([row.median for row in rows], dtype=np.float64),
            "metric": [row.name for row in rows],
        }
    )


def percentile_figure(
    values: Mapping[str, float | None], population: Mapping[str, Array], theme: Theme | str
) -> go.Figure:
    """A hill a metric. Trace 0: the hills; trace 1: the medians; trace 2: this user, one point a metric with both
    a value and a population, customdata (label, value, place, median, meaning, metric) as text.

    Each row has its own horizontal scale (see `_scaled`); y is the row, 0 at the top.
    """
    theme = Theme(theme)
    rows = _rows(values, population)
    figure = new_figure(theme, ROW_HEIGHT * max(len(rows), 1) + 40)
    hills: tuple[list[float | None], list[float | None]] = ([], [])
    medians: tuple[list[float | None], list[float | None]] = ([], [])
    marks: list[tuple[float, int, list[str]]] = []
    notes: list[dict[str, Any]] = [_note(-0.85, "this user · users below", theme.muted, 11)]
    for place, row in enumerate(rows):
        if len(row.known):
            scaled = _scaled(row, row.known)
            heights, edges = np.histogram(scaled, bins=len(_axis(row)[0]) - 1, range=(0, 1))
            top = place + 0.36 - HILL * heights / max(int(heights.max()), 1)
            for side, outline in zip(hills, _outline(edges, top, place + 0.36), strict=True):
                side += [*outline, None]
            middle = float(_scaled(row, np.array([row.median]))[0])
            medians[0].extend([middle, middle, None])
            medians[1].extend([place + 0.36, place - 0.2, None])
        text = f"<b>{for_plotly(short_text(row.name, row.value))}</b>"
        if not np.isnan(row.below):
            text += f" · {whole_percent(row.below)}"
            marks.append((float(_scaled(row, np.array([row.value]))[0]), place, _told(row)))
        notes.append(_note(place + 0.1, text, theme.text, 13))
    figure.add_scatter(
        x=hills[0],
        y=hills[1],
        mode="lines",
        fill="toself",
        fillcolor=rgba(theme.edge, 0.28),
        line={"color": rgba(theme.edge, 0.6), "width": 1},
        hoverinfo="skip",
    )
    figure.add_scatter(
        x=medians[0], y=medians[1], mode="lines", line={"color": theme.muted, "width": 2}, hoverinfo="skip"
    )
    figure.add_scatter(
        x=[mark[0] for mark in marks],
        y=[mark[1] + 0.22 for mark in marks],
        customdata=[mark[2] for mark in marks],
        mode="markers",
        marker={
            "symbol": "diamond",
            "size": 14,
            "color": theme.text,
            "line": {"color": theme.background, "width": 2},
        },
        cliponaxis=False,
        hovertemplate=(
            "<b>%{customdata[0]}</b><br>this user %{customdata[1]} · %{customdata[2]}"
            "<br>median of all %{customdata[3]}<br>%{customdata[4]}<extra></extra>"
        ),
    )
    figure.update_layout(annotations=notes, margin={"l": 216, "r": 150, "t": 6, "b": 6})
    figure.update_xaxes(bare_axis(range=[-0.02, 1.02], showticklabels=False))
    figure.update_yaxes(
        bare_axis(
            range=[len(rows) - 0.4, -1.1],
            tickvals=[place + 0.1 for place in range(len(rows))],
            ticktext=[for_plotly(row.metric.name) for row in rows],
            tickfont={"size": 13, "color": theme.text},
        )
    )
    return figure


def caption(values: Mapping[str, float | None], population: Mapping[str, Array]) -> str:
    """What the figure draws, in which unit, and what it leaves out."""
    rows = _rows(values, population)
    if not rows:
        return "There is no figure that this user and the survey both have."
    users = max(len(row.known) for row in rows)
    return (
        f"This user (diamond) among up to {users:,} users of the survey. Hill: how many users have which value; line: "
        f"the median. Each row has its own scale{_logarithms(rows)}, from the {ENDS[0]}st to the {ENDS[1]}th "
        "percentile; what lies beyond is drawn at the end. At right: the value, and the share of users with a lower "
        "one."
    )


def _logarithms(rows: list[_Row]) -> str:
    """Which rows are drawn on a logarithmic scale, though their format doesn't say so to a reader."""
    return ", chances and lifts a logarithmic one" if any(row.metric.format in LOGARITHMIC for row in rows) else ""


def _rows(values: Mapping[str, float | None], population: Mapping[str, Array]) -> list[_Row]:
    rows = []
    for name in USER:
        if name in values and name in population:
            value = values[name]
            everyone = np.asarray(population[name], dtype=np.float64)
            known = np.sort(everyone[np.isfinite(everyone)])
            rows.append(_Row(name, float("nan") if value is None else float(value), known))
    return rows


def _axis(row: _Row) -> tuple[Array, bool]:
    """The edges of the row's bins, between the two percentiles, and whether they are logarithms (of large counts,
    chances and lifts).

    Edges of counts lie between whole numbers, so that each bin holds as many of them.
    """
    low, high = (float(end) for end in np.percentile(row.known, ENDS))
    if row.metric.format == "integer":
        if row.known[0] >= 1 and high >= LOG_FROM * low:
            return np.linspace(np.log(low), np.log(high), BINS + 1), True
        low, high = np.floor(low), np.ceil(high)
        step = np.ceil((high - low + 1) / BINS)
        return low - 0.5 + step * np.arange(np.ceil((high - low + 1) / step) + 1), False
    if low == high:
        return np.array([low - 0.5, high + 0.5]), False
    if row.metric.format in LOGARITHMIC and low > 0:
        return np.linspace(np.log(low), np.log(high), BINS + 1), True
    return np.linspace(low, high, BINS + 1), False


def _scaled(row: _Row, values: Array) -> Array:
    """Values on the row's scale from 0 to 1; what lies outside is held at the end."""
    edges, logarithmic = _axis(row)
    values = np.log(np.maximum(values, LEAST)) if logarithmic else values
    return np.clip((values - edges[0]) / (edges[-1] - edges[0]), 0, 1)


def _outline(edges: Array, top: Array, ground: float) -> tuple[list[float], list[float]]:
    """The closed outline of a histogram, from its left end along the steps and back along the ground."""
    x = np.concatenate([edges[:1], np.repeat(edges[1:-1], 2), edges[-1:]])
    y = np.repeat(top, 2)
    return [edges[0], *x.tolist(), edges[-1], edges[0]], [ground, *y.tolist(), ground, ground]


def _told(row: _Row) -> list[str]:
    place = f"{percent(row.below)} of {len(row.known):,} users are below, {percent(row.same)} alike"
    words = [row.metric.name, short_text(row.name, row.value), place, short_text(row.name, row.median)]
    meaning = "<br>".join(for_plotly(line) for line in wrap(row.metric.says, 56))  # a hover box doesn't break lines
    return [*(for_plotly(word) for word in words), meaning, row.name]


def _note(y: float, text: str, colour: str, size: int) -> dict[str, Any]:
    """A note right of the rows, at row `y`."""
    place = {"x": 1, "xref": "paper", "xshift": 14, "y": y, "yref": "y", "xanchor": "left"}
    return {**place, "text": text, "showarrow": False, "font": {"size": size, "color": colour}}
