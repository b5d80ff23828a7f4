"""The history in time order: one bar an item, coloured by cluster, as high as its importance."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from app.views.figure import bare_axis, new_figure, unchanged_by_selection
from app.views.palette import Theme, cluster_styles, item_clusters
from app.views.selection import Selection
from app.views.text import count, date_of, escape, moment_of, title_of
from surge.explanation.record import Explanation

LETTERS_UP_TO = 100  # items; with more the tiles are narrower than a letter
LEAST_PLACES = 12  # a short history doesn't fill the width: bars stay bars
DATES = 6


def history_strip(record: Explanation, selection: Selection, theme: Theme | str) -> go.Figure:
    """Trace 0 holds the bars (y = gamma), trace 1 the tiles with the cluster's letter under them.

    Both traces have one point an item, so a point's index is the item's; customdata is
    (index, title, category, moment, cluster).
    """
    theme = Theme(theme)
    n = record.length
    importance = record.interest_extraction.importance
    styles, clusters = cluster_styles(record, theme), item_clusters(record)
    own = [styles[cluster] for cluster in clusters]
    marked = [i in selection.items or clusters[i] == selection.cluster for i in range(n)]
    customdata = [
        [
            i,
            escape(title_of(item)),
            escape(item.category or "no category"),
            moment_of(item) or "time not known",
            escape(f"{style.letter} {style.name}".strip()),
        ]
        for i, (item, style) in enumerate(zip(record.history, own, strict=True))
    ]
    hover = (
        "<b>%{customdata[1]}</b><br>%{customdata[2]}<br>%{customdata[3]} · item %{x} of "
        + str(n)
        + "<br>cluster %{customdata[4]}<br>importance γ %{meta}<extra></extra>"
    )
    top = min(float(max(importance.max(), 1.6 / n)), 1.0) * 1.12
    tile = -0.11 * top
    faded = not selection.empty
    opacity = [1.0 if mark or not faded else 0.35 for mark in marked]
    position = np.arange(1, n + 1)

    figure = new_figure(theme, 190, bargap=0.18 if n <= LETTERS_UP_TO else 0.0)
    hover_y = hover.replace("%{meta}", "%{y:.2%}")
    figure.add_bar(
        x=position,
        y=importance,
        customdata=customdata,
        hovertemplate=hover_y,
        marker={
            "color": [style.colour for style in own],
            "opacity": opacity,
            "line": {"color": theme.text, "width": [1.5 if mark else 0 for mark in marked]},
        },
        **unchanged_by_selection(),
    )
    figure.add_scatter(
        x=position,
        y=np.full(n, tile),
        customdata=customdata,
        mode="markers+text" if n <= LETTERS_UP_TO else "markers",
        text=[style.letter for style in own],
        textfont={"size": 10, "color": [style.ink for style in own]},
        hovertemplate=hover.replace("<br>importance γ %{meta}", ""),
        marker={
            "symbol": "square",
            "size": 14 if n <= LETTERS_UP_TO else 6,
            "color": [style.colour for style in own],
            "opacity": opacity,
            "line": {"color": theme.text, "width": [2 if mark else 0 for mark in marked]},
        },
        cliponaxis=False,
        **unchanged_by_selection(),
    )
    share = {"xref": "paper", "y0": 1 / n, "y1": 1 / n, "x0": 0, "x1": 1}
    words = {"text": "equal share", "xref": "paper", "x": 1, "y": 1 / n, "xanchor": "left", "xshift": 4}
    figure.update_layout(
        shapes=[{"type": "line", "line": {"color": theme.muted, "width": 1, "dash": "dot"}, **share}],
        annotations=[{"showarrow": False, "font": {"size": 10, "color": theme.muted}, **words}],
    )
    shown = sorted({round(step) for step in np.linspace(0, n - 1, min(n, DATES))})
    figure.update_xaxes(
        bare_axis(
            range=[0.3, max(n, LEAST_PLACES) + 0.7],
            tickvals=[i + 1 for i in shown],
            ticktext=_tick_texts(record, shown),
        )
    )
    figure.update_yaxes(
        bare_axis(range=[tile - 0.09 * top, top], tickformat=".0%" if top >= 0.04 else ".1%", showgrid=True)
    )
    figure.update_yaxes(gridcolor=theme.grid, tickvals=_ticks(top))
    figure.update_layout(margin={"l": 44, "r": 70, "t": 6, "b": 26})
    return figure


def _tick_texts(record: Explanation, shown: list[int]) -> list[str]:
    """The day under each tick; the time where the tick before has the same day; the position without a time."""
    texts, before = [], ""
    for index in shown:
        day = date_of(record.history[index])
        texts.append(moment_of(record.history[index])[5:] if day and day == before else day or f"item {index + 1}")
        before = day
    return texts


def _ticks(top: float) -> list[float]:
    """0 and two or three round values below the top."""
    step = 10.0 ** np.floor(np.log10(top))
    step = next(step * factor for factor in (0.2, 0.5, 1.0, 2.0) if top / (step * factor) <= 5)
    return [float(value) for value in np.arange(0, top, step)]


def caption(record: Explanation) -> str:
    """What the strip draws, in which unit, and what it leaves out."""
    return (
        f"{count(record.length, 'item')} in time order, evenly spaced. Colour and letter: the item's cluster "
        "(grey: a small one). "
        "Height: importance γ, its share of the readout for this candidate (all shares sum to 100 %)."
    )
