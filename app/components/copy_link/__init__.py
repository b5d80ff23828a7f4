"""A button that copies the address of this view; where the browser refuses, the address stands there to be copied."""

from pathlib import Path

import streamlit as st

from surge.pictures.assets import script

_HERE = Path(__file__).parent
_component = st.components.v2.component(
    "surge_copy_link",
    html=(_HERE / "link.html").read_text(encoding="utf-8"),
    css=(_HERE / "link.css").read_text(encoding="utf-8"),
    js=script(_HERE / "link.js"),
)


def copy_link() -> None:
    """Draws the button. It has no data: the browser knows the address, which state.py keeps in step."""
    _component(key="copy_link", width="content", height="content")
