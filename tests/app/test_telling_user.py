"""The user that a first visitor meets: from a survey, or of a few whose histories are ranked."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from app import results, surveys
from app.cache import CACHE
from surge.errors import SurgeError
from tests.explanation.worlds import make_checkpoint, make_dataset

CHECKPOINT = make_checkpoint(count=30)
# items in steps of five are of one shelf; the fourth has none
HISTORIES = {
    "apart": ["i0", "i5", "i2"],
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


@pytest.mark.parametrize(
    "changes",
    [{"next_rank": 10}, {"effective_clusters": 3.0}, {"length": 20}, {"length": 40}, {"top_lift": 3.0}],
    ids=str,
)
def test_the_ends_of_what_tells_enough_are_inside(monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]) -> None:
    assert opened(monkeypatch, ("companions", "i20", 0.5), **changes) == "companions"


def test_a_survey_that_is_stale_broken_or_missing_names_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    assert opened(monkeypatch, ("companions", "i20", 0.5), stale=True) is None
    monkeypatch.setattr(surveys, "find_survey", lambda *given: None)
    assert surveys.telling_user(CHECKPOINT, DATASET) is None

    def broken(*given: Any) -> None:
        raise SurgeError("no survey")

    monkeypatch.setattr(surveys, "find_survey", broken)
    assert surveys.telling_user(CHECKPOINT, DATASET) is None


# -- without a survey -----------------------------------------------------------------------------------

READ = {"rank": 3, "length": 25, "period": "test", "clusters": 3, "top": "i20", "next": "i1", "lift": 3.0}


class History(SimpleNamespace):
    def __len__(self) -> int:
        return self.length


def first_of(monkeypatch: pytest.MonkeyPatch, *users: dict[str, Any]) -> str | None:
    """Who is opened, of users called a, b, ... about whom READ holds but for these changes."""
    known = {name: READ | changes for name, changes in zip("abcdefghijklmnop", users, strict=False)}

    def read(checkpoint: Any, dataset: Any, user: str) -> Any:
        if known[user]["length"] == 0:
            raise SurgeError("nothing is known")
        own = known[user]
        following = SimpleNamespace(item=own["next"]) if own["next"] else None
        items = [SimpleNamespace(item="i20"), SimpleNamespace(item="i2")]
        return SimpleNamespace(
            user=user,
            history=History(length=own["length"], next_item=following, next_period=own["period"], items=items),
        )

    def ranking(subject: Any) -> Any:
        own = known[subject.user]
        if own["rank"] == "unscored":
            return None
        return SimpleNamespace(
            rank_of=lambda row: own["rank"], top=lambda count: [SimpleNamespace(item=own["top"], lift=own["lift"])]
        )

    def explanation(subject: Any, item: str) -> Any:
        clusters = np.arange(25) % known[subject.user]["clusters"]
        return SimpleNamespace(interest_extraction=SimpleNamespace(first_choices=lambda: clusters))

    for name, value in (("subject", read), ("ranking", ranking), ("explanation", explanation)):
        monkeypatch.setattr(results, name, value)
    return results._telling_user(CHECKPOINT, SimpleNamespace(users=list(known)))


FRESH = {"top": "i21"}  # nobody's history holds it


def test_without_a_survey_the_first_who_tells_something(monkeypatch: pytest.MonkeyPatch) -> None:
    assert first_of(monkeypatch, FRESH | {"rank": 11}, FRESH | {"rank": 10}, FRESH | {"rank": 1}) == "b"
    assert first_of(monkeypatch, FRESH | {"length": 19}, FRESH | {"length": 20, "rank": 9}) == "b"


@pytest.mark.parametrize(
    "changes",
    [{"top": "i20"}, {"clusters": 2}, {"period": "valid"}, {"next": None}, {"length": 41}, {"lift": 2.9}],
    ids=str,
)
def test_without_a_survey_who_tells_little_is_passed_over(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]
) -> None:
    assert first_of(monkeypatch, FRESH | changes, FRESH | {"rank": 2}) == "b"


def test_where_nobody_tells_much_whose_next_item_ranks_best(monkeypatch: pytest.MonkeyPatch) -> None:
    assert first_of(monkeypatch, {"rank": 20}, {"rank": 12}, {"rank": 12}, {"rank": None}) == "b"
    assert first_of(monkeypatch, {"length": 0}, {"length": 5}, {"next": "unknown"}) == "b"
    assert first_of(monkeypatch, {"length": 0}) is None
    assert first_of(monkeypatch, {"length": 5}, {"rank": "unscored"}, FRESH) == "b"  # too large to look around in


def test_another_log_has_another_telling_user(monkeypatch: pytest.MonkeyPatch) -> None:
    CACHE.forget("telling user")
    monkeypatch.setattr(results, "_telling_user", lambda checkpoint, dataset: dataset.digest)
    for digest in ("one", "other", "one"):
        assert results.telling_user(CHECKPOINT, SimpleNamespace(digest=digest)) == digest
    CACHE.forget("telling user")
