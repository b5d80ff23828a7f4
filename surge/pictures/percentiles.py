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
from surge.vocabulary import METRICS
from surge.vocabulary.amounts import percent
from surge.vocabulary.metric import Metric
from surge.vocabulary.survey import USER

Array = np.ndarray

ROW_HEIGHT = 42  # pixels
BINS = 36
HILL = 0.72  # of a row, at its highest
ENDS = (1, 99)  # percentiles: a few outliers don't press all others into a corner
TIE = 1e-9
LOG_FROM = 30  # times the low end: then a count is drawn on a logarithmic scale
LEAST = np.finfo(np.float64).tiny  # a chance can be rounded to 0, which has no logarithm


@dataclass(frozen=True)
class Row:
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


def _place(row: Row) -> str:
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
    rows = known_rows(values, population)
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
    rows = known_rows(values, population)
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


def known_rows(values: Mapping[str, float | None], population: Mapping[str, Array]) -> list[Row]:
    rows = []
    for name in USER:
        if name in values and name in population:
            value = values[name]
            everyone = np.asarray(population[name], dtype=np.float64)
            known = np.sort(everyone[np.isfinite(everyone)])
            rows.append(Row(name, float("nan") if value is None else float(value), known))
    return rows


def _axis(row: Row) -> tuple[Array, bool]:
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


def _scaled(row: Row, values: Array) -> Array:
    """Values on the row's scale from 0 to 1; what lies outside is held at the end."""
    edges, logarithmic = _axis(row)
    values = np.log(np.maximum(values, LEAST)) if logarithmic else values
    return np.clip((values - edges[0]) / (edges[-1] - edges[0]), 0, 1)


def _outline(edges: Array, top: Array, ground: float) -> tuple[list[float], list[float]]:
    """The closed outline of a histogram, from its left end along the steps and back along the ground."""
    x = np.concatenate([edges[:1], np.repeat(edges[1:-1], 2), edges[-1:]])
    y = np.repeat(top, 2)
    return [edges[0], *x.tolist(), edges[-1], edges[0]], [ground, *y.tolist(), ground, ground]


def _told(row: Row) -> list[str]:
    place = f"{percent(row.below)} of {len(row.known):,} users are below, {percent(row.same)} alike"
    words = [row.metric.name, short_text(row.name, row.value), place, short_text(row.name, row.median)]
    meaning = "<br>".join(for_plotly(line) for line in wrap(row.metric.says, 56))  # a hover box doesn't break lines
    return [*(for_plotly(word) for word in words), meaning, row.name]


def _note(y: float, text: str, colour: str, size: int) -> dict[str, Any]:
    """A note right of the rows, at row `y`."""
    place = {"x": 1, "xref": "paper", "xshift": 14, "y": y, "yref": "y", "xanchor": "left"}
    return {**place, "text": text, "showarrow": False, "font": {"size": size, "color": colour}}
