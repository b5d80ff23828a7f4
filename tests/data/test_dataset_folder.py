"""Writing a dataset folder: whole or not at all, and nothing of the user's is lost."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from surge.data.folder import check_output, write_dataset
from surge.errors import SurgeError

LOG = pl.DataFrame({"user": ["a"], "item": ["x"], "timestamp": [1]})
ITEMS = pl.DataFrame({"item": ["x"], "title": ["x"], "category": ["c"]})


def write(output: Path, name: str = "first", **options: bool) -> None:
    write_dataset(output, LOG, ITEMS, {"name": name}, **options)


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_new_folder_has_the_three_files_and_no_more(tmp_path: Path) -> None:
    write(tmp_path / "deep" / "down" / "out")
    assert sorted(content(tmp_path)) == [
        f"deep/down/out/{name}" for name in ("dataset.json", "interactions.parquet", "items.parquet")
    ]


def test_an_empty_folder_is_used(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    write(tmp_path / "out")
    assert len(content(tmp_path / "out")) == 3


def test_a_full_folder_needs_force_and_keeps_its_readme(tmp_path: Path) -> None:
    output = tmp_path / "out"
    write(output)
    (output / "README.md").write_text("mine")
    before = content(tmp_path)
    with pytest.raises(SurgeError, match="is not empty; give another folder, or --force"):
        write(output, "second")
    assert content(tmp_path) == before
    write(output, "second", force=True)
    assert b"second" in content(output)["dataset.json"]
    assert content(output)["README.md"] == b"mine"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_force_never_replaces_what_is_no_dataset(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(SurgeError, match=r"holds 'thesis\.txt'"):
        check_output(tmp_path, force=True)
    (tmp_path / "file").write_text("")
    with pytest.raises(SurgeError, match="is a file"):
        check_output(tmp_path / "file", force=True)
    (tmp_path / "link").symlink_to(tmp_path / "gone")
    with pytest.raises(SurgeError, match="symbolic link"):
        check_output(tmp_path / "link", force=True)


@pytest.mark.parametrize("problem", [OSError("disk full"), KeyboardInterrupt()])
@pytest.mark.parametrize("step", ["write_parquet", "rename"])
def test_an_interrupted_write_leaves_the_old_dataset_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, problem: BaseException, step: str
) -> None:
    output = tmp_path / "out"
    write(output)
    before = content(tmp_path)
    fails = _failing_last(Path.rename, problem) if step == "rename" else _failing(problem)
    monkeypatch.setattr(Path if step == "rename" else pl.DataFrame, step, fails)
    with pytest.raises(type(problem)):
        write(output, "second", force=True)
    assert content(tmp_path) == before
    with pytest.raises(type(problem)):
        write(tmp_path / "new" / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def _failing(problem: BaseException) -> Callable[..., None]:
    def fail(*_: object, **__: object) -> None:
        raise problem

    return fail


def _failing_last(rename: Callable[[Path, Path], Path], problem: BaseException) -> Callable[[Path, Path], Path]:
    """Fails when the fresh folder is to be put in place, after the old one has been set aside."""

    def fail(self: Path, target: Path) -> Path:
        if self.name == "dataset":
            raise problem
        return rename(self, target)

    return fail
