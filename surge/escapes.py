"""Anybody's text where a few characters mean something: one escape for each target, all of them here."""

from __future__ import annotations

import html
import json
import re
import unicodedata
from typing import Any

# characters that end a script element, begin a comment in it, or end a line in old JavaScript
_UNSAFE = {ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026", 0x2028: "\\u2028", 0x2029: "\\u2029"}
_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
# places inside an emoji or icon name, an address, or what is drawn as one sign: an arrow, a dash, >= and its like
_STARTS = re.compile(r"(?<=[:@])(?=\S)|(?<=[-<=>~])(?=[-=>])|(?<=www)(?=\.)", re.IGNORECASE)
_JOINER = "\u2060"  # a word joiner: has no width and allows no break
_FORMULA, _BREAKS = frozenset("=+-@"), frozenset("\t\r\n")
_AFTER_CUTS = re.compile("(?<=[;\t\r\n])")  # where a spreadsheet with another separator than ours ends a cell
_NOT_XML = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


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


def for_markdown_file(text: str) -> str:
    """Any text on one line of a Markdown file, which is read as it is, too: a backslash only before what is a sign of
    Markdown or HTML there, and what ends the cell of a table."""
    return re.sub(r"[\\`*\[\]<>|$&]", r"\\\g<0>", " ".join(text.split()))


def for_csv(text: str) -> str:
    """The text, with an apostrophe in front of all that a spreadsheet could take for a formula: what begins with one of
    = + - @, a tab or a line break (OWASP, "CSV injection").

    A spreadsheet whose own separator is the semicolon or the tab doesn't see our quotes for what they are, and cuts the
    text there and at line breaks. So a formula after one of them gets its apostrophe too.
    """
    first, *rest = _AFTER_CUTS.split(text)
    return "".join([_guarded(first, _FORMULA | _BREAKS), *(_guarded(part, _FORMULA, skipped='"') for part in rest)])


def _guarded(part: str, signs: frozenset[str], skipped: str = "") -> str:
    """The part, with an apostrophe in front if one of the signs is the first that a spreadsheet would look at."""
    for character in part:
        # full-width and small forms of the signs count as the signs themselves
        if unicodedata.normalize("NFKC", character) in signs:
            return f"'{part}"
        # what a spreadsheet may drop before it looks: blanks, control characters, invisible marks
        if unicodedata.category(character)[0] not in "ZC" and character not in skipped:
            return part
    return part


def for_xml(text: str) -> str:
    """The text without what XML forbids, and with its line breaks as XML reads them; its library escapes the rest."""
    return _NOT_XML.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
