"""The curves beside the drifting graph: what each cluster held, the candidate's lift and rank, over the items read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from surge.escapes import for_plotly
from surge.explanation.measurements import Drift
from surge.explanation.record import Explanation
from surge.pictures.factor_axis import lift_range, lift_ticks
from surge.pictures.palette import ClusterStyle, Theme
from surge.pictures.text import count, date_of, shorten, title_of
from surge.vocabulary.amounts import lift


def curve_panels(
    record: Explanation, drift: Drift, theme: Theme, styles: Sequence[ClusterStyle]
) -> list[dict[str, Any]]:
    """The curves on the right from top to bottom: heading, traces, axis, its settings, and the ends of a cursor."""
    lengths, after = drift.lengths.tolist(), [for_plotly(words) for words in step_words(record, drift)]
    shared = {"x": lengths, "xaxis": "x2", "customdata": after, "hoverlabel": {"align": "left"}}
    title = for_plotly(shorten(title_of(record.target), 40))
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
            "hovertemplate": f"<b>{for_plotly(f'{letter} {name}'.strip())}</b>"
            "<br>%{y:.1f} items after %{customdata}<extra></extra>",
        }
        for letter, name, colour, held in mass_bands(drift, theme, styles)
    ]
    line = {"color": theme.text, "width": 2}
    curve = {**shared, "type": "scatter", "mode": "lines+markers", "line": line, "marker": {"size": 4}}
    lifts = drift.log_lift
    low, high = lift_range(lifts)
    lift_places, lift_words = lift_ticks(low, high)
    told = [f"lift {lift(value)} after {words}" for value, words in zip(np.exp(lifts).tolist(), after, strict=True)]
    panels: list[dict[str, Any]] = [
        {
            "heading": "Items in each cluster",
            "traces": mass,
            "axis": "y2",
            "settings": {"range": [0, n], "nticks": 4},
            "ends": [0, n],
        },
        {
            "heading": f"Lift of “{title}”",
            "traces": [
                curve
                | {
                    "y": np.round(lifts, 5).tolist(),
                    "yaxis": "y3",
                    "customdata": told,
                    "hovertemplate": "%{customdata}<extra></extra>",
                }
            ],
            "axis": "y3",
            "settings": {"range": [low, high], "tickvals": lift_places, "ticktext": lift_words},
            "ends": [low, high],
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


def mass_bands(drift: Drift, theme: Theme, styles: Sequence[ClusterStyle]) -> list[tuple[str, str, str, np.ndarray]]:
    """Letter, name, colour and mass (k) of each lettered cluster, by letter, then of the rest."""
    width = drift.cluster_mass.shape[1]
    lettered = sorted((style for style in styles[:width] if style.lettered), key=lambda style: style.letter)
    bands = [(style.letter, style.name, style.colour, drift.cluster_mass[:, style.index]) for style in lettered]
    rest = np.setdiff1d(np.arange(width), [style.index for style in lettered])
    if len(rest):
        bands.append(("", "all other clusters", theme.other, drift.cluster_mass[:, rest].sum(axis=1)))
    return bands


def step_words(record: Explanation, drift: Drift) -> list[str]:
    """What each step has just read, as plain text: "12 items: 2024-03-09, Tent"."""
    words = []
    for length in drift.lengths.tolist():
        newest = record.history[length - 1]
        told = ", ".join(part for part in (date_of(newest), shorten(title_of(newest), 48)) if part)
        words.append(f"{count(length, 'item')}: {told}")
    return words


def band_letters(record: Explanation, drift: Drift, mass: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
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
