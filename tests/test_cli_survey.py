"""`python -m surge survey` as a user meets it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from surge.checkpoint import load_checkpoint, save_checkpoint
from surge.cli import main
from surge.data.dataset import Dataset
from surge.data.simulator import simulate
from surge.explanation.survey_file import read_survey
from surge.vocabulary import METRICS
from surge.vocabulary.survey import USER
from surge.vocabulary.writing import metric_text
from tests.explanation.worlds import make_checkpoint

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """A checkpoint with random weights that knows the first items of a simulated shop."""
    folder = tmp_path_factory.mktemp("survey")
    simulate(folder / "shop", users=30, seed=1)
    shop = Dataset.load(folder / "shop")
    made = make_checkpoint(count=shop.items.height, max_length=12)
    items = made.items.with_columns(shop.items["item"])
    save_checkpoint(
        folder / "model",
        made.model,
        items,
        training_config=made.training_config,
        metrics={},
        history=[],
        description={},
    )
    return [str(folder / "model"), str(folder / "shop")]


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """The sentence on stderr of a command that must fail."""
    assert main(["survey", *map(str, arguments)]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ") and captured.err.count("\n") == 1
    assert "Traceback" not in captured.err
    return captured.err


def test_survey_writes_all_users_beside_the_checkpoint(places: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["survey", *places]) == 0
    frame, metadata = read_survey(Path(places[0] + ".survey.parquet"))
    dataset = Dataset.load(places[1])
    assert frame["user"].to_list() == dataset.users
    assert metadata["surge.checkpoint"] == load_checkpoint(places[0]).digest
    assert metadata["surge.dataset"] == dataset.digest
    assert metadata["surge.map"] == "pca"
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "30 of 30 users measured; medians:"
    medians = {name: frame[name].drop_nulls().median() for name in USER}
    assert lines[1:-1] == [f"  {METRICS[name].name:<50}  {metric_text(name, medians[name])}" for name in USER]
    assert lines[-1] == f"written to {places[0]}.survey.parquet"
    assert main(["survey", *places, "--users", "3"]) == 0  # an older survey is replaced
    assert read_survey(Path(places[0] + ".survey.parquet"))[0].height == 3


def test_users_are_drawn_by_the_seed(places: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    drawn = []
    for seed in (0, 0, 4):
        output = tmp_path / f"{len(drawn)}.parquet"
        assert main(["survey", *places, "--users", "6", "--seed", str(seed), "--output", str(output)]) == 0
        drawn.append(read_survey(output)[0]["user"].to_list())
    assert drawn[0] == drawn[1] != drawn[2]
    assert (tmp_path / "0.parquet").read_bytes() == (tmp_path / "1.parquet").read_bytes()
    assert capsys.readouterr().out.count("6 of 6 users measured") == 3


def test_users_that_are_left_out_are_counted(
    places: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "log.csv"
    known = Dataset.load(places[1]).items["item"].to_list()
    rows = [f"a,{known[at]},{1_600_000_000 + at}" for at in range(5)]
    rows += [f"b,other{at},{1_600_000_000 + at}" for at in range(5)]
    log.write_text("\n".join(["user,item,timestamp", *rows, ""]))
    other = tmp_path / "other"
    assert main(["prepare", "csv", str(log), "--output", str(other), "--split", "leave-last"]) == 0
    capsys.readouterr()
    output = tmp_path / "s.parquet"
    assert main(["survey", places[0], str(other), "--output", str(output)]) == 0
    printed = capsys.readouterr().out
    assert "1 of 2 users measured" in printed
    assert "left out: 1 of 2 users, for whom the model can predict nothing" in printed
    assert read_survey(output)[0]["user"].to_list() == ["a"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--users", "0"], "--users is 0"),
        (["--seed", "-1"], "--seed is -1"),
        (["--output", "s.csv"], "change the ending"),
        (["--output", "no/such/s.parquet"], "does not exist"),
        (["--output", "taken.parquet"], "holds no survey"),
        (["--map", "umap"], "pip install umap-learn"),
    ],
)
def test_refusals_are_a_sentence_and_write_nothing(
    places: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "umap", None)
    Path("taken.parquet").write_bytes(b"PAR1 precious PAR1")
    given = arguments if "--output" in arguments else [*arguments, "--output", "s.parquet"]
    assert words in refused(capsys, *places, *given)
    assert [entry.name for entry in tmp_path.iterdir()] == ["taken.parquet"]
    assert Path("taken.parquet").read_bytes() == b"PAR1 precious PAR1"


def test_places_that_are_not_what_they_should_be(
    places: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "s.parquet"
    assert "is a dataset" in refused(capsys, places[1], places[1], "--output", output)
    assert refused(capsys, places[0], tmp_path / "nowhere", "--output", output)
    assert not output.exists()


def test_help_has_an_example_and_needs_nothing_heavy() -> None:
    code = (
        "import sys, surge.cli as c\n"
        "try: c.main(['survey', '--help'])\n"
        "except SystemExit: pass\n"
        "assert not {'torch', 'polars', 'numpy'} & set(sys.modules), 'a heavy import'\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "python -m surge survey checkpoints/demo sample_data" in done.stdout
