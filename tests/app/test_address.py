"""The session and the browser's address: a slow line loses no choice, a choice is one entry, Back keeps Undo."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from surge.data.dataset import Dataset
from tests.app.visit import Visit
from tests.serving import ROOT

pytestmark = pytest.mark.browser
pytest.importorskip("playwright.sync_api")

TINY = "?checkpoint=tiny+model&dataset=tiny"


# keeps every address that the page gives itself
ADDRESSES = """window.addresses = [];
for (const name of ["pushState", "replaceState"]) {
  const real = history[name];
  history[name] = (...given) => (addresses.push(String(given[2])), real.apply(history, given));
}"""


class Line:
    """A slow line between a page and its server: holds back what the page says while `mute`, what it is to hear while
    `deaf`."""

    def __init__(self, page: Any) -> None:
        self.mute = self.deaf = False
        self.waiting: list[tuple[Any, Any]] = []  # who is to hear it, and what
        page.route_web_socket("**/_stcore/stream", self._join)

    def _join(self, socket: Any) -> None:
        server = socket.connect_to_server()
        server.on_message(lambda words: self._pass(self.deaf, socket, words))
        socket.on_message(lambda words: self._pass(self.mute, server, words))

    def _pass(self, wait: bool, to: Any, words: Any) -> None:
        if wait:
            self.waiting.append((to, words))
        else:
            to.send(words)

    def has_said(self, words: bytes) -> bool:
        return any(isinstance(message, bytes) and words in message for _, message in self.waiting)

    def release(self) -> None:
        self.mute = self.deaf = False
        for to, words in self.waiting:
            to.send(words)
        self.waiting.clear()


@pytest.fixture
def visit(browser: Any, address: str) -> Iterator[Visit]:
    """A visitor who has not opened a page yet."""
    visitor = Visit(browser, address)
    yield visitor
    visitor.close()


def _wait(visit: Visit, true: Any) -> None:
    for _ in range(600):
        if true():
            return
        visit.page.wait_for_timeout(50)
    raise AssertionError("what was waited for did not come")


def _entries(visit: Visit) -> int:
    return int(visit.page.evaluate("history.length"))


def _row(visit: Visit, number: int) -> Any:
    return visit.page.locator(".st-key-predictions tbody tr").nth(number)


def test_a_choice_is_not_lost_where_the_browser_has_not_heard_of_it(visit: Visit) -> None:
    line = Line(visit.page)
    visit.open(f"{TINY}&user=u0003")
    first = visit.parameter("candidate")
    line.deaf = True
    _row(visit, 3).click()
    _wait(visit, lambda: line.has_said(b"&candidate="))  # Python has written the address
    visit.page.get_by_role("button", name="The model").first.click()
    line.release()
    visit.page.wait_for_url("**/model?*")
    visit.settle()
    assert visit.parameter("candidate") not in (first, None)
    visit.page.get_by_role("button", name="Explain a user").first.click()
    visit.page.wait_for_selector(".st-key-predictions tbody tr")
    visit.settle()

    # another page is asked for before Python has heard of the choice
    wanted = _row(visit, 5).locator("td").nth(1).inner_text()
    line.mute = True
    _row(visit, 3).click()
    _row(visit, 5).click()
    visit.page.get_by_role("button", name="The model").first.click()
    _wait(visit, lambda: len(line.waiting) >= 3)
    line.release()
    visit.page.wait_for_url("**/model?*")
    visit.settle()
    visit.page.get_by_role("button", name="Explain a user").first.click()
    visit.page.wait_for_selector(".st-key-predictions tbody tr")
    visit.settle()
    chosen = visit.page.locator(".st-key-predictions tbody tr[aria-selected=true] td").nth(1)
    assert chosen.inner_text() == wanted

    visit.page.locator(".st-key-items tbody tr").nth(2).click()
    visit.settle()
    visit.page.locator(".st-key-clear_selection button").click()
    visit.page.get_by_role("button", name="Top prediction").click()
    visit.settle()
    for page, there in (("The model", "**/model?*"), ("Explain a user", "**/?checkpoint*")):
        visit.page.get_by_role("button", name=page).first.click()
        visit.page.wait_for_url(there)
        visit.settle()
    assert "Nothing is selected" in visit.selected()  # what was reported before is not told again
    assert chosen.inner_text() != wanted


def test_a_press_on_what_the_last_user_left_on_the_screen_does_nothing_to_the_next(visit: Visit) -> None:
    line = Line(visit.page)
    visit.open(f"{TINY}&user=u0003&items=1")
    visit.page.get_by_role("button", name="User u0003").click()
    visit.page.get_by_role("textbox", name="Search a user").fill("u0007")
    visit.page.keyboard.press("Enter")
    visit.settle()
    line.deaf = True
    visit.page.get_by_role("button", name="u0007", exact=True).click()
    _wait(visit, lambda: line.has_said(b"user=u0007"))  # all of the next one is on its way
    visit.page.keyboard.press("Escape")
    for press in (
        lambda: visit.page.locator(".st-key-items tbody tr").nth(2).click(),
        lambda: _row(visit, 3).click(),
        lambda: visit.page.get_by_role("button", name="Delete", exact=True).click(),
    ):
        press()
        visit.page.wait_for_timeout(300)
    line.release()
    visit.settle(400)
    assert visit.parameter("user") == "u0007"
    assert "Nothing is selected" in visit.selected() and visit.parameter("items") is None
    assert visit.parameter("staged") is None
    top = visit.page.locator(".st-key-predictions tbody tr[aria-selected=true] td").first.inner_text()
    assert top == "1"


def test_two_presses_in_flight_both_count(visit: Visit) -> None:
    line = Line(visit.page)
    visit.open(f"{TINY}&user=u0003")
    rows = visit.page.locator(".st-key-items tbody tr")
    line.mute = True
    rows.nth(1).click()
    rows.nth(4).click(modifiers=["Shift"])
    rows.nth(6).click(modifiers=["Shift"])
    line.release()
    visit.settle(400)
    assert visit.parameter("items") == "1%2C4%2C6" and "Selected: 3 items" in visit.selected()
    rows.nth(4).click()
    visit.settle()
    line.deaf = True
    later = visit.page.get_by_role("button", name="Later", exact=True)
    later.click()
    _wait(visit, lambda: line.has_said(b"staged="))
    later.click()
    _wait(visit, lambda: line.has_said(b"staged=0-3%2C5-6%2C4%2C7"))
    line.release()
    visit.settle(400)
    assert (visit.parameter("staged") or "").startswith("0-3%2C5-6%2C4%2C7")


def test_one_choice_is_one_entry_and_back_leads_to_the_last_one(visit: Visit) -> None:
    visit.open(TINY)
    opened, before = visit.page.url, _entries(visit)
    _row(visit, 2).click()
    visit.settle()
    visit.page.get_by_role("button", name="The model").first.click()
    visit.page.wait_for_url("**/model?*")
    visit.settle()
    assert _entries(visit) == before + 2
    for _ in range(2):
        visit.page.go_back()
        visit.settle()
    assert visit.page.url == opened
    visit.page.go_forward()
    visit.settle()
    assert visit.parameter("candidate") and visit.page.url != opened and _entries(visit) == before + 2


def test_undo_survives_back_forward_and_a_reload(visit: Visit) -> None:
    def plans() -> tuple[str | None, str | None]:
        return visit.parameter("edits"), visit.parameter("staged")

    visit.open(f"{TINY}&user=u0003&items=1,4")
    visit.press("Delete")
    _, plan = plans()
    visit.press("Run")
    assert plan and plans() == (plan, None)
    visit.page.go_back()
    visit.settle()
    assert plans() == (None, plan)
    visit.page.go_forward()
    visit.settle()
    assert plans() == (plan, None)
    visit.press("Undo")
    assert plans() == (None, plan)
    visit.page.go_back()
    visit.settle()
    visit.page.reload()
    visit.page.wait_for_selector(".st-key-selection_bar", timeout=60_000)
    visit.settle()
    assert plans() == (plan, None)
    visit.press("Undo")
    assert plans() == (None, None)


def test_the_finder_sends_what_is_seen_and_a_user_is_one_entry(visit: Visit) -> None:
    page = visit.page
    page.add_init_script(ADDRESSES)
    heard: list[bytes] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda words: heard.append(words)))
    page.goto(f"{visit.address}/finder?checkpoint=demo&dataset=sample_data")
    page.wait_for_selector(".st-key-finder_actions", timeout=60_000)
    visit.settle()
    users = Dataset.load(ROOT / "sample_data").users
    assert len(users) == 3000 and page.get_by_text("The table shows 1 to 500 of them.").count() == 1
    heard.clear()
    page.locator(".st-key-finder_page").get_by_text("3", exact=True).click()
    visit.settle()
    assert visit.parameter("page") == "3" and page.get_by_text("The table shows 1,001 to 1,500 of them.").count() == 1
    assert page.get_by_role("button", name=f"Open {users[1000]}").count() == 1
    assert sum(map(len, heard)) < 300_000 and not any(b"bdata" in words for words in heard)  # no map

    table = page.locator('[data-testid="stDataFrame"]').bounding_box()
    heard.clear()
    page.mouse.click(table["x"] + 250, table["y"] + 55)  # a cell of the first row
    page.get_by_role("button", name=f"Open {users[1000]}").wait_for()
    visit.settle()
    assert sum(map(len, heard)) < 100_000 and not any(b"bdata" in words for words in heard)
    circle = page.locator(".st-key-finder_map .surge-ring circle")
    assert circle.get_attribute("visibility") == "visible"

    finder, before = page.url, _entries(visit)
    page.evaluate("addresses.length = 0")
    page.mouse.click(table["x"] + 18, table["y"] + 90)  # the tick of the second row
    page.wait_for_selector(".st-key-selection_bar", timeout=60_000)
    visit.settle()
    assert visit.parameter("user") == users[1001] and visit.parameter("candidate")
    assert _entries(visit) == before + 1
    # nor is any address without the place, which a reload at that moment would open
    passed = page.evaluate("addresses")
    assert passed and not [address for address in passed if f"user={users[1001]}" not in address]
    page.go_back()
    page.wait_for_selector(".st-key-finder_actions", timeout=60_000)
    visit.settle()
    assert page.url == finder
