"""What is selected, what can be done with it, and the clicks that select."""

from __future__ import annotations

import streamlit as st

from app import state
from app.components.edit_panel import edit_buttons
from app.components.inspection import Inspection
from app.components.page_selection import report_selection
from surge.escapes import for_markdown
from surge.pictures.text import count, listed, title_of


def selection_bar(inspection: Inspection) -> None:
    """What is selected, the edits that it allows, and the way out of it; stays in sight while the page scrolls."""
    selection = inspection.selection
    with st.container(
        key="selection_bar", horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"
    ):
        st.markdown(_sentence(inspection), width="stretch")
        edit_buttons(inspection)
        st.button(
            "Clear",
            key="clear_selection",
            icon=":material/close:",
            disabled=selection.empty,
            on_click=state.clear_selection,
        )


def _sentence(inspection: Inspection) -> str:
    selection, record = inspection.selection, inspection.record
    if selection.empty:
        return "Nothing is selected. Click an item or a cluster in any view; Shift adds."
    parts = []
    if selection.items:
        names = [f"“{for_markdown(title_of(record.history[i]), 36)}”" for i in sorted(selection.items)]
        shown = names if len(names) <= 3 else [*names[:2], f"{len(names) - 2} more"]
        parts.append(f"{count(len(names), 'item')}: {listed(shown)}")
    if selection.cluster is not None:
        style = inspection.styles[selection.cluster]
        named = f" ({for_markdown(style.name, 40)})" if style.name else ""
        parts.append(f"cluster **{style.letter}**{named}" if style.lettered else f"a cluster without a letter{named}")
    return f"Selected: {' · '.join(parts)}"


def listen(inspection: Inspection) -> None:
    """Clicks in the views select; call it once, after them."""
    report_selection(state.here(state.select), inspection.selection, inspection.clusters(), inspection.history.digest)
