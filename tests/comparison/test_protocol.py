"""The lists that all models share, and what is refused before anything is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from surge.data.store import Dataset
from surge.errors import SurgeError
from surge.training.data import TrainingData
from tests.comparison.small import small


def some_lists(dataset: Dataset, path: Path, split: str = "test", count: int = 5) -> Path:
    """Lists of three negatives for the first positives of a split."""
    data = TrainingData.of(dataset)
    items, part = data.items["item"].to_list(), data.splits[split]
    rows = []
    for user, position in zip(part.user[:count].tolist(), part.position[:count].tolist(), strict=True):
        positive = items[data.log.items[position]]
        others = [item for item in items if item != positive][:3]
        rows.append((dataset.users[user], position - int(data.log.offsets[user]), [positive, *others]))
    pl.DataFrame(rows, schema=["user", "step", "candidates"], orient="row").write_parquet(path)
    return path


def test_given_lists_are_used_and_stay(simulated: Dataset, tmp_path: Path, trained: list[tuple[str, int, int]]) -> None:
    given, output = some_lists(simulated, tmp_path / "given.parquet"), tmp_path / "table.md"
    comparison = small(simulated, ["ncf"], output, lists=given)
    assert (comparison["lists"], comparison["negatives"]) == (5, 3)
    assert pl.read_parquet(output.with_suffix(".runs") / "lists.parquet").equals(pl.read_parquet(given))
    trained.clear()
    assert small(simulated, ["ncf"], output, lists=given) == comparison
    assert trained == []

    with pytest.raises(SurgeError, match=r"lists of 3 negatives, not 9; give another --output"):
        small(simulated, ["ncf"], output)
    small(simulated, ["ncf"], output, settings={"evaluation_negatives": 3})
    assert pl.read_parquet(output.with_suffix(".runs") / "lists.parquet").equals(pl.read_parquet(given))


def test_drawn_lists_stay_for_a_model_with_a_longer_memory(simulated: Dataset, tmp_path: Path) -> None:
    output = tmp_path / "table.md"
    small(simulated, ["ncf"], output)
    before = (output.with_suffix(".runs") / "lists.parquet").read_bytes()
    small(simulated, ["ncf", "din:max_length=20"], output)
    assert (output.with_suffix(".runs") / "lists.parquet").read_bytes() == before


def test_positives_that_were_trained_on_are_no_test(simulated: Dataset, tmp_path: Path) -> None:
    given = some_lists(simulated, tmp_path / "given.parquet", "train")
    with pytest.raises(SurgeError, match=r"given\.parquet.* not of the dataset's test split"):
        small(simulated, ["ncf"], tmp_path / "table.md", lists=given)
    assert [path.name for path in tmp_path.iterdir()] == ["given.parquet"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"metric": "recall"}, "There is no metric 'recall'; the metrics are auc, gauc"),
        ({"seeds": 0}, "--seeds is 0"),
        ({"output": "table.txt"}, "must end in .md"),
        ({"output": "nowhere/table.md"}, "does not exist"),
        ({"settings": {"evaluation_negatives": 0}}, "evaluation_negatives is 0"),
        ({"texts": ["ncf", "din:batch_size=0"]}, "batch_size is 0"),  # not only of the first
        ({"texts": ["ncf", "sasrec:heads=5"]}, "5 heads"),
        ({"lists": Path("missing.parquet")}, "no file of candidate lists"),
    ],
)
def test_bad_input_is_said_before_anything_is_written(
    simulated: Dataset, tmp_path: Path, options: dict[str, Any], words: str
) -> None:
    texts, output = options.pop("texts", ["ncf"]), tmp_path / options.pop("output", "table.md")
    with pytest.raises(SurgeError, match=words):
        small(simulated, texts, output, **options)
    assert list(tmp_path.iterdir()) == []


def test_what_no_comparison_wrote_is_left_alone(simulated: Dataset, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine")
    with pytest.raises(SurgeError, match=r"README\.md' exists and no comparison wrote it"):
        small(simulated, ["ncf"], tmp_path / "README.md")
    (tmp_path / "folder.md").mkdir()
    with pytest.raises(SurgeError, match="no comparison wrote it"):
        small(simulated, ["ncf"], tmp_path / "folder.md")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["README.md", "folder.md"]
    assert (tmp_path / "README.md").read_text() == "mine"
