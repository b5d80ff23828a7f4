"""Work in the background: its progress, its result, its end when it is left, and errors that are told."""

from __future__ import annotations

import threading
from collections.abc import Callable

from app.jobs import Job


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
