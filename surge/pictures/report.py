"""The report: one prediction as a standalone HTML page, every picture and script inside, nothing asked of a network."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go

from surge.atomic_write import atomic_write, check_place, check_replaceable
from surge.escapes import for_html
from surge.explanation.record import Explanation
from surge.explanation.story import Story
from surge.pictures.html_parts import changes
from surge.pictures.interest_graph import LAYERS, graph_data
from surge.pictures.palette import ClusterStyle, Theme, cluster_styles, item_clusters
from surge.pictures.report_page import page
from surge.pictures.report_sections import (
    card,
    record_sections,
    scene_of,
    sections,
    small_print,
    view_section,
)
from surge.pictures.text import title_of
from surge.pictures.verdict import verdict
from surge.pictures.views import GRAPH, charts
from surge.vocabulary import METRICS
from surge.vocabulary.amounts import chance, lift
from surge.vocabulary.writing import metric_text

GRAPH_HEIGHT = 520  # pixels
NAME = "<strong>SURGE explorer</strong>"  # by which a report is known
HEAD = 1 << 20  # bytes, in which it stands
FOR = {
    "user": "for user {user}",
    "changed": "for user {user}, with a history that was changed",
    "made-up": "for a made-up history",
}


def report(story: Story, theme: Theme | str | None = None, *, styles: Sequence[ClusterStyle] | None = None) -> str:
    """The whole story as one HTML file of about 2.7 MB that opens by a double click.

    `theme` is the look it opens with; without it, the reader's own setting. Both looks are inside, so that a button
    changes them: the second costs only what differs from the first. `styles`: letters and colours that the clusters
    keep, such as those on the screen. The same story gives the same page.
    """
    parts = sections(story, styles)
    links = "".join(f'<a href="#{part.name}">{for_html(part.title)}</a>' for part in parts)
    bar = (
        f'<div class="bar">{NAME}<nav aria-label="Parts of this report">{links}</nav>'
        '<button id="toggle" type="button" title="Light or dark">Dark</button></div>'
    )
    body = f"{bar}{_header(story, styles)}<main>{''.join(map(card, parts))}</main>{_footer(story)}"
    return _page(story, body, styles, theme)


def save_report(story: Story, path: str | Path) -> int:
    """Write a story as one HTML file, whole or not at all; gives its size in bytes.

    Only an older report is replaced.
    """
    path = check_output(path)
    content = report(story).encode()
    with atomic_write(path) as stream:
        stream.write(content)
    return len(content)


def check_output(path: str | Path) -> Path:
    """A SurgeError unless a report may be written here: a new .html file, or in the place of an older report."""
    path = check_place(path, "A report", ".html")
    check_replaceable(path, "report", _is_report)
    return path


def _is_report(path: Path) -> bool:
    with path.open("rb") as stream:
        return NAME.encode() in stream.read(HEAD)


def record_page(record: Explanation) -> str:
    """A shorter page for a notebook: what one record holds, without anything that was measured around it."""
    story = Story(record)
    body = f"{_header(story)}<main>{''.join(map(card, record_sections(story)))}</main>"
    return _page(story, body)


def graph_page(record: Explanation, theme: Theme | str, height: int) -> str:
    """The interest graph alone, as a page; `height` in pixels."""
    story = Story(record)
    section = view_section(GRAPH, scene_of(story))
    body = f'<main><section class="wide">{section.body}{small_print(section)}</section></main>'
    return page("Interest graph", body, {}, _graphs(story, height), [], theme)


def record_figures(record: Explanation, theme: Theme | str = Theme.LIGHT) -> dict[str, go.Figure]:
    """The pictures of a record by name: history, assignment, sequence, attention."""
    return _figures(Story(record), Theme(theme))


def _page(
    story: Story, body: str, styles: Sequence[ClusterStyle] | None = None, theme: Theme | str | None = None
) -> str:
    who = {"user": "", "changed": " (changed history)", "made-up": ""}[story.whose]
    title = f"Why {title_of(story.record.target)} for {story.record.user}{who}"
    graphs = _graphs(story, GRAPH_HEIGHT, styles)
    return page(title, body, _looks(story, styles), graphs, item_clusters(story.record).tolist(), theme)


# -- pictures -------------------------------------------------------------------------------------------


def _figures(story: Story, theme: Theme, like: Sequence[ClusterStyle] | None = None) -> dict[str, go.Figure]:
    return charts(scene_of(story, cluster_styles(story.record, theme, like), theme))


def _looks(story: Story, like: Sequence[ClusterStyle] | None) -> dict[str, Any]:
    """Each picture in the light theme, and what the dark one changes."""
    light, dark = (
        {name: json.loads(figure.to_json()) for name, figure in _figures(story, theme, like).items()}
        for theme in (Theme.LIGHT, Theme.DARK)
    )
    return {name: {"light": light[name], "dark": changes(light[name], dark[name])} for name in light}


def _graphs(story: Story, height: int, like: Sequence[ClusterStyle] | None = None) -> dict[str, Any]:
    """The graph's layers in the same way."""
    looks = {}
    for layer in LAYERS:
        light, dark = (_graph_data(story, layer, theme, height, like) for theme in (Theme.LIGHT, Theme.DARK))
        looks[layer] = {"light": light, "dark": changes(light, dark)}
    return looks


