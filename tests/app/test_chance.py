"""The chance that is told of a candidate where a catalogue is too large to be scored while one waits."""

from __future__ import annotations

from math import log

import numpy as np
import pytest

from app import results, subjects
from surge.explanation.explain import explain_history
from surge.explanation.ranking import rank_catalogue
from surge.explanation.search import Found
from tests.explanation.worlds import history_of, make_checkpoint


def chance(monkeypatch: pytest.MonkeyPatch, count: int, rows: list[int], item: str) -> tuple[float, bool] | None:
    """What is told where no more than a search was made."""
    checkpoint = make_checkpoint(count=count, exclude_seen=True)
    history = history_of(checkpoint, rows)
    monkeypatch.setattr(results, "ranking", lambda subject: None)
    subject = subjects.Subject((f"{count} {rows}",), checkpoint, history)
    return results.chance(subject, explain_history(checkpoint, history, item))


def test_of_what_is_never_recommended_it_is_what_it_would_be(monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = make_checkpoint(count=8, exclude_seen=True)
    ranking = rank_catalogue(checkpoint, history_of(checkpoint, [0, 1, 2]))
    for row in (1, 5):  # the second was never taken
        told = chance(monkeypatch, 8, [0, 1, 2], f"i{row}")
        assert told is not None and told[0] == pytest.approx(ranking.chance_of(row), rel=1e-3) and not told[1]


def test_where_nothing_is_left_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert chance(monkeypatch, 4, [3, 1, 0, 2], "i1") is None


@pytest.mark.parametrize(
    ("read", "share", "told"), [(5, 0.25, (0.25, True)), (8, 0.25, (0.25, False)), (5, 1.5, (1.0, True))]
)
def test_of_a_part_of_the_catalogue_it_is_an_estimate_and_no_more_than_certain(
    monkeypatch: pytest.MonkeyPatch, read: int, share: float, told: tuple[float, bool]
) -> None:
    checkpoint = make_checkpoint(count=8)
    history = history_of(checkpoint, [0, 1, 2])
    record, catalogue = explain_history(checkpoint, history, "i5"), checkpoint.catalogue
    score = (record.prediction.logit + float(catalogue.log_popularity[5])) / catalogue.temperature
    found = Found(np.array([5]), np.array([record.prediction.logit]), read, 8, catalogue, score - log(share))
    monkeypatch.setattr(results, "best", lambda subject: found)
    assert results.chance(subjects.Subject(("",), checkpoint, history), record) == pytest.approx(told)
