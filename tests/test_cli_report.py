"""`python -m surge explain --output FILE.html` as a user meets it."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
import torch

from surge.checkpoint import category_rows, save_checkpoint
from surge.cli import build_parser, main
from surge.config import ModelConfig, TrainingConfig
from surge.data.dataset import Dataset
from surge.data.simulator import simulate
from surge.model.surge import SurgeModel
from tests.pictures.test_report import Page


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """A dataset and a checkpoint with random weights."""
    folder = tmp_path_factory.mktemp("report")
    simulate(folder / "shop", users=20, seed=1)
    items = Dataset.load(folder / "shop").items
    categories, rows = category_rows(items)
    torch.manual_seed(0)
    config = ModelConfig(item_count=items.height, category_count=len(categories), clusters=(5,), max_length=12)
    save_checkpoint(
        folder / "model",
        SurgeModel(config, rows),
        items,
        training_config=TrainingConfig(),
        metrics={},
        history=[],
        description={"dataset": {"name": "shop"}, "trained_on": "cpu"},
    )
    return [str(folder / "model"), str(folder / "shop")]


def test_explain_writes_a_report_that_opens_alone(
    places: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "report.html"
    assert main(["explain", *places, "--user", "u0003", "--item", "i0005", "--output", str(output)]) == 0
    printed = capsys.readouterr().out
    assert (
        "chance of being the next item, " in printed
        and "times as likely as by popularity alone" in printed
        and str(output) in printed
    )
    page = Page(output.read_text(encoding="utf-8"))
    assert page.titles()[-3:] == ["faithfulness", "drift", "making"]
    assert "The model reads the last 12 items" in page.text
    assert list(tmp_path.iterdir()) == [output]


def test_the_command_in_a_report_is_one_that_the_program_takes(places: list[str], tmp_path: Path) -> None:
    output = tmp_path / "report.html"
    arguments = ["--user", "u0003", "--whole-history", "--output", str(output)]
    assert main(["explain", *places, *arguments]) == 0
    text = Page(output.read_text(encoding="utf-8")).text
    start = text.index("python -m surge explain")
    words = shlex.split(text[start : text.index("report.html", start) + len("report.html")])
    parsed = build_parser().parse_args(words[3:])
    record = tmp_path / "why.json"
    assert main(["explain", *places, "--user", "u0003", "--whole-history", "--output", str(record)]) == 0
    assert (parsed.user, parsed.whole_history) == ("u0003", True)
    assert parsed.item == json.loads(record.read_text())["target"]["item"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--user", "nobody", "--output", "report.html"], "no user 'nobody'"),
        (["--user", "u0003", "--item", "i9999", "--output", "report.html"], "no item 'i9999'"),
        (["--user", "u0003", "--output", "report.pdf"], "in .html"),
        (["--user", "u0003", "--output", "no/such/folder/report.html"], "does not exist"),
    ],
)
def test_a_refused_report_is_a_sentence_and_no_file(
    places: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["explain", *places, *arguments]) == 2
    error = capsys.readouterr().err
    assert words in error and error.count("\n") == 1 and "Traceback" not in error
    assert list(tmp_path.iterdir()) == []


def test_help_names_the_report(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["explain", "--help"])
    assert "--output report.html" in capsys.readouterr().out
