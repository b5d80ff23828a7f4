"""The frame of a standalone page: its policy, styles, data and scripts, all inside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from plotly.offline import get_plotlyjs

from surge.escapes import for_html
from surge.pictures.assets import asset, script
from surge.pictures.html_parts import data_block, packed_block
from surge.pictures.interest_graph import graph_assets
from surge.pictures.palette import FONT, Theme

# Nothing may be loaded, sent or framed: what the page shows is in it.
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; "
    "font-src data:; base-uri 'none'; form-action 'none'"
)
EXPORT = "export default function"


def page(
    title: str,
    body: str,
    pictures: Mapping[str, Any],
    graphs: Mapping[str, Any],
    clusters: Sequence[int],
    theme: Theme | str | None = None,
) -> str:
    """A whole HTML page round `body`. `pictures` and `graphs`: by name {"light": JSON, "dark": what it changes}.

    `clusters`: the first-choice cluster of each item, for clicks. `theme` is the look it opens with; without it,
    the reader's own setting.
    """
    assets = graph_assets()
    opening = f' data-theme="{Theme(theme)}"' if theme is not None else ""
    parts = [
        f'<!doctype html><html lang="en"{opening}><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{for_html(title)}</title><style>{_colours()}{asset('report.css')}"
        f"{asset('chart.css')}</style></head><body>{body}",
        f'<template id="chart-parts">{asset("chart.html")}</template>',
        f'<template id="graph-parts"><style>{assets.css}</style>{assets.html}</template>',
        data_block("data-pictures", pictures),
        data_block("data-graphs", graphs),
        data_block("data-looks", {theme: _chart_colours(theme) for theme in Theme}),
        data_block("data-clusters", list(clusters)),
        _packed_library(),
        _packed_plotly() if pictures else "",
        _module(assets.script, "surgeDrawGraph"),
        _module(script("chart.js"), "surgeDrawChart") if pictures else "",
        _module(script("selection.js"), "surgeListen"),
        f'<script type="module">{script("report.js")}</script></body></html>\n',
    ]
    # a lone surrogate, which a JSON file can bring, is no text that a file could hold
    return "".join(parts).encode("utf-8", "replace").decode("utf-8")


def _module(source: str, name: str) -> str:
    """A component's script, a module with one function to export, as one that hands it to the page's own script."""
    if source.count(EXPORT) != 1:
        raise ValueError(f"the script for {name} exports no function, or several")
    return f'<script type="module">{source.replace(EXPORT, f"globalThis.{name} = function")}</script>'


@cache
def _packed_library() -> str:
    return packed_block("vis-network", graph_assets().library)


@cache
def _packed_plotly() -> str:
    return packed_block("plotly", get_plotlyjs())


def _chart_colours(theme: Theme) -> dict[str, str]:
    """What frames and veils round the selection are drawn in."""
    return {"text": theme.text, "surface": theme.background}


def _colours() -> str:
    """The themes as CSS: light, then dark where the reader's system or the button says so."""
    light = _variables(Theme.LIGHT, behind="#f5f6f8", marked="#eef3fb")
    dark = _variables(Theme.DARK, behind="#07090d", marked="#182233")
    return (
        f":root{{--font:{FONT};{light}}}"
        f"@media (prefers-color-scheme:dark){{:root:not([data-theme=light]){{{dark}}}}}"
        f":root[data-theme=dark]{{{dark}}}\n"
    )


def _variables(theme: Theme, behind: str, marked: str) -> str:
    """`behind` lies behind the cards, which have the background that the charts are made for."""
    values = {
        "behind": behind,
        "background": theme.background,
        "surface": theme.surface,
        "text": theme.text,
        "muted": theme.muted,
        "line": theme.grid,
        "accent": theme.negative,
        "marked": marked,
    }
    return f"color-scheme:{theme};" + "".join(f"--{name}:{value};" for name, value in values.items())
