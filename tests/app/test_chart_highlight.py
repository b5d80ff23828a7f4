"""What is selected is framed over the charts by the browser, before Python answers: in headless Chromium."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.serving import ROOT, launch_chromium, serve

pytestmark = pytest.mark.browser
playwright_api = pytest.importorskip("playwright.sync_api")

SLOW = 1.5  # seconds that Python takes for an answer
SCRIPT = """
import sys, time
sys.path.insert(0, {root!r})
import streamlit as st
from app import state
from app.components.page_selection import report_selection
from app.components.charts import chart, load_plotly
from surge.pictures import assignment_matrix, attention_matrix, history_strip, pooled_sequence
from surge.pictures.palette import Theme, item_clusters
from tests.records import make_explanation
from tests.pictures.measured import make_before, make_effects

st.set_page_config(layout="wide")
load_plotly()
theme = Theme(st.radio("theme", ["light", "dark"]))
size = st.radio("size", [12, 150])
changed = st.checkbox("changed")
more = st.checkbox("more")
away = st.checkbox("away")
record, before = make_before(size, clusters=3) if changed else (make_explanation(size, clusters=3, seed=2), None)
effects = make_effects(record)

def choose(selection):
    st.session_state.slow = True
    state.select(selection)

if st.session_state.pop("slow", False):
    time.sleep({slow})
if not away:
    chosen = state.current()
    views = {{
        "strip": history_strip.history_strip(record, theme, effects=effects, before=before),
        "assignment": assignment_matrix.assignment_matrix(record, theme, before=before, effects=effects),
        "attention": attention_matrix.attention_matrix(record, theme, before=before),
    }}
    left, right = st.columns(2)
    for column, key in ((left, "strip"), (left, "assignment"), (right, "attention")):
        with column:
            chart(views[key], key, key, theme)
    chart(views["strip"].update_layout(meta=None), "foreign", "of another history", theme)
    if more:
        chart(pooled_sequence.pooled_sequence(record, theme, effects=effects), "pooled", "pooled", theme)
    st.text(f"answer {{sorted(chosen.items)}} {{chosen.cluster}}")
    report_selection(choose, chosen.selection, item_clusters(record).tolist(), "")
else:
    st.text("answer nothing")
"""
# counts the listeners that stay on the window, and what the views tell one another
WATCH = """
window.listeners = 0; window.told = [];
const add = window.addEventListener.bind(window), remove = window.removeEventListener.bind(window);
window.addEventListener = (name, ...rest) => {
  if (name === "surge:selection") window.listeners++;
  add(name, ...rest);
};
window.removeEventListener = (name, ...rest) => {
  if (name === "surge:selection") window.listeners--;
  remove(name, ...rest);
};
add("surge:selection", (event) => window.told.push(event.detail));
"""
READY = "(n) => [...document.querySelectorAll('.js-plotly-plot')].filter((p) => p.surgeChart).length === n"
PLOT = "document.querySelector('.st-key-{key} .js-plotly-plot')"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Streamlit server of the small script on this machine alone."""
    script = tmp_path_factory.mktemp("charts") / "chart_page.py"
    script.write_text(SCRIPT.format(root=str(ROOT), slow=SLOW), encoding="utf-8")
    with serve(script) as running:
        yield running


