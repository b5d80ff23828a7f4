"""Text as programs other than databases write it: read as it is meant, or refused with a way out."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Callable

import pytest

from surge.data.dataset import Dataset
from surge.errors import SurgeError
from tests.data.reading import notes, rows

HEADER = "user,item,timestamp\n"
ROWS = "".join(f"u,i{n},{1600000000 + n}\n" for n in range(4))
READ = [("u", f"i{n}", 1600000000 + n) for n in range(4)]
Log = Callable[..., Dataset]


@pytest.mark.parametrize(
    "above",
    [
        "\n\n",
        "   \n",
        "sep=,\n",
        "SEP=,\r\n",
        '"sep=,"\n',
        "# exported on a Monday\n",
        "# one\n\n#two, with a comma\n",
        "sep=,\n# exported\n",
    ],
)
@pytest.mark.parametrize("quoted", [False, True])
def test_what_stands_above_the_header_is_passed_over(log: Log, above: str, quoted: bool) -> None:
    body = ROWS.replace("i2", '"i2"') if quoted else ROWS
    dataset = log(above + HEADER + body + "u,late\n")
    assert rows(dataset) == READ
    line = above.count("\n") + 6
    assert notes(dataset) == f"1 line of log.csv was left out, with fewer fields than the header: line {line}"


@pytest.mark.parametrize(("sign", "said"), [(";", ";"), ("|", "|"), ("\t", "tab"), ("\t", "\t"), ("^", "^")])
def test_a_first_line_says_the_delimiter_as_excel_writes_it(log: Log, sign: str, said: str) -> None:
    assert rows(log(f"sep={said}\n" + (HEADER + ROWS).replace(",", sign))) == READ
    utf16 = ("\ufeff" + f"sep={said}\r\n" + (HEADER + ROWS).replace(",", sign).replace("\n", "\r\n")).encode(
        "utf-16-le"
    )
    assert rows(log(utf16, encoding="utf-16")) == READ


def test_a_header_that_begins_with_a_number_sign_is_one(log: Log) -> None:
    assert rows(log("#" + HEADER + ROWS)) == READ
    assert rows(log("# made by hand\n#" + HEADER + ROWS)) == READ


def test_comments_above_rows_without_a_header(log: Log) -> None:
    text = "# FromNodeId ToNodeId Time\n# 4 edges\n" + ROWS.replace(",", " ")
    columns = {"user": "1", "item": "2", "time": "3"}
    assert rows(log(text, header=False, columns=columns)) == READ[:4]


def test_lines_above_the_header_can_be_counted_off(log: Log) -> None:
    text = "Clicks, by hour, of March\nby Ann\n" + HEADER + ROWS
    with pytest.raises(SurgeError, match=r"it has Report; name the right one .* --skip-lines how many lines"):
        log("Report\n" + HEADER + ROWS)
    assert rows(log(text, skip_lines=2)) == READ
    assert rows(log(text, skip_lines=3, header=False, columns={"user": "1", "item": "2", "time": "3"})) == READ
    with pytest.raises(SurgeError, match="--skip-lines is -1; give how many lines"):
        log(text, skip_lines=-1)
    with pytest.raises(SurgeError, match="has no column"):
        log(text, skip_lines=99)


@pytest.mark.parametrize("again", [HEADER, "\ufeff" + HEADER, HEADER.replace("\n", "\r\n")])
@pytest.mark.parametrize("quoted", [False, True])
def test_files_put_behind_each_other_have_their_header_more_than_once(log: Log, again: str, quoted: bool) -> None:
    end = "\r\n" if "\r" in again else "\n"
    head = HEADER.replace("\n", end)
    rest = "u,i2\nu,i3\n"
    text = (
        "user,item\nu,i0\nu,i1\n" + again.replace(",timestamp", "") + (rest.replace("i2", '"i2"') if quoted else rest)
    )
    dataset = log(text, file_order=True)
    assert [row[1] for row in rows(dataset)] == ["i0", "i1", "i2", "i3"]
    assert "1 line of log.csv was left out, with the header once more: line 4" in notes(dataset)
    timed = log(head + ROWS.replace("\n", end) + again + f"u,i9,1600000009{end}")
    assert rows(timed) == [*READ, ("u", "i9", 1600000009)]
    assert timed.description["preparation"]["dropped"] == {"malformed line": 1}


def test_lines_that_end_with_a_carriage_return_alone(log: Log) -> None:
    assert rows(log((HEADER + ROWS).replace("\n", "\r"))) == READ
    assert rows(log((HEADER + ROWS.replace("i2", '"i2"')).replace("\n", "\r"))) == READ
    large = HEADER + "".join(f"u,i{n},{1600000000 + n}\n" for n in range(60_000))  # more than one block
    assert len(log(large.replace("\n", "\r")).interactions) == 60_000


def test_delimiters_that_nothing_follows_take_nothing_away(log: Log) -> None:
    trailing = ROWS.replace("\n", ",\n")
    assert rows(log(HEADER + trailing)) == READ
    assert rows(log(HEADER.replace("\n", ",\n") + trailing)) == READ
    assert rows(log(HEADER.replace("\n", ",\n") + ROWS)) == READ
    kept = log(HEADER + trailing + "u,i9,1600000009,more\n")
    assert kept.description["preparation"]["dropped"] == {"malformed line": 1}


def test_row_names_as_r_writes_them(log: Log) -> None:
    numbered = "".join(f'"{n}","u","i{n - 1}",{1599999999 + n}\n' for n in range(1, 5))
    dataset = log('"user","item","timestamp"\n' + numbered)
    assert rows(dataset) == READ
    assert "the first is taken for a row's name, as R writes it" in notes(dataset)
    with pytest.raises(SurgeError, match=r"4 lines of log\.csv were left out, with more fields than the header"):
        log(HEADER + "".join(f"x,u,i{n},{1600000000 + n}\n" for n in range(4)))  # a column whose name is missing


def test_files_packed_in_one_another(log: Log) -> None:
    text = (HEADER + ROWS).encode()
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("log.csv.gz", gzip.compress(text))
    assert rows(log(archive.getvalue(), name="log.zip")) == READ
    assert rows(log(gzip.compress(gzip.compress(text)), name="log.gz")) == READ
    many = text
    for _ in range(6):
        many = gzip.compress(many)
    with pytest.raises(SurgeError, match=r"log\.gz is packed more than 4 times over; unpack it"):
        log(many, name="log.gz")
    empty = io.BytesIO()
    with zipfile.ZipFile(empty, "w") as packed:
        packed.writestr("folder/", "")
    with pytest.raises(SurgeError, match=r"log\.zip holds no file"):
        log(empty.getvalue(), name="log.zip")


def test_utf_16_without_a_mark_gets_advice_that_helps(log: Log) -> None:
    content = (HEADER + ROWS).encode("utf-16-be")
    with pytest.raises(SurgeError, match="name its encoding, for example --encoding utf-16-le or --encoding utf-16-be"):
        log(content, encoding="utf-16")
    assert rows(log(content, encoding="utf-16-be")) == READ


def test_a_first_line_longer_than_a_csv_reader_takes(log: Log) -> None:
    columns = {"user": "1", "item": "2", "time": "3"}
    dataset = log(f'{"u" * 200_000},"i",1600000000\n', header=False, columns=columns)
    assert [len(row[0]) for row in rows(dataset)] == [200_000]
