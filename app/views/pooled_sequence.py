"""The pooled sequence: the clusters in the order in which the model reads them."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from app.views.assignment_matrix import shown_clusters
from app.views.figure import bare_axis, new_figure, unchanged_by_selection
from app.views.measures import mean_update_gate
from app.views.palette import Theme, cluster_mass, cluster_styles, rgba
from app.views.selection import Selection
from app.views.text import count, escape, listed, shorten, title_of
from surge.explanation.record import Explanation

STRONGEST = 3
CHARACTERS = 84  # of the small names that fit side by side under all blocks
LEAST_SHARE = 0.005  # of an item; with less it is not said to be in a cluster
LEAST_CHARACTERS = 9  # a narrower block has no names under it


def strongest_items(record: Explanation, cluster: int, limit: int = STRONGEST) -> list[int]:
    """The items that weigh most in a cluster: largest share S times importance gamma; a repeated item counts once."""
    extraction = record.interest_extraction
    share = extraction.total_assignment()[:, cluster]
    strongest: dict[str, int] = {}
    for i in np.argsort(-share * extraction.importance, kind="stable"):
        if share[i] >= LEAST_SHARE:
            strongest.setdefault(record.history[i].item, int(i))
    return list(strongest.values())[:limit]


def pooled_sequence(record: Explanation, selection: Selection, theme: Theme | str) -> go.Figure:
    """Trace 0 is the filled part of each block (width = mass, height = mean update gate), trace 1 the dots at
    gamma*, trace 2 the whole blocks. One point a drawn cluster, in the order read; customdata[0] is the cluster.
    """
    theme = Theme(theme)
    columns = shown_clusters(record)
    styles, mass = cluster_styles(record, theme), cluster_mass(record)[columns].astype(np.float64)
    gate = mean_update_gate(record)[columns]
    importance = record.interest_extraction.final_importance()[columns]
    starts = np.cumsum(mass) - mass
    total = float(mass.sum())
    colours = [styles[c].colour for c in columns]
    names = [[title_of(record.history[i]) for i in strongest_items(record, c)] for c in columns]
    marked = [c == selection.cluster for c in columns]
    shared: dict[str, Any] = {
        "x": starts + mass / 2,
        "customdata": [
            [
                c,
                escape(f"{styles[c].letter} {styles[c].name}".strip()),
                float(mass[k]),
                float(gate[k]),
                float(importance[k]),
                "<br>".join(f"– {escape(name)}" for name in names[k]),
                k + 1,
            ]
            for k, c in enumerate(columns)
        ],
        "hovertemplate": (
            f"<b>cluster %{{customdata[1]}}</b> · read %{{customdata[6]}} of {len(columns)}"
            "<br>mass %{customdata[2]:.1f} items<br>update gate %{customdata[3]:.1%}"
            "<br>importance γ* %{customdata[4]:.1%}<br>%{customdata[5]}<extra></extra>"
        ),
        **unchanged_by_selection(),
    }
    figure = new_figure(theme, 230, barmode="overlay")
    gap = {"color": theme.background, "width": 2}
    figure.add_bar(y=gate, width=mass, marker={"color": colours, "line": gap}, **shared)
    figure.add_scatter(y=importance, mode="markers", marker={"size": 11, "color": theme.text, "line": gap}, **shared)
    figure.add_bar(
        y=np.ones(len(columns)),
        width=mass,
        marker={
            "color": [rgba(colour, 0.16) for colour in colours],
            "line": {
                "color": [theme.text if mark else theme.background for mark in marked],
                "width": [3 if mark else 2 for mark in marked],
            },
        },
        **shared,
    )
    notes: list[dict[str, Any]] = []
    for k, c in enumerate(columns):
        heading = f"<b>{styles[c].letter}</b>"
        letters = int(CHARACTERS * mass[k] / total) - 1
        if letters >= LEAST_CHARACTERS:
            heading += f" {escape(shorten(styles[c].name, int(0.85 * letters) - 2))}" if styles[c].name else ""
            text = "<br>".join(escape(shorten(name, letters)) for name in names[k])
            notes.append({"x": starts[k], "y": -0.04, "yanchor": "top", "text": text, "font": {"size": 11}})
        if styles[c].lettered or letters >= 2:
            notes.append({"x": starts[k], "y": 1, "yanchor": "bottom", "text": heading, "font": _heading(theme)})
    shared_note = {"xanchor": "left", "align": "left", "showarrow": False, "xshift": 1}
    figure.update_layout(annotations=[shared_note | note for note in notes], margin={"l": 48, "r": 12, "t": 4, "b": 4})
    figure.update_xaxes(bare_axis(range=[0, total], showticklabels=False))
    figure.update_yaxes(bare_axis(range=[-0.44, 1.17], tickvals=[0, 0.5, 1], ticktext=["0 %", "50 %", "100 %"]))
    return figure


def _heading(theme: Theme) -> dict[str, Any]:
    return {"size": 12, "color": theme.text}


def caption(record: Explanation) -> str:
    """What the sequence draws, in which unit, and what it leaves out."""
    columns, mass = shown_clusters(record), cluster_mass(record)
    left_out = len(mass) - len(columns)
    rest = ""
    if left_out:
        held = float(mass.sum() - mass[columns].sum())
        amount = f"{held:.1f} items in all" if held >= 0.05 else "next to nothing"
        rest = f" {count(left_out, 'cluster')} holding {amount} {'is' if left_out == 1 else 'are'} left out."
    parts = listed(["width is mass (items held)", "fill is the mean update gate", "the dot is importance γ*"])
    return f"{count(len(columns), 'cluster')} in the order read: {parts}. Below: the strongest items.{rest}"
