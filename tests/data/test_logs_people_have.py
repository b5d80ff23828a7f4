"""Logs as people have them: each read as it is meant, or refused with what to do. Nothing is misread in silence."""

from __future__ import annotations

import bz2
import csv
import io
import json
import lzma
import sys
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pyarrow
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from surge.data.dataset import Dataset
from surge.data.instances import encode
from surge.data.preparation import prepare
from surge.data.splits import count_positives, split_instances
from surge.errors import SurgeError
from tests.data.reading import notes as told
from tests.data.reading import rows

Log = Callable[..., Dataset]


def dropped(dataset: Dataset) -> dict[str, int]:
    return dataset.description["preparation"]["dropped"]


# -- text ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("columns", [{}, {"title": "track"}])
def test_a_quote_inside_a_text_swallows_nothing(log: Log, columns: dict) -> None:
    lines = [f"u{n % 3}\tt{n}\t{1600000000 + n}\tSong {n}" for n in range(12)]
    lines[2], lines[9] = lines[2].replace("Song", '12" mix'), lines[9].replace("Song", '7" mix')
    dataset = log("user\titem\ttimestamp\ttrack\n" + "\n".join(lines) + "\n", columns=columns)
    assert len(dataset.interactions) == dataset.description["preparation"]["rows_read"] == 12
    assert not columns or dataset.item("t2")["title"] == '12" mix 2'


def test_a_quote_that_could_open_a_long_text_is_named_with_its_line(log: Log) -> None:
    lines = [f"u{n % 3}\tt{n}\t{n}\t{1600000000 + n}" for n in range(12)]
    lines[2], lines[9] = 'u2\tt2\t"Heroes\t1600000002', 'u0\tt9\tLP 7"\t1600000009'
    text = "user\titem\tname\ttimestamp\n" + "\n".join(lines) + "\n"
    with pytest.raises(SurgeError, match=r"line 4 of log\.csv has a quote that is text, or opens a text of 8 lines"):
        log(text)
    assert len(log(text, quotes=False, columns={"title": "name"}).interactions) == 12


def test_a_lone_quote_is_text_and_told(log: Log) -> None:
    dataset = log('user,item,timestamp\na,"x,1600000000\na,y,1600000001\n')
    assert rows(dataset) == [("a", '"x', 1600000000), ("a", "y", 1600000001)]
    assert "1 line of log.csv has a quote that closes nothing" in told(dataset)


def test_texts_of_several_lines_keep_the_numbers_of_the_lines_after_them(log: Log) -> None:
    dataset = log('user,item,timestamp,note\na,x,1600000000,"one\n\ntwo, ""three"""\na,y,1600000001\na,z,1600000002,\n')
    assert [row[1] for row in rows(dataset)] == ["x", "z"]
    assert dropped(dataset) == {"malformed line": 1}
    assert "1 line of log.csv was left out, with fewer fields than the header: line 5" in told(dataset)
    assert "2 lines of log.csv go on with a quoted text of the line before" in told(dataset)


def test_lines_of_another_width_are_counted_and_the_first_are_named(log: Log) -> None:
    text = "user,title,item,timestamp\nu,Lamp,501,1600000000\n" + "u,Sofa,red,503,1600000120\n" * 5 + "u,Mug,502\n"
    dataset = log(text)
    assert rows(dataset) == [("u", "501", 1600000000)]
    assert dropped(dataset) == {"malformed line": 6}
    assert "5 lines of log.csv were left out, with more fields than the header: lines 3, 4, 5 and 2 more" in told(
        dataset
    )
    assert "1 line of log.csv was left out, with fewer fields than the header: line 8" in told(dataset)


def test_a_column_that_is_there_twice_matters_only_to_who_asks_for_it(log: Log) -> None:
    text = "user,timestamp,id,artist,id,song\nu,1600000000,x,A,y,S0\n"
    assert rows(log(text, columns={"item": "song"})) == [("u", "S0", 1600000000)]
    with pytest.raises(SurgeError, match=r"more than one column 'id'.*--item-column 3 or 5"):
        log(text, columns={"item": "id"})
    assert rows(log(text, columns={"item": "5"})) == [("u", "y", 1600000000)]