class Page:
    """The small page, and where its charts and frames stand on the screen."""

    def __init__(self, page: Any, address: str) -> None:
        self.page = page
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.add_init_script(WATCH)
        page.goto(address)
        self.ready(4)

    def ready(self, charts: int) -> None:
        """Waits until the charts are drawn and listened to."""
        self.page.wait_for_function(READY, arg=charts, timeout=60_000)
        self.settle()

    def settle(self) -> None:
        """Waits until the script has run and the picture has been drawn."""
        self.page.wait_for_timeout(250)
        self.page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]')
        self.page.wait_for_timeout(350)

    def frames(self, key: str) -> list[dict[str, float]]:
        """The boxes of the frames over a chart, on the screen."""
        return self.page.evaluate(
            f"[...{PLOT.format(key=key)}.querySelectorAll('.surge-selection rect[stroke]')]"
            ".map((r) => { const b = r.getBoundingClientRect(); return {x: b.x, y: b.y, w: b.width, h: b.height}; })"
        )

    def veils(self, key: str) -> int:
        """How many stretches of a chart are faded."""
        return self.page.locator(f".st-key-{key} .surge-selection rect:not([stroke])").count()

    def columns(self) -> list[dict[str, float]]:
        """The boxes of the strip's columns as plotly drew them, in the items' order."""
        return self.page.evaluate(
            f"[...{PLOT.format(key='strip')}.querySelector('.barlayer .trace').querySelectorAll('.point path')]"
            ".map((r) => { const b = r.getBoundingClientRect(); return {x: b.x, y: b.y, w: b.width, h: b.height}; })"
        )

    def click(self, key: str, x: float, y: float, *, shift: bool = False) -> None:
        """Clicks at a place of a chart, in units of its axes."""
        spot = self.page.evaluate(
            f"([x, y]) => {{ const p = {PLOT.format(key=key)}, {{ xaxis, yaxis }} = p._fullLayout;"
            " p.scrollIntoView({ block: 'center' }); const b = p.getBoundingClientRect();"
            " return [b.x + xaxis._offset + xaxis.l2p(x), b.y + yaxis._offset + yaxis.l2p(y)]; }",
            [x, y],
        )
        self.page.mouse.move(*spot)
        self.page.wait_for_timeout(80)  # plotly looks what is under the pointer a few times a second
        if shift:
            self.page.keyboard.down("Shift")
        self.page.mouse.click(*spot)
        if shift:
            self.page.keyboard.up("Shift")

    def choose(self, label: str) -> None:
        """Picks an option, or ticks a box, of the small script."""
        self.page.get_by_text(label, exact=True).click()
        self.settle()

    def answer(self) -> str:
        """What Python says is selected."""
        return self.page.get_by_text(re.compile("^answer")).inner_text()

    def told(self) -> dict[str, Any]:
        """The last news that the views had of the selection."""
        return self.page.evaluate("window.told.at(-1)")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """The system's Chromium."""
    with playwright_api.sync_playwright() as playwright:
        chromium = launch_chromium(playwright)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Page]:
    """A fresh page; afterwards it has raised no error."""
    context = browser.new_context(viewport={"width": 1400, "height": 1100}, reduced_motion="reduce")
    opened = Page(context.new_page(), address)
    yield opened
    context.close()
    assert opened.errors == []


def close_to(box: dict[str, float], other: dict[str, float]) -> bool:
    """Whether two boxes are the same within two pixels."""
    return all(abs(box[side] - other[side]) <= 2 for side in "xywh")


def test_frames_are_there_before_python_answers_and_stay(page: Page) -> None:
    assert page.frames("strip") == [] and page.veils("strip") == 0
    page.click("strip", 4, 0)  # anywhere in the column of item 3
    assert page.answer() == "answer [] None"
    (frame,) = page.frames("strip")
    assert close_to(frame, page.columns()[3]) and page.veils("strip") == 2
    assert len(page.frames("assignment")) == 1 and len(page.frames("attention")) == 2
    clusters = page.told()["clusters"]
    assert len(clusters) == 12 and {k: page.told()[k] for k in ("items", "cluster")} == {"items": [3], "cluster": None}

    page.click("strip", 5, 0, shift=True)  # before the answer to the first click
    (frame,) = page.frames("strip")  # neighbours share a frame
    assert frame["w"] == pytest.approx(page.columns()[3]["w"] + page.columns()[4]["w"], abs=2)
    page.page.wait_for_timeout(1000 * SLOW)
    assert page.frames("strip") == [frame]  # the first answer has not undone it
    playwright_api.expect(page.page.get_by_text("answer [3, 4] None", exact=True)).to_be_visible(timeout=20_000)
    page.settle()
    assert page.frames("strip") == [frame]

    page.page.set_viewport_size({"width": 1000, "height": 1100})
    page.settle()
    (frame,) = page.frames("strip")
    both = page.columns()[3:5]
    assert frame["x"] == pytest.approx(both[0]["x"], abs=2)
    assert frame["w"] == pytest.approx(both[0]["w"] + both[1]["w"], abs=2)

    page.choose("dark")
    stroke = page.page.locator(".st-key-strip .surge-selection rect[stroke]").get_attribute("stroke")
    assert stroke == "#f2f3f7" and len(page.frames("strip")) == 1

    page.page.keyboard.press("Escape")
    assert page.frames("strip") == [] and page.veils("strip") == 0
    playwright_api.expect(page.page.get_by_text("answer [] None", exact=True)).to_be_visible(timeout=20_000)


