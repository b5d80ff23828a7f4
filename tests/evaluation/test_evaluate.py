"""Evaluation: batches equal their rows, the catalogue rank equals a count, lists are the same for every model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from surge.checkpoint import Checkpoint
from surge.data.dataset import Dataset
from surge.data.instances import EncodedLog, Instances
from surge.data.negatives import NONE, PopularitySampler
from surge.data.seen_items import SeenItems
from surge.data.splits import split_instances
from surge.errors import SurgeError
from surge.evaluation import evaluate
from surge.evaluation.evaluate import (
    count_negatives,
    draw_lists,
    evaluate_lists,
    evaluate_split,
    listable,
    score_lists,
)
from surge.evaluation.metrics import list_metrics
from surge.evaluation.words import negatives_told, positives_told
from surge.model.surge import SurgeModel
from surge.recommenders.surge import Surge
from tests.model.small import pad
from tests.training.toy import dataset_of, lively_model, measured, settings

ITEMS = 30


@pytest.fixture(scope="module")
def log() -> EncodedLog:
    """25 users with 2 to 14 interactions each, many of them repeats."""
    rng = np.random.default_rng(11)
    lengths = rng.integers(2, 15, 25)
    items = rng.integers(0, ITEMS, lengths.sum())
    return EncodedLog(items, np.arange(len(items)), np.concatenate([[0], np.cumsum(lengths)]))


@pytest.fixture(scope="module")
def instances(log: EncodedLog) -> Instances:
    """All positives with a history, shuffled: more than one batch, and not sorted by length."""
    splits = split_instances(log, {"method": "time", "valid_start": 10**9, "test_start": 10**9 + 1})
    return splits["train"].take(np.random.default_rng(2).permutation(len(splits["train"])))


@pytest.fixture(scope="module")
def model() -> SurgeModel:
    return lively_model(ITEMS)


def aged_model() -> SurgeModel:
    """One whose scores depend on when the items were taken."""
    model = lively_model(ITEMS, time="age")
    with torch.no_grad():
        model.age_embedding.weight.normal_(generator=torch.Generator().manual_seed(5))
    return model


def one_by_one(model: SurgeModel, log: EncodedLog, instances: Instances, lists: np.ndarray) -> np.ndarray:
    """Each history alone, written out with the log at hand."""
    scores = np.empty(lists.shape, dtype=np.float32)
    for row, (user, position) in enumerate(zip(instances.user, instances.position, strict=True)):
        begin = max(log.offsets[user], position - model.config.max_length)
        with torch.inference_mode():
            ages = torch.from_numpy(log.timestamps[position] - log.timestamps[begin:position]).unsqueeze(0)
            graph = model.build_graph(pad([log.items[begin:position].tolist()]), ages)
            scores[row] = model.read(graph, torch.from_numpy(lists[row : row + 1])).logit[0].numpy()
    return scores


# -- candidate lists ----------------------------------------------------------------------------------


@pytest.mark.parametrize("repeats", [True, False])
def test_lists_hold_the_positive_first_and_nothing_twice(log: EncodedLog, instances: Instances, repeats: bool) -> None:
    taken = None if repeats else SeenItems(log, ITEMS)
    lists = draw_lists(log, instances, PopularitySampler(np.ones(ITEMS)), 9, taken=taken, seed=4)
    assert lists.shape == (len(instances), 10)
    assert (lists[:, 0] == log.items[instances.position]).all()
    assert all(len(set(row.tolist())) == 10 for row in lists)
    assert (lists >= 0).all() and (lists < ITEMS).all()
    before = [
        bool(set(lists[row, 1:].tolist()) & set(log.items[log.offsets[user] : place].tolist()))
        for row, (user, place) in enumerate(zip(instances.user, instances.position, strict=True))
    ]
    assert any(before) == repeats


def test_lists_are_as_long_as_the_catalogue_allows(log: EncodedLog, instances: Instances) -> None:
    """With twelve items "99 negatives" are eleven; where some were taken, fewer, and the list ends."""
    sampler = PopularitySampler(np.ones(ITEMS))
    whole = draw_lists(log, instances, sampler, 99, taken=None, seed=4)
    assert np.sort(whole, axis=1).tolist() == [list(range(ITEMS))] * len(instances)
    lists = draw_lists(log, instances, sampler, 99, taken=SeenItems(log, ITEMS), seed=4)
    assert lists.shape == (len(instances), ITEMS)
    for row, user, place in zip(lists, instances.user, instances.position, strict=True):
        known = set(log.items[log.offsets[user] : place].tolist()) | {int(log.items[place])}
        assert set(row[1:][row[1:] != NONE].tolist()) == set(range(ITEMS)) - known
        assert (row[np.argmax(row == NONE) :] == NONE).all() or (row != NONE).all()


def test_what_a_list_lacks_is_no_candidate(log: EncodedLog, instances: Instances, model: SurgeModel) -> None:
    lists = draw_lists(log, instances, PopularitySampler(np.ones(ITEMS)), 4, taken=None, seed=4)
    short = np.concatenate([lists, np.full((len(lists), 3), NONE)], axis=1)
    scores = score_lists(Surge(model), log, instances, short)
    assert (scores[:, 5:] == -np.inf).all()
    assert scores[:, :5] == pytest.approx(score_lists(Surge(model), log, instances, lists), abs=1e-6)
    assert list_metrics(scores, instances.user) == pytest.approx(list_metrics(scores[:, :5], instances.user))


def test_nothing_to_draw_is_no_list(log: EncodedLog) -> None:
    items = np.arange(ITEMS)
    log = EncodedLog(items, items, np.array([0, ITEMS]))
    instances = Instances(np.zeros(2, dtype=int), np.array([ITEMS - 1, 3]))
    assert listable(instances, SeenItems(log, ITEMS)).position.tolist() == [3]
    assert listable(instances, None) is instances


def test_lists_follow_the_seed_alone(log: EncodedLog, instances: Instances) -> None:
    sampler = PopularitySampler(np.ones(ITEMS))
    first = draw_lists(log, instances, sampler, 5, taken=None, seed=4)
    assert (first == draw_lists(log, instances, sampler, 5, taken=None, seed=4)).all()
    assert (first[:, 1:] != draw_lists(log, instances, sampler, 5, taken=None, seed=5)[:, 1:]).any()


def test_lists_of_more_than_one_chunk(log: EncodedLog, instances: Instances) -> None:
    many = instances.take(np.arange(600) % len(instances))
    lists = draw_lists(log, many, PopularitySampler(np.ones(ITEMS)), 3, taken=SeenItems(log, ITEMS), seed=0)
    assert (lists[:, 0] == log.items[many.position]).all()
    assert (lists[:, 1:] != lists[:, :1]).all()


# -- score_lists --------------------------------------------------------------------------------------


@pytest.mark.parametrize("cells", [None, 1, 5 * 3 * 8 * 8])
def test_batches_score_as_their_rows_do(
    log: EncodedLog, instances: Instances, model: SurgeModel, monkeypatch: pytest.MonkeyPatch, cells: int | None
) -> None:
    """In batches of 64, of one history, and of as many as fit in the memory allowed."""
    if cells:
        monkeypatch.setattr(evaluate, "CELLS", cells)
    lists = np.random.default_rng(0).integers(0, ITEMS, (len(instances), 5))
    told: list[float] = []
    scores = score_lists(Surge(model), log, instances, lists, progress=told.append)
    assert len(instances) > 128
    assert scores == pytest.approx(one_by_one(model, log, instances, lists), abs=2e-5)
    assert scores.std() > 0.01
    assert told == sorted(told)
    assert told[-1] == 1


def test_lists_are_scored_at_the_time_of_the_positive(log: EncodedLog, instances: Instances) -> None:
    lists = np.random.default_rng(0).integers(0, ITEMS, (len(instances), 20))
    later = replace(log, timestamps=log.timestamps**2)
    scores = score_lists(Surge(aged_model()), log, instances, lists)
    assert scores == pytest.approx(one_by_one(aged_model(), log, instances, lists), abs=2e-5)
    assert np.abs(scores - score_lists(Surge(aged_model()), later, instances, lists)).max() > 0.01


def test_evaluate_lists_is_the_metrics_of_the_scores(log: EncodedLog, instances: Instances, model: SurgeModel) -> None:
    lists = np.random.default_rng(1).integers(0, ITEMS, (len(instances), 5))
    model.train()
    metrics = evaluate_lists(Surge(model), log, instances, lists)
    assert not model.training
    assert metrics == list_metrics(score_lists(Surge(model), log, instances, lists), instances.user)


def test_bfloat16_scores_are_close_and_not_the_same(log: EncodedLog, instances: Instances, model: SurgeModel) -> None:
    lists = np.random.default_rng(1).integers(0, ITEMS, (len(instances), 5))
    exact, rough = (score_lists(Surge(model), log, instances, lists, precision=p) for p in ("float32", "bfloat16"))
    assert rough.dtype == np.float32
    assert (rough != exact).any()
    assert np.abs(rough - exact).mean() < 0.05 * exact.std()


# -- evaluate_split -----------------------------------------------------------------------------------


@pytest.fixture
def checkpoint(dataset: Dataset) -> Callable[..., Checkpoint]:
    def make(exclude_seen: bool = False) -> Checkpoint:
        model = lively_model(dataset.items.height)
        return Checkpoint(
            folder=Path("untrained"),
            digest="",
            model=model,
            model_config=model.config,
            training_config=settings(),
            evaluation_config=measured(test_instances=20, catalogue_instances=6),
            items=dataset.items,
            metrics={},
            history=[],
            description={"exclude_seen": exclude_seen},
        )

    return make


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    rng = np.random.default_rng(8)
    return dataset_of({f"u{n:02}": [(f"i{i}", t) for t, i in enumerate(rng.integers(10, 40, 9))] for n in range(30)})


@pytest.mark.parametrize("which", ["last", "successive"])
def test_which_positives_are_ranked_among_all_items(checkpoint: Callable[..., Checkpoint], which: str) -> None:
    """In a period of the log each user has several: the last one, or each with what came before it as its history."""
    made = checkpoint()
    config = replace(made.evaluation_config, catalogue_targets=which, catalogue_instances=None)
    histories = {f"u{n}": [(f"i{10 + n + t}", t) for t in range(9)] for n in range(4)}
    by_time = {"method": "time", "valid_start": 3, "test_start": 5}
    ranked: list[Instances] = []
    with pytest.MonkeyPatch.context() as patch:
        real = evaluate.rank_positives
        patch.setattr(
            evaluate, "rank_positives", lambda *given, **more: ranked.append(given[2]) or real(*given, **more)
        )
        metrics = evaluate_split(replace(made, evaluation_config=config), dataset_of(histories, by_time), "test")
    assert metrics["catalogue_instances"] == {"last": 4, "successive": 16}[which]
    expected = [9 * n + t for n in range(4) for t in ([8] if which == "last" else [5, 6, 7, 8])]
    assert sorted(ranked[0].position.tolist()) == expected
    assert metrics["users_without_last"] == 0


def test_evaluate_split_is_made_of_the_parts(checkpoint: Callable[..., Checkpoint], dataset: Dataset) -> None:
    told: list[float] = []
    metrics = evaluate_split(checkpoint(), dataset, "test", progress=told.append)
    counts = {
        "instances": 20,
        "negatives": 20,
        "catalogue_instances": 6,
        "positives": 30,
        "unknown_positives": 0,
        "positives_without_history": 0,
        "fewest_negatives": 20,
        "users_without_last": 0,
        "positives_without_negatives": 0,
    }
    assert {name: metrics.pop(name) for name in counts} == counts
    assert metrics.pop("catalogue_median_rank") >= 1
    assert metrics.pop("cold_positives") == 0  # all items count as one where a catalogue has no counts
    bins = [metrics.pop(f"reliability_{name}") for name in ("probability", "share", "count")]
    assert [len(values) for values in bins] == [10] * 3 and sum(bins[2]) == 60  # ten items of six users
    assert set(metrics) == {
        *("auc", "gauc", "list_auc", "mrr", "ndcg@2", "ndcg@10", "hr@10"),
        *("catalogue_hr@10", "catalogue_ndcg@10", "calibration_error", "calibration_error_first"),
    }
    assert all(0 <= value <= 1 for value in metrics.values())
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1)
    again = evaluate_split(checkpoint(), dataset, "test")
    assert {name: again[name] for name in metrics} == metrics
    assert evaluate_split(checkpoint(), dataset, "valid")["auc"] != metrics["auc"]
    assert evaluate_split(checkpoint(exclude_seen=True), dataset, "test")["auc"] != metrics["auc"]


def test_negatives_and_ranks_go_by_what_training_met(checkpoint: Callable[..., Checkpoint], dataset: Dataset) -> None:
    """q is the checkpoint's, not that of the log at hand."""
    rare = checkpoint()
    counts = np.where(np.arange(rare.items.height) < 3, 10_000, 0)
    popular = replace(rare, items=rare.items.with_columns(count=pl.Series(counts)))
    lists: list[np.ndarray] = []
    with pytest.MonkeyPatch.context() as patch:
        real = evaluate.score_lists
        patch.setattr(evaluate, "score_lists", lambda *given, **more: lists.append(given[3]) or real(*given, **more))
        first, second = (evaluate_split(one, dataset, "test") for one in (rare, popular))
    assert np.isin([0, 1, 2], lists[1][:, 1:4]).all() and (lists[1][:, 1:4] < 3).mean() > 0.9
    assert (lists[0][:, 1:4] < 3).mean() < 0.3
    assert first["catalogue_ndcg@10"] != second["catalogue_ndcg@10"]
    assert second["cold_positives"] == 30 - sum(
        row in (0, 1, 2) for row in (popular.rows[dataset.history(user)["item"][-1]] for user in dataset.users)
    )


