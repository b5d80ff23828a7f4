"""Evaluation: batches equal their rows, the catalogue rank equals a count, lists are the same for every model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from surge.checkpoint import Checkpoint
from surge.data.instances import EncodedLog, Instances, split_instances
from surge.data.negatives import PopularitySampler
from surge.data.store import Dataset
from surge.errors import SurgeError
from surge.evaluation import evaluate
from surge.evaluation.evaluate import (
    draw_lists,
    evaluate_catalogue,
    evaluate_lists,
    evaluate_split,
    popularity_sampler,
    score_lists,
)
from surge.evaluation.metrics import list_metrics
from surge.fused.compiled import CompiledScores
from surge.model.batches import read_events
from surge.model.surge import SurgeModel
from tests.training.toy import dataset_of, lively_model, settings

ITEMS = 30


@pytest.fixture(scope="module")
def log() -> EncodedLog:
    """25 users with 2 to 14 interactions each, many of them repeats."""
    rng = np.random.default_rng(11)
    lengths = rng.integers(2, 15, 25)
    items = rng.integers(0, ITEMS, lengths.sum())
    return EncodedLog(items, np.arange(len(items)), np.concatenate([[0], np.cumsum(lengths)]), 0)


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
            ages = (log.timestamps[position] - log.timestamps[begin:position]).tolist()
            history, known = read_events([list(zip(log.items[begin:position].tolist(), ages, strict=True))])
            graph = model.build_graph(history, known)
            scores[row] = model.read(graph, torch.from_numpy(lists[row : row + 1])).logit[0].numpy()
    return scores


# -- candidate lists ----------------------------------------------------------------------------------


@pytest.mark.parametrize("seen", [True, False])
def test_lists_hold_the_positive_first_and_never_again(log: EncodedLog, instances: Instances, seen: bool) -> None:
    lists = draw_lists(log, instances, PopularitySampler(np.ones(ITEMS)), 9, 8, seen=seen, seed=4)
    assert lists.shape == (len(instances), 10)
    assert (lists[:, 0] == log.items[instances.position]).all()
    assert (lists[:, 1:] != lists[:, :1]).all()
    assert (lists >= 0).all()
    assert (lists < ITEMS).all()
    in_history = [
        bool(set(lists[row, 1:].tolist()) & set(log.items[max(log.offsets[user], place - 8) : place].tolist()))
        for row, (user, place) in enumerate(zip(instances.user, instances.position, strict=True))
    ]
    assert any(in_history) == seen


def test_lists_follow_the_seed_alone(log: EncodedLog, instances: Instances) -> None:
    sampler = PopularitySampler(np.ones(ITEMS))
    first = draw_lists(log, instances, sampler, 5, 8, seen=True, seed=4)
    assert (first == draw_lists(log, instances, sampler, 5, 8, seen=True, seed=4)).all()
    assert (first[:, 1:] != draw_lists(log, instances, sampler, 5, 8, seen=True, seed=5)[:, 1:]).any()


def test_lists_of_more_than_one_chunk(log: EncodedLog, instances: Instances) -> None:
    many = instances.take(np.arange(600) % len(instances))
    lists = draw_lists(log, many, PopularitySampler(np.ones(ITEMS)), 3, 8, seen=False, seed=0)
    assert (lists[:, 0] == log.items[many.position]).all()
    assert (lists[:, 1:] != lists[:, :1]).all()


def test_popularity_is_counted_over_the_training_positives(log: EncodedLog) -> None:
    sampler = popularity_sampler(log, Instances(np.zeros(3, dtype=int), np.array([1, 2, 2])), ITEMS)
    counts = np.ones(ITEMS)
    counts[log.items[2]] += 1 if log.items[1] != log.items[2] else 2
    assert sampler.probability == pytest.approx(counts / counts.sum())


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
    scores = score_lists(model, log, instances, lists, progress=told.append)
    assert len(instances) > 128
    assert scores == pytest.approx(one_by_one(model, log, instances, lists), abs=2e-5)
    assert scores.std() > 0.01
    assert told == sorted(told)
    assert told[-1] == 1


def test_lists_are_scored_at_the_time_of_the_positive(log: EncodedLog, instances: Instances) -> None:
    lists = np.random.default_rng(0).integers(0, ITEMS, (len(instances), 20))
    later = replace(log, timestamps=log.timestamps**2)
    scores = score_lists(aged_model(), log, instances, lists)
    assert scores == pytest.approx(one_by_one(aged_model(), log, instances, lists), abs=2e-5)
    assert np.abs(scores - score_lists(aged_model(), later, instances, lists)).max() > 0.01


def test_evaluate_lists_is_the_metrics_of_the_scores(log: EncodedLog, instances: Instances, model: SurgeModel) -> None:
    lists = np.random.default_rng(1).integers(0, ITEMS, (len(instances), 5))
    model.train()
    metrics = evaluate_lists(model, log, instances, lists)
    assert not model.training
    assert metrics == list_metrics(score_lists(model, log, instances, lists), instances.user)


def test_bfloat16_scores_are_close_and_not_the_same(log: EncodedLog, instances: Instances, model: SurgeModel) -> None:
    lists = np.random.default_rng(1).integers(0, ITEMS, (len(instances), 5))
    exact, rough = (score_lists(model, log, instances, lists, precision=p) for p in ("float32", "bfloat16"))
    assert rough.dtype == np.float32
    assert (rough != exact).any()
    assert np.abs(rough - exact).mean() < 0.05 * exact.std()


# -- evaluate_catalogue -------------------------------------------------------------------------------


@pytest.mark.parametrize("time", ["none", "age"])
@pytest.mark.parametrize(("seen", "compiled"), [(True, False), (False, False), (False, True)])
def test_catalogue_rank_equals_a_count_over_all_items(
    log: EncodedLog, instances: Instances, seen: bool, compiled: bool, time: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluate, "CompiledScores", partial(CompiledScores, tell=pytest.fail, backend="eager"))
    model = aged_model() if time == "age" else lively_model(ITEMS)
    some = instances.take(np.arange(40))
    every = np.tile(np.arange(ITEMS), (len(some), 1))
    scores = one_by_one(model, log, some, every)
    gains, hits = [], []
    for row, (user, place) in enumerate(zip(some.user, some.position, strict=True)):
        positive = int(log.items[place])
        history = set(log.items[max(log.offsets[user], place - model.config.max_length) : place].tolist())
        left = [item for item in range(ITEMS) if seen or item not in history or item == positive]
        rank = 1 + sum(scores[row, item] > scores[row, positive] for item in left)
        hits.append(rank <= 10)
        gains.append(1 / np.log2(1 + rank) if rank <= 10 else 0)
    metrics = evaluate_catalogue(model, log, some, seen=seen, compiled=compiled)
    assert 0 < np.mean(hits) < 1
    assert metrics == pytest.approx({"catalogue_hr@10": np.mean(hits), "catalogue_ndcg@10": np.mean(gains)}, abs=1e-9)


@pytest.mark.parametrize(
    ("items", "seen", "rank"),
    [
        ([29, 28, 27, 26], True, 4),  # the score of an item is its row: three of the history are better
        ([29, 28, 27, 26], False, 1),
        ([29, 26, 27, 26], False, 2),  # the positive is in its own history, and stays; 28 is better
        ([5, 26], False, 4),
    ],
)
def test_seen_items_are_left_out(
    model: SurgeModel, monkeypatch: pytest.MonkeyPatch, items: list[int], seen: bool, rank: int
) -> None:
    monkeypatch.setattr(evaluate, "score_rows", lambda model, history, every, **_: every.astype(np.float32))
    log = EncodedLog(np.array(items), np.arange(len(items)), np.array([0, len(items)]), 0)
    last = Instances(np.array([0]), np.array([len(items) - 1]))
    told: list[float] = []
    metrics = evaluate_catalogue(model, log, last, seen=seen, progress=told.append)
    assert metrics["catalogue_ndcg@10"] == pytest.approx(1 / np.log2(1 + rank))
    assert told == [1]


@pytest.mark.parametrize("seen", [True, False])
def test_a_constant_scorer_has_what_chance_has_in_the_catalogue(
    model: SurgeModel, monkeypatch: pytest.MonkeyPatch, seen: bool
) -> None:
    monkeypatch.setattr(
        evaluate, "score_rows", lambda model, history, every, **_: np.zeros(len(every), dtype=np.float32)
    )
    log = EncodedLog(np.array([1, 2]), np.arange(2), np.array([0, 2]), 0)
    metrics = evaluate_catalogue(model, log, Instances(np.array([0]), np.array([1])), seen=seen)
    ranked = ITEMS if seen else ITEMS - 1
    assert metrics == pytest.approx(
        {
            "catalogue_hr@10": 10 / ranked,
            "catalogue_ndcg@10": sum(1 / np.log2(1 + rank) for rank in range(1, 11)) / ranked,
        }
    )


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_catalogue_scores_that_are_no_numbers_are_refused(
    model: SurgeModel, monkeypatch: pytest.MonkeyPatch, wrong: float
) -> None:
    monkeypatch.setattr(evaluate, "score_rows", lambda model, history, every, **_: np.full(len(every), wrong))
    log = EncodedLog(np.array([1, 2]), np.arange(2), np.array([0, 2]), 0)
    with pytest.raises(SurgeError, match="scores that are no finite numbers"):
        evaluate_catalogue(model, log, Instances(np.array([0]), np.array([1])), seen=False)


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
            training_config=settings(test_instances=20, catalogue_instances=6),
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


def test_evaluate_split_is_made_of_the_parts(checkpoint: Callable[..., Checkpoint], dataset: Dataset) -> None:
    told: list[float] = []
    metrics = evaluate_split(checkpoint(), dataset, "test", progress=told.append)
    assert {name: metrics.pop(name) for name in ("instances", "negatives", "catalogue_instances")} == {
        "instances": 20,
        "negatives": 20,
        "catalogue_instances": 6,
    }
    assert set(metrics) == {
        *("auc", "gauc", "list_auc", "mrr", "ndcg@2", "ndcg@10", "hr@10"),
        *("catalogue_hr@10", "catalogue_ndcg@10"),
    }
    assert all(0 <= value <= 1 for value in metrics.values())
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1)
    again = evaluate_split(checkpoint(), dataset, "test")
    assert {name: again[name] for name in metrics} == metrics
    assert evaluate_split(checkpoint(), dataset, "valid")["auc"] != metrics["auc"]
    assert evaluate_split(checkpoint(exclude_seen=True), dataset, "test")["auc"] != metrics["auc"]


def test_evaluate_split_of_another_dataset(checkpoint: Callable[..., Checkpoint], dataset: Dataset) -> None:
    other = replace(dataset, interactions=dataset.interactions.with_columns(item="item" + dataset.interactions["item"]))
    with pytest.raises(SurgeError, match="has no test instance with items that checkpoint 'untrained' knows"):
        evaluate_split(checkpoint(), other, "test")
