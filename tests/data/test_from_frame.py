"""A dataset from a pandas or polars frame: the same as from its file."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import polars as pl
import pytest

import surge
from surge.data.dataset import Dataset
from surge.data.preparation import prepare
from surge.errors import SurgeError

ROWS = [
    (user, f"i{(3 * user + place) % 7}", 1_600_000_000 + 86_400 * place + user)
    for user in range(5)
    for place in range(6)
]
NAMES = {"user": "who", "item": "what", "time": "when"}


def frames() -> dict[str, object]:
    table = pl.DataFrame(ROWS, schema=["who", "what", "when"], orient="row")
    dated = table.with_columns(pl.from_epoch("when"))
    return {
        "polars": table,
        "lazy": table.lazy(),
        "pandas": table.to_pandas(),
        "dates": dated,
        "zoned": dated.with_columns(pl.col("when").dt.replace_time_zone("Europe/Berlin", ambiguous="earliest")),
        "pandas dates": pd.DataFrame(ROWS, columns=["who", "what", "when"]).assign(
            when=lambda frame: pd.to_datetime(frame["when"], unit="s", utc=True)
        ),
    }


@pytest.mark.parametrize("kind", frames())
def test_any_frame_gives_the_dataset_of_its_file(kind: str, tmp_path: Path) -> None:
    frames()["polars"].write_csv(tmp_path / "log.csv")  # type: ignore[attr-defined]
    prepare("csv", [tmp_path / "log.csv"], tmp_path / "log", columns=NAMES, split="leave-last")
    of_file = Dataset.load(tmp_path / "log")
    dataset = surge.Dataset.from_frame(frames()[kind], **NAMES, name="shop", split="leave-last")  # type: ignore[arg-type]
    shifted = of_file.interactions["timestamp"] - (7200 if kind == "zoned" else 0)  # summer time
    assert dataset.interactions["timestamp"].to_list() == shifted.to_list()
    assert dataset.interactions.drop("timestamp").equals(of_file.interactions.drop("timestamp"))
    assert dataset.items.equals(of_file.items) and dataset.name == "shop" and dataset.folder == Path("shop")
    assert not Path("shop").exists()


def test_what_is_no_frame_and_what_lacks_a_column() -> None:
    with pytest.raises(SurgeError, match="pandas or polars frame, not of this"):
        Dataset.from_frame([1, 2, 3])
    with pytest.raises(SurgeError, match="no column 'user'"):
        Dataset.from_frame(frames()["polars"])
    with pytest.raises(SurgeError, match=r"no column 'shelf'.*--category-column"):
        Dataset.from_frame(frames()["polars"], **NAMES, columns={"category": "shelf"})  # type: ignore[arg-type]
