"""The search for the best items against a ranking of all."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from surge.backends.scoring import score_rows
from surge.checkpoint import Checkpoint
from surge.data.history import History
from surge.explanation import search as search_module
from surge.explanation.ranking import rank_catalogue
from surge.explanation.search import find_best, search
from tests.explanation.worlds import history_of, make_checkpoint

HISTORY = [3, 17, 3, 120, 51, 400]


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """A catalogue of a thousand items is large."""
    monkeypatch.setattr(search_module, "SAMPLE", 150)
    monkeypatch.setattr(search_module, "STEP", 150)


def large(**settings: object) -> Checkpoint:
    return make_checkpoint(count=1500, normalise=True, **settings)


def far_apart(count: int = 1500) -> list[int]:
    """Counts of training as logs have them: a few items often, most of them seldom."""
    return (1000 / (1 + np.random.default_rng(3).permutation(count))).astype(int).tolist()


@pytest.mark.usefixtures("small_steps")
@pytest.mark.parametrize("counts", [None, far_apart()], ids=["alike", "popular"])
def test_the_best_are_found_by_reading_a_part(counts: list[int] | None) -> None:
    checkpoint = large(counts=counts)
    rng = np.random.default_rng(1)
    hits, read, off = [], [], []
    for _ in range(20):
        history = history_of(checkpoint, rng.integers(1500, size=12).tolist())
        found, ranking = find_best(checkpoint, history), rank_catalogue(checkpoint, history)
        hits.append(np.isin(ranking.order[:20], found.rows).mean())
        read.append(found.read)
        assert found.size == 1500 and len(found.rows) == 20
        assert found.logits == pytest.approx(ranking.logits[found.rows], abs=1e-5)
        assert (np.diff(ranking.scores[found.rows]) <= 0).all()
        estimated, exact = found.top(20), ranking.next_probability(found.rows)
        assert all(entry.about for entry in estimated)
        off.append(np.log(estimated[0].next_probability / exact[0]))
        assert [entry.next_probability for entry in estimated] == pytest.approx(exact * np.exp(off[-1]))
    assert np.mean(hits) >= 0.97  # weights drawn at random are harder than a trained model
    assert max(read) < 1500 and np.mean(read) < 900
    assert np.abs(off).max() < 0.25  # "about"


def test_a_small_catalogue_is_read_whole_and_told_as_its_ranking_is() -> None:
    checkpoint = make_checkpoint(count=80)
    history = history_of(checkpoint, [3, 17, 3, 51])
    found, ranking = find_best(checkpoint, history, 30), rank_catalogue(checkpoint, history)
    assert found.rows.tolist() == ranking.order[:30].tolist()
    assert (found.read, found.size) == (80, 80)
    for one, other in zip(found.top(99), ranking.top(30), strict=True):
        assert replace(one, next_probability=0.0) == replace(other, next_probability=0.0) and not one.about
        assert one.next_probability == pytest.approx(other.next_probability, rel=1e-9)
    assert found.top(0) == []


@pytest.mark.usefixtures("small_steps")
def test_seen_items_are_not_found_where_the_checkpoint_says_so() -> None:
    checkpoint = large(exclude_seen=True)
    history = history_of(checkpoint, rank_catalogue(large(), history_of(large(), HISTORY)).order[:50].tolist())
    found = find_best(checkpoint, history)
    assert found.size == 1450 and not np.isin(found.rows, history.rows).any()
    earlier = history_of(checkpoint, history.rows.tolist(), earlier=found.rows.tolist())  # before the window
    assert not np.isin(find_best(checkpoint, earlier).rows, earlier.taken).any()


@pytest.mark.usefixtures("small_steps")
def test_the_same_question_has_the_same_answer() -> None:
    checkpoint = large()
    one, other = (find_best(checkpoint, history_of(checkpoint, HISTORY)) for _ in range(2))
    assert one.rows.tolist() == other.rows.tolist() and one.read == other.read
    torch.rand(5)  # and draws from no stream but its own
    assert find_best(checkpoint, history_of(checkpoint, HISTORY)).rows.tolist() == one.rows.tolist()


@pytest.mark.usefixtures("small_steps")
def test_equal_items_keep_the_order_of_the_catalogue() -> None:
    checkpoint = large()
    with torch.no_grad():
        checkpoint.model.item_embedding.weight[1:] = checkpoint.model.item_embedding.weight[0]
        checkpoint.model.category_embedding.weight[1:] = checkpoint.model.category_embedding.weight[0]
    result = search(checkpoint.model, History.made_up(HISTORY), np.arange(1500), np.zeros(1500), 4)
    assert len(set(result.logits[result.best].tolist())) == 1 and (np.diff(result.best) > 0).all()
    assert result.read.sum() < 1500  # embeddings without any spread are no reason to divide by it


@pytest.mark.parametrize("count", [1, 2])
def test_a_tiny_catalogue_and_one_that_is_used_up(count: int) -> None:
    checkpoint = make_checkpoint(count=count)
    assert sorted(find_best(checkpoint, history_of(checkpoint, [0])).rows.tolist()) == list(range(count))
    used_up = make_checkpoint(count=count, exclude_seen=True)
    found = find_best(used_up, history_of(used_up, list(range(count))))
    assert (found.rows.tolist(), found.read, found.size, found.top(20)) == ([], 0, 0, [])


def test_a_rough_score_of_all_leaves_the_best_for_an_exact_one() -> None:
    """The way of a GPU: bfloat16 for every item, float32 for the best of them."""
    checkpoint = large()
    rng, every = np.random.default_rng(2), np.arange(1500)
    for _ in range(5):
        history = history_of(checkpoint, rng.integers(1500, size=12).tolist())
        found, ranking = find_best(checkpoint, history, rough=True), rank_catalogue(checkpoint, history)
        assert found.rows.tolist() == ranking.order[:20].tolist()
        assert found.logits == pytest.approx(ranking.logits[found.rows], abs=1e-5)
        assert (found.read, found.size) == (1500, 1500)
        rough = score_rows(checkpoint.model, history, every, precision="bfloat16")
        off = np.abs(rough - ranking.logits)
        assert 1e-4 < off.mean() < 0.05 * ranking.logits.std()  # it is rough, and no other model's
    few = find_best(make_checkpoint(count=8), history_of(make_checkpoint(count=8), [3, 1]), rough=True)
    assert sorted(few.rows.tolist()) == list(range(8))
