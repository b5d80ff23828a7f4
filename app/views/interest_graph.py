"""The interest graph as pyvis builds it: nodes, edges and options for vis-network, as plain JSON values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pyvis.edge import Edge
from pyvis.network import Network

from app.views.graph_layout import graph_positions
from app.views.measures import attention, attention_lift
from app.views.palette import FONT, Theme, cluster_styles, item_clusters
from app.views.text import count, moment_of, plain, shorten, title_of
from surge.explanation.record import Explanation

LAYERS = ("similarity", "kept edge", "attention")
DEFAULT_EDGES = 60
MOST_EDGES = 3000
LABELLED = 5  # the most important items carry their names


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
    edge_count: int = DEFAULT_EDGES,
    theme: Theme | str = Theme.LIGHT,
    head: int | None = None,
) -> GraphView:
    """The graph of one layer: similarity (M, all pairs), kept edge (A) or attention (lift, from source to target).

    Node ids are indices into the record. Of the edges the `edge_count` first are drawn (3,000 at most): the
    strongest of each item, then the second of each, and so on, so that no item loses its edges to a dense group.
    `head` of the attention; None means the mean over the heads.
    """
    if layer not in LAYERS:
        raise ValueError(f"{layer!r} is no layer; the layers are {', '.join(LAYERS)}")
    theme = Theme(theme)
    sources, targets, weights = _candidates(record, layer, head)
    directed, limit = layer == "attention", min(max(edge_count, 0), MOST_EDGES)
    chosen = _strongest(sources, targets, weights, record.length, limit, directed)
    network = Network(directed=directed, cdn_resources="in_line", bgcolor=theme.background)
    _add_nodes(network, record, theme)
    edges = [(int(sources[k]), int(targets[k]), float(weights[k])) for k in chosen]
    _add_edges(network, record, layer, head, theme, edges)
    network.options = _options(layer, theme)
    return GraphView(
        nodes=network.nodes,
        edges=network.edges,
        options=network.options,
        drawn=len(chosen),
        total=len(sources),
        caption=_caption(record, layer, len(chosen), len(sources)),
    )


def _candidates(record: Explanation, layer: str, head: int | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All edges of a layer: source, target, weight. Edges of an item to itself are no candidates."""
    n, graph = record.length, record.graph_construction
    if layer == "attention":
        targets, sources = np.nonzero(graph.adjacency * (1 - np.eye(n)))
        return sources, targets, attention_lift(record, head)[targets, sources]
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


def _add_nodes(network: Network, record: Explanation, theme: Theme) -> None:
    n, extraction = record.length, record.interest_extraction
    positions, total = graph_positions(record), extraction.total_assignment()
    styles, clusters = cluster_styles(record, theme), item_clusters(record)
    important = set(np.argsort(-extraction.importance, kind="stable")[:LABELLED].tolist())
    for i, item in enumerate(record.history):
        style = styles[clusters[i]]
        name = shorten(title_of(item))
        relative = float(extraction.importance[i]) * n  # 1 where every item is equally important
        lines = [
            title_of(item),
            item.category or "no category",
            " · ".join(part for part in (moment_of(item), f"item {i + 1} of {n}") if part),
            f"cluster {style.letter} {style.name}".rstrip() + f" ({float(total[i, clusters[i]]):.0%})",
            f"importance γ {float(extraction.importance[i]):.2%}",
        ]
        network.add_node(
            i,
            label=plain(name) if i in important else " ",  # pyvis shows the id where the label is empty
            shape="dot",
            color={"background": style.colour, "border": theme.background},
            size=round(float(np.clip(14 * np.sqrt(relative), 11, 27)), 2),
            x=round(float(positions[i, 0]), 2),
            y=round(float(positions[i, 1]), 2),
            title=plain("\n".join(" ".join(line.split()) for line in lines)),
            name=plain(name),
            letter=style.letter if style.lettered else "",
            ink=style.ink,
            cluster=int(clusters[i]),
            importance=float(extraction.importance[i]),
        )


def _add_edges(
    network: Network,
    record: Explanation,
    layer: str,
    head: int | None,
    theme: Theme,
    edges: Sequence[tuple[int, int, float]],
) -> None:
    """Straight to the list of edges: pyvis's own add_edge looks at all edges again for each."""
    weights = attention(record, head) if layer == "attention" else record.graph_construction.similarity
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


def _caption(record: Explanation, layer: str, drawn: int, total: int) -> str:
    what = {
        "similarity": "Similarity M between items (−1 to 1), all pairs",
        "kept edge": "Edges kept by the sparsification (Eq. 3), as wide as their similarity",
        "attention": "Attention in multiples of uniform over an item's neighbours; arrows end at the item that attends",
    }[layer]
    alone = int((record.graph_construction.adjacency.sum(axis=1) == 1).sum())
    lonely = f" {count(alone, 'item')} without a kept edge in the bottom row." if 0 < alone < record.length else ""
    if not total:
        return f"{what}: there is no edge between two items. Size: importance γ; colour and letter: cluster."
    return (
        f"{what}. {drawn:,} of {count(total, 'edge')}, the strongest of each item first. "
        f"Size: importance γ; colour and letter: cluster.{lonely}"
    )
