"""The lists that all models share, and what is refused before anything is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from surge.data.dataset import Dataset
from surge.data.negatives import PopularitySampler
from surge.errors import SurgeError
from surge.training.data import TrainingData
from tests.comparison.small import small
from tests.training.toy import dataset_of

drawn = PopularitySampler.negatives


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

    assert small(simulated, ["ncf"], output)["negatives"] == 9  # lists that nobody gives are drawn
    assert trained


def test_drawn_lists_stay_for_a_model_with_a_longer_memory(simulated: Dataset, tmp_path: Path) -> None:
    output = tmp_path / "table.md"
    small(simulated, ["ncf"], output)
    before = (output.with_suffix(".runs") / "lists.parquet").read_bytes()
    small(simulated, ["ncf", "din:max_length=20"], output)
    assert (output.with_suffix(".runs") / "lists.parquet").read_bytes() == before


def unrepeated(users: int = 12, items: int = 16, each: int = 8) -> Dataset:
    """Nobody takes anything twice, so lists are shorter than the catalogue."""
    rng = np.random.default_rng(3)
    return dataset_of(
        {f"u{u}": [(f"i{i:02}", t) for t, i in enumerate(rng.permutation(items)[:each])] for u in range(users)},
        {"method": "leave-last"},
    )


def test_lists_that_the_catalogue_keeps_short_are_drawn_again_alike(
    tmp_path: Path, trained: list[tuple[str, int, int]]
) -> None:
    dataset, output = unrepeated(), tmp_path / "table.md"
    first = small(dataset, ["ncf"], output, settings={"evaluation_negatives": 99})
    assert (first["negatives"], first["fewest_negatives"]) == (8, 8)  # of 16 items, seven taken before and the positive
    assert "of one positive and 8 negatives" in output.read_text()
    trained.clear()
    assert small(dataset, ["ncf"], output, settings={"evaluation_negatives": 99}) == first
    assert trained == []
    small(dataset, ["ncf"], output, settings={"evaluation_negatives": 99, "test_instances": 5})
    assert trained  # other lists, another run
    assert len(pl.read_parquet(output.with_suffix(".runs") / "lists.parquet")) == 5


def test_other_drawing_makes_other_runs(
    tmp_path: Path, trained: list[tuple[str, int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset, output = unrepeated(), tmp_path / "table.md"
    small(dataset, ["ncf"], output, settings={"evaluation_negatives": 4})
    trained.clear()
    monkeypatch.setattr(PopularitySampler, "negatives", lambda *given, **more: drawn(*given, **more)[:, ::-1])
    small(dataset, ["ncf"], output, settings={"evaluation_negatives": 4})
    assert trained


def test_given_lists_with_what_the_user_took(tmp_path: Path) -> None:
    dataset = unrepeated()
    data = TrainingData.of(dataset)
    items, test = data.items["item"].to_list(), data.splits["test"]
    user, position = int(test.user[0]), int(test.position[0])
    before = data.log.items[data.log.offsets[user] : position]
    rows = [(dataset.users[user], len(before), [items[data.log.items[position]], items[before[0]]])]
    pl.DataFrame(rows, schema=["user", "step", "candidates"], orient="row").write_parquet(tmp_path / "given.parquet")
    with pytest.raises(SurgeError, match="has 1 lists with a negative that the user took before"):
        small(dataset, ["ncf"], tmp_path / "table.md", lists=tmp_path / "given.parquet")
    assert [path.name for path in tmp_path.iterdir()] == ["given.parquet"]


def test_a_test_split_whose_users_took_everything(tmp_path: Path) -> None:
    with pytest.raises(SurgeError, match="Whoever has a test positive in 'toy' took all other items before"):
        small(unrepeated(items=8, each=8), ["ncf"], tmp_path / "table.md")
    assert list(tmp_path.iterdir()) == []


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
        ({"lists": Path("missing.parquet")}, "missing.parquet does not exist"),
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
