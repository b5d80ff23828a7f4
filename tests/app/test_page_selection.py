"""What the browser reports to be selected, and what is made of nonsense and of another history's items."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import pytest

from app.components import linked_table, page_selection
from app.components.page_selection import report_selection, selection_of
from surge.pictures.html_parts import Column
from surge.pictures.palette import Theme
from surge.pictures.selection import Selection


def test_items_and_a_cluster() -> None:
    assert selection_of({"items": [3, 1.0], "cluster": None}, 5) == Selection(frozenset({1, 3}))
    assert selection_of({"items": [], "cluster": 0}, 5) == Selection(cluster=0)
    assert selection_of({"items": [], "cluster": None}, 0) == Selection()


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"items": {"0": 1}},
        {"items": None},
        {"items": [True]},
        {"items": [0.5]},
        {"items": [math.nan]},
        {"items": [math.inf]},
        {"items": ["1"]},
        {"items": [-1]},
        {"items": [5]},  # the history has five items
        {"items": [1], "cluster": -1},
        {"items": [1], "cluster": "0"},
        {"items": [1], "cluster": False},
    ],
)
def test_what_is_no_selection_is_none(value: dict[str, Any]) -> None:
    assert selection_of(value, 5) is None


def test_an_answer_says_which_report_it_answers_and_other_histories_select_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reported: dict[str, Any] = {}
    sent: list[dict[str, Any]] = []
    heard: list[Selection] = []
    monkeypatch.setattr(page_selection.st, "session_state", reported)
    monkeypatch.setattr(page_selection, "_component", lambda **given: sent.append(given))

    def report(value: object) -> int:
        reported[page_selection.KEY] = {"selected": value}
        sent[-1]["on_selected_change"]()
        report_selection(heard.append, Selection(frozenset({4, 1}), 2), [0, 2, 2, 1, 0], "now")
        return sent[-1]["data"]["answered"]

    report_selection(heard.append, Selection(frozenset({4, 1}), 2), [0, 2, 2, 1, 0], "now")
    shown = {
        "items": [1, 4],
        "cluster": 2,
        "clusters": [0, 2, 2, 1, 0],
        "history": "now",
        "answered": 0,
    }
    assert sent[-1]["data"] == shown
    assert report({"items": [3], "cluster": None, "history": "now", "number": 1_800_000_000_123}) == 1_800_000_000_123
    assert heard == [Selection(frozenset({3}))]
    assert report({"items": [2], "cluster": None, "history": "then", "number": 1_800_000_000_124}) == 1_800_000_000_124
    assert report({"items": [2], "cluster": None, "history": "now", "number": "soon"}) == 1_800_000_000_124
    assert report("selected") == 1_800_000_000_124
    assert heard == [Selection(frozenset({3})), Selection(frozenset({2}))]


def test_a_row_of_another_history_or_of_none_chooses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    reported: dict[str, Any] = {}
    sent: list[dict[str, Any]] = []
    heard: list[str] = []
    monkeypatch.setattr(linked_table.st, "session_state", reported)
    monkeypatch.setattr(linked_table, "_component", lambda **given: sent.append(given))
    frame, columns = pd.DataFrame({"title": ["pear", "plum"]}), {"title": Column("Title")}
    linked_table.choosing_table(
        frame, columns, "table", ["x", "y"], "x", heard.append, Theme.LIGHT, "now", height=90, alt="Fruit"
    )
    assert (sent[0]["data"]["history"], sent[0]["data"]["chosen"]) == ("now", "x")
    for value in (
        {"id": "y", "history": "then"},
        {"id": "y"},
        {"id": "z", "history": "now"},
        {"id": ["y"], "history": "now"},
        "y",
        None,
        {"id": "y", "history": "now"},
        {"id": "x", "history": "now"},  # maybe another one is chosen by now
    ):
        reported["table"] = {"chosen": value}
        sent[0]["on_chosen_change"]()
    assert heard == ["y", "x"]
