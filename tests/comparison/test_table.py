"""The Markdown of a comparison says what its figures say, and no name can break it."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from surge.comparison.table import COLUMNS, markdown, table
from surge.data.dataset import Dataset
from surge.evaluation.significance import LEAST
from surge.vocabulary import METRICS
from tests.comparison.small import THREE, small, tables
from tests.pictures.hostile import HOSTILE


def named(cells: list[list[str]], label: str) -> list[str]:
    """The row of a model."""
    (row,) = [row for row in cells[2:] if row[0] == f"`{label}`"]
    return row[1:]


def bold(cells: list[str]) -> list[bool]:
    return [cell.startswith("**") and cell.endswith("**") for cell in cells]


def test_every_model_has_a_row_in_every_table(whole: tuple[dict[str, Any], Path]) -> None:
    comparison, output = whole
    text = output.read_text()
    assert text == markdown(comparison)
    assert text.startswith("# sample: 3 models, 2 seeds\n")
    metrics, differences, lengths, cost = tables(text)
    for cells in (metrics, lengths, cost):
        assert sorted(row[0] for row in cells[2:]) == sorted(f"`{label}`" for label in THREE)
    assert [row[0] for row in differences[2:]] == ["`lightgcn`", "`caser`"]  # the first is what they are compared with
    for cells in (metrics, differences, lengths, cost):
        assert {len(row) for row in cells} == {len(cells[0])}
        assert set(cells[1]) == {"---"}


def test_cells_are_the_means_over_seeds(whole: tuple[dict[str, Any], Path]) -> None:
    comparison, _ = whole
    metrics, differences, lengths, cost = tables(markdown(comparison))
    names = [METRICS[name].name for name in COLUMNS]
    heads = [f"{head} (4 positives)" if "all items" in head else head for head in names]
    assert metrics[0] == ["model", *heads]
    assert differences[0] == ["model", "GAUC", "MRR", "NDCG@2", "HR@10", "NDCG@10 among all items (4 positives)"]
    for label in THREE:
        runs = [run for run in comparison["runs"] if run["label"] == label]
        for name, cell in zip(COLUMNS, named(metrics, label), strict=True):
            values = [run["test"][name] for run in runs]
            assert cell.strip("*") == f"{np.mean(values):.4f} ± {abs(values[0] - values[1]) / 2**0.5:.4f}"
        for group, cell in enumerate(named(lengths, label)):
            gauc, mrr = (np.mean([run["by_length"][group][name] for run in runs]) for name in ("gauc", "mrr"))
            assert cell == f"{gauc:.4f} / {mrr:.4f}"
        assert named(cost, label)[0] == f"{runs[0]['parameters']:,}"
    for label in THREE[1:]:
        for name, cell in zip(comparison["differences"][label], named(differences, label), strict=True):
            figure = comparison["differences"][label][name]
            interval = f"{figure['difference']:+.4f} [{figure['low']:+.4f}, {figure['high']:+.4f}]"
            assert cell.strip("*") == f"{interval}, p = {figure['p']:.2g}"
            assert bold([cell]) == [figure["p"] < 0.05]


def with_figures(whole: dict[str, Any], metric: str, values: dict[str, float]) -> dict[str, Any]:
    """The comparison where each model has this value of a metric."""
    changed = copy.deepcopy(whole)
    for run in changed["runs"]:
        run["test"][metric] = values[run["label"]]
    return changed


def test_the_best_is_bold_and_comes_first(whole: tuple[dict[str, Any], Path]) -> None:
    changed = with_figures(whole[0], "gauc", {"surge": 0.6, "lightgcn": 0.9, "caser": 0.7})
    cells = tables(markdown(changed))[0]
    assert [row[0] for row in cells[2:]] == ["`lightgcn`", "`caser`", "`surge`"]
    column = cells[0].index("GAUC")
    assert [row[column] for row in cells[2:]] == ["**0.9000 ± 0.0000**", "0.7000 ± 0.0000", "0.6000 ± 0.0000"]

    by_mrr = with_figures(changed, "mrr", {"surge": 0.3, "lightgcn": 0.1, "caser": 0.3}) | {"metric": "mrr"}
    cells = tables(markdown(by_mrr))[0]
    assert [row[0] for row in cells[2:]] == ["`surge`", "`caser`", "`lightgcn`"]
    assert bold([row[cells[0].index("MRR")] for row in cells[2:]]) == [True, True, False]  # a tie has two best


def test_every_column_has_a_best(whole: tuple[dict[str, Any], Path]) -> None:
    cells = tables(markdown(whole[0]))[0]
    for column in range(1, len(cells[0])):
        assert any(bold([row[column] for row in cells[2:]]))


def test_one_model_and_one_seed(simulated: Dataset, tmp_path: Path) -> None:
    small(simulated, ["ncf"], tmp_path / "table.md", settings={"epochs": 1})
    text = (tmp_path / "table.md").read_text()
    assert "1 seed\n" in text
    metrics, lengths, cost = tables(text)  # nobody to differ from
    assert all("±" not in cell for cell in metrics[2])
    assert len(lengths) == len(cost) == 3


def test_one_seed_tests_nothing(simulated: Dataset, tmp_path: Path) -> None:
    """Neither p nor bold; the interval is labelled as one over users alone."""
    comparison = small(simulated, ["popularity", "ncf"], tmp_path / "table.md", settings={"epochs": 1})
    text = (tmp_path / "table.md").read_text()
    part = text.split("minus each other model")[1].split("\n## ")[0]
    assert "nothing is tested" in part and "over users alone" in part
    assert "**" not in part and "p =" not in part and "p <" not in part
    figures = comparison["differences"]["ncf"].values()
    assert all(figure["p"] is None and figure["low"] <= figure["difference"] <= figure["high"] for figure in figures)


def test_cells_of_a_difference(whole: tuple[dict[str, Any], Path]) -> None:
    figure = {"difference": 0.25, "low": 0.125, "high": 0.375, "p": 0.0123}
    cases = {
        "**+0.2500 [+0.1250, +0.3750], p = 0.012**": {},
        "+0.2500 [+0.1250, +0.3750], p = 0.05": {"p": 0.05},
        "**+0.2500 [+0.1250, +0.3750], p ≤ 1e-06**": {"p": LEAST},
        "+0.2500 [+0.1250, +0.3750]": {"p": None},
        "+0.2500": {"p": None, "low": None, "high": None},
    }
    for cell, changes in cases.items():
        changed = copy.deepcopy(whole[0])
        changed["differences"]["caser"]["mrr"] = figure | changes
        assert named(tables(markdown(changed))[1], "caser")[1] == cell


def test_what_was_counted_is_told(whole: tuple[dict[str, Any], Path]) -> None:
    head = markdown(whole[0]).split("\n## ")[0]
    assert "30 test lists of one positive and 9 negatives" in head and "4 positives ranked among all items" in head
    told = markdown(whole[0] | {"told": ["test: 140 positives, 3 of <b>cold</b> items.", "b"]})
    assert r"test: 140 positives, 3 of \<b\>cold\</b\> items." in told
    assert len(tables(told)) == len(tables(markdown(whole[0])))
    assert whole[0]["told"][2].startswith("test: ") and whole[0]["told"][2] in head


def test_popularity_has_a_row_in_every_table(simulated: Dataset, tmp_path: Path) -> None:
    comparison = small(simulated, ["ncf", "popularity"], tmp_path / "table.md", seeds=2, settings={"epochs": 1})
    metrics, differences, lengths, cost = tables((tmp_path / "table.md").read_text())
    for cells in (metrics, differences, lengths, cost):
        assert named(cells, "popularity")
    assert named(cost, "popularity")[:4] == ["0", "-", "-", "0"]
    first, second = (run for run in comparison["runs"] if run["label"] == "popularity")
    assert first["test"] == second["test"] and first["epochs"] == []
    assert all(figure["p"] is not None for figure in comparison["differences"]["popularity"].values())


@pytest.mark.parametrize("text", [*HOSTILE, "a | b", "a\n| --- |\n| b |", "two\r\n# heads"])
def test_no_name_breaks_a_table(whole: tuple[dict[str, Any], Path], text: str) -> None:
    hostile = copy.deepcopy(whole[0])
    hostile["dataset"]["name"] = text
    hostile["models"] = [text if label == "caser" else label for label in THREE]
    hostile["differences"] = {text if label == "caser" else label: d for label, d in hostile["differences"].items()}
    for run in hostile["runs"]:
        run["label"] = text if run["label"] == "caser" else run["label"]
    written = markdown(hostile)
    found = tables(written)
    assert [len(cells) for cells in found] == [len(cells) for cells in tables(markdown(whole[0]))]
    for cells in found:
        assert {len(row) for row in cells} == {len(cells[0])}
    assert [line for line in written.splitlines() if line.startswith("#")][1:] == [
        line for line in markdown(whole[0]).splitlines() if line.startswith("#")
    ][1:]
    reference = hostile | {"reference": text}
    assert len(markdown(reference).splitlines()) == len(markdown(whole[0]).splitlines())


def test_cells_by_hand() -> None:
    assert table(["a|b", "c"], [["d\ne", "f"]]) == "| a\\|b | c |\n| --- | --- |\n| d e | f |"
