"""What all panels of the page read, their headings and captions, and what is selected."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from app import state
from app.components import chart_clicks
from app.components.labels import as_text
from app.views.palette import ClusterStyle, Theme, cluster_styles, item_clusters
from app.views.selection import Selection
from app.views.text import count, listed, title_of
from surge.explanation.catalogue import Ranking
from surge.explanation.history import UserHistory
from surge.explanation.record import Explanation


@dataclass(frozen=True)
class Inspection:
    """What all panels read: one record, where it comes from, what is selected, and how it looks."""

    record: Explanation
    history: UserHistory
    ranking: Ranking
    selection: Selection
    theme: Theme

    def styles(self) -> tuple[ClusterStyle, ...]:
        """Letters and colours of the final clusters."""
        return cluster_styles(self.record, self.theme)

    def members(self) -> frozenset[int]:
        """The items whose first choice is the selected cluster."""
        if self.selection.cluster is None:
            return frozenset()
        return frozenset(np.flatnonzero(item_clusters(self.record) == self.selection.cluster).tolist())


def heading(text: str, help_text: str) -> None:
    st.markdown(f"##### {text}", help=help_text)


def caption(text: str, key: str) -> None:
    """The style reserves lines for the captions that change with a control, by their key."""
    with st.container(key=f"caption_{key}"):
        st.caption(as_text(text))


def selection_bar(inspection: Inspection) -> None:
    """What is selected, and the way out of it; stays in sight while the page scrolls."""
    selection, record = inspection.selection, inspection.record
    with st.container(
        key="selection_bar", horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"
    ):
        if selection.empty:
            st.markdown("Nothing is selected. Click an item or a cluster in any view; Shift adds.")
            return
        parts = []
        if selection.items:
            names = [f"“{as_text(title_of(record.history[i]), 36)}”" for i in sorted(selection.items)]
            shown = names if len(names) <= 3 else [*names[:2], f"{len(names) - 2} more"]
            parts.append(f"{count(len(names), 'item')}: {listed(shown)}")
        if selection.cluster is not None:
            style = inspection.styles()[selection.cluster]
            named = f" ({as_text(style.name, 40)})" if style.name else ""
            parts.append(
                f"cluster **{style.letter}**{named}" if style.lettered else f"a cluster without a letter{named}"
            )
        st.markdown(f"Selected: {' · '.join(parts)}", width="content")
        st.button("Clear selection", key="clear_selection", icon=":material/close:", on_click=state.clear_selection)


def listen() -> None:
    """Clicks in the charts select; call it once, after the charts."""
    chart_clicks.report_clicks(_chart_click)


def _chart_click() -> None:
    click = chart_clicks.last_click()
    if click is None:
        return
    first = click.numbers[0]
    if click.chart == "pooled_sequence":
        state.click_cluster(first, click.add)
    elif first >= 0:
        state.click_item(first, click.add)
    elif click.chart == "assignment_matrix" and len(click.numbers) > 1:  # the head of a column
        state.click_cluster(click.numbers[1], click.add)
