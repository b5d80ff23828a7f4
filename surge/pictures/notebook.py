"""A record in a notebook: a page in a frame of its own, and the pictures one by one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from surge.errors import SurgeError
from surge.escapes import for_html
from surge.explanation.record import Explanation
from surge.pictures import report

RECORD_HEIGHT = 760  # pixels; the frame can be pulled larger
GRAPH_HEIGHT, GRAPH_FRAME = 480, 140  # of the canvas, and of what stands around it


@dataclass(frozen=True)
class Page:
    """A standalone HTML page that shows itself in a notebook; `height` in pixels."""

    html: str
    height: int

    def _repr_html_(self) -> str:
        """In a frame: its ids, styles and scripts can't meet those of the notebook around it."""
        return (
            f'<iframe srcdoc="{for_html(self.html)}" sandbox="allow-scripts allow-downloads" '
            f'title="SURGE" style="width:100%;height:{self.height}px;border:0;resize:vertical;overflow:auto"></iframe>'
        )


def record_page(record: Explanation) -> Page:
    """The record with all its scripts inside: about 2.4 MB, and it works offline."""
    return Page(report.record_page(record), RECORD_HEIGHT)


def record_figures(record: Explanation, theme: str = "light") -> dict[str, Any]:
    """The record's pictures by name: plotly figures, and `graph`, a page that shows itself.

    `theme` is light or dark; anything else is a SurgeError.
    """
    if theme not in ("light", "dark"):
        raise SurgeError(f"There is no theme {theme!r}; take 'light' or 'dark'.")
    graph = Page(report.graph_page(record, theme, GRAPH_HEIGHT), GRAPH_HEIGHT + GRAPH_FRAME)
    return {**report.record_figures(record, theme), "graph": graph}
