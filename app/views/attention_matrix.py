"""The attention E as lift over uniform: attending items by the items they attend to, one square a kept edge."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from app.views.figure import band, bare_axis, new_figure, unchanged_by_selection
from app.views.measures import attention, attention_lift
from app.views.palette import Theme, cluster_styles, item_clusters
from app.views.selection import Selection
from app.views.text import count, escape, title_of
from surge.explanation.record import Explanation

ARRANGEMENTS = ("interest", "time")


def arrangement(record: Explanation, arrange: str = "interest") -> np.ndarray:
    """The items (n) in the order in which the matrix puts them: by cluster as read, then time; or by time."""
    if arrange == "time":
        return np.arange(record.length)
    place = np.argsort(record.prediction.order)  # of each cluster in the sequence
    return np.lexsort((np.arange(record.length), place[item_clusters(record)]))


def attention_matrix(
    record: Explanation,
    selection: Selection,
    theme: Theme | str,
    head: int | None = None,
    arrange: str = "interest",
) -> go.Figure:
    """Trace 0 holds the kept edges: x = place of source j, y = place of target i, colour = lift.

    customdata is (i, j, E_ij), in indices of the record. Traces 1 and 2 are the row and the column heads
    (customdata (item, item, 0)). `head` None means the mean over the heads.
    """
    theme = Theme(theme)
    n = record.length
    order = arrangement(record, arrange)
    place = np.argsort(order)
    weights, lift = attention(record, head), attention_lift(record, head)
    targets, sources = np.nonzero(record.graph_construction.adjacency)
    drawn = lift[targets, sources]
    styles, clusters = cluster_styles(record, theme), item_clusters(record)

    height = int(np.clip(n * 10 + 40, 260, 520))
    cell = float(np.clip((height - 20) / (max(n, 6) + 2) - 0.8, 2, 18))
    figure = new_figure(theme, height)
    figure.add_scatter(
        x=place[sources],
        y=place[targets],
        mode="markers",
        customdata=np.stack([targets, sources, weights[targets, sources]], axis=1).astype(np.float32),
        hovertemplate=(
            "<b>%{y}</b><br>attends to <b>%{x}</b><br>%{marker.color:.2f} × uniform · weight E %{customdata[2]:.3f}"
            "<extra></extra>"
        ),
        marker={
            "symbol": "square",
            "size": cell,
            "color": drawn.astype(np.float32),
            "cmin": 0,
            "cmax": max(2.0, float(np.quantile(drawn, 0.98))),
            "colorscale": theme.magnitudes,
            "showscale": True,
            "colorbar": {
                "thickness": 8,
                "len": 0.5,
                "outlinewidth": 0,
                "tickfont": {"size": 10, "color": theme.muted},
                "ticksuffix": "×",
                "nticks": 5,
                "x": 1.0,
            },
            "line": {"width": 0},
        },
        **unchanged_by_selection(),
    )
    colours = [styles[clusters[i]].colour for i in order]
    steps = np.arange(n)
    heads = np.stack([order, order, np.zeros(n, dtype=np.int64)], axis=1)
    edge, size = -1.1 - 0.008 * n, max(n, 6)
    for x, y, template in (
        (np.full(n, edge), steps, "<b>%{y}</b><extra></extra>"),
        (steps, np.full(n, edge), "<b>%{x}</b><extra></extra>"),
    ):
        figure.add_scatter(
            x=x,
            y=y,
            mode="markers",
            customdata=heads,
            hovertemplate=template,
            marker={"symbol": "square", "size": max(cell, 3), "color": colours},
            cliponaxis=False,
            **unchanged_by_selection(),
        )
    marks = []
    for spot in (int(place[i]) for i in sorted(selection.items) if 0 <= i < n):
        marks.append(band(theme, edge - 0.5, n - 0.5, spot - 0.5, spot + 0.5))
        marks.append(band(theme, spot - 0.5, spot + 0.5, edge - 0.5, n - 0.5))
    # titles are sent once, as tick texts that only the hover boxes read, and not with every cell
    titles = [escape(title_of(record.history[i])) for i in order]
    ticks = {"tickvals": list(range(n)), "ticktext": titles, "showticklabels": False, "constrain": "domain"}
    figure.update_layout(shapes=marks, margin={"l": 4, "r": 4, "t": 4, "b": 4})
    figure.update_xaxes(bare_axis(range=[edge - 0.7, size - 0.4], constraintoward="left", **ticks))
    figure.update_yaxes(bare_axis(range=[size - 0.4, edge - 0.7], scaleanchor="x", constraintoward="top", **ticks))
    return figure


def caption(record: Explanation, head: int | None = None, arrange: str = "interest") -> str:
    """What the matrix draws, in which unit, and what it leaves out."""
    heads = len(record.interest_fusion.attention)
    which = f"head {head + 1} of {heads}" if head is not None else f"mean of {heads} heads" if heads > 1 else "one head"
    kept = int(record.graph_construction.adjacency.sum())
    order = "grouped by cluster" if arrange == "interest" else "in time order"
    return (
        f"Attention E ({which}): each row is an item, its cells the items it attends to, {order}. "
        "Colour: multiples of that row's uniform weight 1/|Nᵢ|. "
        f"{count(kept, 'cell')} of {record.length**2:,} are kept edges, both ways and each item's own; "
        "the others weigh 0."
    )
