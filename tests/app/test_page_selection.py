"""What the browser reports of a click on a chart, and what is made of nonsense."""

from __future__ import annotations

import math
from typing import Any

import pytest

from app.components import page_selection
from app.components.page_selection import ViewClick, last_click


@pytest.fixture
def reported(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the browser has reported, to be filled in."""
    state: dict[str, Any] = {}
    monkeypatch.setattr(page_selection.st, "session_state", state)
    return state


def test_a_click_on_an_item_and_on_a_cluster(reported: dict[str, Any]) -> None:
    reported[page_selection.KEY] = {"clicked": {"chart": "strip", "data": [3, 0.25, 7], "add": True, "number": 1}}
    click = last_click()
    assert click == ViewClick("strip", (3,), True) and click.item == 3 and click.cluster is None
    reported[page_selection.KEY] = {"clicked": {"chart": "assignment", "data": [-1, 5], "add": "yes"}}
    click = last_click()
    assert click == ViewClick("assignment", (-1, 5), False) and click.item is None and click.cluster == 5


@pytest.mark.parametrize(
    "value",
    [
        None,
        "clicked",
        {},
        {"chart": 3, "data": [1]},
        {"chart": "strip", "data": {"0": 1}},
        {"chart": "strip", "data": []},
        {"chart": "strip", "data": [True]},
        {"chart": "strip", "data": [math.nan]},
        {"chart": "strip", "data": [math.inf]},
        {"chart": "strip", "data": ["1"]},
    ],
)
def test_what_is_no_click_is_none(reported: dict[str, Any], value: Any) -> None:
    assert last_click() is None
    reported[page_selection.KEY] = {"clicked": value}
    assert last_click() is None


def test_a_place_that_is_neither_selects_nothing() -> None:
    for numbers in ((-1,), (-1, -1), (-7, -2)):
        click = ViewClick("strip", numbers, False)
        assert click.item is None and click.cluster is None


def test_an_answer_says_which_click_it_answers(reported: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(page_selection, "_component", lambda **given: sent.append(given))
    heard: list[ViewClick | None] = []

    def listen() -> None:
        page_selection.report_clicks(
            lambda: heard.append(last_click()),
            items={4, 1},
            cluster=2,
            clusters=[0, 2, 2, 1, 0],
            on_clear=lambda: heard.append(None),
        )

    listen()
    data = sent[-1]["data"]
    assert (data["items"], data["cluster"], data["clusters"], data["answered"]) == ([1, 4], 2, [0, 2, 2, 1, 0], 0)
    assert data["clears"] is True
    reported[page_selection.KEY] = {"clicked": {"chart": "strip", "data": [3], "number": 1_800_000_000_123}}
    sent[-1]["on_clicked_change"]()
    assert heard == [ViewClick("strip", (3,), False)]
    listen()
    assert sent[-1]["data"]["answered"] == 1_800_000_000_123
    reported[page_selection.KEY] = {"cleared": {"number": "soon"}}
    sent[-1]["on_cleared_change"]()
    listen()
    assert heard[1:] == [None] and sent[-1]["data"]["answered"] == 1_800_000_000_123
