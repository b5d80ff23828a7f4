"""The soft assignment S: history items by clusters, one square a cell."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from app.views.figure import band, bare_axis, new_figure, unchanged_by_selection
from app.views.palette import Theme, cluster_mass, cluster_styles, item_clusters
from app.views.selection import Selection
from app.views.text import count, escape, title_of
from surge.explanation.record import Explanation

LEAST_SHARE = 0.005  # cells below half a per cent are left out
LEAST_MASS = 0.5  # clusters that hold less than half an item are left out, unless they are some item's first choice


def shown_clusters(record: Explanation) -> list[int]:
    """The clusters that the matrix draws, in the order in which the model reads them."""
    mass, holding = cluster_mass(record), set(item_clusters(record).tolist())
    return [int(c) for c in record.prediction.order if mass[c] >= LEAST_MASS or int(c) in holding]


def assignment_matrix(record: Explanation, selection: Selection, theme: Theme | str) -> go.Figure:
    """Trace 0 holds the cells: x = column, y = item, colour = share; customdata is (item, cluster).

    Rows are items in time order, the first on top; columns are clusters in the order of the pooled sequence.
    Trace 1 is the row heads (customdata (item, its cluster)), trace 2 the column heads (customdata (-1, cluster)).
    """
    theme = Theme(theme)
    n = record.length
    columns = shown_clusters(record)
    share = record.interest_extraction.total_assignment()[:, columns]
    styles, clusters = cluster_styles(record, theme), item_clusters(record)
    rows, places = np.nonzero(share >= LEAST_SHARE)

    height = int(np.clip(n * 12 + 60, 240, 560))
    cell = float(np.clip(min((height - 60) / n, 300 / len(columns)) - 1, 4, 18))
    head = -1.3 - 0.02 * n  # row of the column heads
    disc = float(np.clip(300 / len(columns) - 1, 8, 17))
    figure = new_figure(theme, height)
    figure.add_scatter(
        x=places,
        y=rows,
        mode="markers",
        customdata=np.stack([rows, np.asarray(columns, dtype=np.int64)[places]], axis=1),
        hovertemplate="<b>%{y}</b><br>cluster %{x}<br>share S %{marker.color:.1%}<extra></extra>",
        marker={
            "symbol": "square",
            "size": cell,
            "color": share[rows, places],
            "cmin": 0,
            "cmax": 1,
            "colorscale": theme.magnitudes,
            "line": {"width": 0},
        },
        **unchanged_by_selection(),
    )
    figure.add_scatter(
        x=np.full(n, -1),
        y=np.arange(n),
        mode="markers",
        customdata=np.stack([np.arange(n), clusters], axis=1),
        hovertemplate="<b>%{y}</b><extra></extra>",
        marker={"symbol": "square", "size": min(cell, 9), "color": [styles[c].colour for c in clusters]},
        **unchanged_by_selection(),
    )
    figure.add_scatter(
        x=np.arange(len(columns)),
        y=np.full(len(columns), head),
        mode="markers+text",
        text=[styles[c].letter if styles[c].lettered else "" for c in columns],
        textfont={"size": round(0.66 * disc), "color": [styles[c].ink for c in columns]},
        customdata=[[-1, c] for c in columns],
        hovertemplate="cluster %{x}<extra></extra>",
        marker={
            "symbol": "circle",
            "size": [disc if styles[c].lettered else 0.4 * disc for c in columns],
            "color": [styles[c].colour for c in columns],
            "opacity": 1,
            "line": {"width": 0},
        },
        cliponaxis=False,
        **unchanged_by_selection(),
    )
    last = len(columns) - 0.5
    marks = [band(theme, -1.5, last, i - 0.5, i + 0.5) for i in sorted(selection.items) if 0 <= i < n]
    if selection.cluster in columns:
        place = columns.index(selection.cluster)
        marks.append(band(theme, place - 0.5, place + 0.5, -0.5, n - 0.5))
    figure.update_layout(shapes=marks)
    # titles are sent once, as tick texts that only the hover boxes read, and not with every cell
    figure.update_xaxes(
        bare_axis(
            range=[-1.7, max(last, 3.5) + 0.2],
            tickvals=list(range(len(columns))),
            ticktext=[escape(f"{styles[c].letter} {styles[c].name}".strip()) for c in columns],
            showticklabels=False,
        )
    )
    figure.update_yaxes(
        bare_axis(
            range=[max(n, 6) - 0.4, head - 0.4 - 0.02 * n],
            tickvals=list(range(n)),
            ticktext=[escape(title_of(item)) for item in record.history],
            showticklabels=False,
        )
    )
    return figure


def caption(record: Explanation) -> str:
    """What the matrix draws, in which unit, and what it leaves out."""
    mass, shown = cluster_mass(record), shown_clusters(record)
    left_out = len(mass) - len(shown)
    rest = ""
    if left_out:
        held = float(mass.sum() - mass[shown].sum())
        amount = f"{held:.1f} items in all" if held >= 0.05 else "next to nothing"
        rest = f" {count(left_out, 'cluster')} holding {amount} {'is' if left_out == 1 else 'are'} left out."
    deeper = " Shares are products over the pooling layers." if record.interest_extraction.layers else ""
    return (
        "Soft assignment S: rows are items, the oldest on top; columns are clusters in the order read. "
        f"Colour: the share of the item that the cluster holds; shares below 0.5 % aren't drawn.{rest}{deeper}"
    )
