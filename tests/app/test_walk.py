"""A walk through the app as a user would take it, in headless Chromium with the network cut."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from app import loading
from tests.app.conftest import World
from tests.serving import ROOT, launch_chromium, serve
from tests.views.hostile import HOSTILE

pytestmark = pytest.mark.browser
playwright_api = pytest.importorskip("playwright.sync_api")

SETTLED = """() => {
  const app = document.querySelector('[data-testid="stApp"]');
  if (app?.getAttribute('data-test-script-state') !== 'notRunning') return false;
  if (app.getAttribute('data-test-connection-state') !== 'CONNECTED') return false;
  if (document.querySelector('[data-testid="stSkeleton"], [data-testid="stSpinner"]')) return false;
  const charts = [...document.querySelectorAll('[data-testid="stPlotlyChart"]')];
  if (charts.some((chart) => !chart.querySelector('svg'))) return false;
  return document.fonts.status === 'loaded';
}"""
GRAPH = "[...document.querySelectorAll('*')].map((e) => e.shadowRoot).find((r) => r?.surgeGraph)?.surgeGraph"


@pytest.fixture(scope="module")
def address(world: World) -> Iterator[str]:
    """The app on a free port of this machine, with the small world's folders among its roots."""
    with serve(ROOT / "app" / "main.py", {loading.ROOTS_VARIABLE: str(world.root)}) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Debian's Chromium."""
    with playwright_api.sync_playwright() as playwright:
        chromium = launch_chromium(playwright)
        yield chromium
        chromium.close()


class Visit:
    """One visitor with a clean browser; every request that leaves this machine is cut and remembered."""

    def __init__(self, browser: Any, address: str, width: int = 1440, scheme: str = "light") -> None:
        self.address = address
        self.context = browser.new_context(
            viewport={"width": width, "height": 1000},
            color_scheme=scheme,
            locale="en-US",
            timezone_id="UTC",
            reduced_motion="reduce",
            permissions=["clipboard-read", "clipboard-write"],
        )
        self.page = self.context.new_page()
        self.outside: list[str] = []
        self.dialogs: list[str] = []
        self.page.route("**/*", self._route)
        self.page.on("dialog", self._dialog)

    def _route(self, route: Any) -> None:
        if route.request.url.startswith((f"{self.address}/", "data:", "blob:")):
            route.continue_()
        else:
            self.outside.append(route.request.url)
            route.abort()

    def _dialog(self, dialog: Any) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def open(self, url: str = "") -> Visit:
        """Goes to an address of the app and waits until all is drawn."""
        self.page.goto(url if url.startswith("http") else f"{self.address}/{url}")
        self.page.wait_for_selector(".st-key-selection_bar", timeout=60_000)
        return self.settle()

    def settle(self, quiet: int = 200) -> Visit:
        """Waits until the script has run, everything is drawn, and nothing has changed for a while."""
        self.page.wait_for_timeout(100)
        deadline = time.monotonic() + 60
        still = 0
        before = ""
        while still < quiet:
            assert time.monotonic() < deadline, "the page did not settle"
            self.page.wait_for_function(SETTLED, timeout=60_000)
            now = self.page.locator('[data-testid="stMain"]').inner_html()
            still = still + 50 if now == before else 0
            before = now
            self.page.wait_for_timeout(50)
        return self

    def parameter(self, name: str) -> str | None:
        """One parameter of the address."""
        found = re.search(rf"[?&]{name}=([^&]*)", self.page.url)
        return found.group(1) if found else None

    def selected(self) -> str:
        """What the bar says is selected."""
        return self.page.locator(".st-key-selection_bar").inner_text()

    def click_bar(self, index: int, add: bool = False) -> None:
        """Clicks an item's bar in the history strip; plotly's own layer lies over the bars."""
        bar = self.page.locator(".st-key-history_strip .barlayer .point").nth(index)
        bar.evaluate("(element) => element.scrollIntoView({ block: 'center' })")
        box = bar.bounding_box()
        if add:
            self.page.keyboard.down("Shift")
        self.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        if add:
            self.page.keyboard.up("Shift")
        self.settle()

    def click_node(self, index: int) -> None:
        """Clicks a node of the interest graph where it is drawn."""
        frame = self.page.locator(".st-key-interest_graph .canvas")
        frame.evaluate("(element) => element.scrollIntoView({ block: 'center' })")
        box = frame.bounding_box()
        place = self.page.evaluate(
            f"(i) => {{ const n = {GRAPH}.network; return n.canvasToDOM(n.getPositions([i])[i]); }}", index
        )
        self.page.mouse.click(box["x"] + place["x"], box["y"] + place["y"])
        self.settle()

    def close(self) -> None:
        """Nothing was asked of any other machine, and no script of a title ran."""
        self.context.close()
        assert self.outside == []
        assert self.dialogs == []


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
    table = page.locator('[class*="st-key-predictions"] [data-testid="stDataFrame"]')
    table.scroll_into_view_if_needed()
    box = table.bounding_box()
    page.mouse.click(box["x"] + 150, box["y"] + 35 * 2 + 17)  # the second row
    visit.settle()
    assert visit.parameter("candidate") not in (searched, top)
    assert "ranks #2 of" in page.locator(".st-key-headline").inner_text()

    visit.click_node(4)
    assert visit.parameter("items") == "4" and "Selected: 1 item" in visit.selected()
    widths = "(bars) => bars.map((bar) => Number.parseFloat(bar.querySelector('path').style.strokeWidth) || 0)"
    marked = page.locator(".st-key-history_strip .barlayer .point").evaluate_all(widths)
    assert [i for i, width in enumerate(marked) if width > 0] == [4]
    assert page.locator(".st-key-assignment_matrix .shapelayer path").count() == 1
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
    assert again.page.evaluate(f"[...{GRAPH}.data.selected]") == [1, 4]
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
