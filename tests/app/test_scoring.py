"""Who watches the scoring of a large catalogue: the page that shows its history, until it stops it or looks away."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from app import scoring, subjects
from app.jobs import Jobs
from tests.app.test_jobs import Clock, Held, until
from tests.explanation.worlds import history_of, make_checkpoint

ONE, OTHER = SimpleNamespace(key=("one",)), SimpleNamespace(key=("other",))


class World:
    """A line of its own, and the page that looks at it."""

    def __init__(self) -> None:
        self.clock, self.works = Clock(), []
        self.jobs = Jobs(1, 2, clock=self.clock)

    def work(self, *given: Any) -> Any:
        self.works.append(Held())
        return self.works[-1](given[-1])


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    made = World()
    monkeypatch.setattr(scoring, "SCORINGS", made.jobs)
    monkeypatch.setattr(scoring, "rank_catalogue", made.work)
    monkeypatch.setattr(scoring, "with_model", lambda checkpoint: checkpoint)
    monkeypatch.setattr(scoring, "visitor", lambda: "this page")
    monkeypatch.setattr(scoring.st, "session_state", {})
    for subject in (ONE, OTHER):
        subject.checkpoint = subject.history = None
    yield made
    for work in made.works:
        work.let_go.set()


def test_a_page_that_looks_keeps_it_alive(world: World) -> None:
    scoring.start_scoring(ONE)
    for world.clock.now in (10.0, 20.0, 30.0):
        assert scoring.scoring(ONE).state == "running"
    world.clock.now = 46.0
    until(lambda: world.jobs.standing(ONE.key).state == "idle")


def test_a_page_that_shows_another_history_leaves_the_first(world: World) -> None:
    scoring.start_scoring(ONE)
    assert scoring.scoring(OTHER).state == "idle"
    assert world.jobs.standing(ONE.key).state == "idle"
    scoring.start_scoring(ONE)
    world.jobs.standing(ONE.key, "another page")
    scoring.look_away()
    scoring.look_away()
    assert world.jobs.standing(ONE.key).under_way  # the other page still waits
    world.jobs.leave(ONE.key, "another page")
    assert world.jobs.standing(ONE.key).state == "idle"


def test_a_page_that_looks_away_leaves_it(world: World) -> None:
    scoring.start_scoring(ONE)
    assert scoring.scoring(ONE).under_way
    scoring.look_away()
    assert world.jobs.standing(ONE.key).state == "idle"


def test_who_stopped_it_watches_no_more_until_it_is_started_again(world: World) -> None:
    scoring.start_scoring(ONE)
    world.jobs.standing(ONE.key, "another page")
    scoring.stop_scoring(ONE)
    assert not scoring.watches(ONE) and scoring.watches(OTHER)
    assert scoring.scoring(ONE).state == "running"  # for the other page; looking is no heartbeat of this one
    world.jobs.leave(ONE.key, "another page")
    assert scoring.scoring(ONE).state == "idle"
    scoring.start_scoring(ONE)
    assert scoring.watches(ONE) and scoring.scoring(ONE).under_way


@pytest.mark.parametrize(("kernel", "most"), [(None, 20), (object(), 60)])
def test_what_one_can_wait_for_counts_heads_and_pairs(
    monkeypatch: pytest.MonkeyPatch, kernel: object, most: int
) -> None:
    checkpoint = make_checkpoint(count=8, heads=2)
    subject = subjects.Subject(("",), checkpoint, history_of(checkpoint, range(5)))
    monkeypatch.setattr(subjects, "MOST_CELLS_AT_ONCE", 1000)
    monkeypatch.setattr(subjects, "kernel_for", lambda model: kernel)
    assert [subject.at_once(readings) for readings in (20, most, most + 1)] == [True, True, False]
