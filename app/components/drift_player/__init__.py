"""The drift's slider and buttons by keyboard, and the step where they rest, which the page's address then names.

The figure knows nothing of it: it always opens at the last step, and the browser moves it on to the one that is wanted,
so that no step makes Streamlit send it anew, and Play goes on from there.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from surge.pictures.assets import script

KEY = "drift_player"
_ANSWERED = "drift_player answered"
_FOLDER = Path(__file__).parent
# the style is for a chart of the page, outside of the component
_component = st.components.v2.component(
    "surge_drift_player",
    js=script(_FOLDER / "player.js"),
    css=(_FOLDER / "player.css").read_text(encoding="utf-8"),
    isolate_styles=False,
)


def drift_player(chart: str, step: int, on_rest: Callable[[], None]) -> None:
    """Gives the plotly chart with this key its keyboard and brings it to a step, from 0; call it after the chart.

    `on_rest` runs before the script does, once the slider has rested at another step, and reads `last_step()`.
    """
    _component(
        key=KEY,
        # the browser leaves answers to older steps aside, so that a later one isn't taken back for a moment
        data={"chart": chart, "step": step, "answered": st.session_state.get(_ANSWERED, 0)},
        on_rested_change=lambda: _answer(on_rest),
    )


def last_step() -> int | None:
    """The step, from 0, at which the slider has just come to rest; None where what the browser sent isn't one."""
    step = _reported().get("step")
    return step if isinstance(step, int) and not isinstance(step, bool) and step >= 0 else None


def _answer(on_rest: Callable[[], None]) -> None:
    number = _reported().get("number")
    if isinstance(number, int | float) and not isinstance(number, bool):
        st.session_state[_ANSWERED] = number
    on_rest()


def _reported() -> dict[str, Any]:
    """What the browser sent; nothing where it isn't an object."""
    state = st.session_state.get(KEY)
    value: Any = state.get("rested") if state is not None else None
    return value if isinstance(value, dict) else {}
