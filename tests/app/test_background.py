"""What a page waits for while it is computed in the background: its progress, its errors, and a page drawn anew."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest

from app import background
from app.cache import CACHE
from app.jobs import Jobs
from surge.errors import SurgeError
from tests.app.test_jobs import until

Progress = Callable[[float], None]


@pytest.fixture(autouse=True)
def jobs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Jobs]:
    """A line of its own, and one page."""
    own = Jobs(1, 0, line=0)
    monkeypatch.setattr(background, "MEASURINGS", own)
    monkeypatch.setattr(background, "visitor", lambda: "ann")
    CACHE.forget("usage")
    yield own
    CACHE.forget("usage")


def test_a_page_sees_the_progress_and_gets_the_value() -> None:
    seen: list[float] = []
    shown = threading.Event()

    def compute(sign: Progress | None) -> str:
        assert sign is not None
        sign(0.5)
        assert shown.wait(10)
        return "value"

    def progress(share: float) -> None:
        seen.append(share)
        if share == 0.5:
            shown.set()

    assert background.computed("usage", "key", compute, progress) == "value"
    assert seen[-1] == 0.5 and set(seen) <= {0.0, 0.5}
    assert background.computed("usage", "key", lambda sign: "another", progress) == "value"


def test_without_a_page_it_is_computed_here() -> None:
    here = threading.get_ident()
    assert background.computed("usage", "key", lambda sign: (sign, threading.get_ident())) == (None, here)


@pytest.mark.parametrize(
    ("error", "told"), [(ValueError("no <b>"), "ValueError: no <b>"), (SurgeError("No memory is left."), "No memory")]
)
def test_a_failure_is_a_sentence_and_is_tried_again(error: Exception, told: str) -> None:
    def fail(sign: Progress | None) -> str:
        raise error

    with pytest.raises(SurgeError, match=f"^{told}"):
        background.computed("usage", "key", fail, lambda share: None)
    assert background.computed("usage", "key", lambda sign: "well", lambda share: None) == "well"


def test_work_goes_on_while_its_page_is_drawn_anew(jobs: Jobs) -> None:
    let_go, calls = threading.Event(), []

    def compute(sign: Progress | None) -> str:
        calls.append(sign)
        assert let_go.wait(10)
        return "value"

    def drawn_anew(share: float) -> None:
        raise KeyboardInterrupt  # as Streamlit does: no Exception

    with pytest.raises(KeyboardInterrupt):
        background.computed("usage", "key", compute, drawn_anew)
    with pytest.raises(SurgeError, match="Too much is computed here"):
        background.computed("usage", "other", compute, lambda share: None)  # the line has no place
    assert background.computed("usage", "key", compute, lambda share: let_go.set()) == "value" and len(calls) == 1
    until(lambda: jobs.standing(("usage", "key")).state == "idle")


def test_the_same_key_of_another_kind_is_other_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "MEASURINGS", Jobs(2, 0))
    begun, let_go = threading.Event(), threading.Event()

    def usage(sign: Progress | None) -> str:
        begun.set()
        assert let_go.wait(10)
        return "usage"

    first = threading.Thread(target=background.computed, args=("usage", "key", usage, lambda share: None))
    first.start()
    assert begun.wait(10)
    CACHE.forget("drift")
    watched = background.computed(
        "drift", "key", lambda sign: "here" if sign is None else "watched", lambda share: None
    )
    let_go.set()
    first.join(10)
    assert watched == "watched" and CACHE.peek("usage", "key") == "usage"
    CACHE.forget("drift")


# -- pages ----------------------------------------------------------------------------------------------


def test_a_page_keeps_its_name_and_no_other_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    names = []
    for session in ({}, {}):
        with monkeypatch.context() as patch:
            patch.setattr(background.st, "session_state", session)
            names += [background.visitor(), background.visitor()]
    assert names[0] == names[1] != names[2] == names[3]


def test_a_page_is_there_while_its_session_is(monkeypatch: pytest.MonkeyPatch) -> None:
    running = SimpleNamespace(is_active_session={"open"}.__contains__)
    monkeypatch.setattr(background.runtime, "exists", lambda: True)
    monkeypatch.setattr(background.runtime, "get_instance", lambda: running)
    assert background._connected("open 12ab") and not background._connected("closed open")
