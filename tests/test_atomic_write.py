"""Writing whole or not at all: whatever fails, what was there is never lost and nothing partial takes its place."""

import errno
import itertools
import os
import shutil
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from surge.atomic_write import put_in_place, working_folder
from surge.checkpoint import load_checkpoint, store_metrics
from surge.cli import main
from surge.data.folder import write_dataset
from surge.errors import SurgeError
from tests.test_checkpoint import save_to

LOG = pl.DataFrame({"user": ["a"], "item": ["x"], "timestamp": [1]})
ITEMS = pl.DataFrame({"item": ["x"], "title": ["x"], "category": ["c"]})
PROBLEMS = [PermissionError(errno.EACCES, "Permission denied"), KeyboardInterrupt(), MemoryError()]


def folder_at(place: Path, text: str) -> None:
    with working_folder(place) as work:
        (work / "fresh" / "below").mkdir(parents=True)
        (work / "fresh" / "below" / "file").write_text(text)
        put_in_place(work / "fresh", place)


def content(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text() if path.is_file() else str(path.is_symlink())
        for path in folder.rglob("*")
        if path.is_file() or path.is_symlink()
    }


Breaking = Callable[[Collection[int], BaseException], None]


@pytest.fixture
def break_rename(monkeypatch: pytest.MonkeyPatch) -> Breaking:
    """Breaks these renames, counted from 1."""

    def breaking(failing: Collection[int], problem: BaseException) -> None:
        made = itertools.count(1)
        for name in ("rename", "replace"):
            monkeypatch.setattr(os, name, failing_when(lambda: next(made) in failing, getattr(os, name), problem))

    return breaking


def failing_when(fails: Callable[[], bool], real: Callable[..., Any], problem: BaseException) -> Callable[..., Any]:
    def call(*given: Any, **named: Any) -> Any:
        if fails():
            raise problem
        return real(*given, **named)

    return call


def kept_in(error: SurgeError, parent: Path) -> Path:
    """The one folder beside the output that the sentence names."""
    (kept,) = (path for path in parent.iterdir() if path.name.endswith(".replaced"))
    assert str(kept) in str(error)
    return kept


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: type(problem).__name__)
def test_a_new_folder_that_cannot_be_put_in_place_leaves_nothing(
    tmp_path: Path, break_rename: Breaking, problem: BaseException
) -> None:
    break_rename({1}, problem)
    with pytest.raises(type(problem)):
        folder_at(tmp_path / "a" / "out", "new")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: type(problem).__name__)
@pytest.mark.parametrize("failing", [{1}, {2}], ids=["putting away", "putting in place"])
def test_a_failing_rename_leaves_the_old_folder_alone(
    tmp_path: Path, break_rename: Breaking, problem: BaseException, failing: set[int]
) -> None:
    folder_at(tmp_path / "out", "old")
    break_rename(failing, problem)
    with pytest.raises(type(problem)):
        folder_at(tmp_path / "out", "new")
    assert content(tmp_path) == {"out/below/file": "old"}


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: type(problem).__name__)
def test_where_putting_back_fails_the_old_folder_is_kept_and_the_sentence_says_where(
    tmp_path: Path, break_rename: Breaking, problem: BaseException
) -> None:
    folder_at(tmp_path / "out", "old")
    break_rename({2, 3}, problem)
    with pytest.raises(SurgeError, match=r"out.* could be neither replaced nor put back.*rename it to 'out'") as caught:
        folder_at(tmp_path / "out", "new")
    kept = kept_in(caught.value, tmp_path)
    assert content(tmp_path) == {f"{kept.name}/below/file": "old"}
    kept.rename(tmp_path / "out")  # as the sentence says
    folder_at(tmp_path / "out", "newer")
    assert content(tmp_path) == {"out/below/file": "newer"}


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: type(problem).__name__)
def test_an_old_folder_that_cannot_be_removed_is_told_of(
    tmp_path: Path, break_rename: Breaking, problem: BaseException
) -> None:
    folder_at(tmp_path / "out", "old")
    break_rename({3}, problem)
    with pytest.raises(SurgeError, match=r"out is written, but .*remove it") as caught:
        folder_at(tmp_path / "out", "new")
    kept = kept_in(caught.value, tmp_path)
    assert content(tmp_path) == {"out/below/file": "new", f"{kept.name}/below/file": "old"}


