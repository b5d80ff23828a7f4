"""Drift: how the graph, the clusters and the candidate's score grew with the history, step by step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from app.views.figure import bare_axis, new_figure
from app.views.graph_layout import SPACING, graph_positions
from app.views.palette import ClusterStyle, Theme, cluster_styles
from app.views.text import count, date_of, escape, moment_of, shorten, title_of
from surge.explanation.measured import Drift
from surge.explanation.record import Explanation

HEIGHT = 560  # pixels
STEP = 450  # milliseconds of a step while it plays
WIDTH, DRAWN = 430, 400  # pixels that the graph has at least, across and down
SMALLEST, MIDDLE, LARGEST = 13, 15, 26  # diameters in pixels; MIDDLE is that of an average item
TO_COME = 4  # pixels of an item that is still to come
LEAST_LETTERED = 0.6  # of the full size of nodes; in smaller ones a letter can't be read
LEFT, RIGHT = (0.0, 0.5), (0.57, 1.0)
ABOUT = (
    "The model is run again on the beginning of the history: after the first item, the second, and so on to the whole. "
    "Each step shows what it would have said then: its kept links (Eq. 3), the cluster that held most of each item "
    "(Eq. 11), how many items each cluster held, and the score (Eq. 17) and rank of today's candidate. Everything may "
    "change with a new item, as the links are chosen anew for the whole history. Left out are weaker links."
)


def drift_figure(
    record: Explanation, drift: Drift, theme: Theme | str, *, styles: Sequence[ClusterStyle] | None = None
) -> go.Figure:
    """One frame a step, which moves trace 0 (links), trace 1 (items) and the last traces (where the step is).

    Between them stand the mass of each lettered cluster and of the rest, stacked over the items read, then the
    candidate's score and, where it is known, its rank. A slider and two buttons play the frames. The figure as it
    opens is the last step, the whole history. A drift of another history is a ValueError.
    """
    if int(drift.lengths[-1]) != record.length:
        raise ValueError("the drift belongs to another history")
    theme = Theme(theme)
    styles = cluster_styles(record, theme) if styles is None else styles
    figure = new_figure(theme, HEIGHT)
    steps = range(len(drift.lengths))
    graphs = [_graph(record, drift, step, theme, styles) for step in steps]
    last = len(graphs) - 1
    links, items = graphs[last]
    figure.add_scatter(mode="lines", line={"color": theme.edge, "width": 1.3}, opacity=0.55, hoverinfo="skip", **links)
    figure.add_scatter(**items, **_what_items_say(record))
    panels = _panels(record, drift, theme, styles)
    figure.add_traces([trace for panel in panels for trace in panel["traces"]])
    first_cursor = len(figure.data)
    for panel in panels:
        figure.add_scatter(
            x=[record.length] * 2,
            y=panel["ends"],
            xaxis="x2",
            yaxis=panel["axis"],
            mode="lines",
            line={"color": theme.text, "width": 1.5},
            hoverinfo="skip",
        )
    moved = [0, 1, *range(first_cursor, len(figure.data))]
    _lay_out(figure, record, drift, theme, panels)
    if last:
        figure.frames = [
            {
                "name": str(step),
                "traces": moved,
                "data": [*graphs[step], *({"x": [int(drift.lengths[step])] * 2} for _ in panels)],
            }
            for step in steps
        ]
        figure.update_layout(sliders=[_slider(record, drift, theme)], updatemenus=[_buttons(theme)])
    return figure


# -- the graph ------------------------------------------------------------------------------------------


def _graph(
    record: Explanation, drift: Drift, step: int, theme: Theme, styles: Sequence[ClusterStyle]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What one step draws on the left: the links as one line with gaps, and the items; plain lists."""
    positions = np.round(graph_positions(record), 1)
    pairs = positions[drift.edges[step].astype(np.int64).reshape(-1, 2)]
    links = {axis: [value for a, b in pairs[:, :, k].tolist() for value in (a, b, None)] for k, axis in enumerate("xy")}
    length, scale = int(drift.lengths[step]), _node_scale(positions)
    to_come = record.length - length
    looks = [styles[int(cluster)] for cluster in drift.clusters[step]]
    relative = drift.importance[step] * length  # 1 where every item is equally important
    sizes = np.round(scale * np.clip(MIDDLE * np.sqrt(relative), SMALLEST, LARGEST), 1).tolist()
    items: dict[str, Any] = {
        "marker": {
            "color": [look.colour for look in looks] + [theme.muted] * to_come,
            "size": sizes + [TO_COME] * to_come,
        }
    }
    if scale >= LEAST_LETTERED:
        items["text"] = [look.letter if look.lettered else "" for look in looks] + [""] * to_come
        items["textfont"] = {"color": [look.ink for look in looks] + [theme.muted] * to_come}
    return links, items


