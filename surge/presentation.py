"""The one door from surge to the pictures: they are loaded by name when something is shown, never before."""

from __future__ import annotations

import importlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from surge.errors import SurgeError
from surge.escapes import for_html

# Records and stories are Any here: the record comes to this module when it is shown, so this one can't import it.
NOTEBOOK_HEIGHT = 760  # pixels of a record in a notebook; its frame can be pulled larger
GRAPH_HEIGHT, GRAPH_FRAME = 480, 140  # of the canvas, and of what stands around it


@dataclass(frozen=True)
class Page:
    """A standalone HTML page that shows itself in a notebook; `height` in pixels."""

    html: str
    height: int

    def _repr_html_(self) -> str:
        return framed(self.html, self.height)


def framed(page: str, height: int) -> str:
    """A page in a frame of its own: its ids, styles and scripts can't meet those of the notebook around it."""
    return (
        f'<iframe srcdoc="{for_html(page)}" sandbox="allow-scripts allow-downloads" title="SURGE" '
        f'style="width:100%;height:{height}px;border:0;resize:vertical;overflow:auto"></iframe>'
    )


def show_record(record: Any) -> str:
    """The record as HTML for a notebook, with all its scripts inside: about 2.4 MB, and it works offline.

    Where the pictures can't be loaded, surge being used without the app, a plain table of the items.
    """
    try:
        report = importlib.import_module("surge.pictures.report")
    except ImportError as problem:
        return _plain_table(record, str(problem))
    return framed(report.record_page(record), NOTEBOOK_HEIGHT)


def likely_words(record: Any) -> str:
    """How likely a record's candidate is to be next, in plain text: "3.60% chance of being the next item, 9.1 times as
    likely as by popularity alone"; or, of what is never recommended to this user, how likely it would be."""
    likely, lift = record.prediction.next_probability, record.lift
    general = f"{lift:.2g}" if lift < 1 else f"{lift:,.1f}"
    general += " times as likely as by popularity alone"
    chance = "" if likely is None else f"{likely:.2%} chance of being the next item, "
    if not record.is_left_out():
        return f"{chance}{general}"
    would = f"have a {chance}" if chance else "be "
    return f"not ranked, {record.left_out_words}; it would {would}{general}"


def record_figures(record: Any, theme: str = "light") -> dict[str, Any]:
    """The record's pictures by name: plotly figures, and `graph`, a page that shows itself in a notebook.

    `theme` is light or dark; anything else, or pictures that can't be loaded, are a SurgeError.
    """
    if theme not in ("light", "dark"):
        raise SurgeError(f"There is no theme {theme!r}; take 'light' or 'dark'.")
    report = _report()
    graph = Page(report.graph_page(record, theme, GRAPH_HEIGHT), GRAPH_HEIGHT + GRAPH_FRAME)
    return {**report.record_figures(record, theme), "graph": graph}


def save_report(story: Any, path: str | Path) -> int:
    """Write a story as one HTML file, whole or not at all; gives its size in bytes."""
    path = Path(path)
    if path.suffix != ".html":
        raise SurgeError(f"A report is saved as .html, not as {path.name!r}; change the ending.")
    if not path.parent.is_dir():
        raise SurgeError(f"The folder {str(path.parent)!r} does not exist; make it first.")
    content = _report().report(story).encode()
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with temporary.open("xb") as stream:
            stream.write(content)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return len(content)


def _report() -> Any:
    """The module that makes reports; a SurgeError says what is missing where it can't be loaded."""
    try:
        return importlib.import_module("surge.pictures.report")
    except ImportError as problem:
        raise SurgeError(
            f"The pictures can't be drawn ({problem}); they need plotly and pyvis: pip install plotly pyvis==0.3.2."
        ) from problem


def _plain_table(record: Any, problem: str) -> str:
    """What a record says without pictures: one row an item, and why there is no picture."""
    extraction = record.interest_extraction
    clusters = extraction.first_choices()
    rows = "".join(
        "<tr>"
        + "".join(
            f"<td>{for_html(value)}</td>"
            for value in (
                place,
                item.title.strip() or item.item,
                item.category or "",
                cluster,
                f"{importance:.1%}",
            )
        )
        + "</tr>"
        for place, (item, cluster, importance) in enumerate(
            zip(record.history, clusters, extraction.importance, strict=True), start=1
        )
    )
    heads = "".join(f"<th>{head}</th>" for head in ("#", "Item", "Category", "Cluster", "Importance γ"))
    title = record.target.title.strip() or record.target.item
    return (
        f"<p><strong>{for_html(title)}</strong> for user {for_html(record.user)}: {likely_words(record)}, "
        f"{record.length} history items.</p>"
        f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
        f"<p><em>The pictures could not be loaded: {for_html(problem)}.</em></p>"
    )
