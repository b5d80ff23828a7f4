"""All users of a survey on a plane: users whose histories hold alike items lie close together."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from surge.escapes import for_plotly
from surge.pictures.figure import bare_axis, new_figure, unchanged_by_selection
from surge.pictures.metric_words import LOGARITHMIC
from surge.pictures.palette import Theme
from surge.pictures.text import shorten
from surge.vocabulary import METRICS
from surge.vocabulary.writing import metric_text

HEIGHT = 520
MOST_SVG = 5000  # points; above, WebGL draws faster than SVG does


def users_map(
    frame: pd.DataFrame,
    metric: str,
    theme: Theme | str,
    *,
    emphasised: Collection[int] | None = None,
) -> go.Figure:
    """Traces, back to front: users outside `emphasised`, users without a value, and users coloured by `metric`; an
    empty one is left out. customdata is the user's row number in `frame`. Numbers are typed arrays, which are short.

    `frame` has a survey's columns (user, x, y and the metrics); `emphasised` are row numbers, None for everybody.
    """
    theme = Theme(theme)
    figure = new_figure(
        theme,
        HEIGHT,
        dragmode="pan",
        modebar={
            "remove": ["select2d", "lasso2d", "zoom2d", "pan2d", "autoScale2d"],
            "bgcolor": "rgba(0,0,0,0)",
            "color": theme.muted,
            "activecolor": theme.text,
        },
    )
    places = frame[["x", "y"]].to_numpy(dtype=np.float32)
    values = frame[metric].to_numpy(dtype=np.float64)
    placed = np.isfinite(places).all(axis=1)
    inside = np.ones(len(frame), dtype=bool)
    if emphasised is not None:
        inside = np.zeros(len(frame), dtype=bool)
        inside[list(emphasised)] = True
    known = np.isfinite(values)
    names = frame["user"].to_list()
    draw = go.Scattergl if len(frame) > MOST_SVG else go.Scatter
    size = mark_size(int((placed & inside).sum()))

    def add(name: str, rows: np.ndarray, marker: dict[str, Any]) -> None:
        if not len(rows):
            return
        words = [
            f"{for_plotly(shorten(str(names[row]), 40))}: {metric_text(metric, value)}"
            for row, value in zip(rows.tolist(), values[rows].tolist(), strict=True)
        ]
        figure.add_trace(
            draw(
                x=places[rows, 0],
                y=places[rows, 1],
                name=name,
                mode="markers",
                customdata=rows.astype(np.int32),
                text=np.array(words, dtype=object),  # an array: plotly checks a list entry by entry
                hovertemplate=f"<b>%{{text}}</b><br>{for_plotly(METRICS[metric].name)}<extra></extra>",
                marker=marker,
                **unchanged_by_selection(),
            )
        )

    outline = {"width": 0.5, "color": theme.background}
    add("outside", np.flatnonzero(placed & ~inside), {"size": min(size, 5), "color": theme.grid})
    add("unknown", np.flatnonzero(placed & inside & ~known), {"size": size, "color": theme.other, "line": outline})
    coloured = np.flatnonzero(placed & inside & known)
    add("known", coloured, {"size": size, "line": outline, **_colours(values, coloured, metric, theme)})
    axis = bare_axis(showticklabels=False, fixedrange=False)
    figure.update_xaxes(axis)
    figure.update_yaxes(**axis, scaleanchor="x", scaleratio=1)
    return figure


def mark_size(points: int) -> float:
    """Pixels of a mark where so many are drawn in colour: fewer users are larger."""
    return 10 if points <= 60 else 7 if points <= 600 else 5 if points <= MOST_SVG else 3.5


def _colours(values: np.ndarray, rows: np.ndarray, metric: str, theme: Theme) -> dict[str, Any]:
    """Marker colours of these rows with their bar, on the scale of all values: a filter changes no colour.

    Counts that span powers of ten, such as ranks, are coloured by their logarithm, and so are chances and lifts.
    """
    if not len(rows):
        return {}
    kind, known = METRICS[metric].format, values[np.isfinite(values)]
    whole, multiples = kind == "integer", kind in LOGARITHMIC
    least = max(float(known.min()), LOGARITHMIC[kind]) if multiples else 1.0  # lower ones are all "under 0.01 %"
    logarithmic = multiples or (whole and known.min() >= 1 and known.max() >= 100 * known.min())

    def scale(numbers: np.ndarray) -> np.ndarray:
        return np.log10(np.maximum(numbers, least)) if logarithmic else numbers

    low, high = float(scale(known).min()), float(scale(known).max())
    if multiples:
        ticks = np.linspace(low, high, 5).tolist() if high > low else [low]
        labels = [metric_text(metric, 10**tick) for tick in ticks]
        labels[0] += " or less" if known.min() < least else ""
    elif logarithmic:
        ticks = [float(power) for power in range(int(np.ceil(low)), int(np.floor(high)) + 1)]
        labels = [f"{10**power:,.0f}" for power in ticks]
    else:
        ticks = np.linspace(low, high, 5).tolist() if high > low else [low]
        ticks = sorted({float(round(tick)) for tick in ticks}) if whole else ticks
        labels = [metric_text(metric, tick) for tick in ticks]
    return {
        "color": scale(values[rows]).astype(np.float32),
        "cmin": low,
        "cmax": high if high > low else low + 1,
        "colorscale": theme.magnitudes,
        "showscale": True,
        "colorbar": {
            "title": {
                "text": for_plotly(METRICS[metric].name),
                "side": "right",
                "font": {"size": 11, "color": theme.muted},
            },
            "thickness": 10,
            "len": 0.7,
            "outlinewidth": 0,
            "tickvals": ticks,
            "ticktext": labels,
            "tickfont": {"size": 10, "color": theme.muted},
        },
    }
