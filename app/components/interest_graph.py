"""The interest graph on the page: vis-network in a Streamlit component that reports clicks on nodes."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import streamlit as st

from surge.pictures.interest_graph import GraphView, graph_assets, graph_data
from surge.pictures.palette import Theme

HEIGHT = 480  # pixels

# Streamlit sends a component's script again whenever its data change. The library is half a megabyte, so a
# component without data carries it, once; the other one has a short script.
_assets = graph_assets()
_loader = st.components.v2.component("surge_vis_network", js=_assets.library + "\nexport default function () {}\n")
_graph = st.components.v2.component("surge_interest_graph", html=_assets.html, css=_assets.css, js=_assets.script)


class Click(NamedTuple):
    """A click on a node: the item's index in the record, and whether Shift (or Ctrl, or Cmd) was held."""

    node: int
    add: bool


def load_library() -> None:
    """Brings vis-network to the page; call it once a page, before the first graph."""
    _loader(key="surge_vis_network")


def graph_component(
    view: GraphView,
    theme: Theme | str,
    key: str,
    height: int = HEIGHT,
    on_click: Callable[[], None] | None = None,
    *,
    linked: bool = True,
) -> Click | None:
    """Draws the graph and gives the click that caused this run, if there was one; `height` in pixels.

    The selection is drawn by the browser, which hears of it by the window's event "surge:selection": it moves no
    node, and the graph is not sent again for it. A graph that is not `linked` shows and changes no selection.
    `on_click` runs before the script does, as a widget's callback; it reads the click by `last_click(key)`.
    """
    result = _graph(
        key=key,
        data=graph_data(view, theme, height, linked=linked),
        on_clicked_change=on_click or _nothing,
    )
    return _click(result.get("clicked"))


def last_click(key: str) -> Click | None:
    """The click that the graph with this key has just reported; for use in its `on_click`."""
    state = st.session_state.get(key)
    return _click(state.get("clicked") if state is not None else None)


def _click(value: object) -> Click | None:
    """What the browser sent, or None where it isn't a click."""
    if not isinstance(value, dict) or type(value.get("node")) is not int or value["node"] < 0:
        return None
    return Click(value["node"], value.get("add") is True)


def _nothing() -> None:
    """Streamlit only reports events that have a callback."""
