"""The user that a first visitor meets, from a survey."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from app import surveys
from surge.errors import SurgeError
from tests.explanation.worlds import make_checkpoint, make_dataset

CHECKPOINT = make_checkpoint(count=30)
# items in steps of five are of one shelf; the fourth has none
HISTORIES = {
    "apart": ["i0", "i1", "i2"],
    "companions": ["i0", "i5", "i10", "i1"],
    "holds it": ["i0", "i5", "i10", "i20"],
    "no shelf": ["i4", "i9", "i14", "i19"],
}
DATASET = make_dataset(HISTORIES, CHECKPOINT.items)
GOOD: dict[str, Any] = {
    "next_rank": 3, "next_period": "test", "effective_clusters": 4.0, "length": 25, "top_lift": 8.0,
}  # fmt: skip


def opened(monkeypatch: pytest.MonkeyPatch, *rows: tuple[str, str, float], stale: bool = False, **changes: Any) -> Any:
    """The user that is opened, of (user, top item, faithfulness)."""
    frame = pd.DataFrame(
        [GOOD | {"user": user, "top_item": item, "faithfulness": value} | changes for user, item, value in rows]
    )
    monkeypatch.setattr(surveys, "find_survey", lambda *given: SimpleNamespace(frame=frame, stale=stale))
    return surveys.telling_user(CHECKPOINT, DATASET)


def test_one_whose_history_shows_why_before_a_more_faithful_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert opened(monkeypatch, ("apart", "i20", 0.9), ("companions", "i20", 0.5)) == "companions"
    assert opened(monkeypatch, ("companions", "i20", 0.5), ("no shelf", "i24", 0.9)) == "companions"


def test_where_nobodys_history_shows_why_the_most_faithful_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert opened(monkeypatch, ("apart", "i20", 0.1), ("no shelf", "i24", 0.9)) == "no shelf"


def test_nobody_who_holds_the_prediction_already(monkeypatch: pytest.MonkeyPatch) -> None:
    assert opened(monkeypatch, ("holds it", "i20", 0.9), ("apart", "i20", 0.1)) == "apart"
    assert opened(monkeypatch, ("holds it", "i20", 0.9)) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"next_rank": 11},
        {"next_period": "train"},
        {"effective_clusters": 2.9},
        {"length": 19},
        {"length": 41},
        {"top_lift": 2.9},
    ],
    ids=str,
)
def test_what_tells_little_is_not_opened(monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]) -> None:
    assert opened(monkeypatch, ("companions", "i20", 0.5)) == "companions"
    assert opened(monkeypatch, ("companions", "i20", 0.5), **changes) is None


def test_a_survey_that_is_stale_broken_or_missing_names_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    assert opened(monkeypatch, ("companions", "i20", 0.5), stale=True) is None
    monkeypatch.setattr(surveys, "find_survey", lambda *given: None)
    assert surveys.telling_user(CHECKPOINT, DATASET) is None

    def broken(*given: Any) -> None:
        raise SurgeError("no survey")

    monkeypatch.setattr(surveys, "find_survey", broken)
    assert surveys.telling_user(CHECKPOINT, DATASET) is None
