"""The scripts, styles and markup of the pictures, as text: one set for the app, reports and notebooks."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

# an import of another script of this folder, which Node finds by package.json
_IMPORT = re.compile(r'^import \{ [\w, ]+ \} from "#surge/(\w+\.js)";\n', re.MULTILINE)
_REMARK = re.compile(r"^ *//.*\n|^\n", re.MULTILINE)  # lines of their own: a changed selection brings its script again
_EXPORT = re.compile(r"^export (?!default\b)", re.MULTILINE)


@cache
def asset(name: str) -> str:
    """A file of this folder, such as "chart.css"; nothing in it asks for anything on the network."""
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def script(source: str | Path) -> str:
    """One module of a script and of all that it imports from here, each once, before what needs it.

    `source`: the name of a file of this folder, such as "chart.js", or the path of another one. They share their names:
    a page can then hold the whole inline, and nothing has to be built. Remarks on lines of their own are left out. An
    import that is not of this folder, or not on a line of its own, is a ValueError.
    """
    parts: list[str] = []
    _collect(asset(source) if isinstance(source, str) else source.read_text(encoding="utf-8"), parts, set())
    return "".join(parts)


def _collect(text: str, parts: list[str], seen: set[str]) -> None:
    for name in _IMPORT.findall(text):
        if name not in seen:
            seen.add(name)
            _collect(asset(name), parts, seen)
    alone = _REMARK.sub("", _EXPORT.sub("", _IMPORT.sub("", text)))
    if re.search(r"^\s*import\b", alone, re.MULTILINE):
        raise ValueError('a script imports by lines of the form import { name } from "#surge/file.js"; alone')
    parts.append(alone)
