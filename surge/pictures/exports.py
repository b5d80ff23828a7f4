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

from surge.explanation.measurements import Effects
from surge.explanation.record import Explanation
from surge.pictures.graph_layout import graph_positions
from surge.pictures.measures import attention
from surge.pictures.palette import ClusterStyle, cluster_styles, item_clusters
from surge.pictures.text import title_of

FORMULA = frozenset("=+-@")
BREAKS = frozenset("\t\r\n")
_AFTER_CUTS = re.compile("(?<=[;\t\r\n])")  # where a spreadsheet with another separator than ours ends a cell
LONGEST_PART = 40  # characters of an id in a file name
_NOT_XML = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


# -- tables ---------------------------------------------------------------------------------------------


def csv_bytes(frame: pd.DataFrame) -> bytes:
    """A table as CSV that spreadsheets read: UTF-8 with a mark at its start, no row numbers, numbers as numbers.

    Titles and ids are anybody's text, and a spreadsheet runs a cell as a formula when it begins with one of
    = + - @, a tab or a line break (OWASP, "CSV injection"). Such text, column names too, gets an apostrophe in front.
    All text stands in quotes, so that a semicolon in it ends no cell; but a spreadsheet whose own separator is the
    semicolon or the tab doesn't see our quotes for what they are, and cuts the text there and at line breaks. So a
    formula after one of them gets its apostrophe too.
    """
    safe = frame.copy()
    for place in range(frame.shape[1]):
        column = frame.iloc[:, place]
        if not (pd.api.types.is_numeric_dtype(column) or pd.api.types.is_datetime64_any_dtype(column)):
            values = [_no_formula(value) if isinstance(value, str) else value for value in column]
            safe.isetitem(place, pd.Series(values, index=frame.index, dtype=object))
    safe.columns = pd.Index([_no_formula(str(name)) for name in frame.columns])
    text = safe.to_csv(index=False, lineterminator="\r\n", quoting=csv.QUOTE_NONNUMERIC)
    return text.encode("utf-8-sig", errors="replace")


def _no_formula(text: str) -> str:
    """The text, with an apostrophe in front of all that a spreadsheet could take for a formula."""
    first, *rest = _AFTER_CUTS.split(text)
    return "".join([_guarded(first, FORMULA | BREAKS), *(_guarded(part, FORMULA, skipped='"') for part in rest)])


def _guarded(part: str, signs: frozenset[str], skipped: str = "") -> str:
    """The part, with an apostrophe in front if one of the signs is the first that a spreadsheet would look at."""
    for character in part:
        # full-width and small forms of the signs count as the signs themselves
        if unicodedata.normalize("NFKC", character) in signs:
            return f"'{part}"
        # what a spreadsheet may drop before it looks: blanks, control characters, invisible marks
        if unicodedata.category(character)[0] not in "ZC" and character not in skipped:
            return part
    return part


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
    graph = nx.Graph(
        name=_xml_text(f"Interest graph of user {record.user} for the candidate {title_of(record.target)}")
    )
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
    plain = {name: _xml_text(value) if isinstance(value, str) else value for name, value in values.items()}
    return {
        name: value
        for name, value in plain.items()
        if value is not None and value != "" and not (isinstance(value, float) and not np.isfinite(value))
    }


def _xml_text(text: str) -> str:
    """The text without what XML forbids, and with its line breaks as XML reads them."""
    return _NOT_XML.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


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