def test_a_later_log_is_cut_before_unknown_items_are_left_out(checkpoint: Callable[..., Checkpoint]) -> None:
    """The test is each user's last interaction, or nothing: no earlier one, which training may have read."""
    known = checkpoint().items["item"].to_list()
    later = dataset_of(
        {
            "a": [(known[0], 1), (known[1], 2), ("new", 3)],
            "b": [(known[0], 1), ("new", 2), (known[2], 3)],
            "c": [("new", 1), ("newer", 2), (known[3], 3)],
            "d": [(known[4], 1), (known[5], 2)],
        }
    )
    seen: list[Instances] = []
    with pytest.MonkeyPatch.context() as patch:
        real = evaluate.score_lists
        patch.setattr(evaluate, "score_lists", lambda *given, **more: seen.append(given[2]) or real(*given, **more))
        metrics = evaluate_split(checkpoint(), later, "test")
    assert seen[0].user.tolist() == [1, 3]
    assert (metrics["positives"], metrics["unknown_positives"], metrics["positives_without_history"]) == (4, 1, 1)
    assert positives_told(metrics, "test") == (
        "test positives: 4; left out: 1 of items that the model doesn't know and 1 with no known item before them"
    )


def test_a_last_item_that_is_unknown_is_nobodys_last(checkpoint: Callable[..., Checkpoint]) -> None:
    """By time: the test period of `a` ends with an unknown item, so nothing of `a` is ranked among all items."""
    known = checkpoint().items["item"].to_list()
    later = dataset_of(
        {
            "a": [(known[0], 1), (known[1], 30), (known[2], 31), ("new", 32)],
            "b": [(known[0], 1), ("new", 30), (known[2], 31)],
            "c": [(known[3], 1), (known[4], 12), ("new", 13), (known[5], 31)],
        },
        {"method": "time", "valid_start": 10, "test_start": 20},
    )
    ranked: list[Instances] = []
    with pytest.MonkeyPatch.context() as patch:
        real = evaluate.rank_positives
        patch.setattr(
            evaluate, "rank_positives", lambda *given, **more: ranked.append(given[2]) or real(*given, **more)
        )
        metrics = evaluate_split(checkpoint(), later, "test")
    assert ranked[0].user.tolist() == [1, 2]
    assert (metrics["instances"], metrics["catalogue_instances"], metrics["users_without_last"]) == (4, 2, 1)
    assert "users whose last item can't be ranked among all: 1" in positives_told(metrics, "test")


