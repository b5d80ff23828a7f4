"""The attention E as lift over uniform: attending items by the items they attend to, one square a kept edge."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from surge.escapes import for_plotly
from surge.explanation.record import Explanation
from surge.pictures.edit_context import Before
from surge.pictures.figure import Rectangle, bare_axis, figure_of, magnitude_scale, places, rim
from surge.pictures.measures import attention, attention_lift
from surge.pictures.palette import ClusterStyle, Theme, cluster_styles, item_clusters
from surge.pictures.text import title_of

MOST_SQUARES = 2000  # with more, one picture of all cells is drawn faster than one mark a cell


def arrangement(record: Explanation) -> np.ndarray:
    """The items (n) in the order in which the matrix puts them: by cluster as read, then time."""
    place = np.argsort(record.prediction.order)  # of each cluster in the sequence
    return np.lexsort((np.arange(record.length), place[item_clusters(record)]))


def attention_matrix(
    record: Explanation,
    theme: Theme | str,
    *,
    head: int | None = None,
    before: Before | None = None,
    styles: Sequence[ClusterStyle] | None = None,
) -> go.Figure:
    """Trace "cells" holds the kept edges: x = place of source j, y = place of target i, colour = lift.

    customdata is (i, j, E_ij), in indices of the record; above 2,000 edges the cells are a heatmap (z = lift) and
    `layout.meta["rows"]` has the item at each place. Traces "rows" and "columns" are the heads (customdata
    (item, its cluster)), "new" the marks of items that were not there before. `head` None means the mean over the
    heads.
    """
    theme = Theme(theme)
    n = record.length
    styles, clusters = cluster_styles(record, theme) if styles is None else styles, item_clusters(record)
    order = arrangement(record)
    place = np.argsort(order)
    height = int(np.clip(n * 10 + 40, 260, 520))
    cell = float(np.clip((height - 20) / (max(n, 6) + 2) - 0.8, 2, 18))
    edge, size = -1.1 - 0.008 * n, max(n, 6)
    steps = np.arange(n)
    heads = {
        "type": "scatter",
        "mode": "markers",
        "customdata": np.stack([order, clusters[order]], axis=1),
        "marker": _head_marker(theme, cell, [styles[clusters[i]].colour for i in order]),
        "cliponaxis": False,
    }
    traces: list[dict[str, Any]] = [
        _cells(record, theme, head, order, place, cell),
        heads | {"name": "rows", "x": np.full(n, edge), "y": steps, "hovertemplate": "<b>%{y}</b><extra></extra>"},
        heads | {"name": "columns", "x": steps, "y": np.full(n, edge), "hovertemplate": "<b>%{x}</b><extra></extra>"},
    ]
    if before is not None:
        new = [int(place[i]) for i, origin in enumerate(before.origin) if origin is None]
        outer = np.full(len(new), edge - 1.2 - 0.01 * n)
        traces.append(
            {
                "type": "scatter",
                "name": "new",
                "mode": "text",
                "x": np.concatenate([outer, new]),
                "y": np.concatenate([new, outer]),
                "text": ["+"] * (2 * len(new)),
                "textfont": {"size": 12, "color": theme.text},
                "hoverinfo": "skip",
                "cliponaxis": False,
            }
        )
    # titles are sent once, as tick texts that only the hover boxes read, and not with every cell
    titles = [for_plotly(title_of(record.history[i])) for i in order]
    ticks = {"tickvals": list(range(n)), "ticktext": titles, "showticklabels": False}
    start = edge - (0.7 if before is None else 2.2 + 0.015 * n)
    return figure_of(
        theme,
        height,
        traces,
        clickmode="event",
        margin={"l": 4, "r": 4, "t": 4, "b": 4},
        xaxis=bare_axis(range=[start, size - 0.4], **ticks),
        yaxis=bare_axis(range=[size - 0.4, start], **ticks),
        meta=places(
            [
                [[edge - 0.5, n - 0.5, spot - 0.5, spot + 0.5], [spot - 0.5, spot + 0.5, edge - 0.5, n - 0.5]]
                for spot in place.tolist()
            ],
            {c: _cluster_frames(place[clusters == c].tolist(), edge) for c in np.unique(clusters).tolist()},
            rows=order.tolist(),
        ),
    )


def _cells(
    record: Explanation, theme: Theme, head: int | None, order: np.ndarray, place: np.ndarray, cell: float
) -> dict[str, Any]:
    adjacency = record.graph_construction.adjacency
    weights, lift = attention(record, head), attention_lift(record, head)
    targets, sources = np.nonzero(adjacency)
    drawn = lift[targets, sources]
    most = max(2.0, float(np.quantile(drawn, 0.98)))
    words = "<b>%{y}</b><br>attends to <b>%{x}</b><br>"
    key = {
        "thickness": 8,
        "len": 0.5,
        "outlinewidth": 0,
        "tickfont": {"size": 11, "color": theme.muted},
        "ticksuffix": "×",
        "nticks": 5,
        "x": 1.0,
    }
    if len(targets) > MOST_SQUARES:
        lift = np.where(adjacency > 0, lift, np.nan)[np.ix_(order, order)]
        return {
            "type": "heatmap",
            "name": "cells",
            "z": lift.astype(np.float32),
            "zmin": 0,
            "zmax": most,
            "colorscale": magnitude_scale(theme),
            "colorbar": key,
            "hoverongaps": False,
            "hovertemplate": f"{words}%{{z:.2f}} × uniform<extra></extra>",
        }
    return {
        "type": "scatter",
        "name": "cells",
        "mode": "markers",
        "x": place[sources],
        "y": place[targets],
        "customdata": np.stack([targets, sources, weights[targets, sources]], axis=1).astype(np.float32),
        "hovertemplate": f"{words}%{{marker.color:.2f}} × uniform · weight E %{{customdata[2]:.3f}}<extra></extra>",
        "marker": {
            "symbol": "square",
            "size": cell,
            "color": drawn.astype(np.float32),
            "cmin": 0,
            "cmax": most,
            "colorscale": magnitude_scale(theme),
            "showscale": True,
            "colorbar": key,
            "line": {"width": 0.5 if cell > 5 else 0, "color": theme.muted},
        },
    }


def _head_marker(theme: Theme, cell: float, colours: list[str]) -> dict[str, Any]:
    line = rim(theme, colours) if cell > 5 else {"width": 0}
    return {"symbol": "square", "size": max(cell, 3), "color": colours, "line": line}


def _cluster_frames(spots: list[int], edge: float) -> list[Rectangle]:
    """The square of a cluster's items, which stand together, among themselves, and its heads on either side."""
    first, last = min(spots) - 0.5, max(spots) + 0.5
    return [[edge - 0.5, last, first, last], [first, last, edge - 0.5, last]]
