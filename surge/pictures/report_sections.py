"""The parts of a report: one card for each picture or table, in the model's order, with its words."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from surge.explanation.story import Story
from surge.pictures import (
    assignment_matrix,
    attention_matrix,
    drift,
    faithfulness,
    history_strip,
    interest_graph,
    pooled_sequence,
    report_tables,
    tables,
)
from surge.pictures.html_parts import escape
from surge.pictures.next_item import ABOUT as PREDICTIONS_ABOUT
from surge.pictures.next_item import next_sentence
from surge.pictures.palette import ClusterStyle, cluster_styles
from surge.pictures.verdict import trust

LAYERS = {"similarity": "Similarity", "kept edge": "Kept links", "attention": "Attention"}
NOT_REPEATED = {
    "changed": "The history was changed in the explorer: it is not what the user did, and no command makes this page.",
    "made-up": "The history was made up in the explorer: it is no user's own, and no command makes this page.",
}


@dataclass(frozen=True)
class Section:
    """One card of the page: `body` is HTML, everything else plain text. `said` is a finding, set before the picture.

    `wide`: over both columns; `long`: may be cut where a printed page ends.
    """

    name: str
    title: str
    lead: str
    body: str
    said: str = ""
    caption: str = ""
    about: str = ""
    wide: bool = True
    long: bool = False


def sections(story: Story, styles: Sequence[ClusterStyle] | None = None) -> list[Section]:
    """All parts of the story that there is something to show for; `styles` of the clusters in the tables."""
    styles = cluster_styles(story.record, like=styles)
    parts: tuple[Callable[[Story], Section | None], ...] = (
        _history,
        graph_section,
        _assignment,
        _predictions,
        _sequence,
        _attention,
        partial(_clusters, styles=styles),
        partial(_items, styles=styles),
        _faithfulness,
        partial(_drift, styles=styles),
        _making,
    )
    return [section for part in parts if (section := part(story)) is not None]


def record_sections(story: Story) -> list[Section]:
    """The pictures of the record alone."""
    return [part(story) for part in (_history, graph_section, _assignment, _sequence, _attention)]


def _history(story: Story) -> Section:
    return Section(
        "history",
        "History",
        history_strip.lead(story.whose),
        _picture("history", "History in time order; the table of items holds the same values."),
        caption=history_strip.caption(story.record, effects=story.effects),
        about=history_strip.ABOUT,
    )


def graph_section(story: Story) -> Section:
    buttons = "".join(
        f'<button type="button" data-layer="{layer}" aria-pressed="false">{label}</button>'
        for layer, label in LAYERS.items()
    )
    return Section(
        "graph",
        "Interest graph",
        "The model links history items that it finds alike. Drag a node, scroll to zoom, hover to read.",
        f'<div class="choice" role="group" aria-label="Edges show">{buttons}</div><div id="picture-graph"></div>',
        caption=interest_graph.interest_graph(story.record, effects=story.effects).caption,
        about=interest_graph.ABOUT,
        wide=False,
    )


def _assignment(story: Story) -> Section:
    return Section(
        "clusters",
        "Interest clusters",
        "The model spreads every item over a few clusters: a row is an item, a column a cluster.",
        _picture("assignment", "Assignment of items to clusters; the table of items holds each item's cluster."),
        caption=assignment_matrix.caption(story.record),
        about=assignment_matrix.ABOUT,
        wide=False,
    )


def _predictions(story: Story) -> Section | None:
    if not story.predicted:
        return None
    return Section(
        "predictions",
        "Predicted items",
        "What the model would recommend now, best first.",
        report_tables.predictions(story),
        caption=next_sentence(
            report_tables.BEST,
            story.ranked or len(story.predicted),
            story.next_item is not None,
            story.next_prediction.rank if story.next_prediction is not None else None,
            story.next_period,
        ),
        about=PREDICTIONS_ABOUT,
        wide=False,
        long=True,
    )


def _sequence(story: Story) -> Section:
    return Section(
        "sequence",
        "Pooled sequence",
        "The clusters in the order in which the model reads them, before it judges the candidate.",
        _picture("sequence", "Clusters in the order read; the table of clusters holds the same values."),
        caption=pooled_sequence.caption(story.record, effects=story.effects),
        about=pooled_sequence.ABOUT,
        wide=False,
    )


def _attention(story: Story) -> Section:
    return Section(
        "attention",
        "Attention",
        "How much an item listens to each of its neighbours for this candidate; 1× is as much as to any of them.",
        _picture("attention", "Attention between items; the layer Attention of the interest graph shows the same."),
        caption=attention_matrix.caption(story.record),
        about=attention_matrix.ABOUT,
        wide=False,
    )


def _clusters(story: Story, styles: Sequence[ClusterStyle]) -> Section:
    return Section(
        "cluster-numbers",
        "Clusters in numbers",
        "The clusters in the order read"
        + (", and how many times as likely each makes the candidate." if story.effects else "."),
        report_tables.clusters(story, styles),
        long=True,
    )


def _items(story: Story, styles: Sequence[ClusterStyle]) -> Section:
    return Section(
        "item-numbers",
        "Items in numbers",
        "What the model computed for each item"
        + (", beside the measured effect of leaving it out." if story.effects else "."),
        report_tables.items(story, styles),
        said=trust(story.record, story.effects).sentence if story.effects is not None else "",
        caption=tables.caption(story.record, effects=story.effects),
        long=True,
    )


def _faithfulness(story: Story) -> Section | None:
    if story.faithfulness is None:
        return None
    return Section(
        "faithfulness",
        "Faithfulness",
        "Do the items that an explanation names matter? The model is asked again without them.",
        _picture("faithfulness", "Lift while items are taken away, and while they are added.", clickable=False)
        + _more("As a table", report_tables.faithfulness(story.faithfulness)),
        said=faithfulness.faithfulness_sentence(story.faithfulness),
        caption=faithfulness.caption(story.faithfulness),
        about=faithfulness.ABOUT,
    )


def _drift(story: Story, styles: Sequence[ClusterStyle]) -> Section | None:
    if story.drift is None:
        return None
    return Section(
        "drift",
        "Drift over time",
        "How clusters and lift grew with the history: the model read it again after one item, two items, and so on.",
        _picture("drift", "Clusters and lift after each part of the history.", clickable=False)
        + _more("As a table", report_tables.drift(story, styles)),
        caption=drift.caption(story.record, story.drift),
        about=drift.ABOUT,
    )


def _making(story: Story) -> Section | None:
    if not story.facts and story.checkpoint is None:
        return None
    settings = {name.replace("_", " "): _setting(value) for name, value in story.record.model.items()}
    if story.whose == "user":
        again = (
            "The same command, in the folder where this was made and with your own folders of the checkpoint and the "
            "dataset, makes it again."
        )
        command = f"<pre>{escape(_command(story))}</pre>"
    else:  # no command knows the edits
        again, command = NOT_REPEATED[story.whose], ""
    return Section(
        "making",
        "How this was made",
        f"Everything on this page was computed from these. {again}",
        f"{command}{_facts(story.facts)}{_more('Settings of the model', _facts(settings))}",
        long=True,
    )


def _command(story: Story) -> str:
    checkpoint, dataset = story.folders or (story.checkpoint or "CHECKPOINT", story.dataset or "DATASET")
    words = ["python", "-m", "surge", "explain"]
    words += [_argument(checkpoint), _argument(dataset)]
    words += [*_option("--user", story.record.user), *_option("--item", story.record.target.item)]
    words += [] if story.held_out else ["--whole-history"]
    return shlex.join([*words, "--output", "report.html"])


def _option(name: str, value: str) -> list[str]:
    """An option and its value, in one word where it would else be taken for another option."""
    return [f"{name}={value}"] if value.startswith("-") else [name, value]


def _argument(folder: str) -> str:
    return f"./{folder}" if folder.startswith("-") else folder


def _setting(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _facts(facts: Mapping[str, str]) -> str:
    return f"<dl>{''.join(f'<dt>{escape(name)}</dt><dd>{escape(value)}</dd>' for name, value in facts.items())}</dl>"


def _picture(name: str, label: str, *, clickable: bool = True) -> str:
    """The place of a chart; the classes of one that can be clicked are those that selection.js looks for."""
    classes = f"picture stPlotlyChart st-key-{name}" if clickable else "picture"
    return f'<div class="{classes}"><div id="picture-{name}" role="group" aria-label="{escape(label)}"></div></div>'


def card(section: Section) -> str:
    """A section as HTML."""
    kind = " ".join(name for name, holds in (("wide", section.wide), ("long", section.long)) if holds)
    said = f'<p class="said">{escape(section.said)}</p>' if section.said else ""
    about = _more("About this picture", f"<p>{escape(section.about)}</p>") if section.about else ""
    return (
        f'<section id="{section.name}" class="{kind}"><h2>{escape(section.title)}</h2>'
        f'<p class="lead">{escape(section.lead)}</p>{said}{section.body}{small_print(section)}'
        f"{about}</section>"
    )


def small_print(section: Section) -> str:
    """A section's caption as HTML; the script writes it anew where the picture changes."""
    return f'<p class="caption" id="caption-{section.name}">{escape(section.caption)}</p>' if section.caption else ""


def _more(summary: str, body: str) -> str:
    """What opens at a click; `body` is HTML."""
    return f"<details><summary>{escape(summary)}</summary>{body}</details>"
