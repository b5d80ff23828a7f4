"""The graph component in headless Chromium with the network cut: drawing, clicks, selection, titles, themes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.serving import ROOT, launch_chromium, serve

pytestmark = pytest.mark.browser
playwright_api = pytest.importorskip("playwright.sync_api")

HEIGHT = 480
SCRIPT = """
import sys
sys.path.insert(0, {root!r})
import streamlit as st
from app.components.interest_graph import graph_component, last_click, load_library
from app.views.interest_graph import interest_graph
from app.views.palette import item_clusters
from tests.records import make_explanation
from tests.views.hostile import HOSTILE

st.set_page_config(layout="wide")
theme = st.radio("theme", ["light", "dark"])
layer = st.radio("layer", ["similarity", "attention"])
candidate = st.radio("candidate", [1, 2])
cluster = st.checkbox("cluster")
selected = st.session_state.setdefault("selected", [])

def choose():
    click = last_click("graph")
    st.session_state.selected = [*selected, click.node] if click.add else [click.node]

record = make_explanation(items=20, clusters=3, seed=2, titles=HOSTILE, candidate_seed=candidate)
members = [i for i, c in enumerate(item_clusters(record)) if c == item_clusters(record)[0]] if cluster else []
load_library()
click = graph_component(
    interest_graph(record, layer, 40, theme), st.session_state.selected, members, theme, "graph", {height}, choose
)
st.text(f"returned {{click.node if click else None}}")
st.text(f"selected {{st.session_state.selected}}")
"""
VIEW = "[...document.querySelectorAll('*')].map(e => e.shadowRoot).find(r => r?.surgeGraph)?.surgeGraph"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Streamlit server of the small script on this machine alone."""
    folder = tmp_path_factory.mktemp("graph")
    script = folder / "graph_page.py"
    script.write_text(SCRIPT.format(root=str(ROOT), height=HEIGHT), encoding="utf-8")
    with serve(script) as running:
        yield running


class Page:
    """The page under test: what it tried to reach, what went wrong, and the graph's own state."""

    def __init__(self, page: playwright_api.Page, address: str) -> None:
        self.page = page
        self.outside: list[str] = []
        self.errors: list[str] = []
        page.route("**/*", self._route)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("dialog", lambda dialog: (self.errors.append("a dialog opened"), dialog.dismiss()))
        page.goto(address)
        page.wait_for_function(f"() => {VIEW}?.network && {VIEW}.named", timeout=60_000)
        self.settle()

    def _route(self, route: playwright_api.Route) -> None:
        if route.request.url.startswith(("http://127.0.0.1", "data:", "blob:")):
            route.continue_()
        else:
            self.outside.append(route.request.url)
            route.abort()

    def settle(self) -> None:
        """Waits until the script has run and the picture has been drawn."""
        self.page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]')
        self.page.wait_for_timeout(350)

    def positions(self) -> dict[str, dict[str, float]]:
        """Every node's place in the graph's own coordinates."""
        return self.page.evaluate(f"{VIEW}.network.getPositions()")

    def viewport(self) -> list[float]:
        """Zoom and centre."""
        return self.page.evaluate(
            f"(() => {{ const n = {VIEW}.network, p = n.getViewPosition(); return [n.getScale(), p.x, p.y]; }})()"
        )

    def point(self, node: int) -> tuple[float, float]:
        """Where a node is on the screen."""
        spot = self.page.evaluate(
            f"(() => {{ const v = {VIEW}, p = v.network.getPositions([{node}])[{node}],"
            " d = v.network.canvasToDOM(p), box = v.canvas.getBoundingClientRect();"
            " return {x: box.x + d.x, y: box.y + d.y}; })()"
        )
        return spot["x"], spot["y"]

    def click(self, node: int, *, shift: bool = False) -> None:
        """Clicks on a node."""
        if shift:
            self.page.keyboard.down("Shift")
        self.page.mouse.click(*self.point(node))
        if shift:
            self.page.keyboard.up("Shift")
        self.page.wait_for_timeout(200)
        self.settle()

    def choose(self, radio: str, option: str) -> None:
        """Picks an option of the small script."""
        self.page.get_by_role("radiogroup", name=radio).get_by_text(option, exact=True).click()
        self.page.wait_for_timeout(200)
        self.settle()

    def says(self, text: str) -> None:
        """The script's answer."""
        playwright_api.expect(self.page.get_by_text(text, exact=True)).to_be_visible()


