"""Prefixes of a history, each against explain() and the ranking of the catalogue."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from surge.backends import scoring
from surge.checkpoint import Checkpoint
from surge.explanation import drift
from surge.explanation.drift import measure_drift
from surge.explanation.explain import explain_history
from surge.explanation.measurements import Drift
from surge.explanation.ranking import rank_catalogue
from surge.explanation.record import Explanation
from tests.explanation.worlds import history_of, make_checkpoint, popular

LONG = [3, 17, 8, 21, 5, 12, 29, 1, 14, 26, 9, 2, 19, 23]
REPEATED = [4, 9, 4, 4, 9, 22, 4, 9]
SETTINGS: list[dict[str, Any]] = [
    {},
    {"heads": 2, "clusters": (6, 3), "sparsity": 0.3},
    {"extraction": "none", "evolution": "gru"},
    {"position": "none", "fusion": "none"},
    {"time": "age"},
]


def measured(checkpoint: Checkpoint, rows: list[int], item: str = "i5", **settings: Any) -> Drift:
    history = history_of(checkpoint, rows)
    return measure_drift(checkpoint, history, explain_history(checkpoint, history, item), **settings)


def kept_edges(record: Explanation) -> dict[tuple[int, int], float]:
    """Similarity of all kept edges between two items."""
    graph, n = record.graph_construction, record.length
    return {
        (i, j): float(graph.similarity[i, j])
        for i in range(n)
        for j in range(i + 1, n)
        if graph.adjacency[i, j] or graph.adjacency[j, i]
    }


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("rows", [LONG, REPEATED, [7] * 4, [6]], ids=str)
def test_every_prefix_is_what_explain_says_of_it(rows: list[int], settings: dict[str, Any]) -> None:
    checkpoint = make_checkpoint(seed=2, **settings)
    result = measured(checkpoint, rows)
    assert result.lengths.tolist() == list(range(1, len(rows) + 1))
    assert result.exact
    for place, length in enumerate(result.lengths.tolist()):
        prefix = history_of(checkpoint, rows[:length])
        record = explain_history(checkpoint, prefix, "i5")
        extraction = record.interest_extraction
        assert result.logit[place] == pytest.approx(record.prediction.logit, abs=1e-5)
        assert np.exp(result.log_lift[place]) == pytest.approx(record.lift, rel=1e-4)
        mass = extraction.total_assignment().sum(axis=0)
        np.testing.assert_allclose(result.cluster_mass[place, : len(mass)], mass, atol=1e-4)
        assert np.all(result.cluster_mass[place, len(mass) :] == 0)
        np.testing.assert_allclose(result.importance[place], extraction.importance, atol=1e-6)
        total = extraction.total_assignment()
        chosen = total[np.arange(length), result.clusters[place]]
        np.testing.assert_allclose(chosen, total.max(axis=1), atol=1e-6)
        found = dict(zip(map(tuple, result.edges[place].tolist()), result.edge_similarity[place], strict=True))
        expected = kept_edges(record)
        assert found.keys() == expected.keys()
        assert found == pytest.approx(expected, abs=1e-6)
        assert np.all(np.diff(result.edge_similarity[place]) <= 0)


@pytest.mark.parametrize("counts", [None, popular()], ids=["alike", "popular"])
@pytest.mark.parametrize("exclude_seen", [False, True])
def test_exact_ranks_are_those_of_the_catalogue(exclude_seen: bool, counts: list[int] | None) -> None:
    checkpoint = make_checkpoint(seed=2, exclude_seen=exclude_seen, counts=counts)
    result = measured(checkpoint, LONG)
    others = [row for row in range(30) if row != 5 and not (exclude_seen and row in LONG)]
    for length, rank in zip(result.lengths.tolist(), result.rank.tolist(), strict=True):
        logits = rank_catalogue(checkpoint, history_of(checkpoint, LONG[:length])).logits.astype(np.float64)
        scores = logits + np.log(np.maximum(counts or [1] * 30, 1))
        assert rank == 1 + np.sum(scores[others] > scores[5])
    # 5 is itself in the history: with exclude_seen the catalogue's ranking leaves it out, the drift ranks it
    assert (rank_catalogue(checkpoint, history_of(checkpoint, LONG)).rank_of(5) is None) == exclude_seen
    assert len(set(result.rank.tolist())) > 3


def test_the_last_rank_is_that_of_the_ranking() -> None:
    for exclude_seen in (False, True):
        checkpoint = make_checkpoint(seed=4, exclude_seen=exclude_seen)
        ranking = rank_catalogue(checkpoint, history_of(checkpoint, LONG))
        for item in ("i0", "i4", "i11"):
            assert measured(checkpoint, LONG, item).rank[-1] == ranking.rank_of(int(item[1:]))


def test_ties_keep_the_order_of_the_catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = make_checkpoint(count=6)

    def score(model: object, histories: list, rows: np.ndarray, progress: Any = None) -> np.ndarray:
        return np.array([[1.0 if row != 1 else 2.0 for row in rows]] * len(histories), dtype=np.float32)

    monkeypatch.setattr(drift, "score_histories", score)
    # row 1 is above all, and of the equals rows 0, 2, 3 stand before row 4
    assert measured(checkpoint, [0, 2], "i4").rank.tolist() == [5, 5]
    assert measured(checkpoint, [0, 2], "i1").rank.tolist() == [1, 1]


def test_ranks_are_estimated_where_the_budget_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drift, "FEWEST_COMPETITORS", 60)
    checkpoint = make_checkpoint(count=600, seed=2, counts=popular(600))
    history = history_of(checkpoint, LONG)
    ranking = rank_catalogue(checkpoint, history)
    for item in ("i5", "i300", ranking.top(20)[-1].item):
        exact = measured(checkpoint, LONG, item)
        estimated = measured(checkpoint, LONG, item, competitors_budget=1)
        assert exact.exact and not estimated.exact
        assert estimated.rank[-1] == exact.rank[-1] == ranking.rank_of(int(item[1:]))
        assert np.all((estimated.rank >= 1) & (estimated.rank <= 600))
        assert np.all(estimated.rank == np.round(estimated.rank))
        # within a quarter of itself, and a few places at the top
        assert np.median(np.abs(estimated.rank - exact.rank) / (exact.rank + 10)) < 0.25
        np.testing.assert_allclose(estimated.logit, exact.logit)
        given = measured(checkpoint, LONG, item, competitors_budget=1, ranking=ranking)
        np.testing.assert_array_equal(given.rank, estimated.rank)


def test_an_estimate_with_all_competitors_is_the_rank(monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = make_checkpoint(seed=2, exclude_seen=True)
    exact = measured(checkpoint, LONG)
    monkeypatch.setattr(drift, "FEWEST_COMPETITORS", 30)
    estimated = measured(checkpoint, LONG, competitors_budget=1)
    assert not estimated.exact
    np.testing.assert_array_equal(estimated.rank, exact.rank)


def test_without_ranks_no_competitor_is_scored(monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = make_checkpoint(seed=2)
    full = measured(checkpoint, LONG)
    monkeypatch.delattr(drift, "score_histories")
    monkeypatch.delattr(drift, "rank_catalogue")
    shares: list[float] = []
    result = measured(checkpoint, LONG, ranks=False, progress=shares.append)
    assert np.isnan(result.rank).all() and len(result.rank) == len(LONG) and not result.exact
    np.testing.assert_array_equal(result.logit, full.logit)
    np.testing.assert_array_equal(result.cluster_mass, full.cluster_mass)
    assert shares == sorted(shares) and shares[-1] == 1.0


def test_long_histories_are_thinned_with_both_ends() -> None:
    checkpoint = make_checkpoint(seed=2)
    thin, full = measured(checkpoint, LONG, points=4), measured(checkpoint, LONG)
    assert thin.lengths.tolist() == [1, 5, 10, 14]
    places = thin.lengths - 1
    np.testing.assert_allclose(thin.logit, full.logit[places], atol=1e-5)
    np.testing.assert_array_equal(thin.rank, full.rank[places])
    assert [len(values) for values in thin.importance] == [1, 5, 10, 14]


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = make_checkpoint(seed=2, heads=2)
    whole = measured(checkpoint, LONG)
    monkeypatch.setattr(scoring, "CELLS", 500)
    parts = measured(checkpoint, LONG)
    np.testing.assert_allclose(parts.logit, whole.logit, atol=1e-5)
    np.testing.assert_allclose(parts.cluster_mass, whole.cluster_mass, atol=1e-4)
    for one, other in zip(parts.edges, whole.edges, strict=True):
        assert set(map(tuple, one.tolist())) == set(map(tuple, other.tolist()))


def test_at_most_sixty_edges_the_strongest() -> None:
    checkpoint = make_checkpoint(seed=2, sparsity=0.9)
    rows = [*LONG, *range(14)]
    result = measured(checkpoint, rows)
    history = history_of(checkpoint, rows)
    expected = sorted(kept_edges(explain_history(checkpoint, history, "i5")).values(), reverse=True)
    assert len(expected) > 100
    assert result.edges[-1].shape == (60, 2)
    np.testing.assert_allclose(result.edge_similarity[-1], expected[:60], atol=1e-6)
    assert np.all(result.edges[-1][:, 0] < result.edges[-1][:, 1])
    assert result.edges[0].shape == (0, 2)


def test_progress_ends_with_everything_done_and_another_history_is_refused() -> None:
    checkpoint = make_checkpoint()
    shares: list[float] = []
    measured(checkpoint, LONG, progress=shares.append)
    assert shares == sorted(shares) and shares[-1] == pytest.approx(1.0)
    record = explain_history(checkpoint, history_of(checkpoint, LONG), "i5")
    with pytest.raises(ValueError, match="another history"):
        measure_drift(checkpoint, history_of(checkpoint, LONG[:3]), record)
