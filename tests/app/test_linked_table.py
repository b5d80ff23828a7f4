"""Tables whose rows can be chosen: what the browser marks, sorts and reports, in headless Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.serving import ROOT, launch_chromium, serve

pytestmark = pytest.mark.browser
playwright_api = pytest.importorskip("playwright.sync_api")

SCRIPT = """
import sys
sys.path.insert(0, {root!r})
import pandas as pd
import streamlit as st
from app import state
from app.components.page_selection import report_selection
from app.components.linked_table import choosing_table, selecting_table
from surge.pictures.html_parts import Column
from surge.pictures.palette import Theme

frame = pd.DataFrame({{
    "title": ["pear", "<img src=x onerror=alert(1)>", "apple 10", "apple 9"],
    "size": [3.0, float("nan"), -1.0, 12.0],
    "cluster": ["A", "B", "A", "A"],
}})
columns = {{
    "title": Column("Title", long=True),
    "size": Column("Size", lambda value: f"{{value:.1f}} cm", "How large it is", number=True),
    "cluster": Column("Cluster"),
    "absent": Column("Absent"),
}}
key = {{"cluster": [("#0072B2", "#ffffff"), ("#E69F00", "#000000"), ("#0072B2", "#ffffff"), ("#0072B2", "#ffffff")]}}
place = state.current()
selecting_table(
    frame, columns, "things", "item", [0, 1, 2, 3], Theme.LIGHT, "now", height=300, alt="Four things", colours=key
)
selecting_table(
    pd.DataFrame({{"cluster": ["A", "B"]}}), columns, "groups", "cluster", [0, 1], Theme.LIGHT, "now",
    height=200, alt="Groups",
)
ids = ["x", "y", "z", "w"]
choosing_table(
    frame, columns, "choice", ids, st.session_state.get("picked", "y"),
    lambda item: st.session_state.update(picked=item), Theme.LIGHT, "now", height=90, alt="Pick one",
)
st.text(f"selected {{sorted(place.items)}} {{place.cluster}} picked {{st.session_state.get('picked')}}")
report_selection(state.select, place.selection, [0, 1, 0, 0], "now")
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The small page of tables in a browser."""
    script = tmp_path_factory.mktemp("tables") / "table_page.py"
    script.write_text(SCRIPT.format(root=str(ROOT)), encoding="utf-8")
    with serve(script) as address, playwright_api.sync_playwright() as playwright:
        chromium = launch_chromium(playwright)
        opened = chromium.new_page()
        opened.goto(address)
        opened.wait_for_selector(".st-key-choice tbody tr", timeout=60_000)
        said(opened, "selected [] None picked None")
        yield opened
        chromium.close()


def said(page: Any, words: str) -> None:
    """Waits until Python says so."""
    playwright_api.expect(page.get_by_text(words, exact=True)).to_be_visible(timeout=20_000)


def cells(page: Any, key: str, column: int) -> list[str]:
    """The texts of a column, from the top."""
    return page.locator(f".st-key-{key} tbody tr td:nth-child({column + 1})").all_inner_texts()


def marked(page: Any, key: str) -> tuple[list[str], list[str]]:
    """The first cells of the rows that are selected, and of those that belong to what is."""
    rows = f".st-key-{key} tbody tr"
    strong = page.locator(f"{rows}[aria-selected=true] td:first-child").all_inner_texts()
    return strong, page.locator(f"{rows}.near td:first-child").all_inner_texts()


def test_cells_are_text_with_their_meaning_and_colours(page: Any) -> None:
    assert cells(page, "things", 0)[1] == "<img src=x onerror=alert(1)>"
    assert page.locator("img").count() == 0
    assert cells(page, "things", 1) == ["3.0 cm", "", "-1.0 cm", "12.0 cm"]
    assert page.locator(".st-key-things th button").all_inner_texts() == ["Title", "Size", "Cluster"]
    assert page.locator(".st-key-things th button").nth(1).get_attribute("title") == "How large it is"
    ground = page.locator(".st-key-things .key").first.evaluate("(e) => getComputedStyle(e).backgroundColor")
    assert ground == "rgb(0, 114, 178)"
    assert page.get_by_role("grid", name="Four things").count() == 1


def test_a_head_sorts_by_value_and_empty_cells_come_last(page: Any) -> None:
    size = page.locator(".st-key-things th button").nth(1)
    size.click()
    assert cells(page, "things", 1) == ["12.0 cm", "3.0 cm", "-1.0 cm", ""]
    assert page.locator(".st-key-things th").nth(1).get_attribute("aria-sort") == "descending"
    size.click()
    assert cells(page, "things", 1) == ["-1.0 cm", "3.0 cm", "12.0 cm", ""]
    size.click()
    assert cells(page, "things", 0)[0] == "pear"
    title = page.locator(".st-key-things th button").nth(0)
    title.click()
    assert cells(page, "things", 0)[1:] == ["apple 9", "apple 10", "pear"]  # 9 before 10, as a reader counts
    title.click()
    title.click()


def test_rows_share_the_selection_of_the_page(page: Any) -> None:
    page.locator(".st-key-things tbody tr").nth(2).click()
    assert marked(page, "things") == (["apple 10"], []) and marked(page, "groups") == ([], ["A"])
    said(page, "selected [2] None picked None")
    page.locator(".st-key-things tbody tr").nth(1).click(modifiers=["Shift"])
    said(page, "selected [1, 2] None picked None")
    assert len(marked(page, "things")[0]) == 2 and marked(page, "groups") == ([], ["A", "B"])
    page.locator(".st-key-groups tbody tr").nth(0).click()
    said(page, "selected [] 0 picked None")
    assert marked(page, "groups") == (["A"], []) and marked(page, "things") == ([], ["pear", "apple 10", "apple 9"])
    page.locator(".st-key-things tbody tr").nth(3).click(modifiers=["Shift"])
    said(page, "selected [3] 0 picked None")  # an item more, and the cluster stays
    page.locator(".st-key-groups tbody tr").nth(0).click()
    said(page, "selected [] 0 picked None")  # the cluster alone
    page.locator(".st-key-groups tbody tr").nth(0).click()
    said(page, "selected [] None picked None")  # again: nothing
    page.locator(".st-key-things tbody tr").nth(3).click()
    page.locator(".st-key-groups tbody tr").nth(1).click(modifiers=["Shift"])
    said(page, "selected [3] 1 picked None")
    page.locator(".st-key-things tbody tr").nth(3).click()
    said(page, "selected [3] None picked None")  # the item alone: it was not alone before
    page.locator(".st-key-things tbody tr").nth(3).click()
    said(page, "selected [] None picked None")
    page.locator(".st-key-things tbody tr").nth(3).click()
    page.locator(".st-key-things tbody tr").nth(2).click(modifiers=["Shift"])
    page.locator(".st-key-things tbody tr").nth(3).click(modifiers=["Shift"])
    said(page, "selected [2] None picked None")
    page.locator(".st-key-groups tbody tr").nth(0).click(modifiers=["Shift"])
    page.locator(".st-key-groups tbody tr").nth(0).click(modifiers=["Shift"])
    said(page, "selected [2] None picked None")
    page.keyboard.press("Escape")
    said(page, "selected [] None picked None")
    assert marked(page, "things") == ([], [])


def test_the_keyboard_moves_and_chooses(page: Any) -> None:
    rows = page.locator(".st-key-things tbody tr")
    rows.nth(0).focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    said(page, "selected [1] None picked None")
    page.keyboard.press("End")
    page.keyboard.press("Shift+Enter")
    said(page, "selected [1, 3] None picked None")
    assert [rows.nth(row).get_attribute("tabindex") for row in range(4)].count("0") == 1
    page.keyboard.press("Escape")
    said(page, "selected [] None picked None")


def test_a_choice_is_marked_at_once_and_told_once(page: Any) -> None:
    assert marked(page, "choice")[0] == ["<img src=x onerror=alert(1)>"]
    page.locator(".st-key-choice tbody tr").nth(3).click()
    assert marked(page, "choice")[0] == ["apple 9"]
    said(page, "selected [] None picked w")
    assert marked(page, "choice")[0] == ["apple 9"]
