"""A ring around one user of the finder's map, drawn over it: the map is not sent again where only the user changes."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from surge.pictures.assets import script
from surge.pictures.palette import Theme

_component = st.components.v2.component("surge_map_ring", js=script(Path(__file__).parent / "ring.js"))


def map_ring(key: str, place: tuple[float, float] | None, size: float, theme: Theme | str) -> None:
    """Rings a place of the plotly chart with this key, in the units of its axes; None: nothing. `size` in pixels."""
    _component(key=f"{key}_ring", data={"chart": key, "place": place, "size": size, "colour": Theme(theme).text})
