"""The measured effect: each changed history against scoring it alone, and ranks against the whole catalogue's."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from surge.checkpoint import Checkpoint
from surge.data.history import History
from surge.errors import SurgeError
from surge.explanation import leave_one_out
from surge.explanation.explain import explain_history
from surge.explanation.history import TitledHistory
from surge.explanation.leave_one_out import Competitors, measure_competitors, measure_effects
from surge.explanation.ranking import rank_catalogue
from surge.explanation.record import Explanation
from surge.explanation.what_if import made_up_history
from surge.pictures.text import without_it
from tests.explanation.worlds import history_of, make_checkpoint, popular

ROWS = [3, 8, 5, 3, 21, 2, 9, 14, 5, 5]  # 3 and 5 are there more than once, 5 twice in a row
EVERYTHING = 10**12


def without(checkpoint: Checkpoint, history: TitledHistory, gone: np.ndarray) -> TitledHistory | None:
    """The history without the places that are marked, None where none is left."""
    if gone.all():
        return None
    items = [item for item, left_out in zip(history.items, gone, strict=True) if not left_out]
    rest = History(history.taken[~gone], history.times[~gone], now=history.now)
    return TitledHistory.of(checkpoint.model_config, rest, items, user=history.user)


def each_alone(checkpoint: Checkpoint, history: TitledHistory, record: Explanation) -> tuple[np.ndarray, np.ndarray]:
    """The candidate's logit and rank in every changed history, one catalogue at a time."""
    row, choices = checkpoint.rows[record.target.item], record.interest_extraction.first_choices()
    marks = [np.arange(len(choices)) == place for place in range(len(choices))]
    marks += [choices == cluster for cluster in range(record.interest_extraction.total_assignment().shape[1])]
    logits, ranks = np.full(len(marks), np.nan), np.full(len(marks), np.nan)
    for index, gone in enumerate(marks):
        changed = without(checkpoint, history, gone) if gone.any() else None
        if changed is not None:
            ranking = rank_catalogue(checkpoint, changed)
            logits[index] = ranking.logits[row]
            ranks[index] = ranking.rank_of(row) or np.nan
    return logits, ranks


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"heads": 2, "clusters": (8, 3)},
        {"extraction": "none"},
        {"position": "none", "flatten": "index"},
        {"time": "age"},
    ],
    ids=["default", "two layers", "no pooling", "blind to order", "ages"],
)
@pytest.mark.parametrize("candidate", [0, 14, 29], ids=["best", "middle", "last"])
def test_the_batch_is_each_changed_history_scored_alone(candidate: int, settings: dict) -> None:
    checkpoint = make_checkpoint(seed=4, **settings)
    history = history_of(checkpoint, ROWS)
    ranking = rank_catalogue(checkpoint, history)
    record = explain_history(checkpoint, history, f"i{ranking.order[candidate]}")
    competitors = measure_competitors(
        checkpoint, history, record.interest_extraction.first_choices(), ranking, EVERYTHING
    )
    effects = measure_effects(checkpoint, history, record, ranking, competitors)
    logits, ranks = each_alone(checkpoint, history, record)
    assert effects.exact
    assert effects.rank == candidate + 1
    assert effects.item_logit.shape == effects.item_rank.shape == (len(ROWS),)
    measured = np.concatenate([effects.item_logit, effects.cluster_logit])
    np.testing.assert_allclose(measured, logits, atol=1e-4)
    np.testing.assert_array_equal(np.concatenate([effects.item_rank, effects.cluster_rank]), ranks)
    assert np.nanmax(np.abs(effects.item_effect)) > 1e-3


def test_the_whole_historys_logit_is_that_of_the_record() -> None:
    for seed in range(4):
        checkpoint = make_checkpoint(seed=seed)
        history = history_of(checkpoint, ROWS)
        record = explain_history(checkpoint, history)
        assert measure_effects(checkpoint, history, record).logit == pytest.approx(record.prediction.logit, abs=1e-4)


def test_a_cluster_is_the_items_whose_first_choice_it_is() -> None:
    checkpoint = make_checkpoint(seed=2, clusters=(6,))
    history = history_of(checkpoint, ROWS)
    record = explain_history(checkpoint, history, "i7")
    choices = record.interest_extraction.first_choices()
    effects = measure_effects(checkpoint, history, record)
    assert effects.cluster_logit.shape == (6,)
    for cluster in range(6):
        left = int((choices != cluster).sum())
        assert np.isnan(effects.cluster_logit[cluster]) == (left in (0, len(ROWS)))
    single = [cluster for cluster in range(6) if (choices == cluster).sum() == 1]
    for cluster in single:
        assert effects.cluster_logit[cluster] == effects.item_logit[np.flatnonzero(choices == cluster)[0]]
    assert np.isfinite(effects.cluster_logit).any()


