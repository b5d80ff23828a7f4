"""Scoring and ranking the whole catalogue."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from surge.backends import scoring
from surge.backends.scoring import score_histories, score_rows
from surge.checkpoint import Checkpoint
from surge.data.history import History
from surge.errors import SurgeError
from surge.explanation import ranking as catalogue
from surge.explanation.measurements import sigmoid
from surge.explanation.ranking import Ranking, rank_catalogue
from surge.model.surge import EMPTY
from tests.explanation.worlds import history_of, make_checkpoint
from tests.model.small import pad


def ranked(checkpoint: Checkpoint, logits: list[float], rows: list[int], monkeypatch: pytest.MonkeyPatch) -> Ranking:
    """The ranking of a model that gives these logits."""
    scores = np.asarray(logits, dtype=np.float32)
    monkeypatch.setattr(catalogue, "score_rows", lambda model, history, candidates, progress=None: scores[candidates])
    return rank_catalogue(checkpoint, history_of(checkpoint, rows))


LOGITS = [0.5, 2.0, -1.0, 2.0, 0.5]


def test_items_are_ranked_best_first_and_ties_keep_the_catalogues_order(monkeypatch: pytest.MonkeyPatch) -> None:
    ranking = ranked(make_checkpoint(count=5), LOGITS, [1], monkeypatch)
    assert ranking.order.tolist() == [1, 3, 0, 4, 2]
    assert [ranking.rank_of(row) for row in range(5)] == [3, 1, 5, 2, 4]
    many = ranked(make_checkpoint(count=200), [float(row % 2) for row in range(200)], [1], monkeypatch)
    assert many.order.tolist() == [*range(1, 200, 2), *range(0, 200, 2)]


def test_seen_items_are_left_out_where_the_checkpoint_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    ranking = ranked(make_checkpoint(count=5, exclude_seen=True), LOGITS, [3, 0, 3], monkeypatch)
    assert ranking.order.tolist() == [1, 4, 2]
    assert ranking.rank_of(3) is None
    assert ranking.rank_of(4) == 2
    assert ranking.logits.tolist() == LOGITS  # scored all the same


def test_the_catalogue_is_ranked_by_logit_and_popularity(monkeypatch: pytest.MonkeyPatch) -> None:
    """Negatives were drawn by popularity, so what this user wants more than others do is not yet what comes next."""
    checkpoint = make_checkpoint(count=5, counts=[40, 1, 50, 0, 9])  # never met counts as once
    ranking = ranked(checkpoint, LOGITS, [1], monkeypatch)
    weight = np.array([40, 1, 50, 1, 9]) * np.exp(LOGITS)
    assert ranking.order.tolist() == [0, 2, 4, 1, 3] == np.argsort(-weight, kind="stable").tolist()
    assert ranking.scores == pytest.approx(np.log(weight / 101), abs=1e-7)
    assert [entry.next_probability for entry in ranking.top(5)] == pytest.approx(np.sort(weight / weight.sum())[::-1])
    assert [entry.lift for entry in ranking.top(5)] == pytest.approx(4 * np.exp(LOGITS)[ranking.order], rel=1e-6)


def test_probabilities_are_those_of_the_temperature_among_what_is_ranked(monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = make_checkpoint(count=5, counts=[40, 1, 50, 0, 9], exclude_seen=True, temperature=2.0)
    ranking = ranked(checkpoint, LOGITS, [2, 1], monkeypatch)
    weight = np.sqrt(np.array([40, 1, 50, 1, 9]) * np.exp(LOGITS))
    assert ranking.order.tolist() == [0, 4, 3]
    assert ranking.next_probability(ranking.order) == pytest.approx(weight[[0, 4, 3]] / weight[[0, 4, 3]].sum())
    assert ranking.next_probability(2) == pytest.approx(weight[2] / weight[[0, 4, 3, 2]].sum())  # beside them
    q = np.array([40, 1, 50, 1, 9]) / 101  # a lift is a chance over q, for all items by the same factor
    over = ranking.next_probability(ranking.order) / q[ranking.order] / ranking.lift(ranking.order)
    assert over == pytest.approx([over[0]] * 3)


def test_everything_taken_is_left_out_not_the_window_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = make_checkpoint(count=5, exclude_seen=True)
    history = history_of(checkpoint, [1], earlier=[3, 0])
    scores = np.asarray(LOGITS, dtype=np.float32)
    monkeypatch.setattr(catalogue, "score_rows", lambda model, history, candidates, progress=None: scores[candidates])
    assert rank_catalogue(checkpoint, history).order.tolist() == [4, 2]
    again = replace(checkpoint, description={"exclude_seen": False})
    assert rank_catalogue(again, history).order.tolist() == [1, 3, 0, 4, 2]


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_scores_that_are_no_numbers_are_one_sentence(wrong: float, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SurgeError, match="not finite numbers; train it again"):
        ranked(make_checkpoint(count=5), [0.5, wrong, -1.0, 2.0, 0.5], [1], monkeypatch)


def test_top_names_the_items(monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = make_checkpoint(count=5)
    ranking = ranked(checkpoint, LOGITS, [1], monkeypatch)
    first, second, third = ranking.top(3)
    assert (first.rank, first.row, first.item, first.category, first.logit) == (1, 1, "i1", "shelf 1", 2.0)
    assert first.lift == pytest.approx(4 * np.exp(2.0))  # four negatives of a training positive
    assert first.next_probability == pytest.approx(np.exp(2.0) / np.exp(LOGITS).sum())
    assert not first.about
    assert (second.rank, second.item) == (2, "i3")
    assert (third.rank, third.title) == (3, "Title 0")
    assert len(ranking.top(50)) == 5
    assert ranking.top(0) == []
    assert ranking.top(5)[3].category is None


def test_sigmoid_neither_overflows_nor_loses_small_probabilities() -> None:
    values = sigmoid(np.array([-1000.0, -50.0, 0.0, np.log(3), 1000.0], dtype=np.float32))
    assert values == pytest.approx([0.0, np.exp(-50), 0.5, 0.75, 1.0], rel=1e-6)


@pytest.mark.parametrize("cells", [1, 700, 10**9])
def test_chunks_change_no_score_and_report_progress_to_the_end(cells: int, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = make_checkpoint(seed=1)
    rows = (3, 8, 5, 3, 21, 2, 9, 14)
    events = History.made_up(rows)
    whole = score_rows(checkpoint.model, events, np.arange(30))
    monkeypatch.setattr(scoring, "CELLS", cells)
    shares: list[float] = []
    assert score_rows(checkpoint.model, events, np.arange(30), shares.append) == pytest.approx(whole, abs=1e-5)
    assert shares[-1] == 1.0
    assert shares == sorted(shares)
    with torch.no_grad():
        direct = checkpoint.model(pad([rows]), torch.tensor([[29, 0, 7]]))[0].numpy()
    assert whole[[29, 0, 7]] == pytest.approx(direct, abs=1e-5)
    assert score_rows(checkpoint.model, events, np.array([29, 0, 7])) == pytest.approx(direct, abs=1e-5)


def test_many_histories_score_as_each_alone() -> None:
    checkpoint = make_checkpoint()
    model, count = checkpoint.model, checkpoint.model_config.item_count
    rng = np.random.default_rng(3)
    histories = [History.made_up(rng.integers(0, count, size=length).tolist()) for length in (7, 1, 12, 3, 12)]
    candidates = rng.integers(0, count, size=5)
    shares: list[float] = []
    together = score_histories(model, histories, candidates, shares.append)
    alone = np.stack([score_rows(model, history, candidates) for history in histories])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    assert shares == sorted(shares) and shares[-1] == 1.0
    for empty in ([History.made_up([1]), History.made_up()], [History.made_up()]):
        with pytest.raises(SurgeError, match=f"^{EMPTY}$"):
            score_histories(model, empty, candidates)
