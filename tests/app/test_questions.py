"""Asking why, changing something and taking it away, as a user would: in headless Chromium with the network cut."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

import networkx as nx
import pytest

from surge.explanation.record import Explanation
from tests.app.shipped import shipped
from tests.app.visit import Visit

pytestmark = pytest.mark.browser
COMPARED = ("demo", "demo-as-printed")
PLACES = """() => [...document.querySelectorAll('[class*="st-key-versus_graph"] *')]
  .map((element) => element.shadowRoot?.surgeGraph?.network?.getPositions())
  .filter(Boolean)"""
FOCUSED = """() => {
  let focused = document.activeElement;
  while (focused?.shadowRoot?.activeElement) focused = focused.shadowRoot.activeElement;
  return (focused?.getAttribute('aria-label') || focused?.innerText || focused?.tagName || '').slice(0, 60);
}"""


def test_asking_why_changing_something_and_comparing(browser: Any, address: str):
    visit = Visit(browser, address).open("?checkpoint=demo&dataset=sample_data&user=u1313")
    page = visit.page
    before = visit.headline()
    assert "ranks #1 of 2,000" in before and "mainly because of interest" in before and "without those" in before

    visit.click_bar(37)
    visit.press("Delete")
    assert visit.parameter("staged") == "0-36" and visit.headline() == before  # nothing has run
    visit.press("Run")
    assert visit.parameter("edits") == "0-36" and visit.headline() != before
    edited = page.url
    assert "1 item left out" in page.locator(".st-key-edited").inner_text()
    visit.press("Undo")
    assert visit.parameter("edits") is None and visit.headline() == before
    visit.press("Reset")

    visit.open_drawer("Why this item and not another?")
    assert "①" in page.locator(".st-key-ledger").inner_text()
    visit.open_drawer("Would another model say the same?")
    assert page.locator('[class*="st-key-versus_graph"]').count() == 2
    links = re.search(
        r"Of the ([\d,]+) links between items that both read, both models keep ([\d,]+), only demo ([\d,]+) and only "
        r"[\w -]+ ([\d,]+)\.",
        page.locator('[class*="st-key-drawer-versus"]').inner_text(),
    )
    assert links is not None
    told = (
        page.locator('[class*="st-key-drawer-versus"]').inner_text().replace("\u2060", "")
    )  # keeps @10 from being a link
    for words, figure in {"NDCG@10 among all items": "catalogue_ndcg@10", "GAUC": "gauc", "MRR": "mrr"}.items():
        ours, theirs = (shipped(name, "metrics.json")["test"][figure] for name in COMPARED)
        assert f"{words} {ours:.3f} against {theirs:.3f}" in told
    assert "On the same test data demo ranks better (NDCG@10 among all items" in told
    assert "order of items (position: message / none)" in told
    either, *parts = (int(number.replace(",", "")) for number in links.groups())
    assert either == sum(parts) > 0
    first, second = page.evaluate(PLACES)
    assert first == second and len(first) > 10  # the two pictures can be laid over one another
    page.locator(".st-key-versus_links button").click()
    page.get_by_text("The strongest links that only one of the two keeps").wait_for()
    page.keyboard.press("Escape")
    visit.open_drawer("Do the weights tell what really matters?")
    assert page.locator(".st-key-faithfulness .scatterlayer .trace").count() >= 8
    visit.open_drawer("Is this user unusual?")
    assert page.locator(".st-key-population svg").count()
    unusual = page.locator('[class*="st-key-drawer-population"]').inner_text()
    assert " figures lie in the middle 80 % of all users" in unusual and "Clusters that are the first choice" in unusual
    visit.open_drawer("How did the interests grow over time?")
    drift = page.locator('[class*="st-key-drawer-drift"]').inner_text()
    assert "It began with interest " in drift or "It began with an interest without a letter" in drift
    rail = page.locator(".st-key-drift .slider-rail-touch-rect")
    rail.evaluate("(element) => element.scrollIntoView({ block: 'center' })")
    box = rail.bounding_box()
    label = page.locator(".st-key-drift .slider-labels, .st-key-drift .slider-label").first.text_content()
    page.mouse.click(box["x"] + box["width"] / 4, box["y"] + box["height"] / 2)
    page.wait_for_timeout(500)
    assert page.locator(".st-key-drift .slider-labels, .st-key-drift .slider-label").first.text_content() != label
    assert visit.parameter("open") is not None
    said = visit.headline()
    visit.close()

    again = Visit(browser, address).open(edited)
    assert (
        again.page.url == edited and "left out" in again.page.locator(".st-key-edited, .st-key-edit_panel").inner_text()
    )
    assert again.headline() != said
    again.close()


def test_finding_a_user_and_the_tour(browser: Any, address: str):
    visit = Visit(browser, address).open()
    page = visit.page
    page.get_by_role("button", name="Take the tour").click()
    for step, panel in enumerate(("graph", "attention", "assignment", "sequence", "history"), start=1):
        visit.settle()
        assert visit.parameter("tour") == str(step)
        assert "Equation" in page.locator("[class*=st-key-tour_card]").inner_text()
        spotlit = page.locator(".surge-spotlight")
        assert spotlit.count() == 1 and f"st-key-panel_{panel}" in (spotlit.get_attribute("class") or "")
        page.locator(".st-key-tour_next button").click()
    visit.settle()
    assert page.locator("[class*=st-key-tour_card]").count() == 0
    first = visit.parameter("user")

    page.get_by_role("button", name="Find users", exact=True).click()
    page.get_by_text("Noise", exact=True).first.click()
    visit.settle()
    opener = page.get_by_role("button", name=re.compile("Open u"))
    wanted = re.search(r"u\d+", opener.inner_text()).group()  # type: ignore[union-attr]
    opener.click()
    page.wait_for_selector(".st-key-selection_bar", timeout=60_000)
    visit.settle()
    assert visit.parameter("user") == wanted != first
    page.get_by_role("button", name="The model", exact=True).click()
    page.get_by_role("heading", name="Do the explanations say anything?").wait_for(timeout=60_000)
    visit.settle()
    assert page.locator(".surge-chart svg.main-svg").count() >= 2
    page.go_back()
    page.wait_for_selector(".st-key-selection_bar", timeout=60_000)
    visit.settle()
    assert visit.parameter("user") == wanted
    visit.close()


def test_hostile_titles_in_drawers_and_downloads(browser: Any, address: str, tmp_path: Path):
    drawers = "compare,versus,faithfulness,drift,edit"
    hostile = "?checkpoint=tiny+model&dataset=tiny&user=unknown+items"
    visit = Visit(browser, address).open(f"{hostile}&open={drawers}&edits=0-3,5-12&versus=demo&items=1&staged=0-2")
    page = visit.page
    assert page.locator("img").count() == Visit(browser, address).open("?user=u0001").page.locator("img").count()
    page.locator(".st-key-take_away button").click()
    files = {}
    for label in (
        "Table of items (CSV)",
        "The record (JSON)",
        "The graph for Gephi (GEXF)",
        "The whole page as one HTML",
    ):
        with page.expect_download(timeout=120_000) as download:
            page.get_by_role("button", name=re.compile(re.escape(label))).click()
        name = download.value.suggested_filename
        assert re.fullmatch(r"[\w.-]+", name), name
        download.value.save_as(tmp_path / name)
        files[name.rsplit(".", 1)[-1]] = tmp_path / name
    rows = list(csv.reader(files["csv"].read_text(encoding="utf-8-sig").splitlines()))
    assert len(rows) > 5
    for cell in (cell for row in rows for cell in row):
        assert not cell.lstrip().startswith(("=", "@", "+")) and not re.match(r"\s*-(?![\d.])", cell), cell
    assert Explanation.load(files["json"]).length > 5
    assert nx.read_gexf(files["gexf"]).number_of_nodes() > 5
    report = visit.context.new_page()
    requests: list[str] = []
    report.on("request", lambda request: requests.append(request.url))
    report.on("dialog", visit._dialog)
    report.goto(files["html"].as_uri())
    report.wait_for_selector(".js-plotly-plot svg", timeout=60_000)
    assert all(url.startswith(("file:", "data:", "blob:")) for url in requests)
    visit.close()


def test_the_keyboard_reaches_the_controls(browser: Any, address: str):
    visit = Visit(browser, address).open("?user=u1313")
    page, reached = visit.page, set()
    for _ in range(140):
        page.keyboard.press("Tab")
        reached.add(page.evaluate(FOCUSED))
    text = " | ".join(reached)
    for control in (
        "Random user",
        "Copy link",
        "Candidate",
        "What if",
        "similarity",
        "Reset view",
        "Save PNG",
        "About",
    ):
        assert control in text, control
    visit.close()
