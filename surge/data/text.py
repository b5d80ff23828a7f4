"""Delimited text, read in one way whatever columns are asked for: each line's width and quotes are checked.

A file becomes lines of plain fields. Where it holds quotes, a copy is made first, in which each record is one line and
a control character stands between its fields. A record of several lines leaves lines of its own behind it, so that a
row's place in the copy is the number of its line in the file.
"""

from __future__ import annotations

import codecs
import csv
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import polars as pl

from surge.data.files import fresh
from surge.errors import SurgeError

_BLOCK = 1 << 20
_CONTROLS = "\x1f\x1e\x1d\x1c\x07\x06\x05\x04\x03\x02\x01"  # what no text holds stands for borders in the copy
_MOST_LINES = 200  # of one quoted text
_QUOTE = b'"'
LINE, MALFORMED = "surge.line", "surge.malformed"  # beside the columns of a file
TOO_MANY = "more fields than the header"
TOO_FEW = "fewer fields than the header"
OPEN_QUOTE = "a quote that is never closed"


@dataclass(frozen=True)
class Delimited:
    """A delimited file: `rows` has a text column for each of `names`, LINE, the number of the row's line, and
    MALFORMED, why it can't be read or null. `repeated`: names that several columns have. `continued`: how many lines
    belong to the quoted text of a line before. `literal`: how many lines have a quote that was taken as text."""

    rows: pl.LazyFrame
    names: list[str]
    repeated: frozenset[str] = frozenset()
    continued: int = 0
    literal: int = 0


@dataclass
class _Copy:
    name: str
    path: Path
    delimiter: str
    newline: str = ""
    continued: str = ""
    broken: str = ""
    continued_lines: int = 0
    literal_lines: int = 0


def scan_delimited(
    path: Path,
    work: Path,
    delimiter: str,
    *,
    header: bool = True,
    names: Sequence[str] | None = None,
    quotes: bool = True,
) -> Delimited:
    """A UTF-8 file as text columns. Without a `header` its columns are called by `names`, or 1, 2, 3 and so on.

    `quotes`: a field that begins with a quote goes on to the quote before a delimiter or the end of a line, and may
    hold both; without it, and where a delimiter has several characters, a quote is text as all else. `work` is a folder
    for the copy. An empty file is a SurgeError.
    """
    first = first_line(path)
    quoted = quotes and len(delimiter) == 1 and _holds(path, _QUOTE)
    fields = split_fields(first, delimiter, quotes=quotes)
    called = _names(fields, names) if header or names else [str(place) for place in range(1, len(fields) + 1)]
    if not header and names and len(fields) != len(names):
        raise SurgeError(f"{path.name} has {len(fields)} columns, not {len(names)}: {', '.join(names)}")
    copy = _copy(path, work, delimiter, len(called)) if quoted else _Copy(path.name, path, delimiter)
    text = pl.col("text")
    rows = pl.scan_lines(copy.path, name="text", glob=False).with_row_index(LINE, offset=1)
    if header:
        rows = rows.slice(1)
    else:  # the mark of the order of bytes is no part of the first row
        rows = rows.with_columns(pl.when(pl.col(LINE) == 1).then(text.str.strip_prefix("\ufeff")).otherwise(text))
    if copy.continued:
        rows = rows.filter(text != copy.continued)
    places = [f"field_{place}" for place in range(len(called))]
    # one more than there are columns, so that the last one never holds the rest of a line that is too long
    parts = text.str.splitn(copy.delimiter, len(called) + 1).struct.rename_fields([*places, "rest"])
    rows = rows.with_columns(parts=parts).with_columns(last=pl.col("parts").struct.field(places[-1]))
    too_many, too_few = pl.col("parts").struct.field("rest").is_not_null(), pl.col("last").is_null()
    malformed: pl.Expr = pl.when(too_many).then(pl.lit(TOO_MANY))
    malformed = pl.when(too_few & (text.str.strip_chars() != "")).then(pl.lit(TOO_FEW)).otherwise(malformed)
    if copy.broken:
        malformed = pl.when(text.str.starts_with(copy.broken)).then(pl.lit(OPEN_QUOTE)).otherwise(malformed)
    rows = rows.with_columns(malformed.alias(MALFORMED))
    columns = [pl.col("parts").struct.field(place).alias(name) for place, name in zip(places, called, strict=True)]
    if copy.newline:
        columns = [column.str.replace_all(copy.newline, "\n", literal=True) for column in columns]
    repeated = frozenset(name for name in fields if header and fields.count(name) > 1)
    return Delimited(rows.select(LINE, MALFORMED, *columns), called, repeated, copy.continued_lines, copy.literal_lines)


def lines_of(name: str, count: int, one: str, more: str) -> str:
    """How many lines of a file do what: "1 line of log.csv has", "2 lines of log.csv have"."""
    return f"1 line of {name} {one}" if count == 1 else f"{count:,} lines of {name} {more}"


def first_line(path: Path) -> str:
    """The first line of a UTF-8 file, without what marks its order of bytes."""
    with open(path, encoding="utf-8-sig", newline="") as file:
        return file.readline(_BLOCK).rstrip("\r\n")


