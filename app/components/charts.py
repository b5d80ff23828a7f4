"""Plotly charts of the page, drawn by a component of our own with the plotly.js that the Python package brings.

Streamlit's chart builds every picture twice when its data change, and forgets what was selected; this one lets plotly
compare and draw once. Where a figure says in `layout.meta` where its items and clusters stand (see
surge.pictures.figure.places), a click on one selects it, and what is selected is framed by the browser alone, at once
and without a redraw. All views share the selection by the window's event "surge:selection".
"""

from __future__ import annotations

from typing import NamedTuple

import plotly.graph_objects as go
import streamlit as st
from plotly.offline import get_plotlyjs

from surge.pictures.assets import asset, script
from surge.pictures.palette import Theme

# Streamlit sends a component's script again whenever its data change, so one without data carries the library, once
_loader = st.components.v2.component("surge_plotly", js=get_plotlyjs() + "\nexport default function () {}\n")
_chart = st.components.v2.component(
    "surge_chart",
    html=asset("chart.html"),
    css=asset("chart.css"),
    js=script("chart.js"),
    isolate_styles=False,  # plotly's own styles are the page's
)


class Drawing(NamedTuple):
    """A figure as the browser takes it, to be kept: writing it anew takes longer than sending it."""

    text: str
    height: int


def drawing(figure: go.Figure) -> Drawing:
    """The figure as JSON, with its height in pixels."""
    return Drawing(str(figure.to_json(validate=False)), int(figure.layout.height or 450))


def load_plotly() -> None:
    """Brings plotly.js to the page; call it once a page, before the first chart."""
    _loader(key="surge_plotly")


def chart(picture: Drawing | go.Figure, key: str, alt: str, theme: Theme | str, history: str = "") -> None:
    """Draws a figure as wide as there is room; `alt` is what a screen reader says. The colours stay as they are.
    `history` is the digest of the items that a click in it selects one of."""
    shown = picture if isinstance(picture, Drawing) else drawing(picture)
    theme = Theme(theme)
    _chart(
        key=key,
        data={
            "key": key,
            "figure": shown.text,
            "height": shown.height,
            "alt": alt,
            "history": history,
            "colours": {"text": theme.text, "surface": theme.background},
        },
    )
