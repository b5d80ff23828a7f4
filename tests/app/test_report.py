"""The report in headless Chromium, opened from the disk with the network cut, with titles that would do harm."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from surge.pictures.report import report
from tests.pictures.hostile import HOSTILE
from tests.records import make_explanation
from tests.serving import launch_chromium
from tests.stories import hostile_story

pytestmark = pytest.mark.browser
playwright_api = pytest.importorskip("playwright.sync_api")

GRAPH = "document.getElementById('picture-graph').shadowRoot"
CHOSEN = "JSON.stringify(globalThis.surgeSelection.items)"
CHARTS = ("history", "assignment", "sequence", "attention", "faithfulness", "drift")
# colours on the graph's canvas, and its drawn share
PAINTED = f"""() => {{
  const canvas = {GRAPH}.querySelector('canvas');
  const {{ data }} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  const colours = new Set();
  for (let i = 0; i < data.length; i += 4) {{
    if (data[i + 3] > 250) colours.add((data[i] << 16) + (data[i + 1] << 8) + data[i + 2]);
  }}
  return colours.size;
}}"""


class Opened:
    """A page from a file, and everything it asked for, complained of or opened."""

    def __init__(self, context: playwright_api.BrowserContext, path: Path) -> None:
        self.asked: list[str] = []
        self.complaints: list[str] = []
        self.page = context.new_page()
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.complaints.append("a dialog opened"), dialog.dismiss()))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.route("**/*", lambda route: self._route(route, path.as_uri()))
        self.page.goto(path.as_uri())

    def _route(self, route: playwright_api.Route, own: str) -> None:
        if route.request.url.split("#")[0] == own or route.request.url.startswith(("data:", "blob:")):
            route.continue_()
        else:
            self.complaints.append(f"asked for {route.request.url}")
            route.abort()

    def ready(self) -> None:
        self.page.wait_for_selector("html[data-ready=true]", timeout=60_000)
        self.page.wait_for_timeout(300)


@pytest.fixture(scope="module")
def browser() -> Iterator[playwright_api.Browser]:
    with playwright_api.sync_playwright() as playwright:
        running = launch_chromium(playwright)
        try:
            yield running
        finally:
            running.close()


@pytest.fixture
def context(browser: playwright_api.Browser) -> Iterator[playwright_api.BrowserContext]:
    opened = browser.new_context(
        viewport={"width": 1300, "height": 900},
        locale="en-US",
        timezone_id="UTC",
        reduced_motion="reduce",
        color_scheme="light",
    )
    yield opened
    opened.close()


@pytest.fixture
def opened(context: playwright_api.BrowserContext, tmp_path: Path) -> Iterator[Opened]:
    """The hostile report; afterwards it has asked for nothing, and nothing went wrong."""
    path = tmp_path / "why this?.html"  # a name that a link must quote
    path.write_text(report(hostile_story()), encoding="utf-8")
    page = Opened(context, path)
    page.ready()
    yield page
    assert page.complaints == []
    assert [url for url in page.asked if not url.startswith(("file:", "data:", "blob:"))] == []


def test_everything_is_drawn_offline(opened: Opened) -> None:
    page = opened.page
    for name in CHARTS:
        chart = page.locator(f"#picture-{name}")
        assert chart.locator("svg.main-svg").count() >= 2, name
        assert chart.locator(".trace, .scatterlayer path, .barlayer path").count() > 0, name
        box, card = chart.bounding_box(), page.locator("section", has=chart).bounding_box()
        assert box and card and box["width"] <= card["width"] and box["height"] > 150, name
    assert page.evaluate(PAINTED) > 20
    assert page.locator("#failed").is_hidden()
    assert page.locator("img, iframe, object, embed").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_titles_stay_words_in_pictures_and_tips(opened: Opened) -> None:
    page = opened.page
    strip = page.locator("#picture-history")
    strip.scroll_into_view_if_needed()
    bars = strip.locator(".barlayer .point path")
    seen = set()
    for place in range(bars.count()):
        box = bars.nth(place).bounding_box()
        if box and box["width"] > 4:
            page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
            page.wait_for_timeout(80)
            seen |= set(strip.locator(".hovertext").all_text_contents())
    words = " ".join(seen)
    assert "<img src=x onerror=alert(1)>" in words and "%{customdata[0]}" in words
    assert page.locator(".js-plotly-plot a, .js-plotly-plot image").count() == 0


def test_the_theme_follows_the_reader_and_the_button(opened: Opened) -> None:
    page = opened.page
    ground = "getComputedStyle(document.body).backgroundColor"
    light, ink = page.evaluate(ground), page.locator("#picture-history .xtick text").first.evaluate("e => e.style.fill")
    page.get_by_role("button", name="Dark", exact=True).click()
    page.wait_for_selector("html[data-shown=dark]")
    page.wait_for_timeout(500)
    assert page.evaluate(ground) != light
    assert page.locator("#picture-history .xtick text").first.evaluate("e => e.style.fill") != ink
    page.emulate_media(color_scheme="light")  # the button has the last word
    page.wait_for_timeout(100)
    assert page.evaluate("document.documentElement.dataset.shown") == "dark"
    page.get_by_role("button", name="Light", exact=True).click()
    page.wait_for_selector("html[data-shown=light]")
    page.wait_for_timeout(300)
    assert page.evaluate(ground) == light


def test_a_click_selects_in_every_picture(opened: Opened) -> None:
    page = opened.page
    page.locator("#picture-history").scroll_into_view_if_needed()
    bars = page.locator("#picture-history .barlayer .point path")
    sizes = [bars.nth(place).bounding_box() for place in range(hostile_story().record.length)]
    item = max(range(len(sizes)), key=lambda place: (sizes[place] or {"height": 0})["height"])
    box = sizes[item]
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_timeout(300)
    assert page.evaluate(CHOSEN) == f"[{item}]"
    frames = "[...document.querySelectorAll('.surge-selection')].filter(e => e.childElementCount).length"
    assert page.evaluate(frames) >= 3
    assert page.evaluate(f"[...{GRAPH}.surgeGraph.selection.items].join()") == str(item)
    page.get_by_role("button", name="Dark", exact=True).click()
    page.wait_for_timeout(800)
    assert page.evaluate(CHOSEN) == f"[{item}]"
    assert page.locator(".surge-selection").count() == 4  # one a chart that can be clicked
    page.keyboard.press("Escape")
    assert page.evaluate(CHOSEN) == "[]"


def test_the_layers_of_the_graph_change_and_say_what_they_are(opened: Opened) -> None:
    page = opened.page
    places = f"JSON.stringify({GRAPH}.surgeGraph.network.getPositions())"
    before, words = page.evaluate(places), page.locator("#caption-graph").inner_text()
    page.get_by_role("button", name="Attention", exact=True).click()
    page.wait_for_timeout(300)
    assert page.locator("#caption-graph").inner_text() != words
    assert page.get_by_role("button", name="Attention", exact=True).get_attribute("aria-pressed") == "true"
    assert page.evaluate(places) == before


def test_the_drift_plays(opened: Opened) -> None:
    page = opened.page
    drift = page.locator("#picture-drift")
    drift.scroll_into_view_if_needed()
    label = drift.locator(".slider-label").first
    last = label.text_content()
    drift.locator(".updatemenu-button").first.click()
    page.wait_for_timeout(1500)
    assert label.text_content() != last


def test_printing_is_light_and_as_wide_as_the_paper(opened: Opened) -> None:
    page = opened.page
    page.get_by_role("button", name="Dark", exact=True).click()
    page.wait_for_timeout(500)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    page.wait_for_timeout(500)
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    widths = {page.locator(f"#picture-{name} svg.main-svg").first.get_attribute("width") for name in CHARTS}
    assert len(widths) == 1 and float(next(iter(widths)) or 0) < 720
    assert page.locator(".bar").is_hidden()
    page.emulate_media(media="screen")
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    page.wait_for_timeout(500)
    assert page.evaluate("document.documentElement.dataset.shown") == "dark"
    assert page.locator("#picture-history svg.main-svg").first.get_attribute("width") not in widths


def test_a_record_shows_itself_in_a_notebooks_frame(context: playwright_api.BrowserContext, tmp_path: Path) -> None:
    record = make_explanation(items=20, clusters=4, titles=HOSTILE)
    path = tmp_path / "notebook.html"
    path.write_text(f"<!doctype html><meta charset=utf-8><title>n</title>{record._repr_html_() * 2}", encoding="utf-8")
    notebook = Opened(context, path)
    frames = notebook.page.locator("iframe")
    assert frames.count() == 2
    for frame in frames.all():
        frame.scroll_into_view_if_needed()
        frame.content_frame.locator("html[data-ready=true]").wait_for(timeout=60_000)
        assert frame.content_frame.locator("#picture-history svg.main-svg").count() >= 2
        assert frame.content_frame.locator("img").count() == 0
    assert notebook.complaints == []
