"""What a comparison holds: its figures are those of its runs, for every model and on difficult data."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from surge.comparison.compare import METRICS
from surge.comparison.contestants import NAMES
from surge.comparison.run_results import TESTED, Measured
from surge.config import EvaluationConfig
from surge.data.dataset import Dataset
from surge.evaluation.lists import read_lists
from surge.evaluation.metrics import hit_rate, ndcg, reciprocal_rank
from surge.recommenders.popularity import Popularity
from surge.training import fit
from surge.training.data import TrainingData
from tests.comparison.small import THREE, small
from tests.training.toy import dataset_of


def test_a_run_for_every_model_and_seed(whole: tuple[dict[str, Any], Path], simulated: Dataset) -> None:
    comparison, output = whole
    # all once, then all once more
    assert [(run["label"], run["seed"]) for run in comparison["runs"]] == [(m, s) for s in (0, 1) for m in THREE]
    assert json.loads(output.with_suffix(".json").read_text()) == comparison
    assert comparison["dataset"]["digest"] == simulated.digest
    assert (comparison["lists"], comparison["negatives"], comparison["catalogue_lists"]) == (30, 9, 4)
    assert (comparison["models"], comparison["reference"], comparison["metric"]) == (THREE, "surge", "gauc")
    for run in comparison["runs"]:
        assert [record["epoch"] for record in run["epochs"]] == [1, 2]
        assert run["best_epoch"] in (1, 2)
        assert run["settings"]["training"]["seed"] == run["seed"]
        assert run["settings"]["evaluation"]["evaluation_negatives"] == 9
        assert run["config"]["item_size"] == 8
        assert all(0 <= run["test"][name] <= 1 for name in METRICS)
    assert comparison["runs"][0]["test"] != comparison["runs"][3]["test"]  # a seed is another model


def test_only_the_table_the_figures_and_the_runs_are_left(whole: tuple[dict[str, Any], Path]) -> None:
    _, output = whole
    assert sorted(path.name for path in output.parent.iterdir()) == ["table.json", "table.md", "table.runs"]
    names = [path.suffix for path in output.with_suffix(".runs").iterdir()]
    assert Counter(names) == {".json": 6, ".npz": 6, ".parquet": 1}


def test_the_figures_are_those_of_the_stored_places(whole: tuple[dict[str, Any], Path], simulated: Dataset) -> None:
    comparison, output = whole
    folder, data = output.with_suffix(".runs"), TrainingData.of(simulated)
    listed, lists = read_lists(folder / "lists.parquet", data.log, simulated.users, data.items["item"].to_list())
    assert np.isin(listed.position, data.splits["test"].position).all()
    assert len(set(listed.position.tolist())) == 30
    assert lists.shape == (30, 10)
    length = listed.position - data.log.offsets[listed.user]
    groups = [(length >= part["from"]) & (length <= part["to"]) for part in comparison["length_groups"]]
    assert (np.sum(groups, axis=0) == 1).all()  # each list is in one group
    assert [part["lists"] for part in comparison["length_groups"]] == [int(group.sum()) for group in groups]
    whole_user = data.ranked("test", EvaluationConfig(catalogue_instances=4), np.random.default_rng(1)).user
    for path in folder.glob("*.npz"):
        run, kept = json.loads(path.with_suffix(".json").read_text()), Measured.load(path)
        assert np.array_equal(kept.user, listed.user) and np.array_equal(kept.catalogue_user, whole_user)
        for name in (*TESTED, "ndcg@10", "catalogue_hr@10"):
            values, weight = kept.by_user(name)
            assert np.average(values, weights=weight) == pytest.approx(run["test"][name], abs=1e-12), name
        for part, group in zip(run["by_length"], groups, strict=True):
            above, tied = kept.above[group], kept.tied[group]
            assert part["lists"] == group.sum()
            assert part["mrr"] == pytest.approx(reciprocal_rank(above, tied))
            assert (part["hr@10"], part["ndcg@2"]) == pytest.approx((hit_rate(above, tied, 10), ndcg(above, tied, 2)))
        assert 0 <= run["test"]["one_negative_gauc"] <= 1


def test_differences_are_those_of_the_means(whole: tuple[dict[str, Any], Path]) -> None:
    comparison, _ = whole

    def mean(label: str, metric: str) -> float:
        return float(np.mean([run["test"][metric] for run in comparison["runs"] if run["label"] == label]))

    assert list(comparison["differences"]) == THREE[1:]
    for label, metrics in comparison["differences"].items():
        assert list(metrics) == list(TESTED)
        for metric, figure in metrics.items():
            assert figure["difference"] == pytest.approx(mean("surge", metric) - mean(label, metric), abs=1e-12)
            assert figure["low"] <= figure["difference"] <= figure["high"]
            assert 0 < figure["p"] <= 1
            assert (figure["p"] < 0.05) == (figure["low"] > 0 or figure["high"] < 0)


def test_the_first_model_is_the_reference_and_the_metric_orders_the_rows_alone(
    whole: tuple[dict[str, Any], Path], simulated: Dataset, tmp_path: Path
) -> None:
    comparison, _ = whole
    turned = small(simulated, THREE[::-1], tmp_path / "table.md", seeds=2, metric="mrr")
    by_name = {(run["label"], run["seed"]): run["test"] for run in turned["runs"]}
    assert by_name == {(run["label"], run["seed"]): run["test"] for run in comparison["runs"]}
    assert (turned["reference"], turned["metric"], turned["models"]) == ("caser", "mrr", THREE[::-1])
    there, back = turned["differences"]["surge"]["mrr"], comparison["differences"]["caser"]["mrr"]
    assert there["difference"] == pytest.approx(-back["difference"])


def test_the_best_epoch_is_measured_not_the_last(
    simulated: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measure, gauc = fit.evaluate_lists, iter([0.7, 0.7, 0.6])  # one epoch, then two

    def worse_and_worse(*arguments: Any, **options: Any) -> dict[str, float]:
        return measure(*arguments, **options) | {"gauc": next(gauc)}

    monkeypatch.setattr(fit, "evaluate_lists", worse_and_worse)
    constant = {"schedule": "constant"}  # a falling learning rate would see the second epoch come
    (one,) = small(simulated, ["gru4rec"], tmp_path / "one.md", settings=constant | {"epochs": 1})["runs"]
    (two,) = small(simulated, ["gru4rec"], tmp_path / "two.md", settings=constant | {"epochs": 2})["runs"]
    assert (len(two["epochs"]), two["best_epoch"]) == (2, 1)
    assert two["test"] == one["test"]


@pytest.mark.parametrize("categories", [True, False])
def test_every_model_with_and_without_categories_and_with_short_users(tmp_path: Path, categories: bool) -> None:
    rng = np.random.default_rng(5)
    lengths = [1, 1, 2, 2, 3, 3, 4, 5, 6, 7, 8, 9]
    histories = {
        f"u{row:02d}": [(f"i{item:02d}", 60 * step) for step, item in enumerate(rng.permutation(14)[:length])]
        for row, length in enumerate(lengths)
    }
    names = {f"i{item:02d}": f"kind {item % 3}" for item in range(14)} if categories else None
    dataset = dataset_of(histories, categories=names)
    settings = {"epochs": 1, "evaluation_negatives": 4, "validation_instances": 8}
    comparison = small(dataset, NAMES, tmp_path / "table.md", settings=settings)
    assert [run["label"] for run in comparison["runs"]] == list(NAMES)
    assert comparison["lists"] == 10  # all users but the two with one interaction
    assert comparison["length_groups"][0]["from"] == 1
    for run in comparison["runs"]:
        figures = [run["test"][name] for name in METRICS] + [part["gauc"] for part in run["by_length"]]
        assert np.isfinite(figures).all()
        assert min(figures) >= 0
        assert max(figures) <= 1
        assert bool(run["epochs"]) == (run["label"] != "popularity")
        assert np.isfinite([value for record in run["epochs"] for value in record.values()]).all()
        assert run["config"]["category_count"] == (3 if categories else 1)
    assert {"auxiliary"} <= set(comparison["runs"][NAMES.index("dien")]["epochs"][0])


def test_a_constant_scorer_has_what_chance_has_in_every_column(
    simulated: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Popularity that counted nothing: all items are alike to it."""
    monkeypatch.setattr(Popularity, "prepare", lambda *_: None)
    output = tmp_path / "table.md"
    (run,) = small(simulated, ["popularity"], output, settings={"evaluation_negatives": 39})["runs"]
    test = run["test"]
    assert test["auc"] == test["gauc"] == test["list_auc"] == test["one_negative_gauc"] == 0.5
    discounts = 1 / np.log2(1 + np.arange(1, 11))
    assert test["mrr"] == pytest.approx(np.sum(1 / np.arange(1, 41)) / 40)
    assert (test["hr@10"], test["ndcg@10"]) == pytest.approx((10 / 40, discounts.sum() / 40))
    assert test["ndcg@2"] == pytest.approx(discounts[:2].sum() / 40)
    (path,) = output.with_suffix(".runs").glob("*.npz")
    ranked = 1 + Measured.load(path).catalogue_tied  # all items but those of the history
    assert (ranked > run["config"]["item_count"] - 20).all()
    assert test["catalogue_hr@10"] == pytest.approx(np.mean(10 / ranked))
    assert test["catalogue_ndcg@10"] == pytest.approx(np.mean(discounts.sum() / ranked))
    for part in run["by_length"]:
        assert (part["gauc"], part["mrr"]) == pytest.approx((0.5, test["mrr"]))