def test_positives_with_nothing_beside_them_are_counted(checkpoint: Callable[..., Checkpoint]) -> None:
    """`a` took all other items before, so its positive would be first whatever the model says."""
    small = checkpoint(exclude_seen=True)
    known = small.items["item"].to_list()
    everything = [(item, place) for place, item in enumerate(known)]
    later = dataset_of({"a": everything, "b": everything[:5]})
    metrics = evaluate_split(small, later, "test")
    assert (metrics["positives"], metrics["positives_without_negatives"], metrics["instances"]) == (2, 1, 1)
    assert (metrics["catalogue_instances"], metrics["users_without_last"]) == (1, 1)
    assert "left out: 1 of users who took all other items before" in positives_told(metrics, "test")
    with pytest.raises(SurgeError, match="Whoever has a test positive in 'toy' took all other items before"):
        evaluate_split(small, dataset_of({"a": everything}), "test")


def test_lists_tell_how_many_negatives_they_hold() -> None:
    lists = np.array([[0, 1, 2, NONE], [3, 4, 5, 6], [7, 8, NONE, NONE]])
    counts = count_negatives(lists)
    assert counts == {"negatives": 3, "fewest_negatives": 1}
    assert negatives_told(3, 1) == "1 to 3"
    assert negatives_told(1_000, 1_000) == "1,000"


def test_evaluate_split_of_another_dataset(checkpoint: Callable[..., Checkpoint], dataset: Dataset) -> None:
    other = replace(dataset, interactions=dataset.interactions.with_columns(item="item" + dataset.interactions["item"]))
    with pytest.raises(SurgeError, match="test split of 'toy' has 30 positives, and checkpoint 'untrained' knows none"):
        evaluate_split(checkpoint(), other, "test")
