"""The interest graph as pyvis builds it: nodes, edges and options for vis-network, as plain JSON values."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyvis
from pyvis.edge import Edge
from pyvis.network import Network

from surge.explanation.measurements import Effects
from surge.explanation.record import Explanation
from surge.pictures.assets import asset, script
from surge.pictures.edit_context import Before
from surge.pictures.graph_layout import edited_positions, graph_positions
from surge.pictures.graph_nodes import add_ghosts, add_nodes
from surge.pictures.measures import attention, attention_lift
from surge.pictures.palette import FONT, ClusterStyle, Theme, cluster_styles
from surge.pictures.view_words import graph_caption, graph_label

LAYERS = ("similarity", "kept edge", "attention")
DEFAULT_EDGES = 60
MOST_EDGES = 3000


@dataclass(frozen=True)
class GraphView:
    """What the graph component draws: plain JSON values; `drawn` of `total` edges are in it."""

    nodes: list[dict[str, Any]]
    edges: list[dict[str, Any]]
    options: dict[str, Any]
    drawn: int
    total: int
    caption: str


def interest_graph(
    record: Explanation,
    layer: str = "similarity",
    edges: int = DEFAULT_EDGES,
    theme: Theme | str = Theme.LIGHT,
    *,
    effects: Effects | None = None,
    before: Before | None = None,
    styles: Sequence[ClusterStyle] | None = None,
    positions: np.ndarray | None = None,
) -> GraphView:
    """The graph of one layer: similarity (M, all pairs), kept edge (A) or attention (lift, from source to target).

    Node ids are indices into the record. Of the edges the `edges` first are drawn (3,000 at most): the
    strongest of each item, then the second of each, and so on, so that no item loses its edges to a dense group.
    Attention is the mean over the heads. A node's area is its importance gamma or, with
    `effects`, the size of the measured effect, whose sign the node then carries.

    With `before`, every item that was there stands where it stood, and those that are gone are hollow nodes with
    ids from n on. `positions` (n x 2, see surge.pictures.graph_layout) puts the nodes elsewhere than where they stand
    alone, such as where another model's graph of the same items has them.
    """
    if layer not in LAYERS:
        raise ValueError(f"{layer!r} is no layer; the layers are {', '.join(LAYERS)}")
    theme = Theme(theme)
    styles = cluster_styles(record, theme) if styles is None else styles
    sources, targets, weights = _candidates(record, layer)
    directed, limit = layer == "attention", min(max(edges, 0), MOST_EDGES)
    chosen = _strongest(sources, targets, weights, record.length, limit, directed)
    network = Network(directed=directed, cdn_resources="in_line", bgcolor=theme.background)
    if before is None:
        own = graph_positions(record) if positions is None else positions
        add_nodes(network, record, theme, own, styles, effects, None)
    else:
        moved, gone = edited_positions(record, before)
        add_nodes(network, record, theme, moved, styles, effects, before)
        add_ghosts(network, record.length, before, theme, gone)
    drawn = [(int(sources[k]), int(targets[k]), float(weights[k])) for k in chosen]
    _add_edges(network, record, layer, theme, drawn)
    network.options = _options(layer, theme)
    return GraphView(
        nodes=network.nodes,
        edges=network.edges,
        options=network.options,
        drawn=len(chosen),
        total=len(sources),
        caption=graph_caption(record, layer, len(chosen), len(sources), effects, before, own=positions is None),
    )


def edge_total(record: Explanation, layer: str) -> int:
    """How many edges a layer has; what a slider for `edges` needs to know."""
    n, kept = record.length, int(np.count_nonzero(record.graph_construction.adjacency)) - record.length
    return {"similarity": n * (n - 1) // 2, "kept edge": kept // 2, "attention": kept}[layer]


def graph_data(view: GraphView, theme: Theme | str, height: int, *, linked: bool = True) -> dict[str, Any]:
    """What graph.js reads: plain JSON values; `height` in pixels. No selection is in it, so that choosing an item
    sends nothing anew: the script hears of it by the window's event "surge:selection", unless `linked` is false
    (a second graph whose items are others).
    """
    theme = Theme(theme)
    # per edge only what differs: the browser makes the rest from the names of its nodes
    edges = [[edge["from"], edge["to"], edge["width"], edge["color"]["opacity"], edge["words"]] for edge in view.edges]
    graph = {"nodes": view.nodes, "edges": edges, "options": view.options}
    places = sorted([node["key"], node["x"], node["y"]] for node in view.nodes if node["key"] is not None)
    items = sum(not node["ghost"] for node in view.nodes)
    return {
        "graph": graph,
        "digest": _digest(graph),
        "places": _digest(places),
        "linked": linked,
        "colours": {
            "edge": theme.edge,
            "text": theme.text,
            "muted": theme.muted,
            "line": theme.grid,
            "surface": theme.surface,
            "background": theme.background,
            "+": theme.positive,
            "−": theme.negative,
        },
        "font": FONT,
        "height": height,
        "label": graph_label(items, view.drawn, view.total),
    }


class GraphAssets(NamedTuple):
    """What a page needs around `graph_data`: markup, style, graph.js (a module), and vis-network (a plain script)."""

    html: str
    css: str
    script: str
    library: str


@cache
def graph_assets() -> GraphAssets:
    """The files of the graph component, as text; nothing in them asks for anything on the network."""
    library = (Path(pyvis.__file__).parent / "lib" / "vis-9.1.2" / "vis-network.min.js").read_text(encoding="utf-8")
    return GraphAssets(
        asset("graph.html"), asset("graph.css"), script("graph.js"), library.split("//# sourceMappingURL")[0]
    )


def _digest(value: object) -> str:
    return hashlib.blake2b(json.dumps(value, sort_keys=True).encode(), digest_size=12).hexdigest()


def _candidates(record: Explanation, layer: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All edges of a layer: source, target, weight. Edges of an item to itself are no candidates."""
    n, graph = record.length, record.graph_construction
    if layer == "attention":
        targets, sources = np.nonzero(graph.adjacency * (1 - np.eye(n)))
        return sources, targets, attention_lift(record)[targets, sources]
    pairs = np.ones((n, n)) if layer == "similarity" else np.maximum(graph.adjacency, graph.adjacency.T)
    sources, targets = np.nonzero(np.triu(pairs, 1))
    return sources, targets, graph.similarity[sources, targets]


