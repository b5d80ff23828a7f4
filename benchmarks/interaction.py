"""How long an analyst waits: another user, another candidate, a click, a what-if run, a step of the drift.

    python -m benchmarks.interaction [--rounds 20]

Starts the app on the demo checkpoint, drives it in headless Chromium and prints medians over the rounds, in
milliseconds from the click to the last change of the page (a page that then stays unchanged for 350 ms). Of a click
that selects, two waits are told: until the selection is painted in every picture and table, which the browser does
alone, and until the words and buttons of the bar, which Python draws, have followed.
"""

from __future__ import annotations

import argparse
import re
import statistics
import time
from collections.abc import Callable
from typing import Any

from playwright.sync_api import sync_playwright

from tests.app.visit import SETTLED
from tests.serving import ROOT, launch_chromium, serve

SETTLING = 1000  # milliseconds without a look
CLICK = "click on an item: the bar's words as well"
WATCH = """() => {
  const page = document.querySelector('[data-testid="stMain"]');
  window.watched = { start: performance.now(), last: null };
  window.watcher?.disconnect();
  window.watcher = new MutationObserver(() => { window.watched.last = performance.now(); });
  window.watcher.observe(page, { subtree: true, childList: true, attributes: true, characterData: true });
}"""
DONE = f"""() => {{
  const watched = window.watched;
  return watched.last !== null && performance.now() - watched.last > 350 && ({SETTLED})();
}}"""
TOOK = "window.watched.last - window.watched.start"


PAINTED = """() => {
  window.painted = null;
  const begin = performance.now();
  const ready = () => { window.painted = performance.now() - begin; };
  const frames = () => requestAnimationFrame(() => requestAnimationFrame(ready));
  addEventListener('surge:selection', frames, { once: true });
}"""
STEPPED = """() => {
  const plot = document.querySelector('.st-key-drift .js-plotly-plot');
  window.stepped = null;
  let begin = null;
  addEventListener('mousedown', () => { begin = performance.now(); }, { once: true, capture: true });
  plot.once('plotly_animated', () => requestAnimationFrame(() => requestAnimationFrame(() => {
    window.stepped = performance.now() - begin;
  })));
}"""


def wait_of(page: Any, act: Callable[[], None]) -> float:
    """Milliseconds from an action to the last change that it caused."""
    page.evaluate(WATCH)
    act()
    page.wait_for_function(DONE, timeout=60_000, polling=50)
    return float(page.evaluate(TOOK))


def settle(page: Any) -> None:
    """Wait until nothing has changed for a while."""
    page.wait_for_selector(".st-key-selection_bar", timeout=120_000)
    page.wait_for_timeout(SETTLING)
    page.wait_for_function(SETTLED, timeout=60_000)


def click_bar(page: Any, index: int) -> None:
    """Click an item in the history strip; plotly's own layer lies over the bars."""
    box = page.locator(".st-key-history_strip .barlayer .point").nth(index).bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


def click_prediction(page: Any, row: int) -> None:
    """Click a row of the predicted items."""
    box = page.locator(".st-key-predictions tbody tr").nth(row).bounding_box()
    page.mouse.click(box["x"] + 60, box["y"] + box["height"] / 2)


def _clear(page: Any) -> None:
    """Nothing is selected."""
    button = page.locator(".st-key-clear_selection button")
    if button.is_enabled():
        button.click()
        settle(page)


def measure(address: str, rounds: int) -> dict[str, list[float]]:
    """Waits by kind of action, after one unmeasured round of each."""
    waits: dict[str, list[float]] = {}
    with sync_playwright() as playwright:
        browser = launch_chromium(playwright)
        page = browser.new_page(viewport={"width": 1440, "height": 2600}, reduced_motion="reduce")
        started = time.perf_counter()
        page.goto(address)
        settle(page)
        waits["first visit, with the server's first load"] = [1000 * (time.perf_counter() - started) - SETTLING]
        another = page.get_by_role("button", name=re.compile("Random user"))
        actions: dict[str, Callable[[int], None]] = {
            "another user": lambda step: another.click(),
            "another candidate": lambda step: click_prediction(page, 1 + step % 8),
            CLICK: lambda step: click_bar(page, step % 8),
        }
        for name, act in actions.items():
            for step in range(rounds + 1):
                page.evaluate(PAINTED)
                wait = wait_of(page, lambda step=step, act=act: act(step))  # type: ignore[misc]
                if step:
                    waits.setdefault(name, []).append(wait)
                    if name == CLICK:
                        waits.setdefault("click on an item: every picture and table", []).append(
                            page.evaluate("window.painted")
                        )
        for step in range(rounds + 1):
            _clear(page)
            click_bar(page, 1 + step % 3)
            settle(page)
            page.get_by_role("button", name="Delete").click()
            settle(page)
            wait = wait_of(page, lambda: page.get_by_role("button", name="Run", exact=True).click())
            if step:
                waits.setdefault("what-if run", []).append(wait)
            page.get_by_role("button", name="Reset", exact=True).click()
            settle(page)
        page.get_by_text("How did the interests grow over time?").click()
        page.wait_for_selector(".st-key-drift .slider-rail-touch-rect", timeout=60_000)
        settle(page)
        rail = page.locator(".st-key-drift .slider-rail-touch-rect")
        rail.evaluate("(element) => element.scrollIntoView({ block: 'center' })")
        page.wait_for_timeout(500)
        box = rail.bounding_box()
        for step in range(rounds + 1):
            page.evaluate(STEPPED)
            # never the step that is shown already, which plotly would not draw
            place = 0.1 + 0.7 * (step * 4 % 11) / 11
            page.mouse.click(box["x"] + box["width"] * place, box["y"] + box["height"] / 2)
            page.wait_for_function("window.stepped !== null", timeout=10_000)
            if step:
                waits.setdefault("a step of the drift", []).append(float(page.evaluate("window.stepped")))
        browser.close()
    return waits


def main() -> None:
    """Serve, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    with serve(ROOT / "app" / "main.py") as address:
        for name, values in measure(address, rounds).items():
            spread = (
                f"  (from {min(values):,.0f} to {max(values):,.0f}, {len(values)} rounds)" if len(values) > 1 else ""
            )
            print(f"{name:<42} {statistics.median(values):>8,.0f} ms{spread}")


if __name__ == "__main__":
    main()
