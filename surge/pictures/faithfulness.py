"""Does the order that an explanation gives the items matter: deletion and insertion curves against random orders."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from surge.escapes import for_plotly
from surge.explanation.measurements import Faithfulness
from surge.pictures.factor_axis import lift_range, lift_ticks
from surge.pictures.faithfulness_words import MANY_ORDERS, TIE, Array, areas_of, items_of, random_areas
from surge.pictures.figure import bare_axis, legend_above, new_figure, paper_note
from surge.pictures.palette import Theme, rgba
from surge.pictures.text import count
from surge.vocabulary.amounts import lift
from surge.vocabulary.explanation import ORDERS

DASHES = ("solid", "dash", "dashdot", "dot")


def faithfulness_figure(faithfulness: Faithfulness, theme: Theme | str) -> go.Figure:
    """Two panels: deletion (x = share of the items deleted) and insertion (x = share kept); y = log lift.

    A line a method in each panel (named, customdata = number of items deleted or kept, and the lift), the deletion
    panel's first; before them, where random orders were measured, the band and the mean of these ("band", "mean").
    """
    theme = Theme(theme)
    n, deleted = items_of(faithfulness), faithfulness.deleted.astype(np.int64)
    curves = [*faithfulness.deletion.values(), *faithfulness.insertion.values()]
    values = np.concatenate(
        [*curves, faithfulness.random_deletion.ravel(), faithfulness.random_insertion.ravel()], dtype=np.float64
    )
    low, high = lift_range(values)
    figure = new_figure(
        theme,
        360,
        **legend_above(theme, 1.12),
    )
    colours = _colours(theme)
    panels = (
        ("x", "y", deleted, faithfulness.deletion, faithfulness.random_deletion, "deleted"),
        ("x2", "y2", deleted + 1, faithfulness.insertion, faithfulness.random_insertion, "kept"),
    )
    for x_axis, y_axis, items, lines, random, word in panels:
        share = items / n
        shared: dict[str, Any] = {"xaxis": x_axis, "yaxis": y_axis, "mode": "lines"}
        if len(random):
            lower, upper = _band(random)
            figure.add_scatter(
                x=np.concatenate([share, share[::-1]]),
                y=np.concatenate([upper, lower[::-1]]),
                name="band",
                fill="toself",
                fillcolor=rgba(theme.edge, 0.24),
                line={"width": 0},
                hoverinfo="skip",
                showlegend=False,
                **shared,
            )
            figure.add_scatter(
                x=share,
                y=random.mean(axis=0),
                name="mean",
                line={"color": theme.muted, "width": 1},
                hoverinfo="skip",
                showlegend=False,
                **shared,
            )
        for index, (name, curve) in enumerate(lines.items()):
            figure.add_scatter(
                x=share,
                y=curve,
                customdata=[[int(k), lift(value)] for k, value in zip(items, np.exp(curve).tolist(), strict=True)],
                name=for_plotly(ORDERS.get(name, name)),
                line={
                    "color": colours[index % len(colours)],
                    "dash": DASHES[index % len(DASHES)],
                    "width": 3 if index == 0 else 2.5,
                },
                marker={"size": 7 if len(share) == 1 else 5},
                hovertemplate=(
                    f"<b>{for_plotly(ORDERS.get(name, name))}</b><br>{word}: %{{customdata[0]}} of {count(n, 'item')}"
                    "<br>lift %{customdata[1]}<extra></extra>"
                ),
                showlegend=x_axis == "x",
                **(shared | {"mode": "lines+markers"}),
            )
    if len(faithfulness.random_deletion):
        figure.add_scatter(
            x=[None],
            y=[None],
            name="random orders",
            mode="markers",
            marker={"symbol": "square", "size": 14, "color": rgba(theme.edge, 0.4)},
        )
    axis = {"range": [-0.02, 1.02], "tickformat": ".0%", "showgrid": True, "gridcolor": theme.grid, "nticks": 6}
    places, words = lift_ticks(low, high)
    shown = {"range": [low, high], "showgrid": True, "gridcolor": theme.grid, "tickvals": places, "ticktext": words}
    figure.update_layout(
        xaxis=bare_axis(**axis, domain=[0, 0.475], title={"text": "share of the items deleted", "standoff": 6}),
        xaxis2=bare_axis(
            **axis, domain=[0.525, 1], anchor="y2", title={"text": "share of the items kept", "standoff": 6}
        ),
        yaxis=bare_axis(**shown, title={"text": "lift", "standoff": 6}),
        yaxis2=bare_axis(**shown, anchor="x2", showticklabels=False),
        annotations=[
            _heading(theme, 0, "Delete what is said to matter most", "lower is better"),
            _heading(theme, 0.525, "Keep only what is said to matter most", "higher is better"),
        ],
        margin={"l": 58, "r": 22, "t": 70, "b": 44},
    )
    return figure


def faithfulness_table(faithfulness: Faithfulness) -> pd.DataFrame:
    """The mean lift along each curve (geometric: exp of the area under the log lift): one row a method, then the random
    orders' mean, lowest and highest; the share of random orders in per cent that the method beats.
    """
    rows = []
    random = random_areas(faithfulness)
    for name in faithfulness.attributions:
        areas = areas_of(faithfulness, name)
        rows.append(
            {
                "order": ORDERS.get(name, name),
                "lift, deleting": float(np.exp(areas[0])),
                "lift, keeping": float(np.exp(areas[1])),
                "deleting beats": 100 * float(np.mean(random[0] > areas[0] + TIE)) if len(random[0]) else np.nan,
                "keeping beats": 100 * float(np.mean(random[1] < areas[1] - TIE)) if len(random[1]) else np.nan,
            }
        )
    if len(random[0]):
        for word, reduce in (("mean", np.mean), ("lowest", np.min), ("highest", np.max)):
            deleting, keeping = (float(np.exp(reduce(areas))) for areas in random)
            rows.append({"order": f"random orders, {word}", "lift, deleting": deleting, "lift, keeping": keeping})
    columns = ["order", "lift, deleting", "lift, keeping", "deleting beats", "keeping beats"]
    return pd.DataFrame(rows, columns=columns)


def _band(random: Array) -> tuple[Array, Array]:
    """The lower and the upper edge of the random orders' log lifts at each point."""
    if len(random) >= MANY_ORDERS:
        lower, upper = np.percentile(random, (10, 90), axis=0)
        return lower, upper
    return random.min(axis=0), random.max(axis=0)


def _colours(theme: Theme) -> tuple[str, ...]:
    return (theme.text, theme.positive, theme.negative, "#009E73")


def _heading(theme: Theme, x: float, text: str, better: str) -> dict[str, Any]:
    words = f'<b>{text}</b>  <span style="color:{theme.muted}">{better}</span>'
    return paper_note(words, x, 1, theme, yshift=6)