def test_without_a_header_columns_go_by_their_places(log: Log) -> None:
    text = "7,2023-05-02T08:11:09.277Z,30021,0\n7,2023-05-02T08:14:09.868Z,30017,0\n"
    places = {"user": "1", "time": "2", "item": "3"}
    assert rows(log(text, header=False, columns=places)) == [("7", "30021", 1683015069), ("7", "30017", 1683015249)]
    with pytest.raises(SurgeError, match="--no-header and the places"):
        log(text)
    with pytest.raises(SurgeError, match="--user-column 1 --item-column 2"):
        log(text, header=False)


def test_usual_names_are_found_and_told(log: Log) -> None:
    dataset = log("visitorid|Item ID|ts|junk\na|x|1600000000|1\n")
    assert rows(dataset) == [("a", "x", 1600000000)]
    assert "user from 'visitorid', item from 'Item ID', time from 'ts'" in told(dataset)


# -- ids ----------------------------------------------------------------------------------------------


def test_words_for_nothing_are_missing_unless_they_are_kept(log: Log) -> None:
    words = ["NA", "NULL", "nan", "None", "\\N", "a"]
    text = "user;item;timestamp\n" + "".join(f"{word};x;{1600000000 + n}\n" for n, word in enumerate(words))
    dataset = log(text)
    assert dataset.users == ["a"] and dropped(dataset) == {"missing user": 5}
    assert log(text, null_words=False).users == sorted(words)


def test_one_user_with_much_of_the_log_is_told(log: Log) -> None:
    text = "user,item,timestamp\n" + "".join(
        f"{'guest' if n % 2 else f'u{n}'},i{n},{1600000000 + n}\n" for n in range(20)
    )
    assert "user 'guest' has 50% of all interactions" in told(log(text))


