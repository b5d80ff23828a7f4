"""Small logs written by hand, and the way to prepare one."""

from collections.abc import Callable
from pathlib import Path

import pytest

from surge.data.dataset import Dataset
from surge.data.preparation import prepare

SHARED = Path(__file__).parents[3] / "shared" / "data"


@pytest.fixture
def shared_data() -> Path:
    """The folder of public raw logs, which is not part of the project."""
    if not SHARED.is_dir():
        pytest.skip("the raw logs in ../shared/data are not on this machine")
    return SHARED


@pytest.fixture
def prepare_text(tmp_path: Path) -> Callable[..., Dataset]:
    """Write a text as a CSV file, prepare it with leave-last, and load the dataset."""

    def run(text: str | bytes, **options: object) -> Dataset:
        source = tmp_path / "log.csv"
        source.write_bytes(text if isinstance(text, bytes) else text.encode())
        output = tmp_path / "out"
        prepare("csv", [source], output, **{"split": "leave-last", **options})  # type: ignore[arg-type]
        return Dataset.load(output)

    return run


@pytest.fixture
def log(tmp_path: Path) -> Callable[..., Dataset]:
    """Write a text under a name, prepare it with leave-last in place of what was there, and load the dataset."""

    def run(text: str | bytes, name: str = "log.csv", format: str = "csv", **options: object) -> Dataset:
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        prepare(format, [tmp_path / name], tmp_path / "out", force=True, **{"split": "leave-last", **options})  # type: ignore[arg-type]
        return Dataset.load(tmp_path / "out")

    return run
