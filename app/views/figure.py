"""What all plotly figures share: fonts, margins, hover boxes, bare axes."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from app.views.palette import FONT, Theme, rgba


def new_figure(theme: Theme, height: int, **layout: Any) -> go.Figure:
    """An empty figure of the app: transparent, no legend, no zoom; `height` in pixels.

    Draw it with `st.plotly_chart(figure, theme=None)`: Streamlit's own theme would override the colours.
    """
    figure = go.Figure()
    settings: dict[str, Any] = {
        "template": "none",
        "height": height,
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": FONT, "size": 12, "color": theme.muted},
        "showlegend": False,
        "dragmode": False,
        "clickmode": "event+select",
        "hovermode": "closest",
        "hoverlabel": {
            "bgcolor": theme.surface,
            "bordercolor": theme.grid,
            "align": "left",
            "namelength": 0,
            "font": {"family": FONT, "size": 13, "color": theme.text},
        },
        "uirevision": "constant",
        "modebar": {"remove": ["select", "lasso", "zoom", "pan", "autoscale", "resetscale"]},
    }
    settings.update(layout)
    figure.update_layout(**settings)
    return figure


def bare_axis(**settings: Any) -> dict[str, Any]:
    """An axis without line, grid, ticks and zoom; settings are added or override."""
    return {
        "showgrid": False,
        "zeroline": False,
        "showline": False,
        "ticks": "",
        "fixedrange": True,
        "showspikes": False,
        **settings,
    }


def unchanged_by_selection() -> dict[str, Any]:
    """Plotly fades what isn't selected; here the selection is drawn by the view, so both look alike."""
    return {"selected": {"marker": {"opacity": 1}}, "unselected": {"marker": {"opacity": 1}}}


def band(theme: Theme, x0: float, x1: float, y0: float, y1: float) -> dict[str, Any]:
    """A shape that marks what is selected: a thin frame behind the marks, in the axes' own units."""
    return {
        "type": "rect",
        "x0": x0,
        "x1": x1,
        "y0": y0,
        "y1": y1,
        "line": {"color": theme.text, "width": 1},
        "fillcolor": rgba(theme.text, 0.08),
        "layer": "below",
    }
