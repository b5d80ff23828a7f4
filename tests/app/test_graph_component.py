"""The graph component in headless Chromium with the network cut: drawing, clicks, selection, keyboard, titles, edits,
themes, pictures, and the same graph in a file without a server."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from surge.pictures.interest_graph import graph_assets, graph_data, interest_graph
from surge.pictures.palette import Theme
from tests.pictures.hostile import HOSTILE
from tests.records import make_explanation
from tests.serving import ROOT, launch_chromium, serve

pytestmark = pytest.mark.browser
playwright_api = pytest.importorskip("playwright.sync_api")

HEIGHT = 480
SCRIPT = """
import sys
sys.path.insert(0, {root!r})
import numpy as np
import streamlit as st
from app import state
from app.components.interest_graph import graph_component, load_library
from app.components.page_selection import report_selection
from surge.pictures.edit_context import Before
from surge.pictures.interest_graph import interest_graph
from surge.pictures.palette import item_clusters
from surge.explanation.measurements import Effects
from tests.records import make_explanation
from tests.pictures.hostile import HOSTILE

st.set_page_config(layout="wide")
theme = st.radio("theme", ["light", "dark"])
layer = st.radio("layer", ["similarity", "attention"])
candidate = st.radio("candidate", [1, 2])
history = st.radio("history", ["whole", "edited"])
record = make_explanation(items=20, clusters=3, seed=2, titles=HOSTILE, candidate_seed=candidate)
before = None
if history == "edited":
    origin = (*[i for i in range(20) if i not in (0, 7)], None)
    before, record = Before(record, origin), make_explanation(items=19, clusters=3, seed=3, candidate_seed=candidate)
