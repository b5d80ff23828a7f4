"""Logs with a user's whole history in one row or line: parallel lists in JSON and Parquet, and lines of ids."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from surge.data.dataset import Dataset
from surge.data.preparation import prepare
from surge.errors import SurgeError
from tests.data.reading import notes, rows

T = 1600000000
SESSIONS: list[dict[str, Any]] = [
    {"user": "a", "items": ["x", "y|1", "z"], "times": [T, T + 1, T + 2]},
    {"user": "b", "items": ["z", "x"], "times": [T + 5, T + 4]},
]
READ = [("a", "x", T), ("a", "y|1", T + 1), ("a", "z", T + 2), ("b", "x", T + 4), ("b", "z", T + 5)]
Log = Callable[..., Dataset]


def lines(sessions: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(one) + "\n" for one in sessions)


@pytest.fixture
def from_parquet(tmp_path: Path) -> Log:
    """Write a table as Parquet, prepare it with leave-last, and load the dataset."""

    def run(table: dict[str, Any] | pl.DataFrame, **options: Any) -> Dataset:
        pl.DataFrame(table).write_parquet(tmp_path / "log.parquet")
        prepare("csv", [tmp_path / "log.parquet"], tmp_path / "out", split="leave-last", force=True, **options)
        return Dataset.load(tmp_path / "out")

    return run


def table(sessions: list[dict[str, Any]]) -> dict[str, Any]:
    return {key: [one[key] for one in sessions] for key in sessions[0]}


def in_order(dataset: Dataset) -> list[tuple[str, str]]:
    return dataset.interactions.select("user", "item").rows()


def test_parallel_lists_are_a_row_an_entry(log: Log, from_parquet: Log) -> None:
    for dataset in (log(lines(SESSIONS)), log(json.dumps(SESSIONS, indent=1)), from_parquet(table(SESSIONS))):
        assert rows(dataset) == READ
        assert "each entry of the lists in items and times is a row" in notes(dataset)
        assert dataset.description["preparation"]["dropped"] == {}
        assert dataset.description["preparation"]["rows_read"] == 5


@pytest.mark.parametrize(
    "name", ["item_id", "item_ids", "itemIds", "movies", "asins", "sequence", "item_seq", "history"]
)
@pytest.mark.parametrize("time", ["timestamp", "timestamps", "ts", "time_list", "dates"])
def test_lists_are_found_by_usual_names(log: Log, name: str, time: str) -> None:
    sessions = [{"user_id": one["user"], name: one["items"], time: one["times"]} for one in SESSIONS]
    assert rows(log(lines(sessions))) == READ


@pytest.mark.parametrize("columns", [{"item": "what", "time": "when"}, {"item": "2", "time": "3"}])
def test_lists_are_found_as_they_are_named(log: Log, from_parquet: Log, columns: dict[str, str]) -> None:
    sessions = [{"user": one["user"], "what": one["items"], "when": one["times"], "id": "s"} for one in SESSIONS]
    assert rows(log(lines(sessions), columns=columns)) == READ
    assert rows(from_parquet(table(sessions), columns=columns)) == READ


def test_lists_of_numbers_dates_arrays_and_in_a_frame(from_parquet: Log) -> None:
    moments = [datetime.fromisoformat(f"2020-09-13T12:26:4{n}") for n in range(2)]  # T is 12:26:40
    sessions = pl.DataFrame({"user": [1, 2], "items": [[7, 8], [8, 9]], "times": [moments, moments]})
    read = [("1", "7", T), ("1", "8", T + 1), ("2", "8", T), ("2", "9", T + 1)]
    fixed = sessions.cast({"items": pl.Array(pl.Int64, 2), "times": pl.Array(pl.Datetime("us"), 2)})
    assert rows(from_parquet(sessions)) == rows(from_parquet(fixed)) == read
    with pytest.warns(UserWarning, match="the frame: each entry of the lists in items and times is a row"):
        for frame in (sessions, sessions.to_pandas()):
            assert rows(Dataset.from_frame(frame, item="items", time="times", split="leave-last")) == read


def test_a_row_with_lists_of_unequal_lengths_is_malformed(log: Log, from_parquet: Log) -> None:
    odd = [{"user": "c", "items": ["x", "y"], "times": [T]}, {"user": "d", "items": ["x"], "times": None}]
    sessions = [SESSIONS[0], *odd, SESSIONS[1]]
    for dataset, place in ((log(lines(sessions)), "lines 2, 3"), (from_parquet(table(sessions)), "rows 2, 3")):
        assert rows(dataset) == READ
        assert dataset.description["preparation"]["dropped"] == {"malformed line": 2}
        assert f"were left out, with lists of unequal lengths: {place}" in notes(dataset)
    with pytest.raises(SurgeError, match=r"1 line of log\.csv was left out, with lists of unequal lengths: line 1"):
        log(lines(odd[:1]))


def test_entries_and_lists_with_nothing_in_them_are_counted(log: Log, from_parquet: Log) -> None:
    gaps = [
        {"user": "c", "items": ["x", None, "z"], "times": [T, T + 1, None]},
        {"user": "d", "items": [], "times": []},
        {"user": "e", "items": None, "times": None},
    ]
    for dataset in (log(lines([*SESSIONS, *gaps])), from_parquet(table([*SESSIONS, *gaps]))):
        assert rows(dataset) == [*READ, ("c", "x", T)]
        assert dataset.description["preparation"]["dropped"] == {"missing item": 3, "missing time": 1}
        assert "2 users have no other rows than dropped ones" in notes(dataset)


def test_lists_of_items_alone_stand_in_file_order(log: Log, from_parquet: Log) -> None:
    sessions = [{"user": "b", "items": ["z", "x", "y", "x"]}, {"user": "a", "items": ["y", "x"]}]
    read = [("a", "y"), ("a", "x"), ("b", "z"), ("b", "x"), ("b", "y"), ("b", "x")]
    for dataset in (log(lines(sessions), file_order=True), from_parquet(table(sessions), file_order=True)):
        assert in_order(dataset) == read
    with pytest.raises(SurgeError, match=r"of times by a usual name; it has user, items; name .*; give --file-order"):
        log(lines(sessions))


def test_one_time_a_row_keeps_the_order_of_the_list(log: Log, from_parquet: Log) -> None:
    """Also where the items of all lists rise, as in a file that is sorted by item id, and a session is there twice."""
    sessions = [
        {"user": "a", "items": [f"i{n}" for n in range(1, 7)], "timestamp": T},
        {"user": "a", "items": ["i9", "i0", "i9"], "timestamp": T},
        {"user": "b", "items": ["i5", "i8"], "timestamp": T + 9},
        {"user": "b", "items": ["i4"], "timestamp": T + 8},
    ]
    read = [("a", f"i{n}") for n in (1, 2, 3, 4, 5, 6, 9, 0, 9)] + [("b", "i4"), ("b", "i5"), ("b", "i8")]
    for dataset in (log(lines(sessions)), from_parquet(table(sessions))):
        assert in_order(dataset) == read
        assert dataset.interactions["timestamp"].to_list() == [T] * 9 + [T + 8, T + 9, T + 9]
        assert "share its time and stand in the order of the list" in notes(dataset)


def test_ratings_and_behaviours_go_along(log: Log, from_parquet: Log) -> None:
    sessions = [
        {**SESSIONS[0], "rating": [5, 1, 4], "kinds": ["buy", "buy", "see"], "categories": ["c"], "order": [1, 2, 3]},
        {**SESSIONS[1], "rating": [3, 5], "kinds": ["buy", "buy"], "categories": ["c", "d", "e"], "order": [1, 2]},
    ]
    columns = {"behaviour": "kinds", "order": "order"}
    for dataset in (
        log(lines(sessions), columns=columns, behaviours="buy", min_rating=3),
        from_parquet(table(sessions), columns=columns, behaviours="buy", min_rating=3),
    ):
        assert rows(dataset) == [("a", "x", T), ("b", "x", T + 4), ("b", "z", T + 5)]
        assert "category" not in dataset.items.columns or dataset.items["category"].null_count() == 2
    parallel = [{**one, "genre": [f"of {item}" for item in one["items"]]} for one in SESSIONS]
    dataset = log(lines(parallel), columns={"category": "genre"})
    assert dict(dataset.items.select("item", "category").rows()) == {"x": "of x", "y|1": "of y|1", "z": "of z"}


def test_a_table_of_columns_is_one_row_of_lists(log: Log) -> None:
    columns = {"user": ["a", "a", "b"], "item": ["x", "y", "x"], "timestamp": [T, T + 1, T]}
    assert rows(log(json.dumps(columns, indent=1))) == [("a", "x", T), ("a", "y", T + 1), ("b", "x", T)]


def test_a_list_is_no_id_where_others_hold_one(log: Log) -> None:
    mixed = [{"user": "a", "item": "x", "timestamp": T}, {"user": "a", "item": ["y", "z"], "timestamp": T + 1}]
    assert in_order(log(lines(mixed))) == [("a", "x"), ("a", "y"), ("a", "z")]
    deep = [{"user": "a", "items": [["x", "y"], ["z"]], "times": [T, T + 1]}]
    with pytest.raises(SurgeError, match=r"'items' of log\.csv holds objects or lists, and each row needs one item"):
        log(lines(deep), columns={"item": "items", "time": "times"})


def test_categories_stay_lists_of_one_item(log: Log) -> None:
    flat = [{"user": "a", "item": f"i{n}", "timestamp": T + n, "categories": ["c", "d"]} for n in range(3)]
    assert log(lines(flat)).items["category"].to_list() == ["c|d"] * 3


def test_lists_in_objects_and_values_as_mongodb_writes_them(log: Log) -> None:
    columns = {"item": "seen.what", "time": "seen.when"}
    deep = [{"user": one["user"], "seen": {"what": one["items"], "when": one["times"]}} for one in SESSIONS]
    deep.append({"user": "c", "seen": {"what": "x", "when": T, "name": "[a title"}})
    assert rows(log(lines(deep), columns=columns)) == [*READ, ("c", "x", T)]
    named = log(lines(deep), columns={**columns, "title": "seen.name"}).items
    assert named.filter(item="x")["title"].to_list() == ["[a title"]
    wrapped = [{**one, "items": [{"$oid": item} for item in one["items"]]} for one in SESSIONS]
    assert rows(log(lines(wrapped))) == READ


def test_objects_and_lists_of_objects_in_parquet(from_parquet: Log) -> None:
    events = [[{"what": "x", "when": T}, {"what": "y", "when": T + 1}], [{"what": "z", "when": T}], []]
    named = {"item": "what", "time": "when"}
    dataset = from_parquet({"user": ["a", "b", "c"], "events": events}, columns=named)
    assert rows(dataset) == [("a", "x", T), ("a", "y", T + 1), ("b", "z", T)]
    assert dataset.description["preparation"]["dropped"] == {"missing item": 1}
    usual = [[{"item_id": one["what"], "ts": one["when"], "user": 1} for one in of_user] for of_user in events]
    assert rows(from_parquet({"user": ["a", "b", "c"], "clicks": usual})) == rows(dataset)
    who = {"user": "who.id.text", "item": "seen.items", "time": "seen.times"}
    deep = {
        "who": [{"id": {"text": one["user"]}} for one in SESSIONS],
        "seen": [{key: one[key] for key in ("items", "times")} for one in SESSIONS],
    }
    assert rows(from_parquet(deep, columns=who)) == READ
    flat = {"user": ["a"], "item": ["x"], "timestamp": [T], "tags": [[{"tag": "t"}, {"tag": "u"}]]}
    assert rows(from_parquet(flat)) == [("a", "x", T)]
    with pytest.raises(SurgeError, match=r"'who' of log\.parquet holds objects .* such as --user-column who\.id"):
        from_parquet(deep, columns={**who, "user": "who"})
    for field in ("who.name", "who.id.name", "who.id.text.name"):
        with pytest.raises(SurgeError, match=rf"has no column '{field}'; .* a field of seen, who is named by a dot"):
            from_parquet(deep, columns={**who, "user": field})


def test_lists_where_no_entry_can_be_a_row(log: Log, from_parquet: Log) -> None:
    table = {"user": ["a"], "item": ["x"], "timestamp": [T], "stars": [[1, 2]]}
    flat = [{key: values[0] for key, values in table.items()}]
    named = {"rating": "stars"}
    for read in (lambda: log(lines(flat), columns=named), lambda: from_parquet(table, columns=named)):
        with pytest.raises(SurgeError, match=r"'stars' of .* holds lists, and each row needs one rating; name another"):
            read()


# -- lines of ids -----------------------------------------------------------------------------------------

IDS = "7 3 6 4\n9 5\n\n8 2 6 2 4 4\n6\n"
IN_ORDER = [("7", "3"), ("7", "6"), ("7", "4"), ("8", "2"), ("8", "6"), ("8", "2"), ("8", "4"), ("8", "4"), ("9", "5")]


@pytest.mark.parametrize("between", [" ", "\t", ",", ", ", "  "])
def test_a_line_is_a_user_and_their_items(log: Log, between: str) -> None:
    dataset = log(IDS.replace(" ", between), name="train.txt", format="sequences")
    assert in_order(dataset) == IN_ORDER
    assert dataset.description["preparation"]["dropped"] == {"blank line": 1, "missing item": 1}
    assert "missing item in line 5 of train.txt" in notes(dataset)
    assert "the log has no times" in notes(dataset)


def test_sequences_of_several_files_with_titles(tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_text("a x y\r\n")
    (tmp_path / "two.txt").write_text("b y\na z\n")
    (tmp_path / "items.csv").write_text("item,title\nx,Ex\ny,Why\n")
    files = [tmp_path / "one.txt", tmp_path / "two.txt"]
    prepare("sequences", files, tmp_path / "out", split="leave-last", items_file=tmp_path / "items.csv")
    dataset = Dataset.load(tmp_path / "out")
    assert in_order(dataset) == [("a", "x"), ("a", "y"), ("a", "z"), ("b", "y")]
    assert dict(dataset.items.select("item", "title").rows()) == {"x": "Ex", "y": "Why", "z": "z"}
    (tmp_path / "two.txt").write_text("b y\na \x00 z\nc y\nd x\n")
    prepare("sequences", files, tmp_path / "out", split="leave-last", force=True)
    assert Dataset.load(tmp_path / "out").description["preparation"]["dropped"] == {"malformed line": 1}
    with pytest.raises(SurgeError, match="--user-column means nothing to the format sequences"):
        prepare("sequences", files, tmp_path / "new", columns={"user": "1"})


@pytest.mark.parametrize("text", ['{"user": "u", "items": ["a"]}\n', '\n [{"user": "u"}]\n'])
def test_json_is_no_sequence_of_ids(log: Log, text: str) -> None:
    with pytest.raises(SurgeError, match=r"holds JSON and no lines of ids; prepare it with the format csv"):
        log(text, name="sessions.json", format="sequences")


def test_a_log_without_a_header_and_of_unequal_widths_is_offered_sequences(log: Log) -> None:
    columns = {"user": "1", "item": "2"}
    dataset = log("7 3 6\n9 5\n8 2 6 2\n", header=False, file_order=True, columns=columns)
    assert in_order(dataset) == [("7", "3")]
    told = notes(dataset)
    assert "1 line of log.csv was left out, with more fields than the first row: line 3" in told
    assert "1 line of log.csv was left out, with fewer fields than the first row: line 2" in told
    assert "where each line is a user and their items, prepare it with the format sequences" in told


def test_columns_without_a_header_that_are_not_used_are_told(log: Log) -> None:
    text = "0,1,5,3,3\n1,1,7,2,3\n"
    told = notes(log(text, header=False, file_order=True, columns={"user": "1", "item": "2"}))
    assert "columns 3, 4, 5 of log.csv are not used" in told
    assert "where each line is a user and their items, prepare it with the format sequences" in told
    timed = notes(log("u,i,1600000000,x\n", header=False, columns={"user": "1", "item": "2", "time": "3"}))
    assert "column 4 of log.csv is not used" in timed
    assert "sequences" not in timed
    assert "used" not in notes(log("u,i,1600000000\n", header=False, columns={"user": "1", "item": "2", "time": "3"}))
