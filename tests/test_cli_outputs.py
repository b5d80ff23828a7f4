"""What a command must not overwrite, what it may, and what it says of what it left out."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import polars as pl
import pytest

from surge import checkpoint as checkpoint_module
from surge.cli import main
from tests.commands import refused

ROOT = Path(__file__).parents[1]
DEMO, SHOP = str(ROOT / "checkpoints" / "demo"), str(ROOT / "sample_data")


@pytest.mark.parametrize("ending", ["json", "npz", "html"])
def test_explain_replaces_what_it_wrote_and_nothing_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], ending: str
) -> None:
    ask = ["explain", DEMO, SHOP, "--user", "u1313"]
    output = tmp_path / f"why.{ending}"
    assert main([*ask, "--output", str(output)]) == 0
    output.touch()
    assert main([*ask, "--whole-history", "--output", str(output)]) == 0
    for content in (b"", b"mine", b"{}", b"[1]", b"PK\x03\x04"):
        other = tmp_path / f"mine.{ending}"
        other.write_bytes(content)
        assert "is there already and holds no" in refused(capsys, *ask, "--output", other)
        assert other.read_bytes() == content


@pytest.fixture
def nothing_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is wrong with an output is said before the work."""

    def read(*_: object) -> None:
        raise AssertionError("the checkpoint was read")

    monkeypatch.setattr(checkpoint_module, "load_checkpoint", read)


def test_compare_overwrites_no_figures_that_it_did_not_write(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "table.json").write_text("mine")
    command = ["compare", SHOP, "--models", "popularity", "--output", tmp_path / "table.md"]
    assert "table.json' exists and no comparison wrote it" in refused(capsys, *command)
    assert [path.name for path in tmp_path.iterdir()] == ["table.json"]


@pytest.mark.usefixtures("nothing_is_read")
@pytest.mark.parametrize(
    ("command", "name"),
    [
        (["explain", "CK", "DS", "--user", "u1313"], "CK/metrics.json"),
        (["explain", "CK", "DS", "--user", "u1313"], "DS/dataset.json"),
        (["recommend", "CK", "DS", "--all-users"], "DS/interactions.parquet"),
        (["recommend", "CK", "DS", "--all-users"], "CK/items.parquet"),
        (["recommend", "CK", "--histories", "log.parquet"], "log.parquet"),
    ],
)
def test_inputs_are_no_outputs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: list[str], name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(DEMO, "CK")
    shutil.copytree(SHOP, "DS")
    shutil.copy(Path(SHOP) / "interactions.parquet", "log.parquet")
    before = Path(name).read_bytes()
    assert "is there already and holds no" in refused(capsys, *command, "--output", name)
    assert Path(name).read_bytes() == before


def test_a_table_of_recommendations_that_is_read_is_not_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, log = tmp_path / "top.parquet", tmp_path / "log.csv"
    items = pl.read_parquet(Path(DEMO) / "items.parquet")["item"].to_list()
    log.write_text("user,item\n" + "".join(f"a,{item}\n" for item in items[:3]))
    ask = ["recommend", DEMO, "--file-order", "--top", "3", "--output", str(table), "--histories"]
    assert main([*ask, str(log)]) == 0
    for histories in (table, tmp_path, tmp_path / "*.parquet", tmp_path / ".." / tmp_path.name / "top.parquet"):
        assert "is, or lies among, the files of --histories" in refused(capsys, *ask, histories)


@pytest.mark.parametrize(
    "command",
    [
        ["recommend", DEMO, SHOP, "--all-users", "--output", "locked/x.parquet"],
        ["explain", DEMO, SHOP, "--user", "u1313", "--output", "locked/x.json"],
        ["explain", DEMO, SHOP, "--user", "u1313", "--output", "locked/x.html"],
        ["survey", DEMO, SHOP, "--output", "locked/x.parquet"],
        ["export", DEMO, "--output", "locked/x"],
        ["export", DEMO, "--output", "locked/new/x"],
        ["prepare", "csv", "log.csv", "--output", "locked/x"],
        ["simulate", "locked/x"],
        ["train", SHOP, "--output", "locked/new/x"],
        ["compare", SHOP, "--models", "popularity", "--output", "locked/x.md"],
    ],
)
def test_a_folder_that_can_not_be_written_is_told_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    locked = tmp_path / "locked"
    locked.mkdir()
    (tmp_path / "log.csv").write_text("user,item,timestamp\na,b,1700000000\n")
    may = os.access  # root may write anywhere
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).resolve() != locked and may(path, mode))
    sentence = refused(capsys, *command)
    assert "locked' can't be written; check its permissions" in sentence and "partial" not in sentence
    assert not any(locked.iterdir())


