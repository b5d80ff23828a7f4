"""A walk through the app as a user would take it, in headless Chromium with the network cut."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.app.visit import GRAPH, Visit
from tests.pictures.hostile import HOSTILE

pytestmark = pytest.mark.browser


def test_a_walk(browser: Any, address: str):
    visit = Visit(browser, address).open()
    page = visit.page
    assert visit.parameter("checkpoint") == "demo" and visit.parameter("dataset") == "sample_data"
    first_user = visit.parameter("user")

    page.get_by_role("button", name=re.compile("^.*User u")).click()
    page.get_by_role("textbox", name="Search a user").fill("u012")
    page.keyboard.press("Enter")
    visit.settle()
    page.get_by_role("button", name="u0123", exact=True).click()
    visit.settle()
    assert visit.parameter("user") == "u0123" != first_user

    top = visit.parameter("candidate")
    page.get_by_role("button", name=re.compile("Candidate ")).click()
    page.get_by_role("textbox", name="Search an item").fill("coffee")
    page.keyboard.press("Enter")
    visit.settle()
    page.locator('[class*="st-key-item_search"] button, [data-testid="stPopoverBody"] button').filter(
        has_text="offee"
    ).last.click()
    visit.settle()
    searched = visit.parameter("candidate")
    assert searched != top
    page.locator(".st-key-predictions tbody tr").nth(1).click()
    visit.settle()
    assert visit.parameter("candidate") not in (searched, top)
    assert "ranks #2 of" in page.locator(".st-key-headline").inner_text()

    visit.click_node(4)
    assert visit.parameter("items") == "4" and "Selected: 1 item" in visit.selected()
    for chart in ("history_strip", "assignment_matrix", "attention_matrix"):
        assert visit.framed(chart), chart
    visit.click_bar(1, add=True)
    assert visit.parameter("items") in ("1%2C4", "1,4")

    page.get_by_role("button", name="Copy link").click()
    page.get_by_role("button", name="Copied").wait_for()
    link = page.evaluate("navigator.clipboard.readText()")
    assert link == page.url
    said = visit.selected(), page.locator(".st-key-headline").inner_text()
    visit.close()

    again = Visit(browser, address).open(link)
    assert again.page.url == link
    assert (again.selected(), again.page.locator(".st-key-headline").inner_text()) == said
    assert again.page.evaluate("window.surgeSelection.items") == [1, 4]
    assert again.page.evaluate(f"[...{GRAPH}.selection.items]") == [1, 4]
    again.page.locator(".st-key-clear_selection button").click()
    again.settle()
    assert "Nothing is selected" in again.selected() and again.parameter("items") is None
    again.page.go_back()
    again.settle()
    assert again.selected() == said[0]
    again.close()


def test_hostile_titles_are_text(browser: Any, address: str):
    visit = Visit(browser, address).open("?checkpoint=tiny+model&dataset=tiny&user=unknown+items")
    page = visit.page
    images = page.locator("img").count()
    for index in range(5):  # HTML, a script, an image, LaTeX, a directive
        visit.click_bar(index)
        title = " ".join(HOSTILE[index].split())
        said = visit.selected().replace("\u2060", "")
        assert title[:30] in said, title
    page.get_by_role("button", name=re.compile("Candidate ")).click()
    for text in ("onerror", ":red"):
        page.get_by_role("textbox", name="Search an item").fill(text)
        page.keyboard.press("Enter")
        visit.settle()
        shown = page.locator('[data-testid="stPopoverBody"]').inner_text().replace("\u2060", "")
        title = next(title for title in HOSTILE if text in title)
        assert title in shown or "The model knows none" in shown
    assert page.locator("img").count() == images
    visit.close()


@pytest.mark.parametrize(("width", "scheme"), [(1000, "dark"), (1920, "light")])
def test_widths_and_themes(browser: Any, address: str, width: int, scheme: str):
    visit = Visit(browser, address, width, scheme).open()
    page = visit.page
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    background = page.locator('[data-testid="stApp"]').evaluate("(app) => getComputedStyle(app).backgroundColor")
    assert background == {"dark": "rgb(14, 17, 23)", "light": "rgb(255, 255, 255)"}[scheme]
    assert page.evaluate(f"{GRAPH}.network.getScale()") > 0.2
    for key in ("history_strip", "assignment_matrix", "pooled_sequence", "attention_matrix"):
        box = page.locator(f".st-key-{key}").bounding_box()
        assert box["width"] > 150 and box["height"] > 150
    visit.close()


def test_a_chart_saves_itself(browser: Any, address: str):
    visit = Visit(browser, address).open("?checkpoint=tiny+model&dataset=tiny&user=u0003")
    page = visit.page
    for key in ("history_strip", "attention_matrix"):
        chart = page.locator(f".st-key-{key}")
        chart.hover()
        for name, start in (("SVG", b"<svg"), ("PNG", b"\x89PNG")):
            with page.expect_download() as waiting:
                chart.get_by_role("button", name=name).click()
            saved = waiting.value
            assert saved.suggested_filename == f"{key}.{name.lower()}"
            assert saved.path().read_bytes().startswith(start)
    visit.close()


def test_a_selection_ends_with_escape_in_every_view(browser: Any, address: str):
    visit = Visit(browser, address).open("?checkpoint=tiny+model&dataset=tiny&user=u0003")
    page = visit.page
    page.locator(".st-key-items tbody tr").nth(2).click()
    assert visit.framed("history_strip") and page.locator(".st-key-items tr[aria-selected=true]").count() == 1
    visit.settle()
    assert visit.parameter("items") == "2" and "Selected: 1 item" in visit.selected()
    page.keyboard.press("Escape")
    assert page.locator(".st-key-items tr[aria-selected=true]").count() == 0 and not visit.framed("attention_matrix")
    visit.settle()
    assert visit.parameter("items") is None and "Nothing is selected" in visit.selected()
    visit.close()
