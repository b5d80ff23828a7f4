"""Writes the table of views in the README from their entries: `make views`."""

from __future__ import annotations

import re
from pathlib import Path

from surge.pictures.views import VIEWS

PLACE = Path(__file__).resolve().parent.parent / "README.md"
HEAD = "| view | what it shows | paper |\n|---|---|---|\n"
BLOCK = re.compile(re.escape(HEAD) + r"(?:\|.*\n)*")
TABLES = {  # what is no view, by the view that it follows
    "assignment": "| Predicted items | the likeliest items with chance and lift; the true next item is marked; a click "
    "makes an item the candidate | Eq. 17 |",
    "attention": "| Items in numbers | effect, rank without it, attention received, α, β, γ, degree; on simulated data "
    "the true interest | Eq. 6, 7 |",
}


def table() -> str:
    """A line for each view, with its question where it has one."""
    lines = []
    for view in VIEWS:
        shows = f"under “{view.question}”: {view.shows}" if view.question else view.shows
        lines += [f"| {view.title} | {shows} | {view.paper} |", *filter(None, [TABLES.get(view.name)])]
    return HEAD + "".join(f"{line}\n" for line in lines)


if __name__ == "__main__":
    text = PLACE.read_text(encoding="utf-8")
    PLACE.write_text(BLOCK.sub(lambda _: table(), text), encoding="utf-8")
