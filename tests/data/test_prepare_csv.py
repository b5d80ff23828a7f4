"""A user's own CSV or Parquet: what each kind of good and bad cell becomes."""

import gzip
import json
import pickle
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest

from surge.data.dataset import Dataset
from surge.data.preparation import prepare
from surge.errors import SurgeError

Prepare = Callable[..., Dataset]


def rows(dataset: Dataset) -> list[tuple]:
    return dataset.interactions.select("user", "item", "timestamp").rows()


def dropped(dataset: Dataset) -> dict[str, int]:
    return dataset.description["preparation"]["dropped"]


def test_ids_stay_as_they_are_and_rows_are_sorted(prepare_text: Prepare) -> None:
    dataset = prepare_text("user,item,timestamp\n10,007,1600000005\n2,a,1600000001\n10,7,1600000000\n")
    assert rows(dataset) == [("10", "7", 1600000000), ("10", "007", 1600000005), ("2", "a", 1600000001)]


def test_ties_keep_the_order_of_the_input(prepare_text: Prepare) -> None:
    items = [f"i{(7 * place) % 50:02d}" for place in range(50)]
    text = "user,item,timestamp\n" + "".join(f"u,{item},1600000000\n" for item in items)
    assert [row[1] for row in rows(prepare_text(text))] == items


def test_every_unusable_row_is_counted_once_by_reason(prepare_text: Prepare) -> None:
    text = (
        "user,item,timestamp\n"
        "a,x,1600000000\n"
        "a,x,1600000000\n"  # exact duplicate
        "a,x,1600000001\n"  # a repeat, not a duplicate
        ",x,1600000000\n"
        '"  ",x,1600000000\n'
        "a,,1600000000\n"
        "a,x,\n"
        "a,x,yesterday\n"
        "a,x,-5\n"
        "\n"
    )
    dataset = prepare_text(text)
    assert rows(dataset) == [("a", "x", 1600000000), ("a", "x", 1600000001)]
    assert dropped(dataset) == {
        "blank line": 1,
        "missing user": 2,
        "missing item": 1,
        "missing time": 1,
        "unparsable time": 1,
        "negative time": 1,
        "exact duplicate": 1,
    }
    preparation = dataset.description["preparation"]
    assert preparation["rows_read"] == 10
    assert preparation["rows_kept"] == 2
    assert dataset.description["repeat_share"] == 0.5


def test_quotes_newlines_and_markup_are_data(prepare_text: Prepare) -> None:
    hostile = "<img src=x onerror=alert(1)>"
    text = f'user,item,timestamp,name\n"a ""q"", b","x\ny",1600000000,{hostile}\n"u",z,1600000000,"</script>"\n'
    dataset = prepare_text(text, columns={"title": "name"})
    assert rows(dataset) == [('a "q", b', "x\ny", 1600000000), ("u", "z", 1600000000)]
    assert dataset.item("x\ny")["title"] == hostile
    assert dataset.item("z")["title"] == "</script>"


def test_blanks_at_the_ends_of_ids_are_kept_and_told(prepare_text: Prepare) -> None:
    dataset = prepare_text("user,item,timestamp\n a,x ,1600000000\na,y,1600000000\n")
    assert dataset.users == [" a", "a"]
    assert dataset.description["preparation"]["notes"] == [
        "1 rows have ids with blanks at an end; the ids are kept as they are"
    ]


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_delimiters(prepare_text: Prepare, delimiter: str) -> None:
    text = "user,item,timestamp\na,x,1600000000\n".replace(",", delimiter)
    options = {"delimiter": "|"} if delimiter == "|" else {}
    assert rows(prepare_text(text, **options)) == [("a", "x", 1600000000)]


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "cp1252"])
def test_other_encodings_by_name(prepare_text: Prepare, encoding: str) -> None:
    dataset = prepare_text("user,item,timestamp\nJosé,x,1600000000\n".encode(encoding), encoding=encoding)
    assert dataset.users == ["José"]


def test_byte_order_mark_is_no_part_of_the_header(prepare_text: Prepare) -> None:
    assert prepare_text(b"\xef\xbb\xbfuser,item,timestamp\na,x,1600000000\n").users == ["a"]


def test_utf8_cut_by_a_block_border_is_still_utf8(prepare_text: Prepare) -> None:
    filler = "b" * ((1 << 20) - len("user,item,timestamp\n") - 1)
    assert prepare_text(f"user,item,timestamp\n{filler}é,x,1600000000\n").users == [filler + "é"]


