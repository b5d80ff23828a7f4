"""Columns of every type that a Parquet file can have, in every role: read as they are meant, or refused by name."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from surge.data.dataset import Dataset
from surge.data.preparation import prepare
from surge.errors import SurgeError
from tests.data.reading import notes

T = 1600000000
Table = Callable[..., Dataset]


@pytest.fixture
def table(tmp_path: Path) -> Table:
    """Prepare a table of four interactions of one user, with other or more columns, and load the dataset."""

    def run(more: dict[str, object] | pa.Table, **options: object) -> Dataset:
        usual = {"user": ["u"] * 4, "item": list("abcd"), "timestamp": [T, T + 1, T + 2, T + 3]}
        content = more if isinstance(more, pa.Table) else pa.table({**usual, **more})
        parquet.write_table(content, tmp_path / "log.parquet")
        prepare("csv", [tmp_path / "log.parquet"], tmp_path / "out", force=True, **{"split": "leave-last", **options})  # type: ignore[arg-type]
        return Dataset.load(tmp_path / "out")

    return run


def items(dataset: Dataset) -> list[str]:
    return dataset.interactions["item"].to_list()


# -- ids ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "ids"),
    [
        (pa.array([Decimal(n) for n in range(4)], pa.decimal128(10, 0)), ["0", "1", "2", "3"]),
        (pa.array([Decimal(f"{n}.00") for n in range(4)], pa.decimal128(10, 2)), ["0", "1", "2", "3"]),
        (pa.array([b"a", b"b", "é".encode(), b"d"]), ["a", "b", "é", "d"]),
        (pa.array(list("abca")).dictionary_encode(), ["a", "b", "c", "a"]),
        (pa.array([2**64 - 1, 1, 2, 3], pa.uint64()), ["18446744073709551615", "1", "2", "3"]),
    ],
)
def test_ids_of_other_types(table: Table, column: pa.Array, ids: list[str]) -> None:
    assert items(table({"item": column})) == ids


@pytest.mark.parametrize(
    "column",
    [
        pa.array([Decimal("1.50"), Decimal("2.00"), None, Decimal("3.00")], pa.decimal128(10, 2)),
        pa.array([1.5, 2.0, None, 3.0]),
        pa.array([b"\xff", b"2", None, b"3"]),
    ],
)
def test_ids_that_can_not_be_are_counted(table: Table, column: pa.Array) -> None:
    dataset = table({"item": column})
    assert items(dataset) == ["2", "3"]
    assert dataset.description["preparation"]["dropped"] == {"unparsable item id": 1, "missing item": 1}


ODD = {
    "Struct": pa.array([{"a": 1}] * 4),
    "List": pa.array([[["x"]]] * 4),
    "Map": pa.array([[("a", 1)]] * 4, pa.map_(pa.string(), pa.int64())),
}


@pytest.mark.parametrize("role", ["user", "item", "time", "rating", "behaviour", "title", "category", "order", "split"])
@pytest.mark.parametrize("kind", ODD)
def test_what_no_role_can_be_is_refused_by_the_name_of_its_column(
    table: Table, tmp_path: Path, role: str, kind: str
) -> None:
    with pytest.raises(SurgeError, match=r"column 'odd' of log\.parquet holds ") as caught:
        table({"odd": ODD[kind]}, columns={role: "odd"})
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("title", ODD["Struct"]),
        ("category", ODD["List"]),
        ("rating", ODD["Map"]),
        ("rating", pa.array([dt.date(2020, 1, 1)] * 4)),
        ("rating", pa.array([["1"]] * 4)),
    ],
)
def test_a_column_that_nobody_asked_for_is_passed_over_and_told(table: Table, name: str, column: pa.Array) -> None:
    dataset = table({name: column})
    assert f"column {name!r} of log.parquet holds " in notes(dataset)
    assert f"which is no {name}: not used" in notes(dataset)
    assert dataset.items["title"].to_list() == list("abcd")
    assert dataset.items["category"].null_count() == 4
    assert "rating" not in dataset.interactions.columns


# -- what is said of items ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "texts"),
    [
        (pa.array([1.0, 2.5, None, float("nan")]), ["1", "2.5", None, None]),
        (pa.array([1, 2, None, 4]), ["1", "2", None, "4"]),
        (pa.array([[1, 2], [3], [], None]), ["1|2", "3", None, None]),
        (pa.array([["x", None, "y"], ["z"], [], None]), ["x|y", "z", None, None]),
        (pa.array([[1.0], [2.5], [], None]), ["1", "2.5", None, None]),
        (pa.array([b"x", "é".encode(), b"\xff", None]), ["x", "é", None, None]),
        (pa.array([True, False, None, True]), ["true", "false", None, "true"]),
        (pa.array([Decimal("1.00"), Decimal("2.50"), None, None]), ["1", "2.50", None, None]),
        (pa.array([["x", "y"]] * 4, pa.list_(pa.string(), 2)), ["x|y"] * 4),
    ],
)
def test_categories_of_other_types(table: Table, column: pa.Array, texts: list[str | None]) -> None:
    assert table({"category": column}).items["category"].to_list() == texts


def test_a_behaviour_that_is_stored_as_a_fraction(table: Table) -> None:
    dataset = table({"b": pa.array([1.0, 2.0, None, 1.0])}, columns={"behaviour": "b"}, behaviours=["1"])
    assert items(dataset) == ["a", "d"]


# -- ratings ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "ratings"),
    [
        (pa.array([True, False, None, True]), [1.0, 0.0, None, 1.0]),
        (pa.array(["True", "FALSE", "", "true"]), [1.0, 0.0, None, 1.0]),
        (pa.array([Decimal("3.5")] * 4), [3.5] * 4),
        (pa.array(["3,5", "4.5", " 2 ", "0,25"]), [3.5, 4.5, 2.0, 0.25]),
        (pa.array([1.0, float("nan"), None, 2.0]), [1.0, None, None, 2.0]),
    ],
)
def test_ratings_of_other_types(table: Table, column: pa.Array, ratings: list[float | None]) -> None:
    dataset = table({"rating": column})
    assert dataset.interactions["rating"].to_list() == ratings
    assert "not numbers" not in notes(dataset)


def test_ratings_that_are_no_numbers_are_told_with_an_example(table: Table) -> None:
    dataset = table({"rating": pa.array(["4/5", "1,234", "nan", "3"])}, min_rating=3)
    assert items(dataset) == ["d"]
    assert dataset.description["preparation"]["dropped"] == {"unparsable rating": 3}
    assert "3 ratings are not numbers, such as '4/5', and were not read" in notes(dataset)
    with pytest.raises(SurgeError, match=r"unparsable rating 4; 4 ratings are not numbers, such as 'good', and were"):
        table({"rating": ["good"] * 4}, min_rating=3)


# -- the order of interactions at one time ------------------------------------------------------------

LARGE = 2**60  # of which neighbours are equal as floats


@pytest.mark.parametrize(
    "column",
    [
        pa.array([4, 3, 2, 1]),
        pa.array([LARGE + 3, LARGE + 2, LARGE + 1, LARGE]),
        pa.array([str(LARGE + n) for n in (3, 2, 1, 0)]),
        pa.array(["11", "10", "9.5", "9"]),
        pa.array(["11:00", "10:00", "9:30", "9:00"]),
        pa.array(["2024-10-01", "2024-09-30 11:00:00", "2024-9-30", "2024-09-29"]),
        pa.array([dt.date(2020, 1, 9 - n) for n in range(4)]),
        pa.array([dt.datetime(2020, 1, 9 - n) for n in range(4)]),
        pa.array([dt.time(9 - n) for n in range(4)]),
        pa.array([dt.timedelta(hours=9 - n) for n in range(4)]),
        pa.array([4.5, 3.5, 2.5, None]),
        pa.array([4.5, 3.5, 2.5, float("nan")]),
        pa.array(["d", "c", "b", "NULL"]),
    ],
)
def test_an_order_column_of_any_kind(table: Table, column: pa.Array) -> None:
    assert items(table({"timestamp": [T] * 4, "o": column}, columns={"order": "o"})) == ["d", "c", "b", "a"]


def test_an_order_column_of_texts_or_with_gaps_is_told(table: Table) -> None:
    dataset = table({"timestamp": [T] * 4, "o": ["b", "a", None, "d"]}, columns={"order": "o"})
    assert items(dataset) == ["c", "b", "a", "d"]
    assert "the order column holds texts, such as 'b': they go by the alphabet" in notes(dataset)
    assert "1 rows have nothing in the order column; they come first" in notes(dataset)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (["10", "9", "b", "a"], "mixes numbers ('10') and texts ('b')"),
        (["9:00", "10", "x", ""], "mixes times of day ('9:00') and numbers ('10') and texts ('x')"),
        (["2024-05-01", "9:00", None, None], "mixes dates ('2024-05-01') and times of day ('9:00')"),
    ],
)
def test_an_order_column_of_several_kinds_is_refused(table: Table, values: list[str | None], said: str) -> None:
    with pytest.raises(SurgeError) as caught:
        table({"timestamp": [T] * 4, "o": values}, columns={"order": "o"})
    assert said in str(caught.value) and "mend it, or leave --order-column out" in str(caught.value)


# -- a split of the log's own -------------------------------------------------------------------------


@pytest.mark.parametrize("column", [pa.array([0.0, 0.0, 1.0, 2.0]), pa.array(["0.0", "0.00", "1.0", "2"])])
def test_a_split_that_is_stored_as_a_fraction(table: Table, column: pa.Array) -> None:
    dataset = table({"s": column}, columns={"split": "s"}, split="own")
    assert dataset.interactions["split"].to_list() == ["train", "train", "valid", "test"]


def test_words_that_name_no_split_are_told(table: Table) -> None:
    dataset = table({"s": ["train", "holdout", "test", "valid"]}, columns={"split": "s"}, split="own")
    assert "has words that name no part of it: 'holdout' 1; it takes train, valid, test" in notes(dataset)
    with pytest.raises(SurgeError, match=r"of no split 4; .* no part of it: 'true' 4; it takes train, valid, test"):
        table({"s": [True] * 4}, columns={"split": "s"}, split="own")


@pytest.mark.parametrize(
    ("words", "empty"),
    [
        (["train"] * 3 + ["test"], "valid"),
        (["test"] * 4, "train and valid"),
        (["train", "train", "dev", "val"], "test"),
    ],
)
def test_a_part_that_is_missing_is_told(table: Table, words: list[str], empty: str) -> None:
    dataset = table({"s": words}, columns={"split": "s"}, split="own")
    assert f"the log's own split has nothing for {empty}, so that no model can be trained on it" in notes(dataset)


def test_parts_that_are_not_in_the_order_of_time_are_told(table: Table) -> None:
    """The second test interaction, and the validation one, stand in the history of the last of training."""
    ordered = table({"s": ["train", "train", "valid", "test"]}, columns={"split": "s"}, split="own")
    assert "order of time" not in notes(ordered)
    mixed = table({"s": ["test", "valid", "train", "test"]}, columns={"split": "s"}, split="own")
    expected = (
        "is not in the order of time: 1 of 1 valid and 1 of 2 test interactions came before one of an earlier part"
    )
    assert expected in notes(mixed)
    late = table({"s": ["train", "test", "valid", "test"]}, columns={"split": "s"}, split="own")
    assert "time: 1 of 2 test interactions came before one" in notes(late)


# -- the file -----------------------------------------------------------------------------------------


def test_columns_of_one_name_matter_only_to_who_asks_for_them(table: Table) -> None:
    columns = [pa.array(["u"] * 4), pa.array(list("abcd")), pa.array([T + n for n in range(4)])]
    one, two = pa.array(list("wxyz")), pa.array(list("WXYZ"))
    unneeded = pa.Table.from_arrays([*columns, one, two], names=["user", "item", "timestamp", "x", "x"])
    assert items(table(unneeded)) == list("abcd")
    assert table(unneeded, columns={"title": "5"}).items["title"].to_list() == list("WXYZ")
    needed = pa.Table.from_arrays([*columns, one], names=["user", "item", "timestamp", "item"])
    with pytest.raises(SurgeError, match=r"more than one column 'item'; .* --item-column 2 or 4"):
        table(needed)
    assert items(table(needed, columns={"item": "4"})) == list("wxyz")


@pytest.mark.parametrize("seed", range(40))
def test_a_damaged_file_is_read_or_refused_in_a_sentence(tmp_path: Path, seed: int) -> None:
    """Single bytes of a good file are changed; a change of a value itself can't be seen."""
    draw = random.Random(seed)
    rows = {"user": [f"u{n % 7}" for n in range(90)], "item": [f"i{n % 9}" for n in range(90)]}
    parquet.write_table(pa.table({**rows, "timestamp": [T + n for n in range(90)]}), tmp_path / "log.parquet")
    content = bytearray((tmp_path / "log.parquet").read_bytes())
    for _ in range(draw.randint(1, 4)):
        content[draw.randrange(4, len(content) - 8)] = draw.randrange(256)
    (tmp_path / "log.parquet").write_bytes(content)
    try:
        prepare("csv", [tmp_path / "log.parquet"], tmp_path / "out", split="leave-last")
        told = ""
    except SurgeError as problem:
        told = str(problem)
    assert (tmp_path / "out").exists() == (not told)
    assert "\n" not in told