def _graph_data(
    story: Story, layer: str, theme: Theme, height: int, like: Sequence[ClusterStyle] | None
) -> dict[str, Any]:
    scene = scene_of(story, cluster_styles(story.record, theme, like), theme)
    view = GRAPH.figure(replace(scene, layer=layer))
    # through JSON, so that both looks hold lists where they hold lists
    return {**json.loads(json.dumps(graph_data(view, theme, height))), "caption": view.caption}


# -- the page -------------------------------------------------------------------------------------------


def _header(story: Story, like: Sequence[ClusterStyle] | None = None) -> str:
    record = story.record
    styles = cluster_styles(record, like=like)
    likely = story.next_probability
    sentence = "".join(
        f"<strong>{for_html(piece.text)}</strong>" if piece.strong else for_html(piece.text)
        for piece in verdict(
            record,
            story.effects,
            story.rank,
            story.ranked,
            next_probability=likely,
            interests=story.interests,
            styles=styles,
            whose=story.whose,
        )
    )
    would = " that it would have" if story.left_out else ""
    figures = [(f"Lift{would}: times as likely as by popularity alone", lift(record.lift))]
    if likely is not None:
        figures.insert(0, (f"Chance{would} of being the next item", chance(likely)))
    if story.rank is not None and story.ranked is not None:
        figures.append((f"Rank of {story.ranked:,} items", f"#{story.rank:,}"))
    measured = {"length": record.length, "clusters_in_use": len(np.unique(item_clusters(record)))}
    figures += [(METRICS[name].name, metric_text(name, value)) for name, value in measured.items()]
    if story.next_prediction is not None:
        figures.append((METRICS["next_rank"].name, f"#{story.next_prediction.rank:,}"))
    chips = "".join(f"<li><b>{for_html(value)}</b><span>{for_html(label)}</span></li>" for label, value in figures)
    notes = "".join(f"<li>{for_html(note)}</li>" for note in story.notes or record.notes)
    return (
        f"<header><h1>Why “{for_html(title_of(record.target))}”?"
        f"<small>{for_html(FOR[story.whose].format(user=record.user))}</small></h1>"
        f'<p class="verdict">{sentence}</p><ul class="figures">{chips}</ul>'
        + (f'<ul class="notes">{notes}</ul>' if notes else "")
        + '<p class="hint">Click an item or a cluster in any picture to see it in all of them; Shift adds, Escape '
        "clears.</p>"
        '<p class="failed" id="failed" hidden></p>'
        '<noscript><p class="failed">The pictures need JavaScript; the tables hold the same values.</p></noscript>'
        "</header>"
    )


def _footer(story: Story) -> str:
    private = "This file holds the user's history: pass it on only to those who may read the log. "
    return (
        "<footer>Everything shown was computed by the model itself; measured effects come from scoring changed "
        f"histories again. {private if story.whose != 'made-up' else ''}"
        "It works offline and loads nothing.</footer>"
    )
