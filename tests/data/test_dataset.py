"""Reading a dataset folder: lookups and searches by hand-worked values, and a sentence for each kind of damage."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from surge.data.dataset import Dataset
from surge.data.folder import write_dataset
from surge.errors import SurgeError

ITEMS = pl.DataFrame(
    {
        "item": ["1", "12", "b.", "tent"],
        "title": ["Tent peg", "<img src=x onerror=alert(1)>", "A TENT", "Stove"],
        "category": ["Camping", None, "Shelter", "Tent-free"],
    }
)
INTERACTIONS = pl.DataFrame(
    {
        "user": ["10", "10", "2", "Ann", "Ann", "Ann", "bob"],
        "item": ["1", "12", "1", "b.", "b.", "tent", "1"],
        "timestamp": [5, 6, 1, 1, 2, 2, 9],
    }
)
DESCRIPTION = {"format_version": 1, "name": "toy", "split": {"method": "time", "valid_start": 2, "test_start": 5}}


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write the toy dataset with some of its parts replaced."""

    def run(
        interactions: pl.DataFrame = INTERACTIONS, items: pl.DataFrame = ITEMS, description: dict = DESCRIPTION
    ) -> Path:
        write_dataset(tmp_path / "toy", interactions, items, description)
        return tmp_path / "toy"

    return run


@pytest.fixture
def dataset(write: Callable[..., Path]) -> Dataset:
    return Dataset.load(write())


def test_users_offsets_and_histories(dataset: Dataset) -> None:
    assert dataset.users == ["10", "2", "Ann", "bob"]
    assert dataset.offsets.tolist() == [0, 2, 3, 6, 7]
    assert dataset.offsets.dtype == "int64"
    assert [dataset.user_index(user) for user in dataset.users] == [0, 1, 2, 3]
    assert dataset.history("Ann").rows() == [("Ann", "b.", 1), ("Ann", "b.", 2), ("Ann", "tent", 2)]


def test_unknown_user_is_told_the_closest(dataset: Dataset) -> None:
    with pytest.raises(SurgeError, match="no user 'Anne'; the closest are 'Ann'"):
        dataset.history("Anne")
    with pytest.raises(
        SurgeError, match="ids of users are such as '10', '2', 'Ann'; all are in the dataset's interactions"
    ):
        dataset.user_index("zzzzzzzz")
    with pytest.raises(SurgeError, match="no user ''"):
        dataset.user_index("")


@pytest.mark.parametrize(
    ("text", "users"),
    [("", ["10", "2", "Ann", "bob"]), ("an", ["Ann"]), ("B", ["bob"]), ("0", ["10"]), (".*", []), ("o", ["bob"])],
)
def test_search_users(dataset: Dataset, text: str, users: list[str]) -> None:
    assert dataset.search_users(text) == users


def test_search_users_puts_beginnings_first(write: Callable[..., Path]) -> None:
    users = ["a1", "b1", "ba"]
    log = pl.DataFrame({"user": users, "item": ["1"] * 3, "timestamp": [1] * 3})
    dataset = Dataset.load(write(log))
    assert dataset.search_users("a") == ["a1", "ba"]
    assert dataset.search_users("1", limit=1) == ["a1"]
    assert dataset.search_users("b") == ["b1", "ba"]
    assert dataset.search_users("a", limit=0) == []


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("tent", ["tent", "1", "b."]),  # the id, the title that begins with it, the title that contains it
        ("1", ["1", "12"]),
        ("camp", ["1"]),
        ("(1)", ["12"]),
        ("b.", ["b."]),
        ("", ["1", "12", "b.", "tent"]),
    ],
)
def test_search_items(dataset: Dataset, text: str, items: list[str]) -> None:
    found = dataset.search_items(text)
    assert found["item"].to_list() == items
    assert found.columns == ["item", "title", "category"]


def test_item(dataset: Dataset) -> None:
    assert dataset.item("12") == {"item": "12", "title": "<img src=x onerror=alert(1)>", "category": None}
    with pytest.raises(SurgeError, match="no item 'tents'; the closest are 'tent'"):
        dataset.item("tents")


