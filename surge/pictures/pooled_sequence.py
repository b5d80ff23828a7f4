"""The pooled sequence: the clusters in the order in which the model reads them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from surge.escapes import for_plotly
from surge.explanation.measurements import Effects
from surge.explanation.record import Explanation
from surge.pictures.assignment_matrix import shown_clusters
from surge.pictures.edit_context import Before
from surge.pictures.figure import bare_axis, figure_of, places, rim
from surge.pictures.measures import mean_update_gate
from surge.pictures.palette import ClusterStyle, Theme, cluster_mass, cluster_styles, rgba
from surge.pictures.text import shorten, title_of, without_it
from surge.vocabulary.amounts import factor, percent

STRONGEST = 3
CHARACTERS = 84  # of the small names that fit side by side under all blocks
LEAST_SHARE = 0.005  # of an item; with less it is not said to be in a cluster
LEAST_NAMED = 0.012  # of all mass; a narrower block has no letter over it, it would lie on the next one's
LEAST_CHARACTERS = 9  # a narrower block has no names under it
CLEAR = "rgba(0,0,0,0)"


def strongest_items(record: Explanation, cluster: int, limit: int = STRONGEST) -> list[int]:
    """The items that weigh most in a cluster: largest share S times importance gamma; a repeated item counts once."""
    extraction = record.interest_extraction
    share = extraction.total_assignment()[:, cluster]
    strongest: dict[str, int] = {}
    for i in np.argsort(-share * extraction.importance, kind="stable"):
        if share[i] >= LEAST_SHARE:
            strongest.setdefault(record.history[i].item, int(i))
    return list(strongest.values())[:limit]


def pooled_sequence(
    record: Explanation,
    theme: Theme | str,
    *,
    before: Before | None = None,
    styles: Sequence[ClusterStyle] | None = None,
    effects: Effects | None = None,
) -> go.Figure:
    """Trace "blocks" is the whole blocks (width = mass), "gate" the filled part (height = mean update gate),
    "importance" the dots at gamma*. One point a drawn cluster, in the order read; customdata is (-1, cluster, name,
    words). "importance before" are hollow dots at gamma* before, "mass before" a row of outlines above.
    """
    theme = Theme(theme)
    columns = shown_clusters(record, before)
    styles = cluster_styles(record, theme) if styles is None else styles
    mass = cluster_mass(record)[columns].astype(np.float64)
    gate = mean_update_gate(record)[columns]
    importance = record.interest_extraction.final_importance()[columns]
    starts = np.cumsum(mass) - mass
    total = float(mass.sum())
    colours = [styles[c].colour for c in columns]
    names = [[title_of(record.history[i]) for i in strongest_items(record, c)] for c in columns]
    shared: dict[str, Any] = {
        "x": starts + mass / 2,
        "customdata": [
            [
                -1,
                c,
                for_plotly(f"{styles[c].letter} {styles[c].name}".strip()),
                "<br>".join(
                    [
                        f"read {k + 1} of {len(columns)}",
                        f"mass {mass[k]:.1f} items",
                        f"update gate {percent(float(gate[k]))}",
                        f"importance γ* {percent(float(importance[k]))}",
                        *([words] if effects is not None and (words := without_it(effects, c, cluster=True)) else []),
                        *([_before_words(before, c)] if before is not None else []),
                        *(f"– {for_plotly(name)}" for name in names[k]),
                    ]
                ),
            ]
            for k, c in enumerate(columns)
        ],
        "hovertemplate": "<b>cluster %{customdata[2]}</b><br>%{customdata[3]}<extra></extra>",
    }
    gap = {"color": theme.background, "width": 2}
    faint = rim(theme, colours)["width"]
    edges = {
        "color": [theme.muted if rimmed else theme.background for rimmed in faint],
        "width": [1 if rimmed else 2 for rimmed in faint],
    }
    pale = {"color": [rgba(colour, 0.16) for colour in colours], "line": gap}
    traces: list[dict[str, Any]] = [
        {"type": "bar", "name": "blocks", "y": np.ones(len(columns)), "width": mass, "marker": pale, **shared},
        {
            "type": "bar",
            "name": "gate",
            "y": gate,
            "width": mass,
            "marker": {"color": colours, "line": edges},
            **shared,
        },
        {
            "type": "scatter",
            "name": "importance",
            "mode": "markers",
            "y": importance,
            "marker": {"size": 11, "color": theme.text, "line": gap},
            **shared,
        },
    ]
    ceiling = 1.0
    if before is not None:
        ceiling = 1.12
        traces += _before(before, columns, shared["x"], theme, colours)
        total = max(total, float(cluster_mass(before.record)[columns].sum()))
    notes: list[dict[str, Any]] = []
    for k, c in enumerate(columns):
        letters = int(CHARACTERS * mass[k] / total) - 1
        wide = letters >= LEAST_CHARACTERS
        heading = f"<b>{styles[c].letter}</b>"
        if wide:
            heading += f" {for_plotly(shorten(styles[c].name, int(0.85 * letters) - 2))}" if styles[c].name else ""
            text = "<br>".join(for_plotly(shorten(name, letters)) for name in names[k])
            notes.append({"x": starts[k], "y": -0.04, "yanchor": "top", "text": text, "font": {"size": 11}})
        if mass[k] >= LEAST_NAMED * total and (styles[c].lettered or letters >= 2):
            if effects is not None:
                heading += f"<br>{_effect_words(effects, c, letters)}"
            notes.append({"x": starts[k], "y": ceiling, "yanchor": "bottom", "text": heading, "font": _heading(theme)})
    shared_note = {"xanchor": "left", "align": "left", "showarrow": False, "xshift": 1}
    top = ceiling + (0.17 if effects is None else 0.34)
    return figure_of(
        theme,
        230 + (28 if effects is not None else 0) + (16 if before is not None else 0),
        traces,
        barmode="overlay",
        clickmode="event",
        annotations=[shared_note | note for note in notes],
        margin={"l": 48, "r": 12, "t": 4, "b": 4},
        xaxis=bare_axis(range=[0, total], showticklabels=False),
        yaxis=bare_axis(range=[-0.44, top], tickvals=[0, 0.5, 1], ticktext=["0 %", "50 %", "100 %"]),
        meta=places(
            [[] for _ in range(record.length)],
            {c: [[float(starts[k]), float(starts[k] + mass[k]), 0.0, 1.0]] for k, c in enumerate(columns)},
        ),
    )


def _before(
    before: Before, columns: list[int], x: np.ndarray, theme: Theme, colours: list[str]
) -> list[dict[str, Any]]:
    """gamma* before as hollow dots on the same blocks, the blocks before as a row of outlines above them."""
    importance = before.record.interest_extraction.final_importance()[columns]
    read = [int(c) for c in before.record.prediction.order if int(c) in columns]
    mass = cluster_mass(before.record)[read].astype(np.float64)
    colour = dict(zip(columns, colours, strict=True))
    return [
        {
            "type": "scatter",
            "name": "importance before",
            "mode": "markers",
            "x": x,
            "y": importance,
            "hoverinfo": "skip",
            "marker": {"size": 10, "color": CLEAR, "line": {"color": theme.text, "width": 1.5}},
        },
        {
            "type": "bar",
            "name": "mass before",
            "x": np.cumsum(mass) - mass / 2,
            "y": np.full(len(read), 0.06),
            "base": 1.04,
            "width": mass,
            "customdata": [[-1, c, percent(float(part / mass.sum()))] for c, part in zip(read, mass, strict=True)],
            "hovertemplate": "before: cluster with %{customdata[2]} of the items<extra></extra>",
            "marker": {
                "color": [rgba(colour[c], 0.16) for c in read],
                "line": {"color": [colour[c] for c in read], "width": 1.5},
            },
        },
    ]


def _before_words(before: Before, cluster: int) -> str:
    importance = float(before.record.interest_extraction.final_importance()[cluster])
    return f"before: mass {cluster_mass(before.record)[cluster]:.1f} items, importance γ* {percent(importance)}"


def _effect_words(effects: Effects, cluster: int, letters: int) -> str:
    """How many times as likely the cluster makes the candidate, in as many words as fit."""
    effect = float(effects.cluster_effect[cluster])
    if not np.isfinite(effect):
        return " "
    fitting = [text for text in (f"effect {factor(effect)}", factor(effect)) if 0.8 * len(text) <= letters]
    return f'<span style="font-size:11px">{fitting[0]}</span>' if fitting else " "


def _heading(theme: Theme) -> dict[str, Any]:
    return {"size": 12, "color": theme.text}
