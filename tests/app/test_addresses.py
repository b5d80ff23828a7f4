"""The session and the browser's address: a slow line loses no choice, a choice is one entry, Back keeps Undo."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.app.visit import Visit

pytestmark = pytest.mark.browser
pytest.importorskip("playwright.sync_api")

TINY = "?checkpoint=tiny+model&dataset=tiny"


class Line:
    """What the server says to a page, held back while `held`, as on a slow line."""

    def __init__(self, page: Any) -> None:
        self.held = False
        self.waiting: list[Any] = []
        self.socket: Any = None
        page.route_web_socket("**/_stcore/stream", self._join)

    def _join(self, socket: Any) -> None:
        self.socket = socket
        server = socket.connect_to_server()
        server.on_message(self._pass)

    def _pass(self, message: Any) -> None:
        if self.held:
            self.waiting.append(message)
        else:
            self.socket.send(message)

    def has_said(self, words: bytes) -> bool:
        return any(isinstance(message, bytes) and words in message for message in self.waiting)

    def release(self) -> None:
        self.held = False
        for message in self.waiting:
            self.socket.send(message)
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


def test_a_choice_is_not_lost_where_the_browser_has_not_heard_of_it(visit: Visit) -> None:
    line = Line(visit.page)
    visit.open(f"{TINY}&user=u0003")
    first = visit.parameter("candidate")
    line.held = True
    visit.page.locator(".st-key-predictions tbody tr").nth(3).click()
    _wait(visit, lambda: (line.has_said(b"&candidate=") and line.has_said(b"script_finished")) or len(line.waiting) > 5)
    visit.page.get_by_role("button", name="The model").first.click()
    line.release()
    visit.page.wait_for_url("**/model?*")
    visit.settle()
    assert visit.parameter("candidate") not in (first, None)
