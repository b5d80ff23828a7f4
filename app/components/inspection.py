"""What all panels of the page read, their headings and captions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from app import results, subjects
from app.background import Progress
from app.components.charts import chart, drawing
from app.components.tables import number_table, words_table
from surge.data.dataset import Dataset
from surge.escapes import for_html, for_markdown
from surge.explanation.edit_plan import Plan
from surge.explanation.history import TitledHistory
from surge.explanation.measurements import Effects, Predicted
from surge.explanation.ranking import Ranking
from surge.explanation.record import Explanation
from surge.explanation.story import Whose
from surge.pictures.edit_context import Before, Staged
from surge.pictures.palette import ClusterStyle, Theme, cluster_styles, item_clusters
from surge.pictures.selection import Selection
from surge.pictures.views import Scene, View


@dataclass(frozen=True)
class Inspection:
    """What all panels read: one history and one candidate, where they come from, what is selected, how it looks.

    `base` is the history as the user left it, `subject` the one on the screen, `plan` what leads from one to the
    other; `before` is set where they differ. `reference` gives the clusters their letters for this user.
    """

    dataset: Dataset
    base: subjects.Subject
    subject: subjects.Subject
    plan: Plan
    record: Explanation
    ranking: Ranking | None
    effects: Effects
    before: Before | None
    staged: Staged | None
    reference: Explanation
    selection: Selection
    theme: Theme

    @property
    def history(self) -> TitledHistory:
        return self.subject.history

    @property
    def candidate(self) -> str:
        return self.record.target.item

    @property
    def whose(self) -> Whose:
        """Whether the history on the screen is the user's own, was changed, or is made up."""
        return self.history.whose

    @property
    def rank(self) -> int | None:
        """The candidate's rank, None where it has none or the catalogue isn't scored yet."""
        return self.effects.rank

    @property
    def runner_up(self) -> str | None:
        """The best item that isn't the candidate; None where nothing else can be recommended, or isn't scored yet."""
        return next((entry.item for entry in self.best(2) if entry.item != self.candidate), None)

    def best(self, count: int) -> list[Predicted]:
        """The `count` best items, as far as they are known."""
        known = results.best(self.subject)
        return known.top(count) if known is not None else []

    @cached_property
    def styles(self) -> tuple[ClusterStyle, ...]:
        """Letters and colours of the final clusters, the same for every candidate and edit of this user."""
        return self.styles_of(self.record)

    def styles_of(self, record: Explanation) -> tuple[ClusterStyle, ...]:
        """The same for another record of this user under this checkpoint."""
        reference = cluster_styles(self.reference, self.theme)
        return reference if record is self.reference else cluster_styles(record, self.theme, like=reference)

    def scene(self, head: int | None = None) -> Scene:
        """What the views draw from; `head` of the attention."""
        return Scene(
            self.record,
            self.theme,
            self.effects,
            self.styles,
            self.whose,
            self.before,
            self.staged,
            head,
            interests=self.history.interests,
        )

    @property
    def key(self) -> tuple[str, ...]:
        """Tells apart all that is drawn without a control of its own."""
        ranked = "ranked" if self.ranking is not None else ""
        return (*self.subject.key, self.candidate, self.reference.target.item, self.theme.value, ranked)

    def clusters(self) -> list[int]:
        """The first-choice cluster of each item."""
        return [int(cluster) for cluster in item_clusters(self.record)]

    def members(self) -> frozenset[int]:
        """The items whose first choice is the selected cluster."""
        if self.selection.cluster is None:
            return frozenset()
        return frozenset(np.flatnonzero(item_clusters(self.record) == self.selection.cluster).tolist())


def heading(text: str, help_text: str, about_text: str = "") -> None:
    """A view's heading with a word of help under it; behind the small button beside it, what the picture is."""
    # one element of HTML: a page of Streamlit's own headings, tooltips and popovers takes the browser twice as long
    note = _note("About this picture", text, about_text) if about_text else ""
    lead = f'<p class="surge-lead">{for_html(help_text)}</p>'
    st.html(f'<div class="surge-heading"><h5>{for_html(text)}</h5>{note}</div>{lead}')


def picture(inspection: Inspection, name: str, alt: str, build: Callable[[], go.Figure], *shows: object) -> None:
    """A chart under a name of its own, drawn again unchanged when only the selection changes.

    `shows` is what the figure depends on besides the history, the candidate and the theme; `alt` is what a screen
    reader says.
    """
    drawn = results.figure((name, *inspection.key, *shows), lambda: drawing(build()))
    chart(drawn, name, alt, inspection.theme, inspection.history.digest)


def view_heading(view: View[Any], scene: Scene) -> None:
    """A view's heading, a word of help under it, and what the picture is."""
    heading(view.title, view.lead(scene), view.about)


def view_picture(view: View[Any], inspection: Inspection, scene: Scene) -> None:
    """What a view shows in a sentence, and its chart."""
    if finding := view.finding(scene):
        st.markdown(for_markdown(finding))
    shows = (getattr(scene, control) for control in view.controls)
    picture(inspection, view.key, view.alt, lambda: view.figure(scene), *shows)


def view_table(view: View[Any], scene: Scene) -> None:
    """The table that stands under a view, if one does."""
    if view.table.columns is None:
        return
    frame, alt = view.table.frame(scene), view.table.alt or f"Table of {view.table.of}."
    if view.table.short:
        words_table(frame, view.table.columns(frame), alt)
        return
    with st.popover("The same as a table", type="tertiary", icon=":material/table:", key=f"{view.name}_table"):
        number_table(frame, view.table.columns(frame), alt, width=900)


def view_panel(view: View[Any], inspection: Inspection, more: str = "") -> None:
    """A whole view that has no control of its own; `more` follows its caption."""
    scene = inspection.scene()
    view_heading(view, scene)
    view_picture(view, inspection, scene)
    caption(" ".join(filter(None, [view.caption(scene), more])), view.name)
    view_table(view, scene)


def about(text: str, key: str, label: str = "About this picture") -> None:
    """A quiet button that opens "about this picture": what it is, in which unit, and what it leaves out."""
    st.html(f'<div class="surge-heading">{_note(label, key, text)}</div>')


def _note(label: str, key: str, *paragraphs: str) -> str:
    """A button and the card that it opens; the browser closes it by Escape or a click elsewhere."""
    name = "about-" + re.sub(r"[^a-z0-9]+", "-", key.lower())
    words = "".join(f"<p>{for_html(paragraph)}</p>" for paragraph in paragraphs if paragraph)
    return (
        f'<button type="button" popovertarget="{name}">{label}</button>'
        f'<div popover id="{name}" class="surge-note"><h6>{for_html(key)}</h6>{words}</div>'
    )


def caption(text: str, key: str) -> None:
    """The style reserves lines for the captions that change with a control, by their key."""
    st.html(f'<p class="surge-caption" data-of="{for_html(key)}">{for_html(text)}</p>')


@contextmanager
def progress_bar(words: str) -> Iterator[Progress]:
    """A bar for what takes more than a moment, over the page, so that nothing moves; another click leaves the work."""
    with st.container(key=f"progress {words}"):
        bar = st.progress(0.0, text=words)

    def move(share: float) -> None:
        bar.progress(min(1.0, share), text=words)

    try:
        yield move
    finally:
        bar.empty()
