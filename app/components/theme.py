"""Whether the page is light or dark, as the browser says, and the page's own style."""

from pathlib import Path

import streamlit as st

from surge.pictures.palette import Theme

STYLE = Path(__file__).with_name("style.css")


def current_theme() -> Theme:
    """The theme that the page has now; light until the browser has said so."""
    return Theme.DARK if st.context.theme.type == "dark" else Theme.LIGHT


def apply_style() -> None:
    """The rules of style.css, with the colours of the theme that the page has now."""
    theme = current_theme()
    colours = f":root {{ --surge-surface: {theme.surface}; --surge-line: {theme.grid}; --surge-muted: {theme.muted}; }}"
    st.html(f"<style>{colours}\n{STYLE.read_text(encoding='utf-8')}</style>")
