"""What is selected on the page: clicks in its charts and tables, with Shift, and Escape.

The browser tells all views at once, by the window's event "surge:selection"; Python hears of a click afterwards, and
its answer has the last word. A view asks for a selection by the event "surge:choose".
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple

import streamlit as st

from surge.pictures.assets import asset

KEY = "page_selection"
_ANSWERED = "page_selection answered"
_component = st.components.v2.component("surge_page_selection", js=asset("selection.js"))


class ViewClick(NamedTuple):
    """A click in a view: the chart's or table's key, the whole numbers that say what was clicked, Shift held.

    In the views of a record these are (item, ...), or (-1, cluster, ...) where a cluster stands there.
    """

    chart: str
    numbers: tuple[int, ...]
    add: bool

    @property
    def item(self) -> int | None:
        """The item that was clicked."""
        return self.numbers[0] if self.numbers[0] >= 0 else None

    @property
    def cluster(self) -> int | None:
        """The cluster that was clicked; None where it was an item."""
        return self.numbers[1] if self.numbers[0] < 0 and len(self.numbers) > 1 and self.numbers[1] >= 0 else None


def report_clicks(
    on_click: Callable[[], None],
    *,
    items: Collection[int],
    cluster: int | None,
    clusters: Sequence[int],
    on_clear: Callable[[], None] | None = None,
) -> None:
    """Listens to all charts and tables of the page and says what is selected; call it once, after them.

    `on_click` runs before the script and reads `last_click()`. `items`, `cluster`: what is selected; `clusters`: the
    first-choice cluster of each item. With `on_clear`, Escape ends the selection.
    """
    _component(
        key=KEY,
        data={
            "items": sorted(int(item) for item in items),
            "cluster": None if cluster is None else int(cluster),
            "clusters": [int(each) for each in clusters],
            # the browser leaves answers to older clicks aside, so that a quick second click isn't undone for a moment
            "answered": st.session_state.get(_ANSWERED, 0),
            "clears": on_clear is not None,
        },
        on_clicked_change=lambda: _answer("clicked", on_click),
        on_cleared_change=lambda: _answer("cleared", on_clear),
    )


def _answer(name: str, callback: Callable[[], None] | None) -> None:
    value = _reported(name)
    number = value.get("number") if value is not None else None
    if isinstance(number, int | float) and not isinstance(number, bool):
        st.session_state[_ANSWERED] = number
    if callback is not None:
        callback()


def _reported(name: str) -> dict[str, Any] | None:
    """What the browser sent; None where it isn't an object."""
    state = st.session_state.get(KEY)
    value: Any = state.get(name) if state is not None else None
    return value if isinstance(value, dict) else None


def last_click() -> ViewClick | None:
    """The click that has just been reported; None where what the browser sent isn't one."""
    value = _reported("clicked")
    if value is None or not isinstance(value.get("chart"), str) or not isinstance(value.get("data"), list):
        return None
    numbers = []
    for number in value["data"]:
        if isinstance(number, bool) or not isinstance(number, int | float) or number % 1 != 0:
            break
        numbers.append(int(number))
    return ViewClick(value["chart"], tuple(numbers), value.get("add") is True) if numbers else None
