"""What is selected on the page: clicks in its views, with Shift, and Escape.

The browser tells all views at once, by the window's event "surge:selection"; Python hears afterwards what is selected
then, not what was clicked, so that of two quick clicks none is lost; its answer has the last word. A view asks for a
selection by the event "surge:choose". Both say in which history they count: one that is no longer here selects nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from surge.pictures.assets import script
from surge.pictures.selection import Selection

KEY = "page_selection"
_ANSWERED = "page_selection answered"
_component = st.components.v2.component("surge_page_selection", js=script("selection.js"))


def report_selection(
    on_select: Callable[[Selection], object],
    selection: Selection,
    clusters: Sequence[int],
    history: str,
) -> None:
    """Listens to all views of the page and says what is selected; call it once, after them.

    `on_select` runs before the script. `clusters` holds the first-choice cluster of each item; `history` is the digest
    of the items in which a selection counts.
    """
    _component(
        key=KEY,
        data={
            "items": sorted(int(item) for item in selection.items),
            "cluster": None if selection.cluster is None else int(selection.cluster),
            "clusters": [int(each) for each in clusters],
            "history": history,
            # the browser leaves answers to older clicks aside, so that a quick second click isn't undone for a moment
            "answered": st.session_state.get(_ANSWERED, 0),
        },
        on_selected_change=lambda: _answer(on_select, len(clusters), history),
    )


def _answer(on_select: Callable[[Selection], object], length: int, history: str) -> None:
    state = st.session_state.get(KEY)
    value: Any = state.get("selected") if state is not None else None
    if not isinstance(value, dict):
        return
    number = value.get("number")
    if isinstance(number, int | float) and not isinstance(number, bool):
        st.session_state[_ANSWERED] = number
    selection = selection_of(value, length)
    if selection is not None and value.get("history") == history:
        on_select(selection)


def selection_of(value: dict[str, Any], length: int) -> Selection | None:
    """What the browser sent, for a history of so many items; None where it isn't a selection in it."""
    items, cluster = value.get("items"), value.get("cluster")
    if not isinstance(items, list) or not all(_whole(item) and item < length for item in items):
        return None
    if cluster is not None and not _whole(cluster):
        return None
    return Selection(frozenset(map(int, items)), None if cluster is None else int(cluster))


def _whole(number: object) -> bool:
    return isinstance(number, int | float) and not isinstance(number, bool) and number % 1 == 0 and number >= 0
