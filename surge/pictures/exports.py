"""What can be taken away: tables as CSV, the graph as GraphML or GEXF; bytes alone."""

from __future__ import annotations

import csv
import hashlib
import re
import unicodedata
from collections.abc import Sequence
from io import BytesIO
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd

from surge.escapes import for_csv, for_xml
from surge.explanation.measurements import Effects
from surge.explanation.record import Explanation
from surge.pictures.graph_layout import graph_positions
from surge.pictures.measures import attention
from surge.pictures.palette import ClusterStyle, cluster_styles, item_clusters
from surge.pictures.text import title_of

LONGEST_PART = 40  # characters of an id in a file name


# -- tables ---------------------------------------------------------------------------------------------


def csv_bytes(frame: pd.DataFrame) -> bytes:
    """A table as CSV that spreadsheets read: UTF-8 with a mark at its start, no row numbers, numbers as numbers.

    All text, column names too, stands in quotes, so that a semicolon in it ends no cell, and none of it is a formula.
    """
    safe = frame.copy()
    for place in range(frame.shape[1]):
        column = frame.iloc[:, place]
        if not (pd.api.types.is_numeric_dtype(column) or pd.api.types.is_datetime64_any_dtype(column)):
            values = [for_csv(value) if isinstance(value, str) else value for value in column]
            safe.isetitem(place, pd.Series(values, index=frame.index, dtype=object))
    safe.columns = pd.Index([for_csv(str(name)) for name in frame.columns])
    text = safe.to_csv(index=False, lineterminator="\r\n", quoting=csv.QUOTE_NONNUMERIC)
    return text.encode("utf-8-sig", errors="replace")


# -- the graph ------------------------------------------------------------------------------------------


def graphml_bytes(
    record: Explanation, styles: Sequence[ClusterStyle] | None = None, effects: Effects | None = None
) -> bytes:
    """The interest graph as GraphML: see `_graph` for what it holds."""
    stream = BytesIO()
    nx.write_graphml_xml(_graph(record, styles, effects), stream)
    return stream.getvalue()


def gexf_bytes(
    record: Explanation, styles: Sequence[ClusterStyle] | None = None, effects: Effects | None = None
) -> bytes:
    """The same as GEXF, with the colours and places that the page shows, for Gephi."""
    styles = cluster_styles(record) if styles is None else styles
    graph, clusters, positions = _graph(record, styles, effects), item_clusters(record), graph_positions(record)
    for i, node in enumerate(graph):
        red, green, blue = bytes.fromhex(styles[clusters[i]].colour[1:])
        x, y = (round(float(value), 1) for value in positions[i])
        graph.nodes[node]["label"] = graph.nodes[node]["title"]
        # Gephi's y axis points up
        graph.nodes[node]["viz"] = {
            "color": {"r": red, "g": green, "b": blue, "a": 1.0},
            "position": {"x": x, "y": -y, "z": 0.0},
        }
    stream = BytesIO()
    nx.write_gexf(graph, stream)
    return stream.getvalue()


def _graph(record: Explanation, styles: Sequence[ClusterStyle] | None, effects: Effects | None) -> nx.Graph:
    """The kept edges between items as an undirected graph of plain values; nodes are named by their place from 0.

    Of a node: item, title, category, timestamp (unix seconds), cluster (its letter) and cluster_name, importance
    gamma, and with effects `effect_factor` (how many times as likely it makes the candidate) and its log. Of an edge:
    similarity M, and E in both directions: how much the earlier item attends to the later one, and the other way,
    mean over heads. What is not known is left out, and so are characters that XML can't hold.
    """
    styles = cluster_styles(record) if styles is None else styles
    clusters, construction, weights = item_clusters(record), record.graph_construction, attention(record)
    graph = nx.Graph(name=for_xml(f"Interest graph of user {record.user} for the candidate {title_of(record.target)}"))
    for i, item in enumerate(record.history):
        style = styles[clusters[i]]
        values: dict[str, Any] = {
            "item": item.item,
            "title": title_of(item),
            "category": item.category,
            "timestamp": item.timestamp,
            "cluster": style.letter,
            "cluster_name": style.name,
            "importance": float(record.interest_extraction.importance[i]),
        }
        if effects is not None:
            values["effect_factor"] = float(np.exp(effects.item_effect[i]))
            values["log_effect"] = float(effects.item_effect[i])
        graph.add_node(str(i), **_known(values))
    kept = np.maximum(construction.adjacency, construction.adjacency.T)
    for earlier, later in zip(*np.nonzero(np.triu(kept, 1)), strict=True):
        values = {
            "similarity": float(construction.similarity[earlier, later]),
            "attention_earlier_to_later": float(weights[earlier, later]),
            "attention_later_to_earlier": float(weights[later, earlier]),
        }
        graph.add_edge(str(earlier), str(later), **_known(values))
    return graph


def _known(values: dict[str, Any]) -> dict[str, Any]:
    """The values that say something, as XML can hold them."""
    plain = {name: for_xml(value) if isinstance(value, str) else value for name, value in values.items()}
    return {
        name: value
        for name, value in plain.items()
        if value is not None and value != "" and not (isinstance(value, float) and not np.isfinite(value))
    }


# -- names ----------------------------------------------------------------------------------------------


def file_name(record: Explanation, suffix: str) -> str:
    """A name for a file about a record that ends in `suffix`, such as ".json" or "-items.csv": ASCII letters, digits,
    hyphens and one dot, of bounded length.

    An id that had to be changed for that is followed by a few digits of its hash: other ids have other names.
    """
    part, _, ending = suffix.rpartition(".")
    parts = ["surge-user", _name_part(record.user), "item", _name_part(record.target.item), _hyphened(part)]
    return "-".join(filter(None, parts)) + f".{re.sub('[^A-Za-z0-9]+', '', ending)[:12] or 'bin'}"


def _hyphened(text: str) -> str:
    """ASCII letters and digits alone, all else a hyphen, accents off."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", errors="ignore").decode()
    return re.sub(r"[^A-Za-z0-9]+", "-", plain).strip("-")[:LONGEST_PART].rstrip("-")


def _name_part(text: str) -> str:
    part = _hyphened(text)
    if part == text:
        return part
    digits = hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=4).hexdigest()
    return f"{part}-{digits}" if part else digits