def test_digest_follows_the_content_and_not_the_place(write: Callable[..., Path], tmp_path: Path) -> None:
    folder = write()
    digest = Dataset.load(folder).digest
    folder.rename(tmp_path / "elsewhere")
    assert Dataset.load(tmp_path / "elsewhere").digest == digest
    other = Dataset.load(write(description={**DESCRIPTION, "name": "other"}))
    assert other.digest != digest
    assert len(digest) == 64


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        ({"interactions": INTERACTIONS.reverse()}, "not sorted"),
        ({"interactions": INTERACTIONS.with_columns(timestamp=-pl.col("timestamp"))}, "not sorted"),
        ({"interactions": INTERACTIONS.with_columns(pl.col("user").cast(pl.Categorical))}, "must be String"),
        ({"interactions": INTERACTIONS.with_columns(pl.col("timestamp").cast(pl.Int32))}, "must be Int64"),
        ({"interactions": INTERACTIONS.drop("item")}, "no column 'item'; it has user, timestamp"),
        ({"interactions": INTERACTIONS.head(0)}, "no rows"),
        ({"interactions": INTERACTIONS.with_columns(item=pl.lit(None, dtype=pl.String))}, "7 empty values in 'item'"),
        ({"items": ITEMS.head(3)}, "lacks item 'tent'"),
        ({"items": pl.concat([ITEMS, ITEMS.head(1)])}, "lists item '1' more than once"),
        ({"items": ITEMS.with_columns(title=pl.lit(None, dtype=pl.String))}, "4 empty values in 'title'"),
        ({"description": {**DESCRIPTION, "format_version": 2}}, "format version 2"),
        ({"description": {**DESCRIPTION, "name": ""}}, "no name"),
        ({"description": {**DESCRIPTION, "counts": {"interactions": 8}}}, "not from the same preparation"),
        ({"description": {**DESCRIPTION, "counts": [8]}}, r"gives no table of counts but \[8\]; prepare"),
        ({"description": {**DESCRIPTION, "counts": None}}, "gives no table of counts but None; prepare"),
        ({"description": {**DESCRIPTION, "repeat_share": "few"}}, "'few' as repeat_share, not a share from 0 to 1"),
        ({"description": {**DESCRIPTION, "repeat_share": True}}, "True as repeat_share"),
        ({"description": {**DESCRIPTION, "repeat_share": 1.5}}, "1.5 as repeat_share"),
        ({"description": {**DESCRIPTION, "split": {"method": "random"}}}, "no usable split"),
        (
            {"description": {**DESCRIPTION, "split": {"method": "time", "valid_start": 5, "test_start": 2}}},
            "no usable split",
        ),
        (
            {"description": {**DESCRIPTION, "split": {"method": "time", "valid_start": False, "test_start": True}}},
            "no usable split",
        ),
    ],
)
def test_wrong_content(write: Callable[..., Path], parts: dict, sentence: str) -> None:
    with pytest.raises(SurgeError, match=sentence):
        Dataset.load(write(**parts))


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[1]", b"[" * 200_000])
def test_damaged_description(write: Callable[..., Path], content: bytes) -> None:
    folder = write()
    (folder / "dataset.json").write_bytes(content)
    with pytest.raises(SurgeError, match=r"dataset\.json (is not valid JSON|does not hold a JSON object)"):
        Dataset.load(folder)


@pytest.mark.parametrize("file", ["interactions.parquet", "items.parquet"])
def test_truncated_tables(write: Callable[..., Path], file: str) -> None:
    folder = write()
    whole = (folder / file).read_bytes()
    for length in (0, 4, len(whole) // 2, len(whole) - 1):
        (folder / file).write_bytes(whole[:length])
        with pytest.raises(SurgeError, match="can't be read as Parquet"):
            Dataset.load(folder)


def test_missing_files_and_symbolic_links(write: Callable[..., Path], tmp_path: Path) -> None:
    folder = write()
    with pytest.raises(SurgeError, match="not a dataset folder"):
        Dataset.load(tmp_path / "nothing")
    (folder / "items.parquet").rename(tmp_path / "moved")
    with pytest.raises(SurgeError, match=r"no items\.parquet"):
        Dataset.load(folder)
    os.symlink(tmp_path / "moved", folder / "items.parquet")
    with pytest.raises(SurgeError, match="symbolic link"):
        Dataset.load(folder)


def test_description_is_read_as_it_stands(dataset: Dataset) -> None:
    assert dataset.name == "toy"
    assert dataset.description == json.loads((dataset.folder / "dataset.json").read_text())