@pytest.mark.parametrize(
    ("text", "options", "sentence"),
    [
        (b"", {}, "is empty"),
        (b"user,item,timestamp\n", {}, "a header but no rows"),
        (b"who,what,timestamp\na,x,1\n", {}, "has no column 'user'; it has who, what, timestamp"),
        (b"user,item,timestamp\nJos\xe9,x,1\n", {}, "not UTF-8 text at byte 23"),
        ("user,item,timestamp\na,x,1\n".encode("utf-16"), {}, "--encoding utf-16"),
        (b"user,item,timestamp\na,x\x00,1\n", {}, "binary"),
        (pickle.dumps({"a": 1}), {}, "a Python pickle"),
        (
            b"user,item,timestamp\na,x,1,2\n",
            {},
            "1 line of log.csv was left out, with more fields than the header: line 2",
        ),
        (b'user,item,timestamp\n"a,x\nb,y\n', {}, "with a quote that is never closed: line 2"),
        (b"user,user,item,timestamp\na,a,x,1\n", {}, "more than one column 'user'"),
        (b"user,item,timestamp\na,x,1600000000\na,y,1600000000000\n", {}, "mixes units"),
        (b"user,item,timestamp\na,x,1600000000\na,y,2020-01-01\n", {}, "mixes units"),
        (b"user,item,timestamp\na,x,soon\n", {}, "no time could be read"),
        (b"user,item,timestamp\na,x,1\n", {"encoding": "klingon"}, "no text encoding 'klingon'"),
        (b"user,item,timestamp\na,x,1\n", {"delimiter": "::"}, "say with --delimiter what stands between them"),
        (b"user,item,timestamp\na,x,1\n", {"min_user_interactions": 2}, "none of the 1 rows is left"),
        (b"user,item,timestamp\na,x,1\n", {"min_user_interactions": 0}, "1 or more"),
        (b"user,item,timestamp\na,x,1\n", {"split": "random"}, "no split 'random'"),
        (b"user,item,timestamp\na,x,1\n", {"start": "noon"}, "--start 'noon' is not a time"),
        (b"user,item,timestamp\na,x,1\n", {"start": 5, "end": 4}, "--start lies after --end"),
        (b"user,item,timestamp\na,x,1\n", {"columns": {"category": "shelf"}}, "--category-column"),
        (b"user,item,timestamp\na,x,1\n", {"behaviours": ["pv"]}, "--behaviour-column"),
        (b"user,item,timestamp\na,x,1\n", {"valid_start": 4}, "belong to --split time"),
    ],
)
def test_bad_input_is_one_sentence_and_leaves_nothing(
    prepare_text: Prepare, tmp_path: Path, text: bytes, options: dict, sentence: str
) -> None:
    with pytest.raises(SurgeError) as caught:
        prepare_text(text, **options)
    assert sentence in str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log.csv"]


def test_milliseconds_are_recognised_and_told(prepare_text: Prepare) -> None:
    dataset = prepare_text("user,item,timestamp\na,x,1600000000999\n")
    assert rows(dataset) == [("a", "x", 1600000000)]
    assert dataset.description["preparation"]["options"]["time_unit"] == "milliseconds"
    assert "divided by 1,000" in dataset.description["preparation"]["notes"][0]


def test_the_first_second_of_1970_is_a_time_and_an_early_one(prepare_text: Prepare) -> None:
    dataset = prepare_text("user,item,timestamp\na,x,0\n")
    assert rows(dataset) == [("a", "x", 0)]
    assert dataset.description["preparation"]["notes"] == [
        "all times lie before 1990 when read as unix seconds; check the unit"
    ]


def test_iso_dates(prepare_text: Prepare) -> None:
    shapes = ["1970-01-02", "1970-01-02 00:00:00", "1970-01-02T00:00:00.7Z", "1970-01-02T08:00:00+08:00"]
    shapes += ["1970-01-02 00:00", " 1970-01-02T00:00:00Z "]
    text = "user,item,timestamp\n" + "".join(f"u{place},x,{shape}\n" for place, shape in enumerate(shapes))
    assert {row[2] for row in rows(prepare_text(text))} == {86_400}


def test_date_window_takes_in_its_last_day(prepare_text: Prepare) -> None:
    text = "user,item,timestamp\n" + "".join(f"a,i{t},{t}\n" for t in (86_399, 86_400, 172_799, 172_800))
    dataset = prepare_text(text, start="1970-01-02", end="1970-01-02", time_unit="seconds")
    assert [row[2] for row in rows(dataset)] == [86_400, 172_799]
    assert dropped(dataset) == {"outside the date window": 2}


def test_behaviours_and_ratings(prepare_text: Prepare) -> None:
    text = "user,item,timestamp,kind,stars\na,x,1600000000,click,4.5\na,y,1600000001,view,5\na,z,1600000002,,3\n"
    text += "a,w,1600000003,click,many\n"
    dataset = prepare_text(text, columns={"behaviour": "kind", "rating": "stars"}, behaviours=["click"])
    assert dataset.interactions["rating"].to_list() == [4.5, None]
    assert dataset.interactions["behaviour"].to_list() == ["click", "click"]
    assert dropped(dataset) == {"missing behaviour": 1, "other behaviour": 1}
    assert "1 ratings are not numbers, such as 'many', and were not read" in dataset.description["preparation"]["notes"]


def test_parquet_types(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {
            "user": [1193, 5, 5, 5],
            "item": [7.0, 8.5, float("nan"), None],
            "timestamp": [datetime(2020, 1, 1), datetime(2020, 1, 2), datetime(2020, 1, 3), datetime(2020, 1, 4)],
        }
    )
    frame.write_parquet(tmp_path / "log.pq")
    description = prepare("csv", [tmp_path / "log.pq"], tmp_path / "out", split="leave-last")
    assert rows(Dataset.load(tmp_path / "out")) == [("1193", "7", 1577836800)]
    assert description["preparation"]["dropped"] == {"unparsable item id": 1, "missing item": 2}