@pytest.mark.parametrize("command", [["export", DEMO, "--output"], ["prepare", "csv", "a.csv", "--output"]])
def test_a_folder_in_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.csv").write_text("user,item,timestamp\na,b,1700000000\n")
    assert "a.csv' is a file, so no folder can be made in it" in refused(capsys, *command, "a.csv/x")


def test_what_is_left_of_histories_is_told_as_prepare_tells_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    items = pl.read_parquet(Path(DEMO) / "items.parquet")["item"].to_list()
    good = "".join(f"{user},{item},{1700000000 + place}\n" for user in "ab" for place, item in enumerate(items[:4]))
    log, output = tmp_path / "log.csv", tmp_path / "top.parquet"
    log.write_text(
        f"user,item,timestamp\n{good}b,{items[0]}\n,{items[0]},1700000000\nNA,{items[0]},1700000000\n"
        f"c,,1700000000\nd,{items[1]},noon\na,nowhere,1700000009\n"
    )
    ask = ["recommend", DEMO, "--top", "3", "--output", str(output), "--histories", str(log)]
    assert main(ask) == 0
    out = " ".join(capsys.readouterr().out.split())
    told = ("rows read 14", "malformed line 1", "missing user 2", "missing item 1", "unparsable time 1", "line 10 ")
    for words in told:
        assert words in out
    assert "note 2 users have no other rows than dropped ones" in out
    assert "left out: 1 interaction of 1 user with 1 item that the model doesn't know" in out
    assert "6 rows of 2 users; written" in out
    assert main([*ask, "--keep-null-words"]) == 0
    assert sorted(set(pl.read_parquet(output)["user"])) == ["NA", "a", "b"]


def test_histories_are_read_with_the_options_of_prepare(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    items = pl.read_parquet(Path(DEMO) / "items.parquet")["item"].to_list()
    log, output = tmp_path / "log.txt", tmp_path / "top.parquet"
    log.write_text(
        "made in May\n\n" + "".join(f"{item};a;0{place}.05.2024\n" for place, item in enumerate(items[:4], 1))
    )
    ask = ["recommend", DEMO, "--top", "3", "--output", str(output), "--histories", str(log)]
    options = "--skip-lines 2 --no-header --delimiter ; --user-column 2 --item-column 1 --time-column 3"
    assert main([*ask, *options.split(), "--time-format", "%d.%m.%Y"]) == 0
    assert pl.read_parquet(output)["user"].to_list() == ["a"] * 3
    assert "--delimiter says how a log is read: give it with --histories" in refused(
        capsys, "recommend", DEMO, SHOP, "--user", "u1313", "--delimiter", ";"
    )
    assert "--behaviour says" in refused(capsys, "recommend", DEMO, SHOP, "--user", "u1313", "--behaviour", "x")


@pytest.mark.parametrize("name", ["shop*", "shop[1]", "shop?", "user=1", "~/shop"])
def test_a_name_that_means_more_to_others_is_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    items = pl.read_parquet(Path(DEMO) / "items.parquet")["item"].to_list()
    log = "user,item,timestamp\n" + "".join(f"a,{items[k]},{1700000000 + k}\n" for k in range(5))
    Path("log.csv").write_text(log)
    assert main(["prepare", "csv", "log.csv", "--output", "shop1", "--split", "leave-last"]) == 0
    first = capsys.readouterr().out.splitlines()[1:]
    assert main(["prepare", "csv", "log.csv", "--output", name, "--split", "leave-last"]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == first
    output = f"{name}/top.parquet"
    assert main(["recommend", DEMO, name, "--all-users", "--top", "2", "--output", output]) == 0
    assert "2 rows of 1 user" in capsys.readouterr().out
    assert (tmp_path / output).is_file()