def test_clusters_and_charts_that_come_later(page: Page) -> None:
    meta = page.page.evaluate(f"{PLOT.format(key='assignment')}.layout.meta")
    column, cluster = 1, list(meta["clusters"])[1]
    chosen = page.page.evaluate(
        f"{PLOT.format(key='assignment')}.data.find((trace) => trace.name === 'columns').customdata[1][1]"
    )
    assert int(cluster) in page.told()["clusters"] and chosen in page.told()["clusters"]
    head = page.page.evaluate(f"{PLOT.format(key='assignment')}._fullData.find((t) => t.name === 'columns').y[0]")
    page.click("assignment", column, head)
    assert page.told()["cluster"] == chosen and page.told()["items"] == []
    members = [index for index, each in enumerate(page.told()["clusters"]) if each == chosen]
    framed = sum(frame["w"] for frame in page.frames("strip")) / page.columns()[0]["w"]
    assert round(framed) == len(members)
    playwright_api.expect(page.page.get_by_text(f"answer [] {chosen}", exact=True)).to_be_visible(timeout=20_000)

    page.choose("more")
    page.ready(5)
    (frame,) = page.frames("pooled")
    assert frame["w"] > 50
    page.choose("changed")  # other items in another order, and gaps for those that are gone
    page.ready(5)
    clusters = page.told()["clusters"]
    framed = sum(frame["w"] for frame in page.frames("strip")) / page.columns()[0]["w"]
    assert round(framed) == clusters.count(chosen) and len(clusters) == 11

    page.page.evaluate(
        "dispatchEvent(new CustomEvent('surge:selection', { detail:"
        " (globalThis.surgeSelection = { items: [5], cluster: null, clusters: [] }) }))"
    )
    (frame,) = page.frames("strip")
    assert close_to(frame, page.columns()[5])

    page.choose("away")
    page.page.wait_for_function("window.listeners === 0")
    page.choose("away")
    page.ready(5)
    assert page.page.evaluate("window.listeners") == 5  # one a chart
    assert sum(frame["w"] for frame in page.frames("strip")) == pytest.approx(framed * page.columns()[0]["w"], abs=8)


def test_a_chart_that_shows_other_items_selects_nothing(page: Page) -> None:
    page.click("foreign", 4, 0)
    page.settle()
    assert page.told()["items"] == [] and page.answer() == "answer [] None"
    page.click("strip", 4, 0)
    assert page.told()["items"] == [3] and page.frames("foreign") == []


def test_a_cell_of_a_large_matrix_selects_the_item_of_its_row(page: Page) -> None:
    page.choose("150")
    page.ready(4)
    found = page.page.evaluate(
        f"(() => {{ const p = {PLOT.format(key='attention')}; const z = p._fullData[0].z;"
        " const y = 40, x = [...z[y]].findIndex((value, k) => k !== y && value === value && value !== null);"
        " return { type: p._fullData[0].type, x, y, item: p.layout.meta.rows[y] }; })()"
    )
    assert found["type"] == "heatmap" and found["x"] >= 0
    page.click("attention", found["x"], found["y"])
    assert page.told()["items"] == [found["item"]]
    (frame,) = page.frames("strip")
    assert frame["x"] == pytest.approx(page.columns()[found["item"]]["x"], abs=2)
