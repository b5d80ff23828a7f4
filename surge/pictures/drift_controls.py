"""What plays the drift: plotly's slider over the steps, and the two buttons beside it."""

from __future__ import annotations

from typing import Any

from surge.escapes import for_plotly
from surge.explanation.measurements import Drift
from surge.explanation.record import Explanation
from surge.pictures.drift_curves import step_words
from surge.pictures.palette import Theme

STEP = 450  # milliseconds of a step while it plays


def step_slider(record: Explanation, drift: Drift, theme: Theme) -> dict[str, Any]:
    """One step a prefix. The words of the step stand above the slider; under the ticks there is no room for them."""
    still = {"frame": {"duration": 0, "redraw": False}, "mode": "immediate", "transition": {"duration": 0}}
    return {
        "active": len(drift.lengths) - 1,
        "x": 0.13,
        "len": 0.87,
        "y": 0,
        "yanchor": "top",
        "pad": {"t": 44, "b": 0, "l": 0, "r": 0},
        "currentvalue": {
            "prefix": "After ",
            "xanchor": "left",
            "offset": 10,
            "font": {"color": theme.text, "size": 13},
        },
        "transition": {"duration": 0},
        "font": {"size": 1, "color": "rgba(0,0,0,0)"},
        "bgcolor": theme.grid,
        "activebgcolor": theme.muted,
        "bordercolor": theme.muted,
        "borderwidth": 1,
        "tickcolor": theme.muted,
        "ticklen": 4,
        "minorticklen": 4,
        "steps": [
            {"label": for_plotly(words), "method": "animate", "args": [[str(step)], still]}
            for step, words in enumerate(step_words(record, drift))
        ],
    }


def play_buttons(theme: Theme) -> dict[str, Any]:
    """Play goes on from the step on the screen, or from the first where that is the last."""
    moving = {"frame": {"duration": STEP, "redraw": False}, "transition": {"duration": 0}}
    # plotly paints a button under the pointer nearly white, in the dark theme too: dark words on light in both
    light = theme is Theme.LIGHT
    return {
        "type": "buttons",
        "direction": "right",
        "showactive": False,
        "x": 0,
        "xanchor": "left",
        "y": 0,
        "yanchor": "top",
        "pad": {"t": 64, "l": 0, "r": 0, "b": 0},
        "bgcolor": "#ffffff" if light else "#c9d0dc",
        "bordercolor": theme.muted,
        "font": {"color": "#14181f", "size": 12},
        "buttons": [
            {
                "label": "Play",
                "method": "animate",
                "args": [None, {**moving, "fromcurrent": True, "mode": "immediate"}],
            },
            {
                "label": "Pause",
                "method": "animate",
                "args": [[None], {"frame": {"duration": 0, "redraw": False}, "mode": "immediate"}],
            },
        ],
    }