def test_what_another_program_puts_there_meanwhile_costs_neither(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder_at(tmp_path / "out", "old")
    real = os.rename

    def slow(source: Path, target: Path) -> None:
        real(source, target)
        monkeypatch.setattr(os, "rename", real)
        folder_at(tmp_path / "out", "theirs")

    monkeypatch.setattr(os, "rename", slow)
    with pytest.raises(SurgeError, match="neither replaced nor put back") as caught:
        folder_at(tmp_path / "out", "new")
    kept = kept_in(caught.value, tmp_path)
    assert content(tmp_path) == {"out/below/file": "theirs", f"{kept.name}/below/file": "old"}


@pytest.mark.parametrize("failing", [set(), {2}], ids=["all goes well", "it is put back"])
@pytest.mark.parametrize("kind", ["file", "link to a folder", "link to nothing"])
def test_a_file_or_a_link_is_replaced_or_kept_as_a_folder_is(
    tmp_path: Path, break_rename: Breaking, kind: str, failing: set[int]
) -> None:
    (tmp_path / "target").mkdir()
    (tmp_path / "target" / "file").write_text("linked")
    if kind == "file":
        (tmp_path / "out").write_text("mine")
    else:
        (tmp_path / "out").symlink_to("target" if kind == "link to a folder" else "nowhere")
    before = content(tmp_path)
    break_rename(failing, KeyboardInterrupt())
    if failing:
        with pytest.raises(KeyboardInterrupt):
            folder_at(tmp_path / "out", "new")
        assert content(tmp_path) == before
    else:
        folder_at(tmp_path / "out", "new")
        assert content(tmp_path) == {"out/below/file": "new", "target/file": "linked"}


def write_a_dataset(folder: Path, name: str) -> None:
    write_dataset(folder, LOG, ITEMS, {"name": name}, force=True)


def write_a_checkpoint(folder: Path, name: str) -> None:
    save_to(folder, description={"name": name}, overwrite=True)


def write_figures(folder: Path, name: str) -> None:
    if folder.exists():
        store_metrics(load_checkpoint(folder), {name: {"auc": 0.5}})
    else:
        (save_to(folder) / "notes.txt").write_text("mine")


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("write", [write_a_dataset, write_a_checkpoint, write_figures])
def test_a_full_disk_and_failing_renames_lose_no_dataset_and_no_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[[Path, str], None]
) -> None:
    output = tmp_path / "out"
    write(output, "first")
    before, full = bytes_of(output), OSError(errno.ENOSPC, "No space left on device")
    writers = [(Path, "write_bytes"), (Path, "write_text"), (pl.DataFrame, "write_parquet"), (shutil, "copyfile")]
    for failing in itertools.count(1):  # at the first thing that is written, the second ... until all goes well
        with monkeypatch.context() as patch:
            made = itertools.count(1)
            for owner, name in writers:
                fails = failing_when(lambda: next(made) == failing, getattr(owner, name), full)  # noqa: B023
                patch.setattr(owner, name, fails)
            try:
                write(output, "second")
                break
            except (OSError, SurgeError) as problem:  # that of a whole tree that is copied only names it
                assert "No space left on device" in str(problem)
        assert bytes_of(tmp_path) == {f"out/{name}": value for name, value in before.items()}
    assert failing > 3
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert bytes_of(output).keys() == before.keys() and bytes_of(output) != before
    before = bytes_of(output)
    with monkeypatch.context() as patch:
        made = itertools.count(1)
        for name in ("rename", "replace"):
            patch.setattr(os, name, failing_when(lambda: next(made) > 1, getattr(os, name), full))
        with pytest.raises(SurgeError, match="neither replaced nor put back") as caught:
            write(output, "third")
    assert bytes_of(kept_in(caught.value, tmp_path)) == before
    assert len(list(tmp_path.iterdir())) == 1


def test_a_command_says_in_one_sentence_where_the_old_folder_lies(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], break_rename: Breaking
) -> None:
    given = ["simulate", str(tmp_path / "out"), "--users", "20", "--seed", "0", "--force"]
    assert main(given) == 0
    before = bytes_of(tmp_path / "out")
    break_rename({2, 3}, PROBLEMS[0])
    capsys.readouterr()
    assert main(given) == 2
    (kept,) = tmp_path.iterdir()
    assert bytes_of(kept) == before
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"error: {tmp_path / 'out'} could be neither replaced nor put back (Permission denied); what was there lies in "
        f"{kept}: rename it to 'out'"
    )


def test_a_command_whose_copy_of_a_folder_fails_says_why_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    full = OSError(errno.ENOSPC, "No space left on device")
    monkeypatch.setattr(shutil, "copyfile", failing_when(lambda: True, shutil.copyfile, full))
    assert main(["demo", str(tmp_path / "mine")]) == 2
    assert capsys.readouterr().err == ("error: No space left on device; check the path, its permissions and the disk\n")
    assert list(tmp_path.iterdir()) == []


def test_the_working_folder_is_gone_afterwards(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), working_folder(tmp_path / "a" / "b") as work:
        (work / "copy").write_text("x")
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_a_working_folder_that_somebody_removed_is_no_problem(tmp_path: Path) -> None:
    with working_folder(tmp_path / "out") as work:
        work.rmdir()
    assert list(tmp_path.iterdir()) == []
