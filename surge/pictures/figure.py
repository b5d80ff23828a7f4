"""What all plotly figures share: fonts, margins, hover boxes, bare axes, rims, and where a selection is framed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from surge.pictures.palette import FONT, Theme, contrast

LEAST_CONTRAST = 3.0  # of a mark that carries meaning against the page
BLANK = " "  # plotly takes the words of a point without any away, and brings none back later
Rectangle = list[float]  # x0, x1, y0, y1 in units of the first x axis and the first y axis


def new_figure(theme: Theme, height: int, **layout: Any) -> go.Figure:
    """An empty figure of the app: transparent, no legend, no zoom; `height` in pixels.

    Draw it with `st.plotly_chart(figure, theme=None)`: Streamlit's own theme would override the colours.
    """
    return go.Figure(layout=_layout(theme, height) | layout)


def figure_of(theme: Theme, height: int, traces: Sequence[dict[str, Any]], **layout: Any) -> go.Figure:
    """The same from plain dicts of traces, for pictures that every choice of a candidate draws anew.

    Plotly checks nothing here, which takes a tenth of the time; the tests check what comes out.
    """
    return go.Figure({"data": list(traces), "layout": _layout(theme, height) | layout}, _validate=False)


def _layout(theme: Theme, height: int) -> dict[str, Any]:
    return {
        "template": {},
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


def legend_above(theme: Theme, y: float) -> dict[str, Any]:
    """The key of a figure in a row above it; nothing can be switched off."""
    return {
        "showlegend": True,
        "legend": {"orientation": "h", "x": 0, "y": y, "yanchor": "bottom", "font": {"size": 13, "color": theme.text},
                   "itemclick": False, "itemdoubleclick": False},
    }  # fmt: skip


def paper_note(text: str, x: float, y: float, theme: Theme, **settings: Any) -> dict[str, Any]:
    """Words at a place of the whole figure, from 0 to 1; `text` is escaped, settings are added or override."""
    return {
        "text": text, "x": x, "y": y, "xref": "paper", "yref": "paper", "xanchor": "left", "yanchor": "bottom",
        "showarrow": False, "font": {"size": 13, "color": theme.text}, **settings,
    }  # fmt: skip


def unchanged_by_selection() -> dict[str, Any]:
    """Plotly fades what isn't selected; here the selection is drawn by the view, so both look alike."""
    return {"selected": {"marker": {"opacity": 1}}, "unselected": {"marker": {"opacity": 1}}}


def magnitude_scale(theme: Theme) -> list[list[Any]]:
    """The shades for magnitudes, from none to the most."""
    return [[place, shade] for place, shade in enumerate(theme.shades)]


def places(
    items: Sequence[Sequence[Rectangle]], clusters: Mapping[int, Sequence[Rectangle]], **more: Any
) -> dict[str, Any]:
    """The `layout.meta` of a figure that can be clicked: the rectangles that the browser frames when an item or a
    cluster is selected (see app/components/page_selection). `items` has an entry, maybe an empty one, for each item of
    the record."""
    return {
        "items": [list(rectangles) for rectangles in items],
        "clusters": {str(int(cluster)): list(rectangles) for cluster, rectangles in clusters.items()},
        **more,
    }


def rim(theme: Theme, colours: Sequence[str]) -> dict[str, Any]:
    """The outline of marks in these colours: a thin one round those that hardly stand out from the page."""
    faint = [contrast(colour, theme.background) < LEAST_CONTRAST for colour in colours]
    return {"color": theme.muted, "width": [1.0 if mark else 0.0 for mark in faint]}