def test_ids_written_as_whole_numbers_and_as_fractions_are_one(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("user,item,timestamp\n12,007,1600000000\n")
    (tmp_path / "b.csv").write_text("user,item,timestamp\n12.0,7,1600000001\n3.0,7.5,1600000002\n")
    prepare("csv", [tmp_path / "a.csv", tmp_path / "b.csv"], tmp_path / "out", split="leave-last")
    dataset = Dataset.load(tmp_path / "out")
    assert rows(dataset) == [("12", "007", 1600000000), ("12", "7", 1600000001), ("3", "7.5", 1600000002)]
    assert "1 user ids are written in two ways, such as 12 and 12.0; they are one" in told(dataset)


def test_what_is_said_of_items_goes_with_their_one_id(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("user,item,timestamp,title\nu,12.0,1600000000,Lamp\nu,12,1600000001,\n")
    prepare("csv", [tmp_path / "a.csv"], tmp_path / "out", split="leave-last")
    assert Dataset.load(tmp_path / "out").items.rows() == [("12", "Lamp", None)]
    (tmp_path / "a.csv").write_text("user,item,timestamp\nu,12.0,1600000000\nu,12,1600000001\n")
    (tmp_path / "items.csv").write_text("item,title\n12.0,Lamp\n")
    items = tmp_path / "items.csv"
    prepare("csv", [tmp_path / "a.csv"], tmp_path / "out", split="leave-last", items_file=items, force=True)
    assert Dataset.load(tmp_path / "out").items.rows() == [("12", "Lamp", None)]


# -- times --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("factor", [1_000, 1_000_000, 1_000_000_000])
def test_order_goes_by_the_full_precision_of_times(log: Log, factor: int) -> None:
    times = [1600000000 * factor + place * factor // 10 for place in (9, 5, 1)]
    text = "user,item,timestamp\n" + "".join(
        f"u,{item},{time}\n" for item, time in zip(("checkout", "cart", "view"), times, strict=True)
    )
    dataset = log(text + f"u,view,{times[2] + factor // 10}\n")
    assert [row[1] for row in rows(dataset)] == ["view", "view", "cart", "checkout"]  # the second view is no duplicate
    assert {row[2] for row in rows(dataset)} == {1600000000}


@pytest.mark.parametrize(
    ("value", "options", "seconds"),
    [
        ("2019-10-01 00:00:05 UTC", {}, 1569888005),
        ("2019/10/01 02:00:05+0200", {}, 1569888005),
        ("2019-10-01T00:00:05.25Z", {}, 1569888005),
        ("20191001", {}, 1569888000),
        ("11/11/2019 9:05:58 AM", {"time_format": "%m/%d/%Y %I:%M:%S %p"}, 1573463158),
        ("Tue May 02 18:00:09 +0000 2023", {"time_format": "%a %b %d %H:%M:%S %z %Y"}, 1683050409),
        ("31.12.2019", {"time_format": "%d.%m.%Y"}, 1577750400),
    ],
)
def test_times_in_other_forms(log: Log, value: str, options: dict, seconds: int) -> None:
    assert rows(log(f"user,item,timestamp\nu,x,{value}\n", **options)) == [("u", "x", seconds)]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("shape", "times"),
    [
        ("%Y-%m-%d %H:%M:%S.%f", "2024-05-31 10:15:00{}"),
        ("%Y-%m-%d %H:%M:%S%.f", "2024-05-31 10:15:00{}"),
        ("%d.%m.%Y %H:%M:%S.%f%z", "31.05.2024 10:15:00{}+0200"),
        ("%d/%m/%Y %H:%M:%S,%f", "31/05/2024 10:15:00{}"),
        ("%B %d, %Y %H:%M:%S,%f", "May 31, 2024 10:15:00{}"),
    ],
)
def test_fractions_of_a_second_settle_the_order(log: Log, shape: str, times: str) -> None:
    """.5 comes after .12 and .25, whatever their digits say as a number."""
    sign = "," if ",%f" in shape else "."
    lines = "".join(
        f'u,{item},"{times.format(sign + fraction)}"\n' for item, fraction in (("c", "5"), ("a", "12"), ("b", "250001"))
    )
    dataset = log("user,item,timestamp\n" + lines, time_format=shape, split="leave-last")
    assert [row[1] for row in rows(dataset)] == ["a", "b", "c"]
    assert "share their time" not in told(dataset)


@pytest.mark.parametrize("shape", ["%H:%M:%S:%f", "%d,%m,%Y %H:%M:%S,%f", "%f"])
def test_fractions_that_polars_would_misread_are_refused(log: Log, shape: str) -> None:
    with pytest.raises(SurgeError, match="has %f elsewhere than after a dot or a comma"):
        log("user,item,timestamp\nu,x,1\n", time_format=shape)


def test_parquet_times_in_nanoseconds_keep_their_order(tmp_path: Path) -> None:
    """Cut to microseconds they would be ties."""
    times = pl.Series([1_600_000_000_000_000_000 + place for place in (3, 2, 1)]).cast(pl.Datetime("ns"))
    frame = pl.DataFrame({"user": ["u"] * 3, "item": ["third", "second", "first"], "timestamp": times})
    for zone in (None, "Asia/Tokyo"):
        zoned = frame.with_columns(pl.col("timestamp").dt.replace_time_zone("UTC").dt.convert_time_zone(zone or "UTC"))
        (frame if zone is None else zoned).write_parquet(tmp_path / "log.parquet")
        prepare("csv", [tmp_path / "log.parquet"], tmp_path / "out", split="leave-last", force=True)
        read = Dataset.load(tmp_path / "out")
        assert rows(read) == [("u", item, 1_600_000_000) for item in ("first", "second", "third")]
        assert "share their time" not in told(read)


@pytest.mark.parametrize("day", ["2999-01-01", "9999-12-31", "2604-10-01", "1436-01-01"])
@pytest.mark.parametrize("kind", ["iso", "format", "date", "datetime"])
def test_days_that_64_bits_of_nanoseconds_do_not_hold_are_not_read_as_others(
    tmp_path: Path, day: str, kind: str
) -> None:
    """They would come round to another century: 2604 to 2020."""
    frame = pl.DataFrame(
        {"user": ["u", "u", "u"], "item": ["a", "b", "c"], "timestamp": ["2020-05-01", "2020-06-01", day]}
    )
    kinds = {"date": pl.Date, "datetime": pl.Datetime("us")}
    if kind in kinds:
        frame = frame.with_columns(pl.col("timestamp").str.to_date().cast(kinds[kind]))
    frame.write_parquet(tmp_path / "log.parquet")
    options = {"time_format": "%Y-%m-%d"} if kind == "format" else {}
    prepare("csv", [tmp_path / "log.parquet"], tmp_path / "out", split="leave-last", **options)  # type: ignore[arg-type]
    read = Dataset.load(tmp_path / "out")
    assert [row[1] for row in rows(read)] == ["a", "b"] and dropped(read) == {"unparsable time": 1}


def test_utf_16_without_a_mark_of_its_order_is_a_sentence(log: Log) -> None:
    text = "user,item,timestamp\nu,a,1600000000\n"
    with pytest.raises(SurgeError, match="is not UTF-16 text at byte 0; name its encoding"):
        log(text.encode("utf-16-le"), encoding="utf-16")
    assert len(rows(log(text.encode("utf-16-le"), encoding="utf-16-le"))) == 1


def test_a_time_that_cannot_be_read_is_shown_with_its_line_and_a_way_out(log: Log) -> None:
    with pytest.raises(SurgeError) as caught:
        log("user,item,timestamp\nu,x,\nu,x,11/11/2019 9:05:58 AM\n")
    assert "'11/11/2019 9:05:58 AM' in line 3 of log.csv" in str(caught.value)
    assert "--time-format" in str(caught.value)
    with pytest.raises(SurgeError, match=r"1 in seconds \(first '1600000000' in line 2 .*'2020-01-01' in line 3"):
        log("user,item,timestamp\nu,x,1600000000\nu,x,2020-01-01\n")


def test_a_time_of_0_among_later_ones_is_missing_and_early_ones_are_told(log: Log) -> None:
    dataset = log("user,item,timestamp\nu,x,0\nu,y,1600000000\nu,z,100000\n")
    assert rows(dataset) == [("u", "z", 100000), ("u", "y", 1600000000)]
    assert dropped(dataset) == {"time of 0": 1}
    assert "1 times lie before 1990" in told(dataset)


@pytest.mark.parametrize("text", ["1 1\n1 2\n1 3\n2 2\n2 4\n", "1\t1\n1\t2\n1\t3\n2\t2\n2\t4\n"])
def test_the_order_of_the_rows_can_stand_for_time(log: Log, text: str) -> None:
    dataset = log(text, header=False, file_order=True, columns={"user": "1", "item": "2"})
    assert rows(dataset) == [("1", "1", 0), ("1", "2", 1), ("1", "3", 2), ("2", "2", 3), ("2", "4", 4)]
    assert "stand in the order in which they happened" in told(dataset)


def test_a_log_without_times_says_how_to_go_by_the_order_of_its_rows(log: Log) -> None:
    text = '"User-ID";"ISBN";"Book-Rating"\n"10";"000000001X";"0"\n"10";"0000000028";"5"\n'
    with pytest.raises(SurgeError, match="--file-order"):
        log(text)
    assert rows(log(text, file_order=True)) == [("10", "000000001X", 0), ("10", "0000000028", 1)]


# -- ties and duplicates ------------------------------------------------------------------------------


def tied(items: list[str]) -> str:
    return "user,item,timestamp\n" + "".join(f"u{user},{item},1600000000\n" for user in range(4) for item in items)


def test_ties_do_not_follow_item_ids_by_accident(log: Log) -> None:
    dataset = log(tied(["5", "11", "20", "31", "44"]))
    orders = {tuple(item for user, item, _ in rows(dataset) if user == f"u{place}") for place in range(4)}
    assert len(orders) > 1  # by a checksum of user and item
    assert ("5", "11", "20", "31", "44") not in orders
    assert "16 of 16 neighbouring interactions of a user (100.0%) share their time" in told(dataset)
    assert "as the input has them by item id" in told(dataset)
    again = log(tied(["44", "31", "20", "11", "5"]), ties="hash")
    assert rows(again) == rows(dataset)  # whatever the order of the input


def test_ties_keep_an_order_of_the_file_that_says_something(log: Log) -> None:
    items = ["31", "5", "44", "11", "20"]
    assert [row[1] for row in rows(log(tied(items)))][:5] == items
    ordered = ["5", "11", "20", "31", "44"]
    assert [row[1] for row in rows(log(tied(ordered), ties="file"))][:5] == ordered


def test_a_second_column_settles_ties(log: Log) -> None:
    text = "user,item,timestamp,rank\nu,a,1600000000,10\nu,b,1600000000,9\nu,c,1600000000,2\n"
    assert [row[1] for row in rows(log(text, columns={"order": "rank"}))] == ["c", "b", "a"]


def test_another_behaviour_at_the_same_second_is_no_duplicate(log: Log) -> None:
    text = "user,item,timestamp,event\nu,a,1600000000,view\nu,a,1600000000,buy\nu,a,1600000000,buy\n"
    dataset = log(text, columns={"behaviour": "event"})
    assert dataset.interactions["behaviour"].to_list() == ["view", "buy"]
    assert dropped(dataset) == {"exact duplicate": 1}
    with pytest.raises(SurgeError, match="no row has the behaviour bought; the log has buy 2, view 1"):
        log(text, columns={"behaviour": "event"}, behaviours=["bought"])


@pytest.mark.parametrize("name", ["label", "rating"])
def test_a_label_of_0_is_told_and_a_threshold_leaves_it_out(log: Log, name: str) -> None:
    text = f"user_id:token\titem_id:token\t{name}:float\ttimestamp:float\n" + "".join(
        f"u\ti{n}\t{n % 2}\t{1600000000 + n}\n" for n in range(6)
    )
    dataset = log(text, "x.inter", "recbole")
    assert "3 of 6 interactions have a label of 0; --min-rating 1 leaves them out" in told(dataset)
    assert [row[1] for row in rows(log(text, "x.inter", "recbole", min_rating=1))] == ["i1", "i3", "i5"]


# -- splits -------------------------------------------------------------------------------------------

OWN = {
    "train": [("u0", "i0", 0), ("u0", "i1", 9), ("u1", "i2", 1), ("u1", "i0", 2)],
    "valid": [("u0", "i2", 5)],
    "test": [("u1", "i3", 3)],
}


def test_a_split_that_the_log_has_is_honoured(tmp_path: Path) -> None:
    for part, rows_of in OWN.items():
        text = "".join(f"{user}\t{item}\t{1600000000 + time}\n" for user, item, time in rows_of)
        (tmp_path / f"x.{part}.inter").write_text("user_id:token\titem_id:token\ttimestamp:float\n" + text)
    description = prepare("recbole", [tmp_path], tmp_path / "out")
    assert description["split"] == {"method": "own"}
    assert description["split_counts"] == {"train": 4, "valid": 1, "test": 1}
    dataset = Dataset.load(tmp_path / "out")
    log = encode(dataset, {item: row for row, item in enumerate(dataset.items["item"])})
    found = {
        name: [(int(user), f"i{log.items[place]}") for user, place in zip(one.user, one.position, strict=True)]
        for name, one in split_instances(log, dataset.description["split"]).items()
    }
    # u0: i0 train, i2 valid, i1 train; u1: i2 train, i0 train, i3 test; a first one has no history
    assert found == {"train": [(0, "i1"), (1, "i0")], "valid": [(0, "i2")], "test": [(1, "i3")]}
    prepare("recbole", [tmp_path], tmp_path / "again", split="leave-last")
    assert "split" not in Dataset.load(tmp_path / "again").interactions.columns


def test_a_column_can_say_the_split(log: Log) -> None:
    text = "user,item,timestamp,part\n" + "".join(
        f"u,{item},{1600000000 + time},{part}\n"
        for time, (item, part) in enumerate(zip("abcd", "Train dev TEST none".split(), strict=True))
    )
    dataset = log(text, columns={"split": "part"}, split=None)
    assert dataset.interactions["split"].to_list() == ["train", "valid", "test"]
    assert dropped(dataset) == {"of no split": 1}
    # with items that a model doesn't know the others keep their parts
    known = encode(dataset, {"b": 0, "c": 1})
    assert count_positives(known, {"method": "own"})["valid"].whole == 1
    assert split_instances(known, {"method": "own"})["test"].position.tolist() == [1]
    with pytest.raises(SurgeError, match="--split own needs the column that holds it"):
        log("user,item,timestamp\nu,x,1600000000\n", split="own")


def test_a_damaged_own_split_is_refused(log: Log, tmp_path: Path) -> None:
    log("user,item,timestamp,part\nu,a,1600000000,train\nu,b,1600000001,test\n", columns={"split": "part"}, split=None)
    path = tmp_path / "out" / "interactions.parquet"
    frame = pl.read_parquet(path)
    for damaged in (frame.drop("split"), frame.with_columns(split=pl.lit("exam"))):
        damaged.write_parquet(path)
        with pytest.raises(SurgeError, match="which split it belongs to"):
            Dataset.load(tmp_path / "out")


# -- JSON, folders, packed files ----------------------------------------------------------------------


def test_json_lines_flat_and_nested(log: Log) -> None:
    flat = "".join(
        json.dumps({"user_id": f"u{n % 2}", "business_id": n, "date": f"2021-07-01 20:00:{n:02}"}) + "\n"
        for n in range(4)
    )
    dataset = log(flat + "{broken\n[1]\n", "reviews.jsonl")
    assert [row[:2] for row in rows(dataset)] == [("u0", "0"), ("u0", "2"), ("u1", "1"), ("u1", "3")]
    assert "2 lines of reviews.jsonl were left out, with no JSON object: lines 5, 6" in told(dataset)
    events = [{"aid": item, "ts": 1683014400025 + item * 1000, "type": "clicks"} for item in (7, 5, 6)]
    dataset = log(json.dumps({"session": 1, "events": events}) + "\n", "sessions.jsonl", columns={"behaviour": "type"})
    assert rows(dataset) == [("1", "5", 1683014405), ("1", "6", 1683014406), ("1", "7", 1683014407)]
    assert dataset.interactions["behaviour"].to_list() == ["clicks"] * 3


TABLE = "user,item,timestamp\n" + "".join(f"u{n % 2},i{n},{1600000000 + n}\n" for n in range(6))


def packed(text: str) -> dict[str, bytes]:
    raw = text.encode()
    zstd = pyarrow.compress(raw, codec="zstd", asbytes=True)
    return {"log.csv": raw, "log.csv.bz2": bz2.compress(raw), "log.csv.xz": lzma.compress(raw), "log.csv.zst": zstd}


def test_packed_files(log: Log) -> None:
    expected = rows(log(TABLE))
    for name, content in packed(TABLE).items():
        assert rows(log(content, name)) == expected, name
        if name != "log.csv":
            with pytest.raises(SurgeError, match="can't be unpacked; the file is damaged"):
                log(content[: len(content) // 2], name)


def test_folders_partitions_patterns_and_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = pl.read_csv(io.StringIO(TABLE), schema_overrides={"timestamp": pl.Int64})
    for day, part in enumerate((frame[:3], frame[3:])):
        folder = tmp_path / "parts" / f"shop=s{day}"
        folder.mkdir(parents=True)
        part.write_parquet(folder / "part-0.parquet")
        (folder / "_SUCCESS").touch()
        part.write_csv(tmp_path / f"day-{day}.csv")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(TABLE.encode())))
    found = []
    for place in (tmp_path / "parts", tmp_path / "day-*.csv", "-"):
        prepare("csv", [place], tmp_path / "out", split="leave-last", force=True)
        found.append(rows(Dataset.load(tmp_path / "out")))
    assert found[0] == found[1] == found[2] and len(found[0]) == 6
    prepare("csv", [tmp_path / "parts"], tmp_path / "out", split="leave-last", force=True, columns={"user": "shop"})
    assert Dataset.load(tmp_path / "out").users == ["s0", "s1"]
    with pytest.raises(SurgeError, match="no file with something in it is called like"):
        prepare("csv", [tmp_path / "night-*.csv"], tmp_path / "none")


def test_a_file_about_items_with_names_delimiter_and_encoding_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("user,sku,timestamp\nu,a,1600000000\nu,b,1600000060\n")
    (tmp_path / "products.csv").write_text("product_id|name\na|Lämp\nb|Mug\n", encoding="latin-1")
    options = {
        "split": "leave-last",
        "items_file": tmp_path / "products.csv",
        "items_encoding": "latin-1",
        "force": True,
    }
    prepare("csv", [tmp_path / "log.csv"], tmp_path / "out", **options)  # type: ignore[arg-type]
    assert Dataset.load(tmp_path / "out").items.rows() == [("a", "Lämp", None), ("b", "Mug", None)]
    (tmp_path / "products.csv").write_text('nr;text\na;"A ""lamp"""\nb;"a lone one\n', encoding="latin-1")
    chosen = {"items_columns": {"item": "nr", "title": "text"}, "items_delimiter": ";"}
    prepare("csv", [tmp_path / "log.csv"], tmp_path / "out", **options, **chosen)  # type: ignore[arg-type]
    assert Dataset.load(tmp_path / "out").items["title"].to_list() == ['A "lamp"', '"a lone one']
    with pytest.raises(SurgeError, match="--items-id-column"):
        prepare("csv", [tmp_path / "log.csv"], tmp_path / "out", **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("style", ["json", "python"])
def test_amazon_of_2014(tmp_path: Path, style: str) -> None:
    write = json.dumps if style == "json" else repr
    (tmp_path / "reviews.json").write_text(
        "".join(
            json.dumps(
                {"reviewerID": f"A{n % 2}", "asin": f"B{n % 3}", "overall": 5.0, "unixReviewTime": 1400000000 + n}
            )
            + "\n"
            for n in range(6)
        )
    )
    (tmp_path / "meta.json").write_text(
        "".join(
            write({"asin": f"B{n}", "title": f"Kid's {n}", "categories": [["Home", "Mugs"], ["Else"]]}) + "\n"
            for n in range(3)
        )
    )
    prepare(
        "amazon", [tmp_path], tmp_path / "out", split="leave-last", min_user_interactions=1, min_item_interactions=1
    )
    assert Dataset.load(tmp_path / "out").items.rows()[0] == ("B0", "Kid's 0", "Mugs")


def test_a_dry_run_shows_what_was_understood_and_writes_nothing(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(TABLE)
    description = prepare("csv", [tmp_path / "log.csv"], None, dry_run=True)
    assert description["preparation"]["rows_read"] == 6
    assert [row["item"] for row in description["rows"]] == ["i0", "i2", "i4", "i1", "i3"]
    assert [path.name for path in tmp_path.iterdir()] == ["log.csv"]
    with pytest.raises(SurgeError, match="no output folder"):
        prepare("csv", [tmp_path / "log.csv"], None)


# -- whatever is written is read back -----------------------------------------------------------------

AWKWARD = st.text(
    st.sampled_from(list("aé\"',;|\t\n\\ 0.#-=\u2028\U0001f600"))
    | st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")),
    min_size=1,
    max_size=8,
).filter(lambda text: text.strip() != "")
ROWS = st.lists(
    st.tuples(AWKWARD, AWKWARD, st.integers(631_152_000, 4_000_000_000)), min_size=1, max_size=12, unique=True
)


@given(ROWS, st.sampled_from([",", ";", "\t", "|"]), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_delimited_text_is_read_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, table: list, delimiter: str, end: str, all_quoted: bool
) -> None:
    folder = tmp_path_factory.mktemp("text")
    with open(folder / "log.txt", "w", encoding="utf-8", newline="") as file:
        quoting = csv.QUOTE_ALL if all_quoted else csv.QUOTE_MINIMAL
        writer = csv.writer(file, delimiter=delimiter, lineterminator=end, quoting=quoting)
        writer.writerows([("user", "item", "timestamp"), *table])
    try:
        assert_read(folder / "log.txt", folder / "out", table)
    except SurgeError as problem:
        assume("nobody can tell" not in str(problem))  # refused, not misread
        raise


@given(ROWS, st.booleans())
def test_json_lines_and_parquet_are_read_as_they_were_written(
    tmp_path_factory: pytest.TempPathFactory, table: list, plain: bool
) -> None:
    folder = tmp_path_factory.mktemp("json")
    names = ("user", "item", "timestamp")
    with open(folder / "log.jsonl", "w", encoding="utf-8") as file:
        for row in table:
            file.write(json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=plain) + "\n")
    assert_read(folder / "log.jsonl", folder / "out", table)
    pl.DataFrame(table, schema=list(names), orient="row").write_parquet(folder / "log.parquet")
    assert_read(folder / "log.parquet", folder / "out", table)


def assert_read(path: Path, output: Path, table: list) -> None:
    prepare("csv", [path], output, split="leave-last", null_words=False, ties="file", force=True)
    dataset = Dataset.load(output)
    assert sorted(rows(dataset)) == sorted(table)
    assert dataset.description["preparation"]["rows_read"] == len(table)
