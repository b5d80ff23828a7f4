"""Nothing that a user ever took is recommended, where a log repeats nothing: read, ranked, searched or edited."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from surge.explanation.edit_plan import Plan
from surge.explanation.history import read_history
from surge.explanation.ranking import rank_catalogue
from surge.explanation.search import find_best
from surge.explanation.what_if import change_history
from tests.explanation.worlds import make_checkpoint, make_dataset, popular

COUNT = 30
CHECKPOINT = make_checkpoint(count=COUNT, exclude_seen=True, counts=popular(COUNT), max_length=3)


@given(st.permutations(range(COUNT)), st.integers(2, COUNT - 2), st.data())
@settings(max_examples=25)
def test_nothing_ever_taken_is_recommended(items: list[int], length: int, data: st.DataObject) -> None:
    """Histories up to nine times as long as what the model reads, and edits of what it reads."""
    taken, following = items[:length], items[length]
    dataset = make_dataset({"ann": [f"i{row}" for row in [*taken, following]]}, CHECKPOINT.items)
    history = read_history(CHECKPOINT, dataset, "ann")
    assert len(history) == min(length, 3) and set(history.taken.tolist()) == set(taken)
    for ranked in (rank_catalogue(CHECKPOINT, history).order, find_best(CHECKPOINT, history, COUNT).rows):
        assert set(ranked.tolist()) == set(range(COUNT)) - set(taken)

    new = data.draw(st.lists(st.integers(0, COUNT - 1), min_size=1, max_size=5))
    plan = Plan((0, *(f"i{row}" for row in new)))
    changed = change_history(CHECKPOINT, history, plan)
    known = {*history.taken[: history.start + 1].tolist(), *new}  # what the plan leaves out has not happened
    assert set(changed.taken.tolist()) == known
    ranked = rank_catalogue(CHECKPOINT, changed).order
    assert set(ranked.tolist()) == set(range(COUNT)) - known
    assert not np.isin(find_best(CHECKPOINT, changed).rows, list(known)).any()