def _what_items_say(record: Explanation) -> dict[str, Any]:
    """What is the same in all steps: where the items stand, and the words of their hover boxes."""
    positions = np.round(graph_positions(record), 1)
    n = record.length
    lettered = _node_scale(positions) >= LEAST_LETTERED
    return {
        "x": positions[:, 0].tolist(),
        "y": positions[:, 1].tolist(),
        "mode": "markers+text" if lettered else "markers",
        "textposition": "middle center",
        "textfont_size": 10,
        "marker_line_width": 0,
        "marker_opacity": 1,
        "customdata": [
            [
                escape(title_of(item)),
                escape(item.category or "no category"),
                " · ".join(part for part in (moment_of(item), f"item {i + 1} of {n}") if part),
            ]
            for i, item in enumerate(record.history)
        ],
        "hovertemplate": "<b>%{customdata[0]}</b><br>%{customdata[1]}<br>%{customdata[2]}<extra></extra>",
    }


def _node_scale(positions: np.ndarray) -> float:
    """How much smaller than usual nodes are drawn, so that neighbours on a large graph do not touch."""
    width, height = np.ptp(positions, axis=0) + 2 * SPACING
    return float(min(1.0, SPACING * min(WIDTH / width, DRAWN / height) / LARGEST))


# -- the curves -----------------------------------------------------------------------------------------


def _panels(record: Explanation, drift: Drift, theme: Theme, styles: Sequence[ClusterStyle]) -> list[dict[str, Any]]:
    """The curves on the right from top to bottom: heading, traces, axis, its settings, and the ends of a cursor."""
    lengths, after = drift.lengths.tolist(), [escape(words) for words in _step_words(record, drift)]
    shared = {"x": lengths, "xaxis": "x2", "customdata": after, "hoverlabel": {"align": "left"}}
    title = escape(shorten(title_of(record.target), 40))
    n = record.length
    mass = [
        {
            **shared,
            "type": "scatter",
            "yaxis": "y2",
            "name": f"cluster {letter}",
            "y": np.round(held, 3).tolist(),
            "mode": "lines",
            "stackgroup": "mass",
            "line": {"width": 0.8, "color": theme.background},
            "fillcolor": colour,
            "hovertemplate": f"<b>{escape(f'{letter} {name}'.strip())}</b>"
            "<br>%{y:.1f} items after %{customdata}<extra></extra>",
        }
        for letter, name, colour, held in _bands(drift, theme, styles)
    ]
    line = {"color": theme.text, "width": 2}
    curve = {**shared, "type": "scatter", "mode": "lines+markers", "line": line, "marker": {"size": 4}}
    score = np.round(drift.score, 5)
    top = float(min(1.0, 1.15 * score.max()))
    percent = ".0%" if top >= 0.1 else ".1%" if top >= 0.01 else ".3%"
    panels: list[dict[str, Any]] = [
        {
            "heading": "Items held by each cluster",
            "traces": mass,
            "axis": "y2",
            "settings": {"range": [0, n], "nticks": 4},
            "ends": [0, n],
        },
        {
            "heading": f"Score of “{title}”",
            "traces": [
                curve
                | {"y": score.tolist(), "yaxis": "y3", "hovertemplate": "%{y:.2%} after %{customdata}<extra></extra>"}
            ],
            "axis": "y3",
            "settings": {"range": [0, top], "nticks": 4, "tickformat": percent},
            "ends": [0, top],
        },
    ]
    known = drift.rank[np.isfinite(drift.rank)]
    if len(known):
        worst = float(known.max())
        ticks = [tick for tick in (1, 10, 100, 1000, 10_000, 100_000, 1_000_000) if tick <= 1.3 * worst]
        ranks = [int(rank) if np.isfinite(rank) else None for rank in drift.rank]
        panels.append(
            {
                "heading": "Its rank (1 is best)" + ("" if drift.exact else ", estimated"),
                "traces": [
                    curve | {"y": ranks, "yaxis": "y4", "hovertemplate": "#%{y:,} after %{customdata}<extra></extra>"}
                ],
                "axis": "y4",
                "settings": {
                    "type": "log",
                    "range": [np.log10(1.4 * worst), np.log10(0.75)],
                    "tickvals": ticks,
                    "ticktext": [f"#{tick:,}" for tick in ticks],
                },
                "ends": [0.75, 1.4 * worst],
            }
        )
    return panels