@pytest.mark.parametrize(
    ("frame", "sentence"),
    [
        ({"user": [True], "item": ["x"], "timestamp": [1]}, "'user' of log.pq holds Boolean"),
        ({"user": ["a"], "item": [date(2020, 1, 1)], "timestamp": [1]}, "'item' of log.pq holds Date"),
        ({"user": ["a"], "item": ["x"], "timestamp": [[1]]}, "holds lists, and each row needs one time"),
    ],
)
def test_parquet_columns_of_the_wrong_kind(tmp_path: Path, frame: dict, sentence: str) -> None:
    pl.DataFrame(frame).write_parquet(tmp_path / "log.pq")
    with pytest.raises(SurgeError, match=sentence):
        prepare("csv", [tmp_path / "log.pq"], tmp_path / "out", split="leave-last")


def test_several_files_packed_files_and_a_file_about_items(tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text("who,sku,timestamp\na,1,1600000000\n")
    with gzip.open(tmp_path / "two.csv.gz", "wt") as packed:
        packed.write("who,sku,timestamp\na,2,1600000001\n")
    with zipfile.ZipFile(tmp_path / "three.zip", "w") as archive:
        archive.writestr("deep/log.csv", "who;sku;timestamp\na;3;1600000002\n")
    (tmp_path / "items.csv").write_text('sku,title,category\n1,"Tent, blue",Tents\n3,,\n')
    description = prepare(
        "csv",
        [tmp_path / "one.csv", tmp_path / "two.csv.gz", tmp_path / "three.zip"],
        tmp_path / "out",
        split="leave-last",
        columns={"user": "who", "item": "sku"},
        items_file=tmp_path / "items.csv",
    )
    dataset = Dataset.load(tmp_path / "out")
    assert dataset.items.rows() == [("1", "Tent, blue", "Tents"), ("2", "2", None), ("3", "3", None)]
    assert description["preparation"]["notes"] == [
        "columns of items.csv: item from 'sku'",
        "1 of 3 items are not in the file about items",
    ]
    assert description["preparation"]["inputs"] == ["one.csv", "two.csv.gz", "three.zip"]
    assert str(tmp_path) not in json.dumps(description)


def test_time_split_gives_the_last_fifth_away(prepare_text: Prepare) -> None:
    text = "user,item,timestamp\n" + "".join(f"u{place % 3},i,{1600000000 + place}\n" for place in range(20))
    dataset = prepare_text(text, split="time")
    assert dataset.description["split"] == {"method": "time", "valid_start": 1600000016, "test_start": 1600000018}
    assert dataset.description["split_counts"] == {"train": 16, "valid": 2, "test": 2}


def test_time_split_at_given_moments(prepare_text: Prepare) -> None:
    text = "user,item,timestamp\n" + "".join(f"u,i{day},2020-01-{day:02d}\n" for day in range(1, 11))
    dataset = prepare_text(text, split="time", valid_start="2020-01-05", test_start=str(1578355200))
    assert dataset.description["split"] == {"method": "time", "valid_start": 1578182400, "test_start": 1578355200}
    assert dataset.description["split_counts"] == {"train": 4, "valid": 2, "test": 4}


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"valid_start": 1600000001}, "give both"),
        ({"valid_start": 1600000003, "test_start": 1600000002}, "out of order"),
        ({"valid_start": 1600000000, "test_start": 1600000002}, "out of order"),
        ({"valid_start": 1600000001, "test_start": 1700000000}, "out of order"),
        ({}, "too few distinct times"),
    ],
)
def test_time_split_that_can_not_be(prepare_text: Prepare, options: dict, sentence: str) -> None:
    text = "user,item,timestamp\n" + "".join(f"u,i{place},{1600000000 + place}\n" for place in range(4))
    with pytest.raises(SurgeError, match=sentence):
        prepare_text(text, split="time", **options)


def test_a_broken_line_is_named_with_its_file(tmp_path: Path) -> None:
    for name, row in {"one.csv": "a,x,1", "two.csv": "a,x,1,2"}.items():
        (tmp_path / name).write_text(f"user,item,timestamp\n{row}\n")
    description = prepare("csv", [tmp_path / "one.csv", tmp_path / "two.csv"], tmp_path / "out", split="leave-last")
    assert (
        "1 line of two.csv was left out, with more fields than the header: line 2"
        in (description["preparation"]["notes"])
    )


def test_a_file_about_items_that_lacks_a_column_still_makes_text_columns(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("user,item,timestamp\na,x,1600000000\n")
    (tmp_path / "items.csv").write_text("item,title\nx,Ex\n")
    prepare("csv", [tmp_path / "log.csv"], tmp_path / "out", split="leave-last", items_file=tmp_path / "items.csv")
    written = pl.read_parquet(tmp_path / "out" / "items.parquet")
    assert written.rows() == [("x", "Ex", None)]
    assert written.dtypes == [pl.String] * 3
