"""One visitor of the app in headless Chromium: what a person does on the page, and that nothing leaves the machine."""

from __future__ import annotations

import re
import time
from typing import Any

SETTLED = """() => {
  const app = document.querySelector('[data-testid="stApp"]');
  if (app?.getAttribute('data-test-script-state') !== 'notRunning') return false;
  if (app.getAttribute('data-test-connection-state') !== 'CONNECTED') return false;
  if (document.querySelector('[data-testid="stSkeleton"], [data-testid="stSpinner"]')) return false;
  const charts = [...document.querySelectorAll('[data-testid="stPlotlyChart"], .surge-chart')];
  if (charts.some((chart) => !chart.querySelector('svg'))) return false;
  return document.fonts.status === 'loaded';
}"""
GRAPH = "[...document.querySelectorAll('*')].map((e) => e.shadowRoot).find((r) => r?.surgeGraph)?.surgeGraph"


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

    def framed(self, chart: str) -> int:
        """How many frames the browser draws over a chart for what is selected."""
        plot = f"document.querySelector('.st-key-{chart} .js-plotly-plot')"
        return int(self.page.evaluate(f"{plot}.surgeChart?.overlay?.querySelectorAll('rect, path').length ?? 0"))

    def headline(self) -> str:
        """The verdict."""
        return str(self.page.locator(".st-key-headline").inner_text())

    def press(self, name: str) -> None:
        """Presses a button by its whole name."""
        self.page.get_by_role("button", name=name, exact=True).click()
        self.settle()

    def open_drawer(self, question: str) -> None:
        """Opens one of the drawers."""
        self.page.get_by_text(question).click()
        self.settle()

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
