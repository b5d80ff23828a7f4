"""Stories: what is told is what each measurement gives by itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from surge.errors import SurgeError
from surge.explanation.compose import compose_story, explained_story, shown_predictions
from surge.explanation.explain import explain
from surge.explanation.history import read_history
from surge.explanation.leave_one_out import measure_effects
from surge.explanation.ranking import rank_catalogue
from surge.explanation.story import Story, Whose
from tests.pictures.measured import make_effects
from tests.records import make_explanation
from tests.stories import FOLLOWED, READ, USER, hostile_story, hostile_world


def test_a_story_holds_what_its_parts_give_by_themselves() -> None:
    checkpoint, dataset = hostile_world()
    story = hostile_story()
    record = explain(checkpoint, dataset, USER)
    assert story.record.to_dict() == record.to_dict()
    history = read_history(checkpoint, dataset, USER)
    effects = measure_effects(checkpoint, history, record)
    assert story.effects is not None and story.faithfulness is not None and story.drift is not None
    np.testing.assert_allclose(story.effects.item_logit, effects.item_logit)
    assert story.effects.exact and np.isfinite(story.effects.item_rank).all()
    assert story.rank == 1 and story.ranked == checkpoint.items.height
    assert [entry.rank for entry in story.predicted[:20]] == list(range(1, 21))
    assert story.next_item is not None and story.next_item.item == FOLLOWED
    assert story.next_prediction is not None and story.next_prediction.item == FOLLOWED
    ranking = rank_catalogue(checkpoint, history)
    assert story.next_prediction.rank == ranking.rank_of(checkpoint.rows[FOLLOWED])
    assert story.interests == history.interests and story.notes == history.notes != ()
    assert story.drift.lengths.tolist() == list(range(1, len(READ) + 1))
    assert story.faithfulness.deletion["importance"][0] == pytest.approx(np.log(record.lift), abs=1e-5)
    assert story.facts["Checkpoint"] == story.checkpoint == "random"
    assert story.facts["Same dataset as in training"] == "not known"


def test_progress_rises_to_one() -> None:
    told: list[float] = []
    explained_story(*hostile_world(), USER, "i30", progress=told.append)
    assert told == sorted(told) and told[0] > 0
    assert told[-1] == pytest.approx(1)
    assert len(set(told)) >= 5  # each part moves it


def test_what_is_not_wanted_is_not_measured() -> None:
    told: list[float] = []
    story = explained_story(
        *hostile_world(), USER, "i30", hold_out=False, faithfulness=False, drift=False, progress=told.append
    )
    assert story.faithfulness is None and story.drift is None
    assert told[-1] == pytest.approx(1)
    assert story.record.target.item == "i30"
    assert story.record.history[-1].item == FOLLOWED
    assert story.next_item is None and not story.held_out


def test_an_unknown_item_is_said_before_anything_is_computed() -> None:
    told: list[float] = []
    with pytest.raises(SurgeError, match="no item 'i99'"):
        explained_story(*hostile_world(), USER, "i99", progress=told.append)
    with pytest.raises(SurgeError, match="no user 'nobody'"):
        explained_story(*hostile_world(), "nobody", progress=told.append)
    assert told == []


def test_a_history_of_one_item_is_a_story_too() -> None:
    story = explained_story(*hostile_world(), "one")
    assert story.record.length == 1
    assert story.effects is not None and np.isnan(story.effects.item_logit).all()
    assert story.drift is not None and story.drift.lengths.tolist() == [1]


def test_predictions_are_the_best_and_then_what_ranks_lower() -> None:
    checkpoint, dataset = hostile_world()
    ranking = rank_catalogue(checkpoint, read_history(checkpoint, dataset, USER))
    best, low, lowest = (ranking.top(40)[place].item for place in (0, 30, 39))
    shown = shown_predictions(ranking, lowest, best, low, None, "unheard of", best=3)
    assert [entry.rank for entry in shown] == [1, 2, 3, 31, 40]
    assert [entry.item for entry in shown[3:]] == [low, lowest]
    left_out = replace(ranking, order=ranking.order[:-1])
    assert lowest not in [entry.item for entry in shown_predictions(left_out, lowest)]


def test_a_story_without_a_ranking() -> None:
    checkpoint, dataset = hostile_world()
    history = read_history(checkpoint, dataset, USER)
    story = compose_story(checkpoint, dataset, history, None, explain(checkpoint, dataset, USER))
    assert (story.rank, story.ranked, story.predicted) == (None, None, ())
    assert story.next_prediction is None


@pytest.mark.parametrize("whose", ["changed", "made-up"])
def test_a_story_says_whose_history_it_is(whose: Whose) -> None:
    checkpoint, dataset = hostile_world()
    history, record = read_history(checkpoint, dataset, USER), explain(checkpoint, dataset, USER)
    assert compose_story(checkpoint, dataset, replace(history, whose=whose), None, record).whose == whose
    assert compose_story(checkpoint, dataset, history, None, record).whose == "user"


@pytest.mark.parametrize(
    "part",
    [
        {"interests": ("a",) * 4},
        {"effects": make_effects(make_explanation(items=4))},
        {"faithfulness": hostile_story},
        {"drift": hostile_story},
    ],
    ids=lambda part: next(iter(part)),
)
def test_parts_of_another_history_are_refused(part: dict) -> None:
    values = {name: getattr(value(), name) if callable(value) else value for name, value in part.items()}
    with pytest.raises(SurgeError, match="the record's has 7"):
        Story(make_explanation(items=7), **values)
