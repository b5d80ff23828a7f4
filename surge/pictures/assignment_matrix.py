"""The soft assignment S: history items by clusters, one square a cell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from surge.escapes import for_plotly
from surge.explanation.measurements import Effects
from surge.explanation.record import Explanation
from surge.pictures.edit_context import Before
from surge.pictures.figure import BLANK, bare_axis, figure_of, magnitude_scale, places, rim
from surge.pictures.palette import ClusterStyle, Theme, cluster_mass, cluster_styles, item_clusters
from surge.pictures.text import title_of, without_it
from surge.vocabulary.amounts import percent

LEAST_SHARE = 0.005  # cells below half a per cent are left out
LEAST_MASS = 0.5  # clusters that hold less than half an item are left out, unless they are some item's first choice
LEAST_CHANGE = 0.05  # of a share; smaller differences from before aren't outlined
KEY_HEIGHT = 30  # pixels of the colour key


def shown_clusters(record: Explanation, before: Before | None = None) -> list[int]:
    """The clusters that the matrix draws, in the order in which the model reads them; those of before are kept."""
    shown: set[int] = set()
    for each in [record] if before is None else [record, before.record]:
        mass, holding = cluster_mass(each), set(item_clusters(each).tolist())
        shown |= {c for c in range(len(mass)) if mass[c] >= LEAST_MASS or c in holding}
    return [int(c) for c in record.prediction.order if int(c) in shown]


def assignment_matrix(
    record: Explanation,
    theme: Theme | str,
    *,
    before: Before | None = None,
    styles: Sequence[ClusterStyle] | None = None,
    effects: Effects | None = None,
) -> go.Figure:
    """Trace "cells": x = column, y = row, colour = share; customdata is (item, cluster).

    Rows are items in time order, the first on top; columns are clusters in the order of the pooled sequence.
    Trace "rows" is the row heads (customdata (item, its cluster)), "columns" the column heads (customdata
    (-1, cluster, what leaving it out does)). With `before`, rows of items that are gone stand between, and trace
    "before" outlines the cells whose share was another by more than 0.05 (customdata (item or -1, cluster, words)).
    """
    theme = Theme(theme)
    styles = cluster_styles(record, theme) if styles is None else styles
    columns, clusters = shown_clusters(record, before), item_clusters(record)
    timeline = before.timeline() if before is not None else [(index, None) for index in range(record.length)]
    row_of = np.asarray([row for row, (index, _) in enumerate(timeline) if index is not None])
    count_of_rows = len(timeline)
    share = record.interest_extraction.total_assignment()[:, columns]
    items, spots = np.nonzero(share >= LEAST_SHARE)

    height = int(np.clip(count_of_rows * 12 + 60, 240, 560))
    cell = float(np.clip(min((height - 60) / count_of_rows, 300 / len(columns)) - 1, 4, 18))
    head = -1.3 - 0.02 * count_of_rows  # row of the column heads
    disc = float(np.clip(300 / len(columns) - 1, 8, 17))
    own = [styles[c].colour for c in clusters]
    discs = [styles[c].colour for c in columns]
    scale = {"cmin": 0, "cmax": 1, "colorscale": magnitude_scale(theme)}
    traces: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "name": "cells",
            "mode": "markers",
            "x": spots,
            "y": row_of[items],
            "customdata": np.stack([items, np.asarray(columns, dtype=np.int64)[spots]], axis=1),
            "hovertemplate": "<b>%{y}</b><br>cluster %{x}<br>share S %{marker.color:.1%}<extra></extra>",
            "marker": {
                "symbol": "square",
                "size": cell,
                "color": share[items, spots],
                "line": {"width": 0.5, "color": theme.muted},
                **scale,
                "showscale": True,
                "colorbar": _key(theme),
            },
        },
        {
            "type": "scatter",
            "name": "rows",
            "mode": "markers",
            "x": np.full(record.length, -1),
            "y": row_of,
            "customdata": np.stack([np.arange(record.length), clusters], axis=1),
            "hovertemplate": "<b>%{y}</b><extra></extra>",
            "marker": {"symbol": "square", "size": min(cell, 9), "color": own, "line": rim(theme, own)},
        },
        {
            "type": "scatter",
            "name": "columns",
            "mode": "markers+text",
            "x": np.arange(len(columns)),
            "y": np.full(len(columns), head),
            "text": [styles[c].letter if styles[c].lettered else BLANK for c in columns],
            "textfont": {"size": round(0.66 * disc), "color": [styles[c].ink for c in columns]},
            "customdata": [[-1, c, _head_words(effects, c)] for c in columns],
            "hovertemplate": "cluster %{x}%{customdata[2]}<extra></extra>",
            "cliponaxis": False,
            "marker": {
                "symbol": "circle",
                "size": [disc if styles[c].lettered else 0.4 * disc for c in columns],
                "color": discs,
                "opacity": 1,
                "line": rim(theme, discs),
            },
        },
    ]
    if before is not None:
        traces += _before(before, timeline, columns, share, cell, theme, scale)
    last = len(columns) - 0.5
    low, top = max(count_of_rows, 6) - 0.4, head - 0.4 - 0.02 * count_of_rows
    crown = head - (disc / 2 + 4) * (low - top) / (height - 16)  # a frame holds the whole disc
    # titles are sent once, as tick texts that only the hover boxes read, and not with every cell
    return figure_of(
        theme,
        height + KEY_HEIGHT,
        traces,
        clickmode="event",
        # the key stands in the margin and takes no width from the columns
        margin={"l": 8, "r": 8, "t": 8, "b": 8 + KEY_HEIGHT, "autoexpand": False},
        xaxis=bare_axis(
            range=[-1.7, max(last, 3.5) + 0.2],
            tickvals=list(range(len(columns))),
            ticktext=[for_plotly(f"{styles[c].letter} {styles[c].name}".strip()) for c in columns],
            showticklabels=False,
        ),
        yaxis=bare_axis(
            range=[low, top],
            tickvals=list(range(count_of_rows)),
            ticktext=_titles(record, before, timeline),
            showticklabels=False,
        ),
        meta=places(
            [[[-1.5, last, float(row) - 0.5, float(row) + 0.5]] for row in row_of],
            {c: [[k - 0.5, k + 0.5, crown, count_of_rows - 0.5]] for k, c in enumerate(columns)},
        ),
    )


def _head_words(effects: Effects | None, cluster: int) -> str:
    words = without_it(effects, cluster, cluster=True) if effects is not None else ""
    return f"<br>{words}" if words else ""


def _titles(record: Explanation, before: Before | None, timeline: Sequence[tuple[int | None, int | None]]) -> list[str]:
    titles = []
    for index, earlier in timeline:
        if index is not None:
            titles.append(for_plotly(title_of(record.history[index])))
        elif before is not None and earlier is not None:
            titles.append(f"{for_plotly(title_of(before.record.history[earlier]))} (taken out)")
    return titles


def _key(theme: Theme) -> dict[str, Any]:
    """A colour key of fixed size below the columns."""
    return {
        "orientation": "h",
        "thickness": 8,
        "lenmode": "pixels",
        "len": 130,
        "x": 0,
        "xanchor": "left",
        "xpad": 14,
        "y": 0,
        "yanchor": "top",
        "ypad": 4,
        "outlinewidth": 0,
        "tickvals": [0, 0.5, 1],
        "ticktext": ["0 %", "50 %", "100 %"],
        "ticks": "",
        "tickfont": {"size": 11, "color": theme.muted},
    }


def _before(
    before: Before,
    timeline: Sequence[tuple[int | None, int | None]],
    columns: list[int],
    share: np.ndarray,
    cell: float,
    theme: Theme,
    scale: dict[str, Any],
) -> list[dict[str, Any]]:
    """The outlines of the shares before, and a hollow head for the row of each item that is gone."""
    earlier_share = before.record.interest_extraction.total_assignment()[:, columns]
    rows, spots, old, words = [], [], [], []
    for row, (index, earlier) in enumerate(timeline):
        if earlier is None:
            continue
        now = np.zeros(len(columns)) if index is None else share[index]
        for spot in np.flatnonzero(np.abs(earlier_share[earlier] - now) > LEAST_CHANGE):
            was = float(earlier_share[earlier, spot])
            rows.append(row)
            spots.append(int(spot))
            old.append(was)
            then = f"before {percent(was)}"
            words.append(
                [
                    -1 if index is None else index,
                    -1 if index is None else columns[spot],
                    then if index is None else f"{then}, now {percent(float(now[spot]))}",
                ]
            )
    gone = [row for row, (index, _) in enumerate(timeline) if index is None]
    hollow = "rgba(0,0,0,0)"
    return [
        {
            "type": "scatter",
            "name": "before",
            "mode": "markers",
            "x": np.asarray(spots, dtype=np.int64),
            "y": np.asarray(rows, dtype=np.int64),
            "customdata": words,
            "hovertemplate": "<b>%{y}</b><br>cluster %{x}<br>share S %{customdata[2]}<extra></extra>",
            # square-open takes its line from the marker's colour: here the share before
            "marker": {
                "symbol": "square-open",
                "size": cell + 1,
                "color": np.asarray(old),
                "line": {"width": 2},
                **scale,
            },
        },
        {
            "type": "scatter",
            "name": "gone",
            "mode": "markers",
            "x": np.full(len(gone), -1),
            "y": np.asarray(gone, dtype=np.int64),
            "hovertemplate": "<b>%{y}</b><extra></extra>",
            "marker": {
                "symbol": "square",
                "size": min(cell, 9),
                "color": hollow,
                "line": {"width": 1, "color": theme.muted},
            },
        },
    ]