def split_fields(line: str, delimiter: str, *, quotes: bool = True) -> list[str]:
    """The fields of one line, without blanks at their ends."""
    if not quotes or len(delimiter) != 1:
        return [part.strip() for part in line.split(delimiter)]
    return [part.strip() for part in next(csv.reader([line], delimiter=delimiter), [])] or [""]


def find_delimiter(path: Path) -> str:
    """The one of comma, semicolon, tab and | that is most frequent in the first line outside quotes; where none is
    there, a blank if that is."""
    line = first_line(path)
    unquoted = "".join(line.split('"')[::2])
    best = max((",", ";", "\t", "|"), key=unquoted.count)
    return " " if best not in unquoted and " " in unquoted.strip() else best


def _names(fields: Sequence[str], names: Sequence[str] | None) -> list[str]:
    """Column names that differ: the second column `id` is called `id (2)`, one without a name by its place."""
    chosen: list[str] = []
    for place, name in enumerate(names or fields, start=1):
        name, again = name or str(place), 2
        candidate = name
        while candidate in chosen:
            candidate, again = f"{name} ({again})", again + 1
        chosen.append(candidate)
    return chosen


def _holds(path: Path, byte: bytes) -> bool:
    with open(path, "rb") as file:
        return any(byte in block for block in iter(lambda: file.read(_BLOCK), b""))


def _copy(path: Path, work: Path, delimiter: str, width: int) -> _Copy:
    """The file with a record in each line; quotes that only hold a field together are gone."""
    absent = (sign for sign in _CONTROLS if sign != delimiter and not _holds(path, sign.encode()))
    free = list(islice(absent, 4))  # each is looked for in all of the file, so no more than are needed
    if len(free) < 4:
        raise SurgeError(f"{path.name} holds control characters of all kinds; it is no text file")
    copy = _Copy(path.name, fresh(work, path.name), free[0], free[1], free[2], free[3])
    inner = delimiter.encode()
    with open(path, "rb") as source, open(copy.path, "wb") as target:
        lines = _Ahead(source)
        for line in lines:
            if _QUOTE not in line:
                target.write(line.replace(inner, copy.delimiter.encode()) + b"\n")
                continue
            fields, more = _record(line.decode(), lines, delimiter, width, copy)
            if fields is None:
                target.write((copy.broken + line.decode()).encode() + b"\n")
                continue
            text = copy.delimiter.join(fields).replace("\r\n", "\n").replace("\n", copy.newline)
            target.write(text.encode() + b"\n" + (copy.continued.encode() + b"\n") * more)
            copy.continued_lines += more
    return copy


def _record(line: str, lines: _Ahead, delimiter: str, width: int, copy: _Copy) -> tuple[list[str] | None, int]:
    """The fields of a record that begins with this line, and how many more lines it has taken; None: of no record.

    A quote that isn't closed in its line may open a text of several lines, or be text itself. Where both readings give
    every line all its fields nobody can tell, and that is a SurgeError.
    """
    fields, is_open = _parse([line], delimiter)
    if fields is not None:
        return fields, 0
    plain = line.split(delimiter)
    following = lines.peek(_MOST_LINES) if is_open else []
    taken = [line + "\n"]
    for more, after in enumerate(following, start=1):
        taken.append(after.decode() + "\n")
        if _QUOTE not in after:
            continue
        fields, is_open = _parse(taken, delimiter)
        if fields is not None and len(fields) == width:
            if len(plain) == width and len(following[0].decode().split(delimiter)) == width:
                raise SurgeError(
                    f"line {lines.number:,} of {copy.name} has a quote that is text, or opens a text of {more + 1} "
                    "lines: nobody can tell; give --no-quotes if quotes are text in this file, or mend the line"
                )
            lines.skip(more)
            return fields, more
        if not is_open:
            break
    if len(plain) != width:
        return None, 0
    copy.literal_lines += 1
    return plain, 0


def _parse(lines: list[str], delimiter: str) -> tuple[list[str] | None, bool]:
    """The fields of exactly one record, None where the quotes of these lines make none; and whether more lines could
    still close one."""
    is_open = False
    for escape in (None, "\\") if any('\\"' in line for line in lines) else (None,):  # \" in place of ""
        try:
            rows = list(csv.reader(lines, delimiter=delimiter, escapechar=escape, strict=True))
        except csv.Error as problem:
            is_open = "end of data" in str(problem)
            continue
        return (rows[0], False) if len(rows) == 1 else (None, False)
    return None, is_open


class _Ahead:
    """The lines of a file without their ends, some of which may be looked at before they come."""

    def __init__(self, file: Iterator[bytes]) -> None:
        self._lines = (line.rstrip(b"\r\n") for line in file)
        self._next = deque(line.removeprefix(codecs.BOM_UTF8) for line in islice(self._lines, 1))
        self.number = 0  # of the line that came last

    def __iter__(self) -> Iterator[bytes]:
        while self._next or self.peek(1):
            self.number += 1
            yield self._next.popleft()

    def peek(self, count: int) -> list[bytes]:
        """The next lines, as many as there are up to `count`."""
        self._next.extend(islice(self._lines, max(0, count - len(self._next))))
        return list(islice(self._next, count))

    def skip(self, count: int) -> None:
        """Leave out the next lines, which were looked at."""
        self.number += count
        for _ in range(count):
            self._next.popleft()