def test_of_equal_neighbours_either_may_go() -> None:
    checkpoint = make_checkpoint()
    history = history_of(checkpoint, ROWS)
    effects = measure_effects(checkpoint, history, explain_history(checkpoint, history, "i7"))
    assert effects.item_logit[8] == effects.item_logit[9]
    assert effects.item_logit[2] != effects.item_logit[8]  # the same item further back leaves another order


def test_nothing_would_be_left_of_a_single_item() -> None:
    checkpoint = make_checkpoint()
    history = history_of(checkpoint, [4])
    ranking = rank_catalogue(checkpoint, history)
    record = explain_history(checkpoint, history, "i7")
    competitors = measure_competitors(checkpoint, history, record.interest_extraction.first_choices(), ranking)
    effects = measure_effects(checkpoint, history, record, ranking, competitors)
    assert np.isnan(effects.item_logit).all() and np.isnan(effects.cluster_logit).all()
    assert np.isnan(effects.item_rank).all() and np.isnan(effects.cluster_rank).all()
    assert np.isfinite(effects.logit) and effects.rank == ranking.rank_of(7)


def test_ranks_are_not_known_without_a_ranking_or_competitors() -> None:
    checkpoint = make_checkpoint()
    history = history_of(checkpoint, ROWS)
    ranking = rank_catalogue(checkpoint, history)
    record = explain_history(checkpoint, history, "i7")
    alone = measure_effects(checkpoint, history, record)
    assert alone.rank is None and np.isnan(alone.item_rank).all() and len(alone.item_rank) == len(ROWS)
    ranked = measure_effects(checkpoint, history, record, ranking)
    assert ranked.rank == ranking.rank_of(7)
    assert np.isnan(ranked.item_rank).all() and np.isnan(ranked.cluster_rank).all()
    np.testing.assert_array_equal(ranked.item_logit, alone.item_logit)


def test_seen_items_do_not_compete_where_nothing_is_recommended_twice() -> None:
    checkpoint = make_checkpoint(seed=3, exclude_seen=True, counts=popular())
    history = history_of(checkpoint, ROWS)
    ranking = rank_catalogue(checkpoint, history)
    competitors = measure_competitors(checkpoint, history, None, ranking, EVERYTHING)
    assert not set(competitors.rows.tolist()) & set(ROWS) and len(competitors.rows) == 30 - len(set(ROWS))
    record = explain_history(checkpoint, history, f"i{ranking.order[-1]}")
    effects = measure_effects(checkpoint, history, record, ranking, competitors)
    everyone = replace(checkpoint, description={"exclude_seen": False})
    for place in range(len(ROWS)):
        changed = without(checkpoint, history, np.arange(len(ROWS)) == place)
        order = rank_catalogue(everyone, changed).order
        order = order[~np.isin(order, ROWS)]
        assert effects.item_rank[place] == np.flatnonzero(order == checkpoint.rows[record.target.item])[0] + 1
    seen = measure_effects(checkpoint, history, explain_history(checkpoint, history, "i21"), ranking, competitors)
    assert seen.rank is None and np.isnan(seen.item_rank).all() and np.isfinite(seen.item_logit).all()


def test_equal_items_keep_the_catalogues_order() -> None:
    checkpoint = make_checkpoint(count=12)
    with torch.no_grad():  # 10 and 11 are one item under two names, with one category
        checkpoint.model.item_embedding.weight[11] = checkpoint.model.item_embedding.weight[10]
        checkpoint.model.item_category[11] = checkpoint.model.item_category[10]
    history = history_of(checkpoint, [1, 2, 3, 4])
    ranking = rank_catalogue(checkpoint, history)
    competitors = measure_competitors(checkpoint, history, None, ranking, EVERYTHING)
    first, second = (
        measure_effects(checkpoint, history, explain_history(checkpoint, history, item), ranking, competitors)
        for item in ("i10", "i11")
    )
    assert second.rank == first.rank + 1
    np.testing.assert_array_equal(second.item_rank, first.item_rank + 1)


