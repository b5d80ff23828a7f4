"""Clicks on plotly charts, with Shift.

Streamlit itself reports a selection, which a chart forgets as soon as its data change, and Shift with it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import plotly.graph_objects as go
import streamlit as st

KEY = "chart_clicks"
_component = st.components.v2.component(
    "surge_chart_clicks", js=(Path(__file__).parent / "clicks.js").read_text(encoding="utf-8")
)


class ChartClick(NamedTuple):
    """A click on a point: the chart's key, the whole numbers that the point's customdata begins with, Shift held."""

    chart: str
    numbers: tuple[int, ...]
    add: bool


def clickable_chart(figure: go.Figure, key: str, alt: str) -> None:
    """Draws a figure whose points can be clicked; `alt` is what a screen reader says. The colours stay as they are."""
    figure.update_layout(clickmode="event")
    st.plotly_chart(
        figure,
        theme=None,
        key=key,
        config={"displayModeBar": False, "scrollZoom": False, "doubleClick": False},
        alt=alt,
    )


def report_clicks(on_click: Callable[[], None]) -> None:
    """Listens to all clickable charts of the page; `on_click` runs before the script and reads `last_click()`."""
    _component(key=KEY, on_clicked_change=on_click)


def last_click() -> ChartClick | None:
    """The click that has just been reported; None where what the browser sent isn't one."""
    state = st.session_state.get(KEY)
    value: Any = state.get("clicked") if state is not None else None
    if (
        not isinstance(value, dict)
        or not isinstance(value.get("chart"), str)
        or not isinstance(value.get("data"), list)
    ):
        return None
    numbers = []
    for number in value["data"]:
        if isinstance(number, bool) or not isinstance(number, int | float) or number != int(number):
            break
        numbers.append(int(number))
    return ChartClick(value["chart"], tuple(numbers), value.get("add") is True) if numbers else None