effects = Effects(logit=1.0, item_logit=1.0 - np.linspace(-0.5, 0.5, record.length), cluster_logit=np.ones(3))
load_library()
view = interest_graph(record, layer, 40, theme, effects=effects, before=before)
graph_component(view, theme, "graph", {height}, "now")
st.text(f"selected {{sorted(state.current().items)}}")
report_selection(state.select, state.current().selection, item_clusters(record).tolist(), "now")
"""
VIEW = "[...document.querySelectorAll('*')].map(e => e.shadowRoot).find(r => r?.surgeGraph)?.surgeGraph"
ALONE = """<!doctype html><meta charset="utf-8"><body><div id="graph"></div><script>{library}</script>
<script type="application/json" id="data">{data}</script>
<script type="module">{script}
const parentElement = document.getElementById("graph").attachShadow({{ mode: "open" }});
parentElement.innerHTML = {markup};
graph({{ parentElement, data: JSON.parse(document.getElementById("data").textContent) }});
</script>"""


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
        self.received: list[bytes] = []
        page.on("websocket", lambda socket: socket.on("framereceived", self._receive))
        page.goto(address)
        page.wait_for_function(f"() => {VIEW}?.network && {VIEW}.named", timeout=60_000)
        self.settle()

    def _route(self, route: playwright_api.Route) -> None:
        if route.request.url.startswith(("http://127.0.0.1", "data:", "blob:")):
            route.continue_()
        else:
            self.outside.append(route.request.url)
            route.abort()

    def _receive(self, payload: bytes | str) -> None:
        self.received.append(payload.encode() if isinstance(payload, str) else payload)

    def tell(self, items: list[int], cluster: int | None) -> None:
        """What another view of the page does when something in it is clicked."""
        detail = {"items": items, "cluster": cluster, "clusters": []}
        self.page.evaluate("(detail) => { window.surgeSelection = detail; }", detail)
        self.page.evaluate("(detail) => dispatchEvent(new CustomEvent('surge:selection', { detail }))", detail)

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
    signs = ", ".join(colour.replace("#", "0x") for colour in (Theme.LIGHT.positive, Theme.LIGHT.negative))
    colours = page.page.evaluate(
        f"(() => {{ const c = {VIEW}.canvas.querySelector('canvas'), d = c.getContext('2d')"
        ".getImageData(0, 0, c.width, c.height).data, s = new Set();"
        " for (let i = 0; i < d.length; i += 4) if (d[i + 3] > 250) s.add((d[i] << 16) + (d[i + 1] << 8) + d[i + 2]);"
        f" return [0x0072B2, 0xE69F00, 0x009E73, {signs}].map((colour) => s.has(colour)); }})()"
    )
    assert colours == [True] * 5  # the three clusters' colours and those of the two signs are on the canvas
    label = page.page.evaluate(f"{VIEW}.canvas.getAttribute('aria-label')")
    assert label.startswith("Interest graph: 20 items, 40 of 190 edges.")

    before, seen = page.positions(), page.viewport()
    page.says("selected []")
    page.click(4)
    page.says("selected [4]")
    page.click(9, shift=True)
    page.says("selected [4, 9]")
    page.click(9)
    page.says("selected [9]")
    page.click(9)
    page.says("selected []")
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


def test_a_click_is_told_to_the_page_at_once_and_others_are_heard(page: Page) -> None:
    page.page.evaluate(
        "window.heard = []; window.addEventListener('surge:selection', ({ detail }) => window.heard.push(detail))"
    )
    page.page.mouse.click(*page.point(4))
    page.page.wait_for_function("window.heard.length > 0")
    clusters = page.page.evaluate(f"{VIEW}.base.map(n => n.cluster)")
    first = page.page.evaluate("window.heard[0]")
    assert first == {"items": [4], "cluster": None, "clusters": clusters, "source": "page_selection"}
    page.says("selected [4]")
    page.settle()
    assert page.page.evaluate("window.heard.at(-1)") == first  # the answer, which is the same

    page.tell([2, 99], 1)  # another view: an item, one that is not here, and a cluster
    assert page.page.evaluate(f"{VIEW}.named[0].id") == 2
    ringed = page.page.evaluate(f"{VIEW}.nodes.get().filter(n => n.borderWidth > 1.6).map(n => n.id)")
    assert set(ringed) == {2} | {i for i, cluster in enumerate(clusters) if cluster == 1}
    page.page.mouse.click(*page.point(2))  # alone in place of the item and the cluster
    assert page.page.evaluate("window.surgeSelection.items") == [2]
    assert page.page.evaluate("window.surgeSelection.cluster") is None
    page.settle()


def test_a_selection_sends_no_graph(page: Page) -> None:
    graph = page.page.evaluate(f"JSON.stringify({VIEW}.data)")
    page.received.clear()
    page.click(4)
    page.says("selected [4]")
    assert sum(map(len, page.received)) < 0.6 * len(graph)
    assert not any(b"is attended to" in frame or b"scaleFactor" in frame for frame in page.received)
    assert page.page.evaluate(f"JSON.stringify({VIEW}.data)") == graph


def test_the_keyboard_goes_through_the_items(page: Page) -> None:
    page.page.evaluate(f"{VIEW}.canvas.focus()")
    keyboard, focused = page.page.keyboard, f"{VIEW}.focused"
    visited = []
    for key in ("ArrowRight", "ArrowRight", "ArrowRight", "ArrowLeft", "End", "ArrowRight", "Home", "ArrowLeft"):
        keyboard.press(key)
        visited.append(page.page.evaluate(focused))
    assert visited == [0, 1, 2, 1, 19, 19, 0, 0]
    assert page.page.evaluate(f"{VIEW}.said.textContent").startswith("<img src=x onerror=alert(1)>. ")
    keyboard.press("ArrowRight")
    keyboard.press("Enter")
    page.says("selected [1]")
    keyboard.press("ArrowRight")
    keyboard.press("Shift+Enter")
    page.says("selected [1, 2]")
    page.settle()
    assert page.page.evaluate(focused) == 2
    keyboard.press("Tab")
    assert page.page.evaluate(focused) is None and page.page.evaluate(f"{VIEW}.tip.hidden")
    assert page.page.evaluate(f"{VIEW}.frame.getRootNode().activeElement.className") == "reset"
    keyboard.press("Tab")
    assert page.page.evaluate(f"{VIEW}.frame.getRootNode().activeElement.className") == "save"


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


def test_edits_leave_what_was_there_in_place(page: Page) -> None:
    x, y = page.point(3)
    page.page.mouse.move(x, y)
    page.page.mouse.down()
    page.page.mouse.move(x + 40, y + 25, steps=4)
    page.page.mouse.up()
    page.settle()
    before, seen = page.positions(), page.viewport()
    page.choose("history", "edited")
    after = page.positions()
    assert len(after) == 21  # 18 kept, one new, two hollow ones
    kept = [i for i in range(20) if i not in (0, 7)]
    assert [after[str(i)] for i in range(18)] == [before[str(i)] for i in kept]  # the dragged one among them
    assert [after["19"], after["20"]] == [before["0"], before["7"]]
    assert page.viewport() == pytest.approx(seen)
    page.click(19)
    page.says("selected []")  # what is gone can't be selected
    page.choose("history", "whole")
    assert page.positions() == before


def test_names_cover_neither_nodes_nor_each_other(page: Page) -> None:
    boxes = page.page.evaluate(f"{VIEW}.names")
    discs = page.page.evaluate(
        f"(() => {{ const p = {VIEW}.network.getPositions();"
        f" return {VIEW}.base.map(n => [p[n.id].x, p[n.id].y, n.size]); }})()"
    )
    assert len(boxes) == 5
    for k, box in enumerate(boxes):
        for x, y, r in discs:
            away = np.hypot(max(abs(box["x"] - x) - box["w"] / 2, 0), max(abs(box["y"] - y) - box["h"] / 2, 0))
            assert away >= r
        for other in boxes[:k]:
            apart = abs(box["x"] - other["x"]) - (box["w"] + other["w"]) / 2
            assert apart >= 0 or abs(box["y"] - other["y"]) >= (box["h"] + other["h"]) / 2


def test_the_picture_is_saved_at_twice_the_size(page: Page, tmp_path: Path) -> None:
    with page.page.expect_download() as waiting:
        page.page.get_by_role("button", name="Save PNG").click()
    assert waiting.value.suggested_filename == "interest-graph.png"
    waiting.value.save_as(tmp_path / "graph.png")
    content = (tmp_path / "graph.png").read_bytes()
    size = page.page.evaluate(f"[{VIEW}.frame.clientWidth, {VIEW}.frame.clientHeight]")
    assert struct.unpack(">II", content[16:24]) == (2 * size[0], 2 * size[1])
    pixels = page.page.evaluate(
        """async (bytes) => {
          const image = await createImageBitmap(new Blob([new Uint8Array(bytes)], { type: "image/png" }));
          const canvas = new OffscreenCanvas(image.width, image.height), context = canvas.getContext("2d");
          context.drawImage(image, 0, 0);
          const data = context.getImageData(0, 0, image.width, image.height).data, seen = {};
          for (let i = 0; i < data.length; i += 4) {
            const colour = [data[i], data[i + 1], data[i + 2], data[i + 3]].join();
            seen[colour] = (seen[colour] ?? 0) + 1;
          }
          return [[data[0], data[1], data[2], data[3]].join(), seen["0,114,178,255"] ?? 0];
        }""",
        list(content),
    )
    assert pixels[0] == "255,255,255,255"  # the page's own background, not see-through
    assert pixels[1] > 1000  # nodes of the first cluster
    assert page.page.locator(".picture").count() == 0


def test_draws_in_a_file_without_a_server(tmp_path: Path) -> None:
    record = make_explanation(items=20, clusters=3, seed=2, titles=HOSTILE)
    assets = graph_assets()
    data = json.dumps(graph_data(interest_graph(record, "attention", 40), "light", HEIGHT)).replace("<", "\\u003c")
    markup = json.dumps(f"<style>{assets.css}</style>{assets.html}").replace("<", "\\u003c")
    (tmp_path / "report.html").write_text(
        ALONE.format(library=assets.library, data=data, script=assets.script, markup=markup), encoding="utf-8"
    )
    asked, errors = [], []
    with playwright_api.sync_playwright() as playwright:
        browser = launch_chromium(playwright)
        try:
            page = browser.new_page(viewport={"width": 900, "height": 600})
            page.on("request", lambda request: asked.append(request.url))
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.on("dialog", lambda dialog: (errors.append("a dialog opened"), dialog.dismiss()))
            page.goto((tmp_path / "report.html").as_uri())
            page.wait_for_function(f"() => {VIEW}?.names?.length === 5")
            where = page.evaluate(
                f"(() => {{ const v = {VIEW}; return v.network.canvasToDOM(v.network.getPositions()[4]); }})()"
            )
            page.evaluate("window.asked = []; addEventListener('surge:choose', (e) => asked.push(e.detail))")
            box = page.locator(".canvas").bounding_box()
            assert box is not None
            page.mouse.click(box["x"] + where["x"], box["y"] + where["y"])
            assert page.evaluate("window.asked") == [{"numbers": [4], "add": False, "history": None}]
        finally:
            browser.close()
    assert asked == [(tmp_path / "report.html").as_uri()]
    assert errors == []
