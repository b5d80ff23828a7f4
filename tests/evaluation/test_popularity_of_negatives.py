"""What evaluation draws its negatives by: how often training met an item, never what comes later."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from surge.checkpoint import Checkpoint
from surge.data.dataset import Dataset
from surge.evaluation import evaluate
from surge.evaluation.evaluate import evaluate_split
from surge.training.data import TrainingData
from tests.comparison.small import small
from tests.training.toy import dataset_of, lively_model, measured, settings

USERS = 400


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    """Before 10, which is training, everybody takes `a` twice; from 20 on, which is test, `d` and then `c`.

    The rows are a 0, b 1, c 2, d 3, e 4. Beside the test positives `c`, their own test split would draw `d`.
    """
    taken = [("b", 1), ("a", 2), ("a", 3), ("b", 11), ("d", 21), ("d", 22), ("d", 23), ("c", 24), ("e", 25), ("c", 26)]
    log = {f"u{n:03}": taken for n in range(USERS)}
    return dataset_of(log, {"method": "time", "valid_start": 10, "test_start": 20}, repeat_share=1.0)


def negatives_of(lists: np.ndarray, positive: int) -> np.ndarray:
    """How often each of the five items is the negative of that positive."""
    return np.bincount(lists[lists[:, 0] == positive, 1:].ravel(), minlength=5)


def test_lists_follow_the_training_positives(dataset: Dataset) -> None:
    data = TrainingData.of(dataset)
    assert data.counts.tolist() == [2 * USERS, 0, 0, 0, 0]
    lists = data.lists(data.splits["test"], measured(evaluation_negatives=1), seed=0)
    beside = negatives_of(lists, 2)
    assert beside.sum() == 2 * USERS
    assert beside[0] > 0.98 * beside.sum()  # 800 to 1, 1 and 1
    instances, judged_by = data.validation(measured(evaluation_negatives=1, validation_instances=USERS), seed=0)
    assert len(instances) == USERS
    assert negatives_of(judged_by, 1)[0] > 0.98 * USERS


def test_a_split_is_evaluated_by_the_popularity_that_the_checkpoint_knows(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was trained on a log in which `e` was popular: neither this log's training nor its test period counts."""
    model = lively_model(5)
    checkpoint = Checkpoint(
        folder=Path("untrained"),
        digest="",
        model=model,
        model_config=model.config,
        training_config=settings(),
        evaluation_config=measured(test_instances=10_000, evaluation_negatives=1),
        items=dataset.items.with_columns(count=pl.Series([60, 0, 0, 40, 900])),
        metrics={},
        history=[],
        description={"exclude_seen": False},
    )
    lists: list[np.ndarray] = []
    real = evaluate.evaluate_lists

    def evaluate_lists(model: Any, log: Any, instances: Any, drawn: np.ndarray, **options: Any) -> dict[str, float]:
        lists.append(drawn)
        return real(model, log, instances, drawn, **options)

    monkeypatch.setattr(evaluate, "evaluate_lists", evaluate_lists)
    evaluate_split(checkpoint, dataset, "test")
    beside = negatives_of(lists[0], 2)
    # 60, 1, 40 and 900 in 1001
    assert beside / beside.sum() == pytest.approx(np.array([60, 1, 0, 40, 900]) / 1001, abs=0.04)


def test_the_lists_of_a_comparison_follow_the_training_positives(dataset: Dataset, tmp_path: Path) -> None:
    output = tmp_path / "table.md"
    small(dataset, ["popularity"], output, settings={"evaluation_negatives": 1, "test_instances": 2_000})
    stored = pl.read_parquet(output.with_suffix(".runs") / "lists.parquet")["candidates"].to_list()
    beside = [negative for positive, negative in stored if positive == "c"]
    assert len(beside) > 300
    assert beside.count("a") > 0.98 * len(beside)