def _strongest(
    sources: np.ndarray, targets: np.ndarray, weights: np.ndarray, n: int, limit: int, directed: bool
) -> np.ndarray:
    """Which edges are drawn: by their rank among the edges into the target or out of the source, then by weight."""
    matrix = np.full((n, n), -np.inf)
    matrix[targets, sources] = weights
    if not directed:
        matrix[sources, targets] = weights
    ranks = [np.argsort(np.argsort(-matrix, axis=axis, kind="stable"), axis=axis, kind="stable") for axis in (0, 1)]
    rank = np.minimum(*ranks)[targets, sources]
    return np.lexsort((targets, sources, -weights.astype(np.float64), rank))[:limit]


def _add_edges(
    network: Network,
    record: Explanation,
    layer: str,
    theme: Theme,
    edges: Sequence[tuple[int, int, float]],
) -> None:
    """Straight to the list of edges: pyvis's own add_edge looks at all edges again for each."""
    weights = attention(record) if layer == "attention" else record.graph_construction.similarity
    for number, (source, target, weight) in enumerate(edges):
        # absolute scales: 1 is full similarity, or twice the uniform attention
        strength = float(np.clip(weight / 2 if layer == "attention" else weight, 0, 1))
        if layer == "attention":
            words = f"{weight:.2f} × uniform (E = {float(weights[target, source]):.3f})"
            between = f"{network.nodes[source]['name']} is attended to by {network.nodes[target]['name']}"
        else:
            words, between = (
                f"similarity {weight:.3f}",
                f"{network.nodes[source]['name']} – {network.nodes[target]['name']}",
            )
        edge = Edge(
            source,
            target,
            network.directed,
            id=number,
            width=round(0.6 + 3.4 * strength**2, 2),
            color={"color": theme.edge, "opacity": round(0.22 + 0.45 * strength**2, 3)},
            title=f"{between}\n{words}",
            words=words,
            weight=weight,
        )
        network.edges.append(edge.options)


def _options(layer: str, theme: Theme) -> dict[str, Any]:
    """vis-network's settings: nothing moves by itself, and edges are hidden while the picture is dragged."""
    return {
        "physics": {"enabled": False},
        "layout": {"improvedLayout": False},
        "interaction": {
            "hover": True,
            "hideEdgesOnDrag": True,
            "hideEdgesOnZoom": True,
            "multiselect": False,
            "selectable": True,
            "selectConnectedEdges": False,
            "dragNodes": True,
            "zoomView": True,
            "tooltipDelay": 0,
        },
        "nodes": {
            "borderWidth": 1.5,
            "borderWidthSelected": 1.5,
            "chosen": False,
            "font": {
                "face": FONT,
                "size": 15,
                "color": theme.text,
                "strokeWidth": 4,
                "strokeColor": theme.background,
                "multi": False,
                "vadjust": 0,
            },
        },
        "edges": {
            "smooth": False,
            "chosen": False,
            "arrowStrikethrough": False,
            "arrows": {"to": {"enabled": layer == "attention", "scaleFactor": 0.45}},
        },
    }