def _bands(drift: Drift, theme: Theme, styles: Sequence[ClusterStyle]) -> list[tuple[str, str, str, np.ndarray]]:
    """Letter, name, colour and mass (k) of each lettered cluster, by letter, then of the rest."""
    width = drift.cluster_mass.shape[1]
    lettered = sorted((style for style in styles[:width] if style.lettered), key=lambda style: style.letter)
    bands = [(style.letter, style.name, style.colour, drift.cluster_mass[:, style.index]) for style in lettered]
    rest = np.setdiff1d(np.arange(width), [style.index for style in lettered])
    if len(rest):
        bands.append(("", "all other clusters", theme.other, drift.cluster_mass[:, rest].sum(axis=1)))
    return bands


def _step_words(record: Explanation, drift: Drift) -> list[str]:
    """What each step has just read, as plain text: "12 items: 2024-03-09, Tent"."""
    words = []
    for length in drift.lengths.tolist():
        newest = record.history[length - 1]
        told = ", ".join(part for part in (date_of(newest), shorten(title_of(newest), 48)) if part)
        words.append(f"{count(length, 'item')}: {told}")
    return words


# -- layout and controls --------------------------------------------------------------------------------


def _lay_out(
    figure: go.Figure, record: Explanation, drift: Drift, theme: Theme, panels: Sequence[dict[str, Any]]
) -> None:
    positions = graph_positions(record)
    low, high = positions.min(axis=0) - SPACING, positions.max(axis=0) + SPACING
    axes: dict[str, Any] = {
        "xaxis": bare_axis(range=[low[0], high[0]], domain=list(LEFT), showticklabels=False, constrain="domain"),
        "yaxis": bare_axis(
            range=[high[1], low[1]], showticklabels=False, scaleanchor="x", scaleratio=1, constrain="domain"
        ),
        "xaxis2": bare_axis(
            range=[min(1, 0.98 * record.length), max(record.length, 1.02)],
            domain=list(RIGHT),
            anchor=panels[-1]["axis"],
            tickformat=",d",
            nticks=8,
            title={"text": "items read", "standoff": 4, "font": {"size": 12}},
        ),
    }
    notes, gap = [], 0.11
    tall = (1 - gap * len(panels)) / (len(panels) + 1)  # the stack of clusters is twice as tall as the others
    top = 1 - gap / 2
    for place, panel in enumerate(panels):
        bottom = max(top - tall * (2 if place == 0 else 1), 0)
        grid = {"showgrid": True, "gridcolor": theme.grid}
        axes[f"yaxis{panel['axis'][1:]}"] = bare_axis(
            domain=[bottom, top], anchor="x2", side="right", ticklabelstandoff=5, **grid, **panel["settings"]
        )
        notes.append(
            {
                "text": f"<b>{panel['heading']}</b>",
                "xref": "paper",
                "yref": "paper",
                "x": RIGHT[0],
                "y": top,
                "xanchor": "left",
                "yanchor": "bottom",
                "showarrow": False,
                "font": {"color": theme.text},
            }
        )
        top = bottom - gap
    figure.update_layout(
        **axes,
        annotations=[*notes, *_letters(record, drift, panels[0]["traces"])],
        margin={"l": 8, "r": 60, "t": 8, "b": 118 if len(drift.lengths) > 1 else 40},
    )