@pytest.fixture
def page(address: str) -> Iterator[Page]:
    """A fresh page; afterwards it has asked nobody outside this machine and raised no error."""
    with playwright_api.sync_playwright() as playwright:
        browser = launch_chromium(playwright)
        context = browser.new_context(
            viewport={"width": 1100, "height": 1000}, locale="en-US", timezone_id="UTC", reduced_motion="reduce"
        )
        try:
            opened = Page(context.new_page(), address)
            yield opened
            assert opened.outside == []
            assert opened.errors == []
        finally:
            browser.close()


def test_draws_and_gives_clicks_back(page: Page) -> None:
    colours = page.page.evaluate(
        f"(() => {{ const c = {VIEW}.canvas.querySelector('canvas'), d = c.getContext('2d')"
        ".getImageData(0, 0, c.width, c.height).data, s = new Set();"
        " for (let i = 0; i < d.length; i += 4) if (d[i + 3] > 250) s.add((d[i] << 16) + (d[i + 1] << 8) + d[i + 2]);"
        " return [0x0072B2, 0xE69F00, 0x009E73].map((colour) => s.has(colour)); })()"
    )
    assert colours == [True, True, True]  # the three clusters' colours are on the canvas
    label = page.page.evaluate(f"{VIEW}.canvas.getAttribute('aria-label')")
    assert label.startswith("Interest graph: 20 items, 40 of 190 edges.")

    before, seen = page.positions(), page.viewport()
    page.says("selected []")
    page.click(4)
    page.says("returned 4")
    page.says("selected [4]")
    page.click(9, shift=True)
    page.says("selected [4, 9]")
    page.click(9)
    page.says("selected [9]")
    assert page.positions() == before
    assert page.viewport() == seen  # highlighting neither lays out anew nor zooms


def test_the_selection_is_ringed_named_and_the_rest_fades(page: Page) -> None:
    page.click(4)
    named = page.page.evaluate(f"{VIEW}.named.map(n => n.id)")
    assert named == [4]
    assert page.page.evaluate(f"{VIEW}.opacity.get(4)") == 1
    assert page.page.evaluate(f"[...{VIEW}.opacity.values()].filter(o => o < 0.5).length") > 0
    widths = page.page.evaluate(f"{VIEW}.nodes.get().map(n => n.borderWidth)")
    assert max(range(len(widths)), key=lambda i: widths[i]) == 4
    page.page.get_by_text("cluster", exact=True).click()
    page.page.wait_for_timeout(200)
    page.settle()
    assert page.page.evaluate(f"{VIEW}.nodes.get().filter(n => n.borderWidth > 1.6).length") > 1


def test_titles_stay_text(page: Page) -> None:
    for node, expected in (
        (0, "<img src=x onerror=alert(1)>"),
        (1, "</script><script>alert(1)</script>"),
        (4, ":red[x]"),
    ):
        page.page.mouse.move(5, 5)
        page.page.mouse.move(*page.point(node))
        tip = page.page.locator(".tip")
        playwright_api.expect(tip).to_be_visible()
        playwright_api.expect(tip.locator("strong")).to_have_text(expected)
    assert page.page.locator(".frame img, .frame a, .frame script").count() == 0


def test_theme_layer_and_candidate_leave_nodes_in_place(page: Page) -> None:
    x, y = page.point(3)
    page.page.mouse.move(x, y)
    page.page.mouse.down()
    page.page.mouse.move(x + 40, y + 25, steps=4)
    page.page.mouse.up()
    page.settle()
    before, seen = page.positions(), page.viewport()
    ink = page.page.evaluate(f"{VIEW}.data.colours.text")
    page.choose("theme", "dark")
    assert page.page.evaluate(f"{VIEW}.data.colours.text") != ink
    page.choose("layer", "attention")
    assert page.page.evaluate(f"{VIEW}.data.graph.options.edges.arrows.to.enabled")
    page.choose("candidate", "2")
    assert page.positions() == before
    assert page.viewport() == pytest.approx(seen)
    page.page.locator(".reset").click()
    page.page.wait_for_timeout(200)
    assert page.positions()["3"] != before["3"]  # the dragged node is back
