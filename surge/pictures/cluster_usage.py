"""Which interest clusters are used over many users: one bar a cluster, named by its items' categories."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from surge.escapes import for_plotly
from surge.pictures.figure import bare_axis, new_figure, paper_note
from surge.pictures.palette import Theme
from surge.pictures.text import shorten
from surge.vocabulary.amounts import percent

MOST_BARS = 40
BAR_HEIGHT = 20
NAME_LENGTH = 42
Categories = Sequence[Sequence[tuple[str | None, int]]]


def usage_figure(mass: np.ndarray, categories: Categories, theme: Theme | str) -> go.Figure:
    """Horizontal bars of the mean shares (m), the largest on top, with the dashed line of an even use.

    `categories`: for each cluster its commonest categories and how many items have them; None is no category.
    """
    theme = Theme(theme)
    order = drawn_clusters(mass)
    figure = new_figure(theme, len(order) * BAR_HEIGHT + 60, margin={"l": 8, "r": 60, "t": 8, "b": 34}, bargap=0.25)
    names = [f"{for_plotly(cluster_name(categories[c]))} · {c + 1}" for c in order]
    figure.add_bar(
        x=mass[order],
        y=np.arange(len(order)),
        orientation="h",
        customdata=names,
        marker={"color": theme.edge, "line": {"width": 0}},
        hovertemplate="<b>%{customdata}</b><br>%{x:.1%} of a history, on average<extra></extra>",
    )
    figure.add_vline(x=1 / len(mass), line={"color": theme.positive, "width": 1.5, "dash": "dash"})
    for place, share in enumerate(mass[order].tolist()):
        font = {"size": 11, "color": theme.text}
        figure.add_annotation(paper_note(percent(share), 1, place, theme, yref="y", yanchor="auto", font=font))
    figure.update_xaxes(bare_axis(tickformat=".0%", rangemode="tozero", title={"text": "share of a history"}))
    figure.update_yaxes(
        bare_axis(
            tickvals=list(range(len(order))),
            ticktext=names,
            autorange="reversed",
            automargin=True,
            tickfont={"color": theme.text, "size": 12},
        )
    )
    return figure


def drawn_clusters(mass: np.ndarray) -> np.ndarray:
    """The clusters with a bar, the largest first."""
    return np.argsort(-mass, kind="stable")[:MOST_BARS]


def cluster_name(categories: Sequence[tuple[str | None, int]]) -> str:
    """The two commonest categories; the second only where it is at least a quarter of the first."""
    named = [(category, number) for category, number in categories if category]
    if not named:
        return "no category" if categories else "no item's first choice"
    kept = [category for category, number in named[:2] if number >= named[0][1] / 4]
    return shorten(", ".join(kept), NAME_LENGTH)


def usage_table(mass: np.ndarray, first_choices: np.ndarray, categories: Categories) -> pd.DataFrame:
    """The numbers behind the bars, for every cluster, the largest first."""
    order = np.argsort(-mass, kind="stable")
    return pd.DataFrame(
        {
            "cluster": order + 1,
            "name": [cluster_name(categories[c]) for c in order],
            "share": mass[order],
            "items": first_choices[order],
            "categories": [
                ", ".join(f"{category or 'no category'} ({number:,})" for category, number in categories[c])
                for c in order
            ],
        }
    )