# -- a part of the catalogue ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def large() -> tuple[Checkpoint, TitledHistory, np.ndarray, Competitors, Competitors]:
    """400 items, their first choices, and competitors: all of them, and 60."""
    checkpoint = make_checkpoint(count=400, seed=5)
    history = history_of(checkpoint, np.random.default_rng(0).choice(400, size=12, replace=False).tolist())
    ranking = rank_catalogue(checkpoint, history)
    choices = explain_history(checkpoint, history, "i7").interest_extraction.first_choices()
    exact = measure_competitors(checkpoint, history, choices, ranking, EVERYTHING)
    cells = sum((len(key) // 16) ** 2 + 1_600 for key in exact.places)
    some = measure_competitors(checkpoint, history, choices, ranking, 60 * cells)
    return checkpoint, history, choices, exact, some


def test_the_best_stand_for_themselves_and_the_rest_for_stretches(large) -> None:
    checkpoint, history, _, exact, some = large
    ranking = rank_catalogue(checkpoint, history)
    assert exact.exact and not some.exact
    np.testing.assert_array_equal(exact.rows, ranking.order)
    assert set(exact.weights.tolist()) == {1.0}
    assert 40 <= len(some.rows) <= 60
    np.testing.assert_array_equal(some.rows[:20], ranking.order[:20])
    assert set(some.weights[:20].tolist()) == {1.0}
    assert some.weights.sum() == 400
    assert (np.diff(some.weights[20:]) >= -1).all() and some.weights[-1] > 10
    places = [ranking.rank_of(row) for row in some.rows.tolist()]
    assert places == sorted(set(places))
    stretches = np.cumsum(some.weights)
    assert ((stretches - some.weights < places) & (places <= stretches)).all()
    np.testing.assert_allclose(some.logits, exact.logits[:, np.array(places) - 1], atol=1e-5)


def test_estimated_ranks_are_near_the_exact_ones_and_the_best_are_exact(large) -> None:
    checkpoint, history, _, exact, some = large
    ranking = rank_catalogue(checkpoint, history)
    errors, checked = [], 0
    for place in (0, 3, 30, 100, 250, 399):
        record = explain_history(checkpoint, history, f"i{ranking.order[place]}")
        estimated = measure_effects(checkpoint, history, record, ranking, some)
        true = measure_effects(checkpoint, history, record, ranking, exact)
        assert true.exact and not estimated.exact
        assert estimated.rank == true.rank == place + 1
        np.testing.assert_array_equal(estimated.item_logit, true.item_logit)
        assert np.nanmin(estimated.item_rank) >= 1 and np.nanmax(estimated.item_rank) <= 400
        errors.append(np.abs(estimated.item_rank - true.item_rank) / true.item_rank)
        checked += int((true.item_rank != place + 1).sum())
    assert checked > 20  # ranks do change
    assert np.median(errors) < 0.05
    assert np.mean(np.array(errors[:2]) == 0) > 0.8


def test_without_a_cluster_all_items_compete_however_few_do_without_an_item(large) -> None:
    """Sentences quote the rank without a cluster: it is the true one, also of a cluster with one item."""
    checkpoint, history, choices, exact, _ = large
    ranking = rank_catalogue(checkpoint, history)
    few = measure_competitors(checkpoint, history, None, ranking, budget=12 * 20 * 2_000)
    assert 0 < len(few.rows) < 30
    moved = 0
    for place in (0, 30, 250):
        record = explain_history(checkpoint, history, f"i{ranking.order[place]}")
        measured = measure_effects(checkpoint, history, record, ranking, few)
        true = measure_effects(checkpoint, history, record, ranking, exact)
        assert not measured.exact and measured.clusters_exact
        np.testing.assert_array_equal(measured.cluster_rank, true.cluster_rank)
        alone = [i for i, choice in enumerate(choices) if (choices == choice).sum() == 1]
        np.testing.assert_array_equal(measured.item_rank[alone], true.item_rank[alone])
        moved += int((true.cluster_rank[np.isfinite(true.cluster_rank)] != place + 1).sum())
    assert moved > 5


def test_where_a_catalogue_is_too_large_ranks_without_a_cluster_are_estimates(large, monkeypatch) -> None:
    checkpoint, history, _, _, _ = large
    ranking = rank_catalogue(checkpoint, history)
    few = measure_competitors(checkpoint, history, None, ranking, budget=12 * 20 * 2_000)
    monkeypatch.setattr(leave_one_out, "CLUSTERS_BUDGET", 1)
    effects = measure_effects(checkpoint, history, explain_history(checkpoint, history, "i7"), ranking, few)
    assert not effects.exact and not effects.clusters_exact
    known = np.flatnonzero(np.isfinite(effects.cluster_rank)).tolist()
    assert known and all("→ about #" in without_it(effects, c, cluster=True) for c in known)
    assert "about" not in without_it(replace(effects, clusters_exact=True), known[0], cluster=True)


def test_what_changes_nothing_leaves_an_estimated_rank_as_it_is(large, monkeypatch) -> None:
    """Logits that don't move in any changed history: each estimate is the rank, not a sum of weights."""
    monkeypatch.setattr(leave_one_out, "CLUSTERS_BUDGET", 0)  # else a cluster with one item is scored anew
    checkpoint, history, _, _, some = large
    ranking = rank_catalogue(checkpoint, history)
    still = replace(some, logits=np.repeat(some.full[None], len(some.places), axis=0))
    for row in (some.rows[30], some.rows[5]):  # a competitor itself, whose own logit is in the batch
        record = explain_history(checkpoint, history, f"i{row}")
        effects = measure_effects(checkpoint, history, record, ranking, still)
        assert set(effects.item_rank.tolist()) == {ranking.rank_of(int(row))}


def test_competitors_serve_every_candidate_and_what_they_lack_is_scored(large) -> None:
    checkpoint, history, choices, exact, _ = large
    ranking = rank_catalogue(checkpoint, history)
    record = explain_history(checkpoint, history, "i7")
    items_alone = measure_competitors(checkpoint, history, None, ranking, EVERYTHING)
    assert len(items_alone.places) == 12 < len(exact.places)
    shares: list[float] = []
    filled = measure_effects(checkpoint, history, record, ranking, items_alone, shares.append)
    given = measure_effects(checkpoint, history, record, ranking, exact)
    np.testing.assert_array_equal(filled.cluster_rank, given.cluster_rank)
    assert np.isfinite(filled.cluster_rank).sum() == len(set(choices.tolist()))
    assert shares == sorted(shares) and shares[-1] == 1.0


def test_too_small_a_budget_has_no_competitors_and_no_ranks_left_out(large) -> None:
    checkpoint, history, choices, _, _ = large
    ranking = rank_catalogue(checkpoint, history)
    none = measure_competitors(checkpoint, history, choices, ranking, budget=1)
    assert len(none.rows) == 0 and none.logits.size == 0 and not none.exact
    effects = measure_effects(checkpoint, history, explain_history(checkpoint, history, "i7"), ranking, none)
    assert effects.rank == ranking.rank_of(7) and effects.exact
    assert np.isnan(effects.item_rank).all() and np.isfinite(effects.item_logit).all()


def test_a_catalogue_that_is_all_seen_has_no_competitors() -> None:
    checkpoint = make_checkpoint(count=3, exclude_seen=True)
    history = history_of(checkpoint, [0, 1, 2])
    ranking = rank_catalogue(checkpoint, history)
    competitors = measure_competitors(checkpoint, history, None, ranking)
    assert len(competitors.rows) == 0
    effects = measure_effects(checkpoint, history, explain_history(checkpoint, history, "i1"), ranking, competitors)
    assert effects.rank is None and np.isfinite(effects.item_logit).all()


def test_progress_of_the_competitors_reaches_the_end(large) -> None:
    checkpoint, history, choices, _, _ = large
    shares: list[float] = []
    measure_competitors(checkpoint, history, choices, rank_catalogue(checkpoint, history), 10**6, shares.append)
    assert shares == sorted(shares) and shares[-1] == 1.0


# -- what does not belong together ----------------------------------------------------------------------


def test_records_rankings_and_competitors_of_another_history_are_refused() -> None:
    checkpoint = make_checkpoint()
    history, other = history_of(checkpoint, [1, 2, 3]), history_of(checkpoint, [1, 3, 2])
    record, ranking = explain_history(checkpoint, history, "i7"), rank_catalogue(checkpoint, history)
    competitors = measure_competitors(checkpoint, history, None, ranking)
    with pytest.raises(ValueError, match="explains another history"):
        measure_effects(checkpoint, other, record)
    of_the_other = explain_history(checkpoint, other, "i7")
    with pytest.raises(ValueError, match="for another history"):
        measure_effects(checkpoint, other, of_the_other, ranking, competitors)
    with pytest.raises(ValueError, match="another ranking"):
        measure_effects(checkpoint, history, record, rank_catalogue(checkpoint, other), competitors)


def test_a_candidate_that_the_checkpoint_does_not_know_is_refused() -> None:
    checkpoint = make_checkpoint()
    history = history_of(checkpoint, [1, 2, 3])
    record = explain_history(checkpoint, history, "i7")
    stranger = replace(record, target=replace(record.target, item="i777"))
    with pytest.raises(SurgeError, match=r"knows no item 'i777'"):
        measure_effects(checkpoint, history, stranger)


@pytest.mark.parametrize("clusters", [None, np.empty(0, dtype=np.int64)])
def test_an_empty_history_has_no_competitors_and_says_so(clusters: np.ndarray | None) -> None:
    checkpoint = make_checkpoint(count=6)
    ranking = rank_catalogue(checkpoint, history_of(checkpoint, [1, 2]))
    with pytest.raises(SurgeError, match="A history without an item can't be read"):
        measure_competitors(checkpoint, made_up_history(), clusters, ranking)
