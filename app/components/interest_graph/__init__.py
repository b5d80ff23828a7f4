"""The interest graph on the page: vis-network in a Streamlit component that reports clicks on nodes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection
from pathlib import Path
from typing import NamedTuple

import pyvis
import streamlit as st

from app.views.interest_graph import GraphView
from app.views.palette import FONT, Theme
from app.views.text import count

HEIGHT = 480  # pixels
_HERE = Path(__file__).parent
_LIBRARY = Path(pyvis.__file__).parent / "lib" / "vis-9.1.2" / "vis-network.min.js"

# Streamlit sends a component's script again whenever its data change. The library is half a megabyte, so a
# component without data carries it, once; the other one has a short script.
_loader = st.components.v2.component(
    "surge_vis_network",
    js=_LIBRARY.read_text(encoding="utf-8").split("//# sourceMappingURL")[0] + "\nexport default function () {}\n",
)
_graph = st.components.v2.component(
    "surge_interest_graph",
    html=(_HERE / "graph.html").read_text(encoding="utf-8"),
    css=(_HERE / "graph.css").read_text(encoding="utf-8"),
    js=(_HERE / "graph.js").read_text(encoding="utf-8"),
)


class Click(NamedTuple):
    """A click on a node: the item's index in the record, and whether Shift (or Ctrl, or Cmd) was held."""

    node: int
    add: bool


def load_library() -> None:
    """Brings vis-network to the page; call it once a page, before the first graph."""
    _loader(key="surge_vis_network")


def graph_component(
    view: GraphView,
    selected: Collection[int],
    cluster_members: Collection[int],
    theme: Theme | str,
    key: str,
    height: int = HEIGHT,
    on_click: Callable[[], None] | None = None,
) -> Click | None:
    """Draws the graph and gives the click that caused this run, if there was one; `height` in pixels.

    `selected` nodes are ringed and named, `cluster_members` are ringed; the browser does it without moving a node.
    `on_click` runs before the script does, as a widget's callback; it reads the click by `last_click(key)`.
    """
    theme = Theme(theme)
    # per edge only what differs: the browser makes the rest from the names of its nodes
    edges = [[edge["from"], edge["to"], edge["width"], edge["color"]["opacity"], edge["words"]] for edge in view.edges]
    graph = {"nodes": view.nodes, "edges": edges, "options": view.options}
    places = [(node["id"], node["x"], node["y"]) for node in view.nodes]
    result = _graph(
        key=key,
        data={
            "graph": graph,
            "digest": _digest(graph),
            "places": _digest(places),
            "selected": sorted(int(i) for i in selected),
            "members": sorted(int(i) for i in cluster_members),
            "colours": {
                "edge": theme.edge,
                "text": theme.text,
                "line": theme.grid,
                "surface": theme.surface,
                "background": theme.background,
            },
            "font": FONT,
            "height": height,
            "label": (
                f"Interest graph: {count(len(view.nodes), 'item')}, {view.drawn:,} of {count(view.total, 'edge')}. "
                "The table of items holds the same values and can be used with the keyboard."
            ),
        },
        on_clicked_change=on_click or _nothing,
    )
    return _click(result.get("clicked"))


def last_click(key: str) -> Click | None:
    """The click that the graph with this key has just reported; for use in its `on_click`."""
    state = st.session_state.get(key)
    return _click(state.get("clicked") if state is not None else None)


def _click(value: object) -> Click | None:
    """What the browser sent, or None where it isn't a click."""
    if not isinstance(value, dict) or type(value.get("node")) is not int:
        return None
    return Click(value["node"], value.get("add") is True)


def _digest(value: object) -> str:
    return hashlib.blake2b(json.dumps(value, sort_keys=True).encode(), digest_size=12).hexdigest()


def _nothing() -> None:
    """Streamlit only reports events that have a callback."""
