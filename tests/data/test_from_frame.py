"""A dataset from a pandas or polars frame: the same as from its file, and a sentence for what is no such frame."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
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
DAYS = pd.date_range("2024-01-01", periods=len(ROWS))


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
        "pandas index": table.to_pandas().set_index(["who", "when"]),
        "beside what can't be read": table.to_pandas().assign(extra=[1j, "x", *(28 * [{1}])], other=1j),
        "beside columns of one name": pd.concat([table.to_pandas(), pd.DataFrame(30 * [[1, 2]])], axis=1).set_axis(
            ["who", "what", "when", "x", "x"], axis=1
        ),
        "beside objects": table.with_columns(pl.Series("extra", [object()] * 30, dtype=pl.Object)),
        "large integers": table.with_columns(pl.col("who").cast(pl.Int128)),
        "categories": table.to_pandas().astype({"who": "category", "what": "category"}),
    }


def pandas_frame(**columns: Any) -> pd.DataFrame:
    """A frame of the usual names, with these columns beside or in place of its own."""
    return pd.DataFrame(ROWS, columns=["user", "item", "timestamp"]).assign(**columns)


@pytest.mark.parametrize("kind", ["polars", "lazy", "pandas", "pandas index"])
def test_items_come_from_a_frame_as_from_its_file(kind: str, tmp_path: Path) -> None:
    about = pl.DataFrame({"ID": [f"i{number}" for number in range(7)], "label of it": ["x", None, *"abcde"]})
    about.write_csv(tmp_path / "items.csv")
    named = {"items_columns": {"item": "ID", "title": "label of it"}}
    expected = Dataset.from_frame(pandas_frame(), items_file=tmp_path / "items.csv", **named)
    pandas = about.to_pandas()
    items = {
        "polars": about.with_columns(pl.Series("other", [object()] * 7, dtype=pl.Object)),
        "lazy": about.lazy(),
        "pandas": pandas.assign(other=1j),
        "pandas index": pandas.set_index("ID"),
    }[kind]
    found = Dataset.from_frame(pandas_frame(), items_file=items, **named)
    assert found.items.equals(expected.items)
    assert found.items.filter(pl.col("item") == "i2")["title"].to_list() == ["a"]


def test_items_of_numbered_columns_and_of_usual_names() -> None:
    numbered = pd.DataFrame([[f"i{number}", f"title {number}"] for number in range(7)])
    found = Dataset.from_frame(pandas_frame(), items_file=numbered, items_columns={"item": 0, "title": 1})
    assert found.items["title"].to_list() == [f"title {number}" for number in range(7)]
    usual = numbered.set_axis(["itemId", "name"], axis=1).assign(genres=[1j] * 7)
    with pytest.warns(UserWarning, match="column 'genres' of the frame of items holds complex128.*: not used"):
        assert Dataset.from_frame(pandas_frame(), items_file=usual).items.equals(found.items)


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


def test_columns_are_meant_by_their_labels_also_where_these_are_numbers() -> None:
    numbered = pandas_frame().set_axis([0, 1, 2], axis=1)
    for names in ((0, 1, 2), ("0", "1", "2"), tuple(np.arange(3))):
        dataset = Dataset.from_frame(numbered, user=names[0], item=names[1], time=names[2])
        assert dataset.users == ["0", "1", "2", "3", "4"] and dataset.interactions["timestamp"][0] == 1_600_000_000
    nested = pd.concat({"log": pandas_frame()}, axis=1)
    dataset = Dataset.from_frame(nested, user=("log", "user"), item=("log", "item"), time=("log", "timestamp"))
    assert dataset.users == ["0", "1", "2", "3", "4"]


def test_usual_names_are_found_and_told() -> None:
    frame = pandas_frame().rename(columns={"user": "customer_id", "timestamp": "clicked_at"})
    with pytest.warns(UserWarning, match="by their usual names: user from 'customer_id', time from 'clicked_at'"):
        dataset = Dataset.from_frame(frame)
    assert dataset.users == ["0", "1", "2", "3", "4"]


@pytest.mark.parametrize("options", [{"time": None}, {"file_order": True}, {"time": None, "file_order": True}])
@pytest.mark.parametrize("has_times", [True, False])
def test_without_times_rows_stand_in_order(options: dict[str, Any], has_times: bool) -> None:
    frame = pandas_frame() if has_times else pandas_frame().drop(columns="timestamp")
    dataset = Dataset.from_frame(frame, **options)
    assert dataset.history(4)["timestamp"].to_list() == [24, 25, 26, 27, 28, 29]


@pytest.mark.parametrize("frequency", ["D", "h"])
def test_a_period_is_its_beginning(frequency: str) -> None:
    periods = pd.period_range("2024-01-01", periods=len(ROWS), freq=frequency)
    dataset = Dataset.from_frame(pandas_frame(timestamp=periods))
    step = {"D": 86_400, "h": 3_600}[frequency]
    assert dataset.interactions["timestamp"].to_list() == [1_704_067_200 + step * row for row in range(len(ROWS))]


@pytest.mark.parametrize("high", [0, 0xDEADBEEF << 96])
@pytest.mark.parametrize("kind", ["pandas", "pandas category", "pandas arrow", "polars"])
def test_a_uuid_is_its_text(high: int, kind: str) -> None:
    ids = [uuid.UUID(int=high + user) for user, _, _ in ROWS]
    frame: Any = pandas_frame(user=pd.Series(ids, dtype=object))
    if kind == "pandas category":
        frame = frame.astype({"user": "category"})
    elif kind == "pandas arrow":
        frame = frame.assign(
            user=pd.Series(pd.arrays.ArrowExtensionArray(pa.array([one.bytes for one in ids], pa.uuid())))
        )
    elif kind == "polars":
        frame = pl.DataFrame(ROWS, schema=["user", "item", "timestamp"], orient="row")
        frame = frame.with_columns(user=pl.Series(ids, dtype=pl.Object))
    assert Dataset.from_frame(frame).users == [str(uuid.UUID(int=high + user)) for user in range(5)]


MIXED: dict[str, tuple[Callable[[], list[Any]], str]] = {
    "numbers and text": (lambda: [user if user % 2 else str(user) for user, _, _ in ROWS], "number and str"),
    "truth and numbers": (lambda: [True, *(user for user, _, _ in ROWS[1:])], "bool and number"),
    "text and bytes": (lambda: [b"a", *("a" for _ in ROWS[1:])], "bytes and str"),
    "dates and moments": (lambda: [datetime.date(2024, 1, 1), *DAYS[1:]], "date and datetime"),
    "ids of two kinds": (lambda: [uuid.UUID(int=1), *("a" for _ in ROWS[1:])], "UUID and str"),
}


@pytest.mark.parametrize("case", MIXED)
@pytest.mark.parametrize("column", ["user", "item", "timestamp"])
def test_values_of_several_types_are_refused_by_the_column_s_name(case: str, column: str) -> None:
    values, told = MIXED[case]
    frame = pandas_frame(**{column: pd.Series(values(), dtype=object)})
    with pytest.raises(SurgeError, match=f"column '{column}' of the frame holds values of several types \\({told}\\)"):
        Dataset.from_frame(frame)


def test_a_column_of_a_usual_name_that_cannot_be_read_is_told_and_left_out() -> None:
    frame = pandas_frame(category=pd.Series([1, "x"] * 15, dtype=object))
    with pytest.warns(UserWarning, match=r"column 'category' of the frame .* \(number and str\).*: not used"):
        assert Dataset.from_frame(frame).items["category"].null_count() == 7
    with pytest.raises(SurgeError, match="column 'category' of the frame holds values of several types"):
        Dataset.from_frame(frame, columns={"category": "category"})


def test_one_warning_tells_what_was_left_out_and_noted() -> None:
    frame = pandas_frame(user=[1.5 if row < 3 else float(user) for row, (user, _, _) in enumerate(ROWS)], label=0)
    frame.loc[29, "timestamp"] = np.nan
    with pytest.warns(UserWarning) as told:
        dataset = Dataset.from_frame(frame)
    assert [str(one.message) for one in told] == [
        "4 of 30 rows were left out: unparsable user id 3, missing time 1; columns taken by their usual names: rating "
        "from 'label'; 26 of 26 interactions have a label of 0; min_rating 1 leaves them out"
    ]
    assert told[0].filename == __file__
    assert dataset.description["preparation"]["dropped"] == {"unparsable user id": 3, "missing time": 1}


REFUSED: dict[str, tuple[Any, dict[str, Any], str]] = {
    "a list": ([1, 2, 3], {}, r"of a pandas or polars frame, not of \[1, 2, 3\]"),
    "a path": ("log.csv", {}, "not of 'log.csv'; of a file, surge.prepare makes a dataset"),
    "a series": (pandas_frame()["user"], {}, "not of a Series"),
    "a polars series": (pl.Series([1]), {}, "not of a Series"),
    "nothing": (None, {}, "not of None"),
    "no rows": (pandas_frame()[:0], {}, "^the frame has no rows"),
    "no columns": (
        pd.DataFrame(),
        {},
        "the frame has no column 'user'; it has none; name the right one with user=...$",
    ),
    "another name": (frames()["polars"], {}, "the frame has no column 'user'; it has who, what, when"),
    "a column that is missing": (
        pandas_frame(),
        {"item": "sku"},
        "no column 'sku'; .* name the right one with item=...$",
    ),
    "a time that is missing": (pandas_frame(), {"time": "day"}, "no column 'day'; .* with time=..., or give time=None"),
    "a role's column": (pandas_frame(), {"columns": {"category": "shelf"}}, r"no column 'shelf'.*columns=\{'category'"),
    "a place": (pandas_frame(), {"user": 0}, "no column 0; it has user, item, timestamp"),
    "a place from 1": (pandas_frame(), {"user": "1"}, "no column '1'; it has user, item, timestamp"),
    "no user": (pandas_frame(), {"user": None}, "no column None"),
    "a list of columns": (pandas_frame(), {"user": ["user"]}, r"no column \['user'\]"),
    "one column for two": (pandas_frame(), {"user": "item"}, "user and item are the same column, 'item'"),
    "the same by a usual name": (pandas_frame(), {"columns": {"time": "user"}}, "user and time are the same column"),
    "a name twice": (
        pandas_frame().set_axis(["user", "item", "user"], axis=1),
        {"time": "item"},
        "more than one column",
    ),
    "a role twice": (pandas_frame(), {"user": "a", "columns": {"user": "b"}}, "user is 'a' and 'b' in columns"),
    "an unknown role": (pandas_frame(), {"columns": {"usr": "user"}}, "columns has no role 'usr'; is user meant"),
    "columns as a list": (pandas_frame(), {"columns": ["user"]}, r"columns is \['user'\]; give a dict"),
    "an unknown option": (
        pandas_frame(),
        {"min_user_interaction": 3},
        "from_frame has no argument 'min_user_interaction'; is min_user_interactions meant",
    ),
    "an option of files": (pandas_frame(), {"delimiter": ";"}, "delimiter is about files, and a frame is none"),
    "a dry run": (pandas_frame(), {"dry_run": True}, "dry_run is about files"),
    "a name with a slash": (pandas_frame(), {"name": "a/b"}, "name is 'a/b'; give a text without /"),
    "a name of dots": (pandas_frame(), {"name": ".."}, r"name is '\.\.'; give a text"),
    "no name": (pandas_frame(), {"name": ""}, "the name of a dataset can't be ''"),
    "a number as a name": (pandas_frame(), {"name": 5}, "the name of a dataset can't be 5"),
    "items of two ids": (
        pandas_frame(),
        {"items_file": pl.DataFrame({"a": ["i1"]}), "items_columns": {"item": "b"}},
        r"the frame of items has no column 'b'; it has a; name the right one with items_columns=\{'item': \.\.\.\}",
    ),
    "items without ids": (pandas_frame(), {"items_file": pl.DataFrame({"a": ["i1"]})}, "frame of items has no column"),
    "items of a role that is none": (
        pandas_frame(),
        {"items_file": pl.DataFrame({"item": ["i1"]}), "items_columns": {"price": "item"}},
        "items_columns has no role 'price'",
    ),
    "items' columns as a list": (
        pandas_frame(),
        {"items_file": pl.DataFrame({"item": ["i1"]}), "items_columns": ["item"]},
        r"items_columns is \['item'\]; give a dict",
    ),
    "items that can't be read": (
        pandas_frame(),
        {"items_file": pd.DataFrame({"item": ["i1"], "name": [1j]}), "items_columns": {"title": "name"}},
        "column 'name' of the frame of items holds complex128, which can't be read",
    ),
    "a delimiter of a frame": (
        pandas_frame(),
        {"items_file": pl.DataFrame({"item": ["i1"]}), "items_delimiter": ","},
        "items_delimiter is about a file, and items_file is a frame; leave it out",
    ),
    "times and no times": (
        pandas_frame(),
        {"file_order": True, "time": "item"},
        "file_order=True is for a frame without",
    ),
    "complex numbers": (pandas_frame(user=1j), {}, "column 'user' of the frame holds complex128, which can't be read"),
    "truth as ids": (pandas_frame(item=True), {}, "column 'item' of the frame holds Boolean; ids must be"),
    "lengths of time": (
        pandas_frame(timestamp=pd.Timedelta(1)),
        {},
        "of the frame holds Duration.*name another time=...$",
    ),
    "a lazy frame of nothing": (pl.scan_csv("nowhere.csv"), {}, r"^the frame can't be read \(.*nowhere.csv\)$"),
    "a lazy frame that fails": (
        pl.LazyFrame(ROWS, ["user", "item", "timestamp"], orient="row").with_columns(pl.col("item").str.to_integer()),
        {},
        "^the frame can't be read .*failed for 30 value",
    ),
    "an option's words": (pandas_frame(), {"start": 9, "end": 8}, "^start lies after end; swap them"),
    "a behaviour": (pandas_frame(), {"behaviours": "buy"}, r"^behaviours needs .* with columns=\{'behaviour': ...\}$"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_used_is_a_sentence_about_the_frame(case: str) -> None:
    frame, options, told = REFUSED[case]
    with pytest.raises(SurgeError, match=told):
        Dataset.from_frame(frame, **options)