def _letters(record: Explanation, drift: Drift, mass: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The letter of each cluster in the stack, where it is thickest; none where it is too thin for one."""
    held = np.array([trace["y"] for trace in mass])
    below = np.cumsum(held, axis=0) - held
    notes = []
    for trace, thickness, floor in zip(mass, held, below, strict=True):
        letter = trace["name"].removeprefix("cluster ")
        inner = thickness.copy()
        if len(inner) > 2:
            inner[[0, -1]] = 0  # a letter at the edge would stick out
        place = int(np.argmax(inner))
        if letter and thickness[place] >= 0.09 * record.length:
            notes.append(
                {
                    "text": f"<b>{letter}</b>",
                    "xref": "x2",
                    "yref": "y2",
                    "x": int(drift.lengths[place]),
                    "y": float(floor[place] + thickness[place] / 2),
                    "showarrow": False,
                    "font": {"color": "#14181f"},
                    "bgcolor": "rgba(255,255,255,0.75)",
                    "borderpad": 1,
                }
            )
    return notes


def _slider(record: Explanation, drift: Drift, theme: Theme) -> dict[str, Any]:
    """One step a prefix. The words of the step stand above the slider; under the ticks there is no room for them."""
    still = {"frame": {"duration": 0, "redraw": False}, "mode": "immediate", "transition": {"duration": 0}}
    return {
        "active": len(drift.lengths) - 1,
        "x": 0.13,
        "len": 0.87,
        "y": 0,
        "yanchor": "top",
        "pad": {"t": 44, "b": 0, "l": 0, "r": 0},
        "currentvalue": {
            "prefix": "After ",
            "xanchor": "left",
            "offset": 10,
            "font": {"color": theme.text, "size": 13},
        },
        "transition": {"duration": 0},
        "font": {"size": 1, "color": "rgba(0,0,0,0)"},
        "bgcolor": theme.grid,
        "activebgcolor": theme.muted,
        "bordercolor": theme.muted,
        "borderwidth": 1,
        "tickcolor": theme.muted,
        "ticklen": 4,
        "minorticklen": 4,
        "steps": [
            {"label": escape(words), "method": "animate", "args": [[str(step)], still]}
            for step, words in enumerate(_step_words(record, drift))
        ],
    }


def _buttons(theme: Theme) -> dict[str, Any]:
    moving = {"frame": {"duration": STEP, "redraw": False}, "transition": {"duration": 0}}
    # plotly paints a button under the pointer nearly white, in the dark theme too: dark words on light in both
    light = theme is Theme.LIGHT
    return {
        "type": "buttons",
        "direction": "right",
        "showactive": False,
        "x": 0,
        "xanchor": "left",
        "y": 0,
        "yanchor": "top",
        "pad": {"t": 64, "l": 0, "r": 0, "b": 0},
        "bgcolor": "#ffffff" if light else "#c9d0dc",
        "bordercolor": theme.muted,
        "font": {"color": "#14181f", "size": 12},
        "buttons": [
            {
                "label": "Play",
                "method": "animate",
                "args": [None, {**moving, "fromcurrent": True, "mode": "immediate"}],
            },
            {
                "label": "Pause",
                "method": "animate",
                "args": [[None], {"frame": {"duration": 0, "redraw": False}, "mode": "immediate"}],
            },
        ],
    }


# -- words and numbers ----------------------------------------------------------------------------------


def caption(record: Explanation, drift: Drift) -> str:
    """What is drawn, in which unit, and what is left out."""
    steps = len(drift.lengths)
    every = f"{count(steps, 'step')}, one an item" if steps == record.length else f"{steps} of {record.length} steps"
    most = max(len(edges) for edges in drift.edges)
    lines = f"Lines: the strongest kept links, at most {most} a step. " if most else ""
    rank = ""
    if not np.isfinite(drift.rank).any():
        rank = " Its rank is not known."
    elif not drift.exact:
        rank = " Earlier ranks are estimated from a part of the catalogue."
    return (
        f"What the model says after each part of the history: {every}. {lines}Size: importance γ. Colour and letter: "
        f"the cluster that holds most of the item at that step; small dots: items still to come.{rank}"
    )


def drift_table(record: Explanation, drift: Drift, *, styles: Sequence[ClusterStyle] | None = None) -> pd.DataFrame:
    """One row a step: items read, the newest one, the candidate's score and rank, and the mass of each cluster."""
    styles = cluster_styles(record) if styles is None else styles
    newest = [record.history[length - 1] for length in drift.lengths.tolist()]
    columns: dict[str, Any] = {
        "items read": drift.lengths.astype(np.int64),
        "date": pd.to_datetime([item.timestamp for item in newest], unit="s"),
        "newest item": [title_of(item) for item in newest],
        "score": drift.score,
        "rank": pd.array([int(rank) if np.isfinite(rank) else pd.NA for rank in drift.rank], dtype="Int64"),
    }
    for letter, name, _, held in _bands(drift, Theme.LIGHT, styles):
        columns[f"mass {letter}" if letter else f"mass of {name}"] = held
    columns["item"] = [item.item for item in newest]
    return pd.DataFrame(columns)
