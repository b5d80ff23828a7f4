"""The interest graph on the page: vis-network in a Streamlit component whose nodes can be selected."""

from __future__ import annotations

import streamlit as st

from surge.pictures.interest_graph import GraphView, graph_assets, graph_data
from surge.pictures.palette import Theme

HEIGHT = 480  # pixels

# Streamlit sends a component's script again whenever its data change. The library is half a megabyte, so a
# component without data carries it, once; the other one has a short script.
_assets = graph_assets()
_loader = st.components.v2.component("surge_vis_network", js=_assets.library + "\nexport default function () {}\n")
_graph = st.components.v2.component("surge_interest_graph", html=_assets.html, css=_assets.css, js=_assets.script)


def load_library() -> None:
    """Brings vis-network to the page; call it once a page, before the first graph."""
    _loader(key="surge_vis_network")


def graph_component(
    view: GraphView, theme: Theme | str, key: str, height: int = HEIGHT, history: str = "", *, linked: bool = True
) -> None:
    """Draws the graph; `height` in pixels.

    A click on a node selects its item in `history`, the digest of the items, by the window's event "surge:choose" (see
    app.components.page_selection). The selection is drawn by the browser, which hears of it by "surge:selection": it
    moves no node, and the graph is not sent again for it. A graph that is not `linked` shows and changes no selection.
    """
    _graph(key=key, data={**graph_data(view, theme, height, linked=linked), "history": history})
