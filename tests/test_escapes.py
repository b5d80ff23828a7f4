"""One escape for each target: what it lets through means nothing there, and reads as it was."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surge.escapes import for_csv, for_html, for_markdown, for_markdown_file, for_plotly, for_script, for_xml
from tests.pictures.hostile import HOSTILE

TEXTS = st.one_of(st.sampled_from(HOSTILE), st.text())


@settings(deadline=None)
@given(TEXTS)
def test_html_reads_it_back_and_finds_no_tag(text: str) -> None:
    safe = for_html(text)
    assert html.unescape(safe) == html.unescape(html.escape(text)) and not set("<>\"'") & set(safe)


def test_html_takes_any_value() -> None:
    assert for_html(1.5) == "1.5" and for_html(None) == "None"
    assert for_html("""<a href="x">'&""") == "&lt;a href=&quot;x&quot;&gt;&#x27;&amp;"


@settings(deadline=None)
@given(TEXTS)
def test_a_script_reads_it_back_and_ends_nowhere(text: str) -> None:
    safe = for_script({"title": [text, 1, None]})
    assert json.loads(safe) == {"title": [text, 1, None]}
    assert not set("<>&\u2028\u2029") & set(safe)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [1, float("-inf")]])
def test_what_is_no_json_is_refused(value: object) -> None:
    with pytest.raises(ValueError):
        for_script(value)


@settings(deadline=None)
@given(TEXTS)
def test_plotly_finds_no_tag_and_fills_nothing_in(text: str) -> None:
    safe = for_plotly(text)
    assert "%{" not in safe and not set("<>") & set(safe)


def test_plotly_shows_what_was_there() -> None:
    assert for_plotly('<b> & "x"') == '&lt;b&gt; &amp; "x"'
    assert for_plotly("50%{x} %{ 100 %") == "50%&#123;x} %&#123; 100 %"


def test_markdown_is_one_line_of_plain_marks() -> None:
    assert for_markdown("a_b *c*\n[d](e)") == r"a\_b \*c\* \[d\]\(e\)"
    assert "\u2060" in for_markdown(":red[x]")
    assert for_markdown("extra-thick mat 2.0") == r"extra\-thick mat 2\.0"
    assert for_markdown("abcdefgh", 5) == "abcd…"


def test_a_markdown_file_is_read_as_it_is_too() -> None:
    assert for_markdown_file("ml_1m 2") == "ml_1m 2"
    assert for_markdown_file("a\n# <b>[x](y)`|$") == r"a # \<b\>\[x\](y)\`\|\$"


def test_a_spreadsheet_finds_no_formula() -> None:
    assert for_csv("=1+1") == "'=1+1" and for_csv("1+1; =2") == "1+1;' =2" and for_csv("tent") == "tent"


def test_xml_holds_what_it_may_hold() -> None:
    assert for_xml("a\x00\r\nb\rc\ud800 <d>") == "a\nb\nc <d>"


def test_no_other_module_escapes() -> None:
    """What the standard library has for it is called in one place."""
    root = Path(__file__).parents[1]
    texts = {
        path: path.read_text(encoding="utf-8") for place in ("surge", "app") for path in (root / place).rglob("*.py")
    }
    assert [path.name for path, text in texts.items() if re.search(r"\b(html|saxutils)\.escape\(", text)] == [
        "escapes.py"
    ]
