"""Any text as Markdown that shows exactly it, in Streamlit's own rendering in headless Chromium."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.app.visit import SETTLED
from tests.pictures.hostile import HOSTILE
from tests.serving import ROOT, serve

pytestmark = pytest.mark.browser
SIGNS = (
    "->",
    "<-",
    "<->",
    "--",
    ">=",
    "<=",
    "~=",
    "=>",
    "a >= b <= c ~= d -> e <- f <-> g -- h",
    "5>=3",
    ">= 18 & ~= 20",
)
EMOJI = (
    ":smile: :material/home: :streamlit:",
    "http://x.y a@b.c www.x.y",
    "~~a~~ ==b== ^c^ [^1] #d",
    "1. a",
    "- b",
    "> c",
)
TITLES = [" ".join(title.split()) for title in (*SIGNS, *EMOJI, *HOSTILE)]
SCRIPT = f"""
import json, sys
sys.path.insert(0, {str(ROOT)!r})
import streamlit as st
from surge.escapes import for_markdown
for number, title in enumerate(json.loads({json.dumps(TITLES)!r})):
    with st.container(key=f"said_{{number}}"):
        st.markdown(for_markdown(title))
    with st.container(key=f"pressed_{{number}}"):
        st.button(for_markdown(title), key=f"button_{{number}}")
"""


def test_every_title_is_shown_as_it_is(browser: Any, tmp_path: Path) -> None:
    script = tmp_path / "titles.py"
    script.write_text(SCRIPT, encoding="utf-8")
    with serve(script, {}) as address:
        page = browser.new_page()
        page.goto(address)
        page.wait_for_selector(f".st-key-pressed_{len(TITLES) - 1} button", timeout=60_000)
        page.wait_for_function(SETTLED, timeout=60_000)
        for kind in ("said", "pressed"):
            shown = [page.locator(f".st-key-{kind}_{number}").inner_text() for number in range(len(TITLES))]
            assert [text.replace("\u2060", "").strip() for text in shown] == TITLES, kind
        page.close()
