"""Work in the background: its progress, its result, its end when it is left, errors that are told, and its line."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from app.jobs import Job, Jobs, Standing
from surge.errors import SurgeError


def test_a_job_tells_its_progress_and_result():
    reached, go_on = threading.Event(), threading.Event()

    def work(progress: Callable[[float], None]) -> str:
        progress(0.25)
        reached.set()
        go_on.wait(10)
        return "done"

    job = Job(work)
    assert reached.wait(10) and job.running and job.share == 0.25 and job.result is None
    go_on.set()
    assert job.wait(10) and job.result == "done" and job.error is None


def test_a_job_that_is_left_ends_without_a_result():
    steps = 0

    def work(progress: Callable[[float], None]) -> str:
        nonlocal steps
        while True:
            steps += 1
            progress(0.5)

    job = Job(work)
    job.stop()
    assert job.wait(10) and job.result is None and job.error is None and steps >= 1


def test_an_error_is_told():
    def work(progress: Callable[[float], None]) -> str:
        raise ValueError("no such thing")

    job = Job(work)
    assert job.wait(10) and job.result is None and job.error == "ValueError: no such thing"


# -- many visitors --------------------------------------------------------------------------------------


class Held:
    """Work that goes on until it is let go."""

    def __init__(self, result: str = "done") -> None:
        self.result, self.started, self.let_go, self.left = result, threading.Event(), threading.Event(), False

    def __call__(self, progress: Callable[[float], None]) -> str:
        self.started.set()
        try:
            while not self.let_go.wait(0.001):
                progress(0.5)
        except Exception:
            self.left = True
            raise
        if self.result == "error":
            raise ValueError("no such thing")
        return self.result


def until(condition: Callable[[], bool]) -> None:
    """Waits for another thread; a test that waits in vain fails."""
    for _ in range(10_000):
        if condition():
            return
        threading.Event().wait(0.001)
    raise AssertionError("it never came")


def test_a_third_waits_and_kills_nobody():
    jobs, works = Jobs(at_once=2, kept=4), {name: Held(name) for name in "abcd"}
    for name, work in works.items():
        jobs.ask(name, work, f"visitor of {name}")
    assert works["a"].started.wait(10) and works["b"].started.wait(10)
    assert [jobs.standing(name).state for name in "abcd"] == ["running", "running", "waiting", "waiting"]
    assert [jobs.standing(name).ahead for name in "cd"] == [2, 3]
    assert not works["c"].started.is_set() and jobs.result("a") is None
    works["a"].let_go.set()
    assert works["c"].started.wait(10)
    assert jobs.standing("a") == Standing("done", share=1.0) and jobs.result("a") == "a"
    assert [jobs.standing(name).state for name in "bcd"] == ["running", "running", "waiting"]
    assert jobs.standing("d").ahead == 2 and not works["b"].left
    for work in works.values():
        work.let_go.set()
    until(lambda: all(jobs.standing(name).state == "done" for name in "abcd"))
    assert [jobs.result(name) for name in "abcd"] == list("abcd")


def test_the_oldest_results_are_forgotten_and_running_work_is_not():
    jobs, held = Jobs(at_once=2, kept=2), Held("held")
    jobs.ask("held", held, "ann")
    for name in "abc":
        jobs.ask(name, lambda progress, name=name: name, "bob")
        until(lambda name=name: jobs.standing(name).state == "done")
        assert jobs.result("a") == "a"  # looked at: the last to be forgotten
    assert [jobs.standing(name).state for name in ("a", "b", "c", "held")] == ["done", "idle", "done", "running"]
    held.let_go.set()
    until(lambda: jobs.result("held") == "held")


def test_work_stops_when_everyone_has_left():
    jobs, work, next_one = Jobs(at_once=1, kept=2), Held(), Held("next")
    jobs.ask("a", work, "ann")
    jobs.ask("a", work, "bob")
    jobs.ask("b", next_one, "cid")
    assert work.started.wait(10)
    jobs.leave("a", "ann")
    jobs.leave("a", "a stranger")
    assert jobs.standing("a").state == "running"
    jobs.leave("a", "bob")
    assert jobs.standing("a") == Standing("idle")
    assert next_one.started.wait(10) and work.left
    jobs.leave("b", "cid")
    until(lambda: next_one.left)
    assert jobs.standing("b").state == "idle" and jobs.result("b") is None


def test_who_leaves_the_line_is_passed_over():
    jobs, first, second, third = Jobs(at_once=1, kept=2), Held("1"), Held("2"), Held("3")
    for key, work in ((1, first), (2, second), (3, third)):
        jobs.ask(key, work, "ann")
    jobs.leave(2, "ann")
    assert jobs.standing(3).ahead == 1
    first.let_go.set()
    assert third.started.wait(10) and not second.started.is_set()
    third.let_go.set()


def test_what_was_left_and_is_asked_for_again_begins_anew():
    jobs, work, again = Jobs(at_once=1, kept=2), Held("old"), Held("new")
    jobs.ask("a", work, "ann")
    assert work.started.wait(10)
    jobs.leave("a", "ann")
    jobs.ask("a", again, "ann")
    again.let_go.set()
    until(lambda: jobs.result("a") == "new")
    assert work.left


def test_what_was_left_and_ends_late_is_not_taken_for_what_was_asked_for_again():
    jobs, end, again = Jobs(at_once=2, kept=2), threading.Event(), Held("new")
    jobs.ask("a", lambda progress: end.wait(10) and "old", "ann")
    jobs.leave("a", "ann")
    jobs.ask("a", again, "ann")
    assert again.started.wait(10)
    end.set()
    until(lambda: jobs._busy == 1)
    assert jobs.standing("a").state == "running" and jobs.result("a") is None
    again.let_go.set()
    until(lambda: jobs.result("a") == "new")


def test_what_failed_can_be_tried_again():
    jobs, broken = Jobs(at_once=1, kept=2), Held("error")
    broken.let_go.set()
    jobs.ask("a", broken, "ann")
    until(lambda: jobs.standing("a").state == "failed")
    assert jobs.standing("a") == Standing("failed", error="ValueError: no such thing")
    assert not jobs.standing("a").under_way and jobs.result("a") is None
    jobs.ask("a", lambda progress: "well", "ann")
    until(lambda: jobs.result("a") == "well")
    jobs.ask("a", broken, "ann")
    assert jobs.standing("a").state == "done" and not jobs.standing("a").under_way


# -- heartbeats -----------------------------------------------------------------------------------------


class Clock:
    """Time that moves when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_work_without_a_heartbeat_is_stopped_running_or_waiting():
    clock, running, waiting = Clock(), Held(), Held("waiting")
    jobs = Jobs(at_once=1, kept=2, patience=8, clock=clock)
    jobs.ask("a", running, "ann")
    jobs.ask("b", waiting, "bob")
    assert running.started.wait(10)
    clock.now = 7.0
    assert jobs.standing("b", "bob").state == "waiting"  # bob looks, ann doesn't
    clock.now = 8.5
    until(lambda: running.left)  # at its next sign of progress, without anyone looking
    assert jobs.standing("a") == Standing("idle") and waiting.started.wait(10)
    clock.now = 15.5
    until(lambda: waiting.left)
    assert jobs.standing("b") == Standing("idle") and jobs.result("b") is None


