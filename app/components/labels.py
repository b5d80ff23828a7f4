"""Titles and ids inside Streamlit's labels and sentences, which are Markdown: the escape that keeps them text."""

from __future__ import annotations

import re

_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
# places inside an emoji or icon name, an address, or what is drawn as one sign: an arrow, a dash, >= and its like
_STARTS = re.compile(r"(?<=[:@])(?=\S)|(?<=[-<=>~])(?=[-=>])|(?<=www)(?=\.)", re.IGNORECASE)
_JOINER = "\u2060"  # a word joiner: has no width and allows no break


def as_text(text: str, length: int | None = None) -> str:
    """Any text as Markdown that shows exactly it, on one line, cut to `length` characters with an ellipsis.

    A backslash before every mark of punctuation is enough for Markdown itself. Streamlit looks for emoji
    names, icons and arrows, and GitHub's Markdown for addresses, after that: a joiner inside makes them no match.
    """
    line = " ".join(text.split())
    if length is not None and len(line) > length:
        line = line[: length - 1].rstrip() + "…"
    line = _STARTS.sub(_JOINER, line)
    return _PUNCTUATION.sub(r"\\\1", line)
