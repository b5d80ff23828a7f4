"""Drift: how the graph, the clusters and the candidate's lift grew with the history, step by step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from surge.escapes import for_plotly
from surge.explanation.measurements import Drift
from surge.explanation.record import Explanation
from surge.pictures.drift_controls import play_buttons, step_slider
from surge.pictures.drift_curves import band_letters, curve_panels, mass_bands
from surge.pictures.figure import BLANK, bare_axis, new_figure, paper_note
from surge.pictures.graph_layout import SPACING, graph_positions
from surge.pictures.palette import ClusterStyle, Theme, cluster_styles
from surge.pictures.text import moment_of, title_of

HEIGHT = 560  # pixels
WIDTH, DRAWN = 430, 400  # pixels that the graph has at least, across and down
SMALLEST, MIDDLE, LARGEST = 13, 15, 26  # diameters in pixels; MIDDLE is that of an average item
TO_COME = 4  # pixels of an item that is still to come
LEAST_LETTERED = 0.6  # of the full size of nodes; in smaller ones a letter can't be read
LEFT, RIGHT = (0.0, 0.5), (0.57, 1.0)


def drift_figure(
    record: Explanation, drift: Drift, theme: Theme | str, *, styles: Sequence[ClusterStyle] | None = None
) -> go.Figure:
    """One frame a step, which moves trace 0 (links), trace 1 (items) and the last traces (where the step is).

    Between them stand the mass of each lettered cluster and of the rest, stacked over the items read, then the
    candidate's log lift and, where it is known, its rank. A slider and two buttons play the frames. The figure as it
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
    panels = curve_panels(record, drift, theme, styles)
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
        figure.update_layout(sliders=[step_slider(record, drift, theme)], updatemenus=[play_buttons(theme)])
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
        items["text"] = [look.letter if look.lettered else BLANK for look in looks] + [BLANK] * to_come
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
                for_plotly(title_of(item)),
                for_plotly(item.category or "no category"),
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


# -- layout ---------------------------------------------------------------------------------------------


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
        notes.append(paper_note(f"<b>{panel['heading']}</b>", RIGHT[0], top, theme, font={"color": theme.text}))
        top = bottom - gap
    figure.update_layout(
        **axes,
        annotations=[*notes, *band_letters(record, drift, panels[0]["traces"])],
        margin={"l": 8, "r": 60, "t": 8, "b": 118 if len(drift.lengths) > 1 else 40},
    )


# -- words and numbers ----------------------------------------------------------------------------------


def drift_table(record: Explanation, drift: Drift, *, styles: Sequence[ClusterStyle] | None = None) -> pd.DataFrame:
    """One row a step: items read, the newest one, the candidate's lift and rank, and the mass of each cluster."""
    styles = cluster_styles(record) if styles is None else styles
    newest = [record.history[length - 1] for length in drift.lengths.tolist()]
    columns: dict[str, Any] = {
        "items read": drift.lengths.astype(np.int64),
        "date": pd.to_datetime([item.timestamp for item in newest], unit="s"),
        "newest item": [title_of(item) for item in newest],
        "lift": np.exp(drift.log_lift),
        "rank": pd.array([int(rank) if np.isfinite(rank) else pd.NA for rank in drift.rank], dtype="Int64"),
    }
    for letter, name, _, held in mass_bands(drift, Theme.LIGHT, styles):
        columns[f"mass {letter}" if letter else f"mass of {name}"] = held
    columns["item"] = [item.item for item in newest]
    return pd.DataFrame(columns)
