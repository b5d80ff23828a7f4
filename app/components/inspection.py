"""What all panels of the page read, their headings and captions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import streamlit as st

from app import loading, state
from app.components.labels import as_text
from app.views.before import Before, Staged
from app.views.palette import ClusterStyle, Theme, cluster_styles, item_clusters
from app.views.selection import Selection
from surge.data.store import Dataset
from surge.explanation.catalogue import Ranking
from surge.explanation.history import UserHistory
from surge.explanation.measured import Effects
from surge.explanation.plan import Plan
from surge.explanation.record import Explanation
from surge.explanation.story import Whose


@dataclass(frozen=True)
class Inspection:
    """What all panels read: one history and one candidate, where they come from, what is selected, how it looks.

    `base` is the history as the user left it, `subject` the one on the screen, `plan` what leads from one to the
    other; `before` is set where they differ. `reference` gives the clusters their letters for this user.
    """

    dataset: Dataset
    base: loading.Subject
    subject: loading.Subject
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
    def history(self) -> UserHistory:
        return self.subject.history

    @property
    def candidate(self) -> str:
        return self.record.target.item

    @property
    def whose(self) -> Whose:
        """Whether the history on the screen is the user's own, was changed, or is made up."""
        if state.current().made_up:
            return "made-up"
        return "changed" if self.before is not None else "user"

    @property
    def rank(self) -> int | None:
        """The candidate's rank, None where it has none or the catalogue isn't scored yet."""
        return self.effects.rank

    @cached_property
    def styles(self) -> tuple[ClusterStyle, ...]:
        """Letters and colours of the final clusters, the same for every candidate and edit of this user."""
        return self.styles_of(self.record)

    def styles_of(self, record: Explanation) -> tuple[ClusterStyle, ...]:
        """The same for another record of this user under this checkpoint."""
        reference = cluster_styles(self.reference, self.theme)
        return reference if record is self.reference else cluster_styles(record, self.theme, like=reference)

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
    """A view's heading, with a word of help; behind the small button, what the picture is."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"heading {text}"):
        st.markdown(f"##### {text}", help=help_text, width="content")
        if about_text:
            about(about_text, text)


def about(text: str, key: str) -> None:
    """A quiet button that opens "about this picture": what it is, in which unit, and what it leaves out."""
    with st.popover("About this picture", type="tertiary", icon=":material/info:", key=f"about {key}"):
        st.markdown(as_text(text), width=380)


def caption(text: str, key: str) -> None:
    """The style reserves lines for the captions that change with a control, by their key."""
    with st.container(key=f"caption_{key}"):
        st.caption(as_text(text))


@contextmanager
def progress_bar(words: str) -> Iterator[loading.Progress]:
    """A bar for what takes more than a moment; another click leaves the work."""
    bar = st.progress(0.0, text=words)

    def move(share: float) -> None:
        bar.progress(min(1.0, share), text=words)

    try:
        yield move
    finally:
        bar.empty()
