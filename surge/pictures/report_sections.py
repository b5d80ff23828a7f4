"""The parts of a report: one card for each picture or table, in the model's order, with its words."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from surge.escapes import for_html
from surge.explanation.story import Story
from surge.pictures import columns, tables
from surge.pictures.assignment_matrix import shown_clusters
from surge.pictures.html_parts import table
from surge.pictures.interest_graph import LAYERS
from surge.pictures.next_item import ABOUT as PREDICTIONS_ABOUT
from surge.pictures.next_item import next_sentence
from surge.pictures.palette import ClusterStyle, Theme, cluster_styles, item_clusters
from surge.pictures.trust import trust
from surge.pictures.views import ASSIGNMENT, ATTENTION, HISTORY, SEQUENCE, Scene, Table, View, drawn

BEST = 20  # predicted items; the candidate and the true next item may come after them
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
    scene = scene_of(story, styles)
    after: dict[str, list[Section | None]] = {
        ASSIGNMENT.name: [_predictions(story)],
        ATTENTION.name: [_clusters(story, scene, styles), _items(story, scene, styles)],
    }
    parts: list[Section | None] = []
    for view in drawn(scene):
        parts += [view_section(view, scene), *after.get(view.name, [])]
    return [part for part in (*parts, _making(story)) if part is not None]


def record_sections(story: Story) -> list[Section]:
    """The pictures of the record alone."""
    scene = scene_of(story)
    return [view_section(view, scene) for view in drawn(scene)]


def scene_of(story: Story, styles: Sequence[ClusterStyle] | None = None, theme: Theme | str = Theme.LIGHT) -> Scene:
    """What the views draw of a story."""
    return Scene(
        story.record,
        theme,
        story.effects,
        styles,
        story.whose,
        faithfulness=story.faithfulness,
        drift=story.drift,
        interests=story.interests,
    )


def view_section(view: View[Any], scene: Scene) -> Section:
    """A view with its words, and the table under it."""
    picture = _graph() if view.kind == "graph" else _picture(view.name, view.alt, clickable=view.clickable)
    return Section(
        view.name,
        view.title,
        view.lead(scene),
        picture + _behind(view.table, scene),
        said=view.finding(scene),
        caption=view.caption(scene),
        about=view.about,
        wide=view.wide,
    )


def _behind(numbers: Table, scene: Scene) -> str:
    if numbers.columns is None:
        return ""
    frame = numbers.frame(scene)
    return _more("As a table", table(frame, numbers.columns(frame), f"Table of {numbers.of}"))


def _graph() -> str:
    """The place of the graph, and the choice of its layer."""
    buttons = "".join(
        f'<button type="button" data-layer="{layer}" aria-pressed="false">{layer.capitalize()}</button>'
        for layer in LAYERS
    )
    return f'<div class="choice" role="group" aria-label="Edges show">{buttons}</div><div id="picture-graph"></div>'


def _predictions(story: Story) -> Section | None:
    """The best items, and the true next item and the candidate where they rank lower; the candidate stands out."""
    if not story.predicted:
        return None
    candidate = story.record.target.item
    frame = tables.prediction_table(story.predicted, story.next_item, candidate, story.record.history)
    marked = [row for row, item in enumerate(frame["item"]) if item == candidate]
    heads = columns.with_chances(columns.PREDICTIONS, any(entry.about for entry in story.predicted))
    return Section(
        "predictions",
        "Predicted items",
        "What the model would recommend now, best first.",
        table(frame, heads, "Predicted items, best first", marked),
        caption=next_sentence(
            BEST,
            story.ranked or len(story.predicted),
            story.next_item is not None,
            story.next_prediction.rank if story.next_prediction is not None else None,
            story.next_period,
        ),
        about=PREDICTIONS_ABOUT,
        wide=False,
        long=True,
    )


def _clusters(story: Story, scene: Scene, styles: Sequence[ClusterStyle]) -> Section:
    """The clusters that the matrix draws, in the order read."""
    frame = SEQUENCE.table.frame(scene)
    frame = frame[frame["index"].isin(shown_clusters(story.record))].reset_index(drop=True)
    keys = {"cluster": [styles[cluster].key for cluster in frame["index"]]}
    heads = columns.with_ranks(columns.CLUSTERS, story.effects is None or story.effects.clusters_exact)
    return Section(
        "cluster-numbers",
        "Clusters in numbers",
        "The clusters in the order read"
        + (", and how many times as likely each makes the candidate." if story.effects else "."),
        table(frame, heads, "Clusters in the order they are read", colours=keys),
        long=True,
    )


def _items(story: Story, scene: Scene, styles: Sequence[ClusterStyle]) -> Section:
    """Every item of the history in time order."""
    keys = {"cluster": [styles[cluster].key for cluster in item_clusters(story.record)]}
    heads = columns.with_ranks(columns.ITEMS, story.effects is None or story.effects.exact)
    return Section(
        "item-numbers",
        "Items in numbers",
        "What the model computed for each item"
        + (", beside the measured effect of leaving it out." if story.effects else "."),
        table(HISTORY.table.frame(scene), heads, "Items of the history with what the model computed", colours=keys),
        said=trust(story.record, story.effects).sentence if story.effects is not None else "",
        caption=tables.caption(story.record, effects=story.effects),
        long=True,
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
        command = f"<pre>{for_html(_command(story))}</pre>"
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
    return (
        f"<dl>{''.join(f'<dt>{for_html(name)}</dt><dd>{for_html(value)}</dd>' for name, value in facts.items())}</dl>"
    )


def _picture(name: str, label: str, *, clickable: bool = True) -> str:
    """The place of a chart; the classes of one that can be clicked are those that selection.js looks for."""
    classes = f"picture stPlotlyChart st-key-{name}" if clickable else "picture"
    return f'<div class="{classes}"><div id="picture-{name}" role="group" aria-label="{for_html(label)}"></div></div>'


def card(section: Section) -> str:
    """A section as HTML."""
    kind = " ".join(name for name, holds in (("wide", section.wide), ("long", section.long)) if holds)
    said = f'<p class="said">{for_html(section.said)}</p>' if section.said else ""
    about = _more("About this picture", f"<p>{for_html(section.about)}</p>") if section.about else ""
    return (
        f'<section id="{section.name}" class="{kind}"><h2>{for_html(section.title)}</h2>'
        f'<p class="lead">{for_html(section.lead)}</p>{said}{section.body}{small_print(section)}'
        f"{about}</section>"
    )


def small_print(section: Section) -> str:
    """A section's caption as HTML; the script writes it anew where the picture changes."""
    return f'<p class="caption" id="caption-{section.name}">{for_html(section.caption)}</p>' if section.caption else ""


def _more(summary: str, body: str) -> str:
    """What opens at a click; `body` is HTML."""
    return f"<details><summary>{for_html(summary)}</summary>{body}</details>"
