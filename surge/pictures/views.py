"""The views of one prediction: name, words, picture and caption in one entry each, for the page and the report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import plotly.graph_objects as go

from surge.explanation.measured import Drift, Effects, Faithfulness
from surge.explanation.record import Explanation
from surge.explanation.story import Whose
from surge.pictures import (
    assignment_matrix,
    attention_matrix,
    drift,
    faithfulness,
    history_strip,
    pooled_sequence,
)
from surge.pictures.before import Before, Staged
from surge.pictures.palette import ClusterStyle, Theme

Part = TypeVar("Part")


@dataclass(frozen=True)
class Scene:
    """What a view may draw from: the record, what was measured around it, and how it is looked at.

    `whose`: whether the history is the user's own, was changed, or is made up; `head`: of the attention, None for the
    mean; `before`, `staged`: the record before the edits, and edits that are not yet run.
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


@dataclass(frozen=True)
class View:
    """One picture with its words. `name`: in reports and `Explanation.figures()`; `key`: of its chart on the page.

    `lead` says in a sentence what is seen, `about` what it is and what it leaves out, `alt` what a screen reader says,
    `caption` the numbers under it, `finding` what it shows, before it. `needs`: whether the scene has what it draws.
    `clickable`: its items and clusters can be selected; `wide`: as wide as a report.
    """

    name: str
    key: str
    title: str
    lead: Callable[[Scene], str]
    about: str
    alt: str
    figure: Callable[[Scene], go.Figure]
    caption: Callable[[Scene], str]
    finding: Callable[[Scene], str] = lambda scene: ""
    needs: Callable[[Scene], bool] = lambda scene: True
    clickable: bool = True
    wide: bool = False


def _said(words: str) -> Callable[[Scene], str]:
    return lambda scene: words


HISTORY = View(
    "history",
    "history_strip",
    "History",
    lambda scene: history_strip.lead(scene.whose),
    history_strip.ABOUT,
    "History in time order; the table of items holds the same values.",
    lambda scene: history_strip.history_strip(
        scene.record,
        scene.theme,
        effects=scene.effects,
        before=scene.before,
        staged=scene.staged,
        styles=scene.styles,
    ),
    lambda scene: history_strip.caption(scene.record, effects=scene.effects, before=scene.before, staged=scene.staged),
    wide=True,
)
ASSIGNMENT = View(
    "assignment",
    "assignment_matrix",
    "Interest clusters",
    _said(
        "The model spreads every item over a few clusters. A column is a cluster, a row an item; the strongest "
        "colour means that the item belongs to this cluster alone."
    ),
    assignment_matrix.ABOUT,
    "Assignment of items to clusters; the table of items holds each item's cluster and share.",
    lambda scene: assignment_matrix.assignment_matrix(
        scene.record, scene.theme, before=scene.before, styles=scene.styles, effects=scene.effects
    ),
    lambda scene: assignment_matrix.caption(scene.record, before=scene.before),
)
SEQUENCE = View(
    "sequence",
    "pooled_sequence",
    "Pooled sequence",
    _said(
        "The clusters in the order in which the model reads them, the oldest interest first. The update gate is "
        "how much of the cluster enters the model's memory."
    ),
    pooled_sequence.ABOUT,
    "Clusters in the order they are read; the same values are in the table of clusters.",
    lambda scene: pooled_sequence.pooled_sequence(
        scene.record, scene.theme, before=scene.before, styles=scene.styles, effects=scene.effects
    ),
    lambda scene: pooled_sequence.caption(scene.record, before=scene.before, effects=scene.effects),
)
ATTENTION = View(
    "attention",
    "attention_matrix",
    "Attention",
    _said(
        "How much an item listens to each of its neighbours for this candidate. 1× is what it would be if it "
        "listened to all of them alike."
    ),
    attention_matrix.ABOUT,
    "Attention between items; the layer Attention of the interest graph shows the same.",
    lambda scene: attention_matrix.attention_matrix(
        scene.record, scene.theme, head=scene.head, before=scene.before, styles=scene.styles
    ),
    lambda scene: attention_matrix.caption(scene.record, head=scene.head, before=scene.before),
)
FAITHFULNESS = View(
    "faithfulness",
    "faithfulness",
    "Faithfulness",
    _said("Do the items that an explanation names matter? The model is asked again without them."),
    faithfulness.ABOUT,
    "Lift while items are taken away, and while they are added; the table holds the mean lift along each curve.",
    lambda scene: faithfulness.faithfulness_figure(_measured(scene.faithfulness), scene.theme),
    lambda scene: faithfulness.caption(_measured(scene.faithfulness)),
    finding=lambda scene: faithfulness.faithfulness_sentence(_measured(scene.faithfulness)),
    needs=lambda scene: scene.faithfulness is not None,
    clickable=False,
    wide=True,
)
DRIFT = View(
    "drift",
    "drift",
    "Drift over time",
    _said("How clusters and lift grew with the history: the model read it again after one item, two items, and so on."),
    drift.ABOUT,
    "Graph, clusters and the candidate's lift and rank as the history grows; the table holds the same values.",
    lambda scene: drift.drift_figure(scene.record, _measured(scene.drift), scene.theme, styles=scene.styles),
    lambda scene: drift.caption(scene.record, _measured(scene.drift)),
    finding=lambda scene: drift.sentence(scene.record, _measured(scene.drift), styles=scene.styles),
    needs=lambda scene: scene.drift is not None,
    clickable=False,
    wide=True,
)
# in the model's own order; the interest graph, which is no plotly figure, comes after the history
VIEWS = (HISTORY, ASSIGNMENT, SEQUENCE, ATTENTION, FAITHFULNESS, DRIFT)


def drawn(scene: Scene) -> list[View]:
    """The views that there is something to show for."""
    return [view for view in VIEWS if view.needs(scene)]


def _measured(part: Part | None) -> Part:
    if part is None:
        raise ValueError("the scene lacks what this view draws; ask `needs` first")
    return part
