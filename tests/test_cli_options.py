"""What the command line says of an option or a path that is wrong, and the way out that it names."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import torch

from surge.cli import build_parser, main
from surge.commands import work_hard
from surge.commands.settings import read_settings
from surge.errors import SurgeError
from tests.commands import refused

ROOT = Path(__file__).parents[1]
DEMO, SHOP = str(ROOT / "checkpoints" / "demo"), str(ROOT / "sample_data")


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["recommend", "c", "d", "--user", "-dash"], "is given as --user=-dash"),
        (["recommend", "c", "d", "--user", "--odd"], "is given as --user=--odd"),
        (["explain", "c", "d", "--user", "u", "--item", "-1a", "--output", "x.json"], "is given as --item=-1a"),
        (["prepare", "csv", "a.csv", "--output", "-out"], "is given as --output=-out"),
        (["prepare", "csv", "-log.csv", "--output", "x"], "is given as ./-log.csv"),
        (["survey", "-log.csv", "d"], "is given as ./-log.csv"),
    ],
)
def test_a_dash_at_the_beginning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str], hint: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("-log.csv").write_text("user,item,timestamp\n")
    with pytest.raises(SystemExit):
        main(arguments)
    assert hint in capsys.readouterr().err


def test_an_option_without_its_value_gets_no_hint_about_dashes(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["--user", "--top", "3"], ["--user"], ["--user", "u", "--nonsense"]):
        with pytest.raises(SystemExit):
            main(["recommend", "c", "d", *arguments])
        assert "dash" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "called"),
    [
        (["prepare", "csv", "log.csv", "--output", ""], "the output"),
        (["prepare", "csv", "", "--output", "x"], "INPUT"),
        (["simulate", ""], "the output"),
        (["train", SHOP, "--output", ""], "the output"),
        (["train", SHOP, "--output", "x", "--from", ""], "--from"),
        (["export", DEMO, "--output", ""], "the output"),
        (["survey", DEMO, "", "--output", "x.parquet"], "DATASET"),
        (["survey", DEMO, SHOP, "--output", ""], "the output"),
        (["explore", ""], "FOLDER"),
        (["evaluate", DEMO, SHOP, "--lists", ""], "--lists"),
    ],
)
def test_an_empty_path(capsys: pytest.CaptureFixture[str], arguments: list[str], called: str) -> None:
    assert f"{called} is an empty text, which is no path" in refused(capsys, *arguments)


def test_threads_are_no_more_than_cores(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    set_to: list[int] = []
    monkeypatch.setattr(torch, "set_num_threads", set_to.append)
    work_hard(99_999_999)
    assert "--threads is 99999999; this machine has 2 cores, so 2 are used" in capsys.readouterr().out
    work_hard(1)
    assert set_to == [2, 1] and not capsys.readouterr().out
    with pytest.raises(SurgeError, match="--threads is 0"):
        work_hard(0)


def settings_of(*given: str) -> dict:
    return read_settings(build_parser().parse_args(["train", "shop", "--output", "out", *given]))


def test_the_settings_of_a_checkpoint_are_a_config_file(tmp_path: Path) -> None:
    written = json.loads((Path(DEMO) / "config.json").read_text())
    settings = settings_of("--config", str(Path(DEMO) / "config.json"))
    counted = {"item_count", "category_count"}
    assert settings["model"] == {name: value for name, value in written["model"].items() if name not in counted}
    assert settings["evaluation"] | settings["training"] == written.get("evaluation", {}) | written["training"]
    (tmp_path / "mark.json").write_bytes(b"\xef\xbb\xbf" + b'{"training": {"epochs": 3}}')
    assert settings_of("--config", str(tmp_path / "mark.json"))["training"] == {"epochs": 3}


def test_what_is_counted_is_no_setting(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "count.json").write_text('{"model": {"item_count": 3}}')
    begin = ["train", SHOP, "--output", tmp_path / "x"]
    assert "count.json' sets item_count, which is counted in the dataset; leave it out" in refused(
        capsys, *begin, "--config", tmp_path / "count.json"
    )
    assert "--set category_count: it is counted in the dataset" in refused(capsys, *begin, "--set", "category_count=3")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "is not a JSON file"),
        ("[1]", 'is not a JSON file {"model": {...}, "training": {...}, "evaluation": {...}}: it holds [1]'),
        ('{"model": null}', 'has null as model; give its settings, {"NAME": VALUE}'),
        ('{"model": [["heads", 2]]}', 'has [["heads", 2]] as model'),
        ('{"model": {"heads": 2, "heads": 4}}', "'heads' stands there twice"),
        ('{"model": {}, "model": {"heads": 4}}', "'model' stands there twice"),
    ],
)
def test_what_is_no_config_file(tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, said: str) -> None:
    (tmp_path / "config.json").write_text(content)
    assert said in refused(capsys, "train", SHOP, "--output", tmp_path / "x", "--config", tmp_path / "config.json")


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("clusters=[]", "clusters is []; it must be a list of one or more whole numbers from 1 to 4096"),
        ("clusters=[true]", "clusters is [true]; "),
        ("clusters=[20, 0]", "clusters is [20, 0]; "),
        ("heads=true", "heads is true; it must be a whole number from 1 to 64"),
        ("heads=null", "heads is null; "),
        ("readout=1", "readout is 1; it must be true or false"),
        ("balance_weight=-1", "balance_weight is -1; it must be a number from 0 to 1,000,000"),
        ("evaluation_negatives=0", "from 1 to 1,000,000"),
    ],
)
def test_a_setting_is_shown_as_it_is_typed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], setting: str, said: str
) -> None:
    assert said in refused(capsys, "train", SHOP, "--output", tmp_path / "x", "--set", setting)


def test_a_link_says_where_it_leads(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "link").symlink_to(DEMO)
    sentence = refused(capsys, "recommend", tmp_path / "link", SHOP, "--user", "u1313")
    assert "is a symbolic link, which is not followed" in sentence and f"{str(Path(DEMO).resolve())!r}" in sentence


def test_an_id_that_is_like_no_other_is_told_what_ids_are_like(capsys: pytest.CaptureFixture[str]) -> None:
    sentence = refused(capsys, "recommend", DEMO, SHOP, "--user", "nobody")
    assert "no user 'nobody'; ids of users are such as 'u" in sentence and "interactions.parquet" in sentence
    sentence = refused(capsys, "explain", DEMO, SHOP, "--user", "u1313", "--item", "zzz", "--output", "x.json")
    assert "no item 'zzz'" in sentence


def test_lists_have_positives_of_their_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "--lists has positives of its own; leave --split out" in refused(
        capsys, "evaluate", DEMO, SHOP, "--lists", tmp_path / "x.parquet", "--split", "valid"
    )
