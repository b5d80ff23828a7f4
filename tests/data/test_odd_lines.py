"""Lines that are no CSV of one delimiter: runs of blanks, Hive's and MovieLens's delimiters, zero bytes; old dates and
words for nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import polars as pl
import pytest

from surge.data.dataset import Dataset
from surge.errors import SurgeError
from tests.data.reading import notes, rows

HEADER = "user,item,timestamp\n"
ROWS = "".join(f"u,i{n},{1600000000 + n}\n" for n in range(4))
READ = [("u", f"i{n}", 1600000000 + n) for n in range(4)]
PLACES = {"user": "1", "item": "2", "time": "3"}
Log = Callable[..., Dataset]


def aligned(text: str, widths: tuple[int, ...] = (7, 9, 12)) -> str:
    """With columns that begin below each other."""
    lines = [line.split(",") for line in text.splitlines()]
    return "".join("".join(f"{f:<{w}}" for f, w in zip(line, widths, strict=True)) + "\n" for line in lines)


SPACED = {
    "aligned": aligned(HEADER + ROWS),
    "header without runs": "user item timestamp\n" + aligned(ROWS),
    "to the right": "".join(f"{line:>40}\n" for line in aligned(HEADER + ROWS).splitlines()),
    "blanks and tabs": (HEADER + ROWS).replace(",", " \t "),
    "with quotes": aligned(HEADER + ROWS).replace("i2", '"i2"'),
    "windows": "\ufeff" + aligned(HEADER + ROWS).replace("\n", "\r\n"),
    "comments": "# exported on a Monday\n\n" + aligned(HEADER + ROWS),
}


@pytest.mark.parametrize("shape", SPACED)
def test_runs_of_blanks_are_one(log: Log, shape: str) -> None:
    assert rows(log(SPACED[shape], delimiter="blanks")) == READ
    if shape == "blanks and tabs":
        return
    for found in (log(SPACED[shape]), log(SPACED[shape], delimiter=" ")):
        assert rows(found) == READ
        assert notes(found) == "runs of blanks in log.csv were read as one blank"


def test_runs_of_blanks_keep_lines_quotes_and_row_names(log: Log) -> None:
    text = 'user     item        timestamp\nu        "a  b"      1600000000\nu  x\nu        c           1600000001\n'
    dataset = log(text)
    assert rows(dataset) == [("u", "a  b", 1600000000), ("u", "c", 1600000001)]
    assert "1 line of log.csv was left out, with fewer fields than the header: line 3" in notes(dataset)
    numbered = "".join(f"{n}     u   i{n}   {1600000000 + n}\n" for n in range(4))
    assert rows(log("      user   item  timestamp\n" + numbered)) == READ
    assert rows(log(aligned(ROWS), header=False, columns=PLACES)) == READ


def test_one_blank_for_each_field_stays_one(log: Log) -> None:
    """Two blanks have an empty field between them where all rows are as wide as the header then."""
    text = "user item rating timestamp\n" + "".join(f"u i{n}  {1600000000 + n}\n" for n in range(4))
    dataset = log(text)
    assert rows(dataset) == READ
    assert notes(dataset) == ""


@pytest.mark.parametrize("between", ["::", "\x01", "|", ";", "\t"])
@pytest.mark.parametrize("quoted", [False, True])
def test_the_delimiter_is_found_in_the_first_line(log: Log, between: str, quoted: bool) -> None:
    text = HEADER + (ROWS.replace("i2", '"i2"') if quoted and between != "::" else ROWS)
    assert rows(log(text.replace(",", between))) == READ
    assert rows(log(ROWS.replace(",", between), header=False, columns=PLACES)) == READ


def test_a_delimiter_within_fields_is_none(log: Log) -> None:
    text = "user,item,timestamp,name\n" + ROWS.replace("\n", ",a::b|c\n")
    assert rows(log(text)) == rows(log(text.replace(",", "\t"))) == READ
    genres = "1::2::1600000000::A|B\n1::3::1600000001::A|B|C\n"
    assert rows(log(genres, header=False, columns=PLACES)) == [("1", "2", 1600000000), ("1", "3", 1600000001)]


@pytest.mark.parametrize("quoted", [False, True])
def test_a_zero_byte_costs_its_line(log: Log, quoted: bool) -> None:
    text = HEADER + ROWS + "u,i\x00,1600000009\n" + (ROWS.replace("i", '"i"') if quoted else "v,x,1600000005\n")
    dataset = log(text)
    assert dataset.description["preparation"]["dropped"]["malformed line"] == 1
    assert "1 line of log.csv was left out, with a zero byte, which no text has: line 6" in notes(dataset)
    assert not any("\x00" in item for _, item, _ in rows(dataset))
    late = log(HEADER + ROWS * 5_000 + "u,i,16\x0000000009\n")  # beyond what is looked at first
    assert "with a zero byte, which no text has: line 20,002" in notes(late)
    for binary in (b"\x00\x01\x02\n" * 9, HEADER.encode("utf-16-le") + ROWS.encode("utf-16-le"), b"u,\x00i\nu,b\n"):
        with pytest.raises(SurgeError, match=r"log\.csv is a binary file, not text"):
            log(binary)


def test_dates_before_1970_are_dates(log: Log) -> None:
    text = HEADER + "a,x,1961-04-12\na,y,1969-12-31T23:59:59Z\na,z,1970-01-02\nb,x,1905-06-30 12:00\n"
    dataset = log(text)
    assert rows(dataset) == [("a", "x", -275270400), ("a", "y", -1), ("a", "z", 86400), ("b", "x", -2035627200)]
    assert notes(dataset) == "all times lie before 1990"
    assert "3 times lie before 1990" in notes(log(text.replace("1970-01-02", "2001-01-02")))
    formatted = log(HEADER + "a,x,12.04.1961\na,y,13.04.1961\n", time_format="%d.%m.%Y")
    assert rows(formatted) == [("a", "x", -275270400), ("a", "y", -275184000)]
    frame = pl.DataFrame({"user": ["a", "a"], "item": ["x", "y"], "timestamp": [datetime(1965, 1, 1)] * 2})
    with pytest.warns(UserWarning, match="all times lie before 1990"):
        assert rows(Dataset.from_frame(frame, split="leave-last"))[0] == ("a", "x", -157766400)
    numbers = log(HEADER + "a,x,-5\na,y,1600000000\n")
    assert numbers.description["preparation"]["dropped"] == {"negative time": 1}


def test_words_for_nothing_that_are_kept_are_told(log: Log) -> None:
    words = ["undefined", "undefined", "(null)", "nil", "Undefined"]
    text = HEADER + ROWS + "".join(f"{word},i{n},{1600000100 + n}\n" for n, word in enumerate(words))
    dataset = log(text)
    assert {"undefined", "(null)", "nil", "Undefined"} < set(dataset.users)
    assert "5 rows have a word for nothing as user, kept as an id: '(null)', 'Undefined', 'nil'" in notes(dataset)
    assert "as item" not in notes(dataset)
    assert "1 row has a word for nothing as item, kept as an id: 'nil'" in notes(
        log(HEADER + ROWS + "u,nil,1600000009\n")
    )
