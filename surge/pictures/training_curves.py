"""How a training went: each loss term and each validation metric over the epochs, one small panel each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from surge.escapes import for_plotly
from surge.pictures.figure import bare_axis, new_figure
from surge.pictures.palette import Theme
from surge.pictures.text import shorten
from surge.vocabulary.amounts import number_in
from surge.vocabulary.prediction import LOSSES, VALIDATION, series

COLUMNS = 4
PANEL_HEIGHT = 150
MOST_PANELS = 24  # a training writes about 15 series; a file with more was not written by one
BESIDE = ("epoch", "step", "seconds")  # of a record: where it stands, not how well it does


def loss_curves(
    history: Sequence[Mapping[str, Any]],
    theme: Theme | str,
    *,
    best_epoch: int | None = None,
    weights: Mapping[str, float] | None = None,
) -> go.Figure:
    """One panel a loss term; a term with a weight in `weights` (by setting) is titled with it."""
    titles = {}
    for name in loss_series(history):
        weight = (weights or {}).get(f"{name}_weight")
        titles[name] = series(name).name if weight is None else f"{series(name).name}, weight {weight:g}"
    return _panels(history, titles, theme, best_epoch)


def metric_curves(
    history: Sequence[Mapping[str, Any]], theme: Theme | str, *, best_epoch: int | None = None
) -> go.Figure:
    """One panel a validation metric."""
    titles = {name: series(name).name for name in metric_series(history)}
    return _panels(history, titles, theme, best_epoch)


def loss_series(history: Sequence[Mapping[str, Any]]) -> list[str]:
    """The loss terms of a training, the known ones first and in their order, then others."""
    found = [name for name in _series(history) if not name.startswith(VALIDATION)]
    return ([name for name in LOSSES if name in found] + [name for name in found if name not in LOSSES])[:MOST_PANELS]


def metric_series(history: Sequence[Mapping[str, Any]]) -> list[str]:
    """The validation metrics of a training, the one that chooses the best epoch first."""
    found = [name for name in _series(history) if name.startswith(VALIDATION)]
    return sorted(found, key=lambda name: name != "valid_gauc")[:MOST_PANELS]


def _series(history: Sequence[Mapping[str, Any]]) -> list[str]:
    names = dict.fromkeys(
        str(name)
        for record in history
        if isinstance(record, Mapping)
        for name, value in record.items()
        if number_in(value) is not None
    )
    return [name for name in names if name not in BESIDE]


def points(history: Sequence[Mapping[str, Any]], name: str) -> tuple[list[float], list[float]]:
    """Epochs and values of one series; what isn't a finite number is left out."""
    pairs = [
        (number_in(record.get("epoch")) or float(place), value)
        for place, record in enumerate(history, start=1)
        if isinstance(record, Mapping) and (value := number_in(record.get(name))) is not None
    ]
    return [epoch for epoch, _ in pairs], [value for _, value in pairs]


def _panels(
    history: Sequence[Mapping[str, Any]],
    titles: Mapping[str, str],
    theme: Theme | str,
    best_epoch: int | None,
) -> go.Figure:
    """Small multiples with the epoch to the right; two traces a panel: the curve, and its best epoch."""
    theme = Theme(theme)
    rows = max(1, -(-len(titles) // COLUMNS))
    height = rows * PANEL_HEIGHT + 30
    figure = make_subplots(
        rows,
        COLUMNS,
        subplot_titles=[for_plotly(shorten(title, 44)) for title in titles.values()],
        horizontal_spacing=0.06,
        vertical_spacing=52 / height,
        figure=new_figure(theme, height, margin={"l": 44, "r": 12, "t": 30, "b": 30}),
    )
    figure.update_annotations(font={"size": 12, "color": theme.text})
    for place, (name, title) in enumerate(titles.items()):
        row, column = place // COLUMNS + 1, place % COLUMNS + 1
        epochs, values = points(history, name)
        head = for_plotly(shorten(title, 44))
        better = "lower" if series(name).worse == "high" else "higher"
        hover = f"<b>{head}</b><br>epoch %{{x:.0f}}: %{{y:.4g}}<br>{better} is better<extra></extra>"
        figure.add_scatter(
            x=epochs,
            y=values,
            name=name,
            mode="lines+markers" if len(epochs) <= 40 else "lines",
            line={"color": theme.edge, "width": 1.6},
            marker={"size": 4, "color": theme.edge},
            hovertemplate=hover,
            row=row,
            col=column,
        )
        best = [(epoch, value) for epoch, value in zip(epochs, values, strict=True) if epoch == best_epoch]
        figure.add_scatter(
            x=[epoch for epoch, _ in best],
            y=[value for _, value in best],
            name=f"{name} best",
            mode="markers",
            marker={"size": 10, "symbol": "diamond", "color": theme.positive, "line": {"color": theme.background}},
            hovertemplate=hover.replace("<br>", "<br>the epoch that was kept<br>", 1),
            row=row,
            col=column,
        )
        axis = bare_axis(tickfont={"size": 10, "color": theme.muted})
        figure.update_xaxes(axis, nticks=6, tickformat="d", row=row, col=column)
        figure.update_yaxes(axis, nticks=4, showgrid=True, gridcolor=theme.grid, tickformat=".3~g", row=row, col=column)
    for place in range(len(titles), rows * COLUMNS):
        figure.update_xaxes(visible=False, row=place // COLUMNS + 1, col=place % COLUMNS + 1)
        figure.update_yaxes(visible=False, row=place // COLUMNS + 1, col=place % COLUMNS + 1)
    return figure


def curve_table(history: Sequence[Mapping[str, Any]]) -> list[dict[str, float]]:
    """The numbers behind the panels, one row an epoch; a value that isn't a finite number is left out."""
    names = [*loss_series(history), *metric_series(history)]
    rows = []
    for place, record in enumerate(history, start=1):
        if isinstance(record, Mapping):
            known = {name: value for name in names if (value := number_in(record.get(name))) is not None}
            rows.append({"epoch": number_in(record.get("epoch")) or float(place), **known})
    return rows
