"""`python -m surge compare` as a user meets it."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
import torch

from surge.cli import main
from surge.data.simulator import simulate

SMALL = (
    "--epochs 1 --device cpu --threads 1 --negatives 9 --set item_size=6 --set category_size=2 --set clusters=[4] "
    "--set attention_hidden=[8] --set prediction_hidden=[8] --set evolution_size=5 --set hidden=6 "
    "--set test_instances=20 --set validation_instances=20 --set catalogue_instances=5 --set max_length=12 "
    "--set instances_per_epoch=128"
).split()

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("commands") / "shop"
    simulate(folder, users=20, seed=1)
    return str(folder)


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """The sentence on stderr of a command that must fail."""
    assert main(["compare", *map(str, arguments)]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ")
    assert captured.err.count("\n") == 1
    return captured.err


def test_a_table_and_the_figures_behind_it(
    shop: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    models = ["surge", "surge:fusion=none:epochs=2", "din"]
    command = ["compare", shop, "--models", *models, "--output", "table.md", "--seeds", "1", "--metric", "mrr", *SMALL]
    assert main(command) == 0
    printed = capsys.readouterr()
    assert printed.out.endswith("table written to table.md\n")
    assert all(f"{model} seed 0: auc 0." in printed.out for model in models)  # a line a run
    assert sorted(path.name for path in tmp_path.iterdir()) == ["table.json", "table.md", "table.runs"]
    figures = json.loads(Path("table.json").read_text())
    assert (figures["metric"], figures["lists"], figures["negatives"]) == ("mrr", 20, 9)
    assert [len(run["epochs"]) for run in figures["runs"]] == [1, 2, 1]
    assert figures["runs"][1]["config"]["fusion"] == "none"
    assert {run["config"]["item_size"] for run in figures["runs"]} == {6}
    assert all(f"| `{model}` |" in Path("table.md").read_text() for model in models)

    assert main(command) == 0  # at once
    assert json.loads(Path("table.json").read_text()) == figures


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--models", "bert"], "There is no model 'bert'"),
        (["--models", "din", "din"], "din is named more than once"),
        (["--models", "din:clusters=[4]"], "'clusters=[4]' of the model"),
        (["--models", "din:seed=4"], "'seed=4' of the model"),
        (["--models", "ncf", "din:epochs=0"], "epochs is 0"),
        (["--models", "ncf", "sasrec:heads=3"], "among 3 heads"),
        (["--metric", "recall"], "There is no metric 'recall'"),
        (["--output", "table.txt"], "must end in .md"),
        (["--output", "nowhere/table.md"], "'nowhere' does not exist"),
        (["--seeds", "0"], "--seeds is 0"),
        (["--seeds", "-1"], "--seeds is -1"),
        (["--negatives", "0"], "evaluation_negatives is 0"),
        (["--epochs", "0"], "epochs is 0"),
        (["--threads", "0"], "--threads"),
        (["--set", "hidden"], "--set 'hidden': give NAME=VALUE"),
        (["--set", "clusters=[4]"], "None of these models has the setting 'clusters'"),
        (["--set", "seed=4"], "give --seeds N"),
        (["--set", "max_length=ten"], "max_length is 'ten'"),
        (["--lists", "missing.parquet"], "missing.parquet does not exist"),
    ],
)
def test_bad_input_is_one_sentence_and_nothing_is_written(
    shop: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    given = [shop, *(() if "--models" in arguments else ("--models", "ncf", "din"))]
    assert words in refused(capsys, *given, "--output", "table.md", *arguments)
    assert list(tmp_path.iterdir()) == []


def test_no_cuda_is_said_first(
    shop: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    sentence = refused(capsys, shop, "--models", "ncf", "--output", tmp_path / "table.md", "--device", "cuda")
    assert "No CUDA device" in sentence
    assert list(tmp_path.iterdir()) == []


def test_no_dataset_and_no_test_period(shop: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "table.md"
    assert "is not a dataset folder" in refused(capsys, tmp_path / "none", "--models", "ncf", "--output", output)
    log = tmp_path / "log.csv"
    log.write_text("user,item,timestamp\n" + "".join(f"u{u},i{u},{1_600_000_000 + u}\n" for u in range(9)))
    assert main(["prepare", "csv", str(log), "--output", str(tmp_path / "ones"), "--split", "leave-last"]) == 0
    capsys.readouterr()
    sentence = refused(capsys, tmp_path / "ones", "--models", "ncf", "--output", output)
    assert "leaves no train instance" in sentence
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log.csv", "ones"]


def test_a_list_with_an_unknown_item(shop: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lists = tmp_path / "lists.parquet"
    pl.DataFrame({"user": ["u0001"], "step": [3], "candidates": [["i0001", "atlantis"]]}).write_parquet(lists)
    command = (shop, "--models", "ncf", "--output", tmp_path / "table.md", "--lists", lists)
    assert "holds the item 'atlantis', which the dataset doesn't have" in refused(capsys, *command)
    assert list(tmp_path.iterdir()) == [lists]


def test_a_file_of_ones_own_is_not_written_over(shop: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    notes = tmp_path / "README.md"
    notes.write_text("mine")
    assert "no comparison wrote it" in refused(capsys, shop, "--models", "ncf", "--output", notes)
    assert (notes.read_text(), list(tmp_path.iterdir())) == ("mine", [notes])
