"""The views of one prediction, an entry each with words, picture and table: page, report, downloads and README go by
them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, NamedTuple, TypeVar

import pandas as pd
import plotly.graph_objects as go

from surge.explanation.measurements import Drift, Effects, Faithfulness
from surge.explanation.record import Explanation
from surge.explanation.story import Whose
from surge.pictures import (
    assignment_matrix,
    attention_matrix,
    columns,
    drift,
    drift_words,
    faithfulness,
    faithfulness_words,
    history_strip,
    interest_graph,
    pooled_sequence,
    strip_words,
    tables,
    view_words,
)
from surge.pictures.edit_context import Before, Staged
from surge.pictures.html_parts import Column
from surge.pictures.interest_graph import DEFAULT_EDGES, LAYERS, GraphView
from surge.pictures.palette import ClusterStyle, Theme

CONTROLS = ("staged", "head", "layer", "edges")  # of a scene, besides the history, the candidate and the theme
MEASURED = ("faithfulness", "drift")  # what takes more than a moment: the page measures it when it is asked
Made = TypeVar("Made")
Picture = TypeVar("Picture", go.Figure, GraphView)


@dataclass(frozen=True)
class Scene:
    """What a view may draw from: the record, what was measured around it, and how it is looked at.

    `whose`: whether the history is the user's own, was changed, or is made up; `head`: of the attention, None for the
    mean; `layer`, `edges`: of the interest graph; `before`, `staged`: the record before the edits, and edits that are
    not yet run; `interests`: the simulated truth of each item, where there is one.
    """

    record: Explanation
    theme: Theme | str = Theme.LIGHT
    effects: Effects | None = None
    styles: Sequence[ClusterStyle] | None = None
    whose: Whose = "user"
    before: Before | None = None
    staged: Staged | None = None
    head: int | None = None
    faithfulness: Faithfulness | None = None
    drift: Drift | None = None
    layer: str = LAYERS[0]
    edges: int = DEFAULT_EDGES
    interests: Sequence[str] | None = None


class Table(NamedTuple):
    """The numbers behind a view: a word for file names, what they are ("Table of ..."), and how they are made.

    With `columns` the table also stands under the picture: open where it is `short`, else it opens at a click. `alt`
    is what a screen reader says of it on the page.
    """

    name: str
    of: str
    frame: Callable[[Scene], pd.DataFrame]
    columns: Callable[[pd.DataFrame], Mapping[str, Column]] | None = None
    alt: str = ""
    short: bool = False


@dataclass(frozen=True)
class View(Generic[Picture]):
    """One picture with its words. `name`: in reports and `Explanation.figures()`; `key`: of its chart on the page.

    `lead` says in a sentence what is seen, `about` what it is and what it leaves out, `alt` what a screen reader says,
    `caption` the numbers under it, `finding` what it shows, before it. README says what it `shows`, of which equation
    of the `paper`. `needs`: a part of the scene without which there is nothing to show; where that is one of MEASURED,
    the page asks the `question` and measures it then. `controls`: what of the scene it draws besides the record.
    `kind`: a plotly chart, or the interest graph, which graph.js draws once on a page; `clickable`: its items and
    clusters can be selected; `wide`: as wide as a report.
    """

    name: str
    key: str
    title: str
    lead: Callable[[Scene], str]
    about: str
    alt: str
    figure: Callable[[Scene], Picture]
    caption: Callable[[Scene], str]
    table: Table
    shows: str
    paper: str = ""
    finding: Callable[[Scene], str] = lambda scene: ""
    needs: Literal["", "effects", "before", "staged", "interests", "faithfulness", "drift"] = ""
    question: str = ""
    controls: tuple[str, ...] = CONTROLS
    kind: Literal["chart", "graph"] = "chart"
    clickable: bool = True
    wide: bool = False


def _said(words: str) -> Callable[[Scene], str]:
    return lambda scene: words


def _of(make: Callable[..., Made], *parts: str) -> Callable[[Scene], Made]:
    """What a function makes of these parts of a scene, which it names alike."""

    def made(scene: Scene) -> Made:
        values = {part: getattr(scene, part) for part in parts}
        if any(values.get(part, scene) is None for part in MEASURED):
            raise ValueError("the scene lacks what this view draws; ask `needs` first")
        return make(**values)

    return made


HISTORY = View(
    "history",
    "history_strip",
    "History",
    _of(strip_words.lead, "whose"),
    strip_words.ABOUT,
    "History in time order; the table of items holds the same values.",
    _of(history_strip.history_strip, "record", "theme", "effects", "before", "staged", "styles"),
    _of(strip_words.caption, "record", "effects", "before", "staged"),
    Table("items", "items", _of(tables.item_table, "record", "interests", "effects", "styles")),
    "each item with its cluster and its effect; under it the importance γ that the model itself gives",
    "Eq. 7",
    controls=("staged",),
    wide=True,
)
GRAPH: View[GraphView] = View(
    "graph",
    "interest_graph",
    "Interest graph",
    _said("The model links history items that it finds alike. Drag a node, scroll to zoom, click to select."),
    view_words.ABOUT_GRAPH,
    "Items of the history and the links between them; the table of items holds the same values.",
    _of(interest_graph.interest_graph, "record", "layer", "edges", "theme", "effects", "before", "styles"),
    lambda scene: GRAPH.figure(scene).caption,
    Table("links", "links between items", _of(tables.link_table, "record")),
    "a node for each item, larger for a larger effect; edges by learned similarity M, kept edges A, or attention E",
    "Eq. 1-3, 8",
    controls=("layer", "edges"),
    kind="graph",
)
ASSIGNMENT = View(
    "assignment",
    "assignment_matrix",
    "Interest clusters",
    _said(
        "The model spreads every item over a few clusters. A column is a cluster, a row an item; the strongest "
        "colour means that the item belongs to this cluster alone."
    ),
    view_words.ABOUT_ASSIGNMENT,
    "Assignment of items to clusters; the table of items holds each item's cluster and share.",
    _of(assignment_matrix.assignment_matrix, "record", "theme", "before", "styles", "effects"),
    _of(view_words.assignment_caption, "record", "before"),
    Table("assignment", "the assignment S", _of(tables.assignment_table, "record", "styles")),
    "the soft assignment S of every item to the clusters",
    "Eq. 11",
    controls=(),
)
SEQUENCE = View(
    "sequence",
    "pooled_sequence",
    "Pooled sequence",
    _said(
        "The clusters in the order in which the model reads them, the oldest interest first. The update gate is "
        "how much of the cluster enters the model's memory."
    ),
    view_words.ABOUT_SEQUENCE,
    "Clusters in the order they are read; the same values are in the table of clusters.",
    _of(pooled_sequence.pooled_sequence, "record", "theme", "before", "styles", "effects"),
    _of(view_words.sequence_caption, "record", "before", "effects"),
    Table("clusters", "clusters", _of(tables.cluster_table, "record", "effects", "styles")),
    "the clusters in the order of the recurrent layer: mass, update gate, importance γ*, effect",
    "Eq. 9, 10, 16",
    controls=(),
)
ATTENTION = View(
    "attention",
    "attention_matrix",
    "Attention",
    _said(
        "How much an item listens to each of its neighbours for this candidate. 1× is what it would be if it "
        "listened to all of them alike."
    ),
    view_words.ABOUT_ATTENTION,
    "Attention between items; the layer Attention of the interest graph shows the same.",
    _of(attention_matrix.attention_matrix, "record", "theme", "head", "before", "styles"),
    _of(view_words.attention_caption, "record", "head", "before"),
    Table("attention", "the attention E", _of(tables.attention_table, "record")),
    "how much each item attends to its neighbours, relative to equal attention",
    "Eq. 8",
    controls=("head",),
)
FAITHFULNESS = View(
    "faithfulness",
    "faithfulness",
    "Faithfulness",
    _said("Do the items that an explanation names matter? The model is asked again without them."),
    faithfulness_words.ABOUT,
    "Lift while items are taken away, and while they are added; the table holds the mean lift along each curve.",
    _of(faithfulness.faithfulness_figure, "faithfulness", "theme"),
    _of(faithfulness_words.caption, "faithfulness"),
    Table(
        "faithfulness",
        "the lift along the curves",
        _of(faithfulness.faithfulness_table, "faithfulness"),
        lambda frame: columns.ORDERS,
        "The mean lift along each curve.",
        short=True,
    ),
    "deletion and insertion curves of importance, attention, leave-one-out and integrated gradients, with a random "
    "band",
    finding=_of(faithfulness_words.faithfulness_sentence, "faithfulness"),
    needs="faithfulness",
    question="Do the weights tell what really matters?",
    controls=(),
    clickable=False,
    wide=True,
)
DRIFT = View(
    "drift",
    "drift",
    "Drift over time",
    _said("How clusters and lift grew with the history: the model read it again after one item, two items, and so on."),
    drift_words.ABOUT,
    "Graph, clusters and the candidate's lift and rank as the history grows; the table holds the same values.",
    _of(drift.drift_figure, "record", "drift", "theme", "styles"),
    _of(drift_words.caption, "record", "drift"),
    Table(
        "drift",
        "the drift",
        _of(drift.drift_table, "record", "drift", "styles"),
        columns.drift_columns,
        "What the curves draw, one row a step.",
    ),
    "a replay of the history with the candidate's rank, by mouse or keyboard",
    finding=_of(drift_words.sentence, "record", "drift", "styles"),
    needs="drift",
    question="How did the interests grow over time?",
    controls=(),
    clickable=False,
    wide=True,
)
# in the model's own order
VIEWS: tuple[View[Any], ...] = (HISTORY, GRAPH, ASSIGNMENT, SEQUENCE, ATTENTION, FAITHFULNESS, DRIFT)


def drawn(scene: Scene) -> list[View[Any]]:
    """The views that there is something to show for."""
    return [view for view in VIEWS if not view.needs or getattr(scene, view.needs) is not None]


def asked() -> list[View[Any]]:
    """The views of what is measured only when it is asked for."""
    return [view for view in VIEWS if view.needs in MEASURED]


def charts(scene: Scene) -> dict[str, go.Figure]:
    """Their plotly figures by name."""
    return {view.name: view.figure(scene) for view in drawn(scene) if view.kind == "chart"}