def test_a_second_watcher_keeps_it_alive():
    clock, work = Clock(), Held()
    jobs = Jobs(at_once=1, kept=2, patience=8, clock=clock)
    jobs.ask("a", work, "ann")
    assert work.started.wait(10) and jobs.standing("a", "bob").state == "running"  # he never asked
    jobs.leave("a", "ann")
    assert jobs.standing("a").state == "running"
    for clock.now in (6.0, 12.0, 18.0):
        assert jobs.standing("a", "bob").state == "running"
    jobs.leave("a", "bob")
    until(lambda: work.left)
    assert jobs.standing("a", "bob").state == "idle"  # looking starts nothing


def test_stop_reaches_work_of_the_page_before_a_reload():
    clock, work, open_pages = Clock(), Held(), {"before"}
    jobs = Jobs(at_once=1, kept=2, clock=clock, connected=open_pages.__contains__)
    jobs.ask("a", work, "before")
    assert work.started.wait(10)
    open_pages.clear()
    open_pages.add("after")
    assert jobs.standing("a", "after").state == "running"
    jobs.leave("a", "after")
    assert jobs.standing("a").state == "idle"
    until(lambda: work.left)


def test_a_page_in_the_background_is_not_held_to_be_gone():
    clock, work, open_pages = Clock(), Held(), {"ann"}
    jobs = Jobs(at_once=1, kept=2, clock=clock, connected=open_pages.__contains__)
    jobs.ask("a", work, "ann")
    clock.now = 70.0
    assert work.started.wait(10) and jobs.standing("a").state == "running"
    open_pages.clear()
    until(lambda: work.left)
    assert jobs.standing("a").state == "idle"


def test_a_page_that_is_connected_and_silent_is_not_waited_for_without_end():
    clock, work = Clock(), Held()
    jobs = Jobs(at_once=1, kept=2, clock=clock, connected=lambda watcher: True)
    jobs.ask("a", work, "ann")
    clock.now = 76.0
    until(lambda: work.left)
    assert jobs.standing("a").state == "idle"


def test_the_line_has_an_end_and_who_finds_it_full_is_told():
    jobs, works = Jobs(at_once=1, kept=2, line=2), [Held(str(number)) for number in range(4)]
    for number, work in enumerate(works[:3]):
        jobs.ask(number, work, "ann")
    with pytest.raises(SurgeError, match=r"^Too much is computed here at this moment: 2 others wait in line already"):
        jobs.ask(3, works[3], "bob")
    jobs.ask(2, works[2], "bob")  # no second piece of work
    assert jobs.standing(3).state == "idle"
    jobs.leave(1, "ann")
    jobs.ask(3, works[3], "bob")
    assert [jobs.standing(number).state for number in range(4)] == ["running", "idle", "waiting", "waiting"]
    for work in works:
        work.let_go.set()
    until(lambda: jobs.result(3) == "3")


def test_a_sentence_stays_a_sentence():
    def work(progress: Callable[[float], None]) -> str:
        raise SurgeError("There is not enough free memory.")

    job = Job(work)
    assert job.wait(10) and job.error == "There is not enough free memory."
