"""Anybody's text where a few characters mean something: one escape for each target, all of them here."""

from __future__ import annotations

import html
import json
import re
from typing import Any

# characters that end a script element, begin a comment in it, or end a line in old JavaScript
_UNSAFE = {ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026", 0x2028: "\\u2028", 0x2029: "\\u2029"}
_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
# places inside an emoji or icon name, an address, or what is drawn as one sign: an arrow, a dash, >= and its like
_STARTS = re.compile(r"(?<=[:@])(?=\S)|(?<=[-<=>~])(?=[-=>])|(?<=www)(?=\.)", re.IGNORECASE)
_JOINER = "\u2060"  # a word joiner: has no width and allows no break


def for_html(value: object) -> str:
    """Any value as text that is safe in HTML and in a quoted attribute."""
    return html.escape(str(value), quote=True)


def for_script(value: Any) -> str:
    """A value as JSON that nothing in it can leave, for a script element; NaN is a ValueError."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).translate(_UNSAFE)


def for_plotly(text: str) -> str:
    """Text for plotly, which reads a few HTML tags and entities in every string it draws.

    In a figure with `layout.meta` it also fills in %{...} in notes and titles, so that brace becomes an entity too.
    """
    return html.escape(text, quote=False).replace("%{", "%&#123;")


def for_markdown(text: str, length: int | None = None) -> str:
    """Any text as Markdown that shows exactly it, on one line, cut to `length` characters with an ellipsis.

    A backslash before every mark of punctuation is enough for Markdown itself. Streamlit looks for emoji
    names, icons and arrows, and GitHub's Markdown for addresses, after that: a joiner inside makes them no match.
    """
    line = " ".join(text.split())
    if length is not None and len(line) > length:
        line = line[: length - 1].rstrip() + "…"
    line = _STARTS.sub(_JOINER, line)
    return _PUNCTUATION.sub(r"\\\1", line)
