"""Delimited text, read in one way whatever columns are asked for: each line's width and quotes are checked.

A file becomes lines of plain fields. Where it holds quotes, a plain copy is made first (quotes.py).
"""

from __future__ import annotations

import contextlib
import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from surge.data.files import fresh
from surge.data.quotes import PlainCopy, holds, without_quotes
from surge.errors import SurgeError

_BLOCK = 1 << 20
_DELIMITERS = (",", ";", "\t", "\x01", "::", "|")
_PEEKED = 20  # rows, to tell whether the header has all their fields
_TOP = 200  # lines in which a header is looked for
LINE, MALFORMED = "surge.line", "surge.malformed"  # beside the columns of a file
LISTED = "surge.list."  # before the name of a column: the same as lists
TOO_MANY, TOO_FEW = "more fields than", "fewer fields than"
UNEQUAL = "lists of unequal lengths"
UNEQUAL_ROW = f"{UNEQUAL} (rows)"  # of a file that has no lines
ROW_NAME = "(row name)"
AGAIN = "the header once more"
OPEN_QUOTE = "a quote that is never closed"
ZERO_BYTE = "a zero byte, which no text has"
BLANKS = "blanks"  # as a delimiter: as many as there are, and tabs


@dataclass(frozen=True)
class Delimited:
    """A delimited file: `rows` has a text column for each of `names`, LINE, the number of the row's line, and
    MALFORMED, why it can't be read or null. `repeated`: names that several columns have. `continued`: how many lines
    belong to the quoted text of a line before. `literal`: how many lines have a quote that was taken as text.
    `row_names`: the first column is one that the header doesn't name. `nested`: columns that hold objects or lists.
    `lists`: those of them that hold lists of single values; LISTED and the name is the column of these. `uneven`: first
    rows without a header have unequal numbers of fields. `blanks`: runs of blanks were found to be one."""

    rows: pl.LazyFrame
    names: list[str]
    repeated: frozenset[str] = frozenset()
    continued: int = 0
    literal: int = 0
    row_names: bool = False
    nested: frozenset[str] = frozenset()
    lists: frozenset[str] = frozenset()
    uneven: bool = False
    blanks: bool = False


@dataclass(frozen=True)
class Top:
    """How a file begins: how many lines stand `above` its header, or above its first row; that `line`; and the
    `delimiter` of its fields."""

    above: int
    line: str
    delimiter: str


def scan_delimited(
    path: Path,
    work: Path,
    delimiter: str | None = None,
    *,
    header: bool = True,
    names: Sequence[str] | None = None,
    quotes: bool = True,
    skip_lines: int = 0,
) -> Delimited:
    """A UTF-8 file as text columns. Without a `header` its columns are called by `names`, or 1, 2, 3 and so on.

    Without a `delimiter` it is found; BLANKS are runs of them. `skip_lines` stand above the header, beside those
    that `find_top` passes over.
    `quotes`: a field that begins with a quote goes on to the quote before a delimiter or the end of a line, and may
    hold both; without it, and where a delimiter has several characters, a quote is text as all else. `work` is a folder
    for the copy. An empty file is a SurgeError.
    """
    blanks = delimiter == BLANKS
    top = find_top(path, " " if blanks else delimiter, skip_lines)
    is_spaced = blanks or (top.delimiter == " " and _is_spaced(path, top, header, quotes))
    if is_spaced:
        path = _with_single_blanks(path, work, quotes)
        top = find_top(path, " ", skip_lines)
    delimiter = top.delimiter
    quoted = quotes and len(delimiter) == 1 and holds(path, b'"')
    fields = split_fields(top.line, delimiter, quotes=quotes)
    beside = _beside(path, top, len(fields), quotes) if header and names is None else 0
    if beside < 0 and not fields[-1]:
        fields = fields[:-1]
    called = distinct(names or fields) if header or names else [str(place) for place in range(1, len(fields) + 1)]
    if beside > 0:
        called = [ROW_NAME, *called]
    if not header and names and len(fields) != len(names):
        raise SurgeError(f"{path.name} has {len(fields)} columns, not {len(names)}: {', '.join(names)}")
    if quoted:
        copy = without_quotes(path, work, delimiter, len(called), top.above)
    else:
        copy = PlainCopy(path.name, path, delimiter)
    text = pl.col("text")
    rows = pl.scan_lines(copy.path, name="text", glob=False).with_row_index(LINE, offset=1)
    rows = rows.slice(top.above + header)
    if not header:  # the mark of the order of bytes is no part of the first row
        rows = rows.with_columns(pl.when(pl.col(LINE) == 1).then(text.str.strip_prefix("\ufeff")).otherwise(text))
    if copy.continued:
        rows = rows.filter(text != copy.continued)
    places = [f"field_{place}" for place in range(len(called))]
    # one more than there are columns, so that the last one never holds the rest of a line that is too long
    parts = text.str.splitn(copy.delimiter, len(called) + 1).struct.rename_fields([*places, "rest"])
    rows = rows.with_columns(parts=parts).with_columns(last=pl.col("parts").struct.field(places[-1]))
    # delimiters that nothing follows take nothing away
    rest = pl.col("parts").struct.field("rest").str.strip_chars(copy.delimiter + " ")
    too_many, too_few = rest.str.len_bytes() > 0, pl.col("last").is_null()
    first = "the header" if header else "the first row"
    malformed: pl.Expr = pl.when(too_many).then(pl.lit(f"{TOO_MANY} {first}"))
    malformed = (
        pl.when(too_few & (text.str.strip_chars() != "")).then(pl.lit(f"{TOO_FEW} {first}")).otherwise(malformed)
    )
    if header:  # of files that were put behind each other
        again = _lines(copy.path, top.above + 1)[-1]
        malformed = pl.when(text.is_in([again, "\ufeff" + again])).then(pl.lit(AGAIN)).otherwise(malformed)
    if copy.broken:
        malformed = pl.when(text.str.starts_with(copy.broken)).then(pl.lit(OPEN_QUOTE)).otherwise(malformed)
    if holds(path, b"\0"):
        malformed = pl.when(text.str.contains("\0", literal=True)).then(pl.lit(ZERO_BYTE)).otherwise(malformed)
    rows = rows.with_columns(malformed.alias(MALFORMED))
    columns = [pl.col("parts").struct.field(place).alias(name) for place, name in zip(places, called, strict=True)]
    if copy.newline:
        columns = [column.str.replace_all(copy.newline, "\n", literal=True) for column in columns]
    repeated = frozenset(name for name in fields if header and fields.count(name) > 1)
    return Delimited(
        rows.select(LINE, MALFORMED, *columns),
        called,
        repeated,
        copy.continued_lines,
        copy.literal_lines,
        row_names=beside > 0,
        uneven=not header and names is None and _is_uneven(path, top),
        blanks=is_spaced and not blanks,
    )


def lines_of(name: str, count: int, one: str, more: str, word: str = "line") -> str:
    """How many lines of a file do what: "1 line of log.csv has", "2 lines of log.csv have"."""
    return f"1 {word} of {name} {one}" if count == 1 else f"{count:,} {word}s of {name} {more}"


def short(text: str) -> str:
    """A value in quotes as a sentence names it, never long."""
    return repr(text if len(text) <= 40 else text[:37] + "...")


def where(line: int | None, source: str) -> str:
    """The place of a value: "line 12 of log.csv", or the file alone where it has no lines."""
    return source if line is None else f"line {line:,} of {source}"


def _lines(path: Path, count: int) -> list[str]:
    """The first lines of a UTF-8 file without their ends and without what marks its order of bytes."""
    with open(path, encoding="utf-8-sig", newline="\n") as file:
        return [file.readline(_BLOCK).rstrip("\r\n") for _ in range(count)]


def find_top(path: Path, delimiter: str | None = None, skip_lines: int = 0) -> Top:
    """Where the header stands: below `skip_lines`, blank lines, Excel's `sep=;`, which says the delimiter, and lines
    that begin with # and have another number of fields than the first one that doesn't."""
    lines = _lines(path, skip_lines + _TOP)
    for above in range(skip_lines, len(lines)):
        line = lines[above]
        said = re.fullmatch(r"(?i)\"?sep=(.|tab)\"?", line)
        if said:
            delimiter = delimiter or {"tab": "\t"}.get(said[1].lower(), said[1])
        elif line.strip() and not _is_comment(lines[above:], delimiter):
            return Top(above, line, delimiter or find_delimiter(line))
    return Top(skip_lines, lines[skip_lines], delimiter or find_delimiter(lines[skip_lines]))


def _beside(path: Path, top: Top, width: int, quotes: bool) -> int:
    """How many fields more than the header the first rows have: 1 where each begins with its number, as R writes them,
    -1 where a delimiter ends the header alone; else 0."""
    lines = _lines(path, top.above + 1 + _PEEKED)[top.above + 1 :]
    rows = [split_fields(line, top.delimiter, quotes=quotes) for line in lines if line.strip()]
    more = {len(fields) - width for fields in rows}
    numbers = [fields[0] for fields in rows]
    numbered = any(numbers == [str(place) for place in range(first, first + len(rows))] for first in (0, 1))
    return 1 if more == {1} and numbered and len(rows) > 1 else -1 if more == {-1} else 0


def _first_rows(path: Path, top: Top, header: bool) -> list[str]:
    begin = top.above + header
    return [line for line in _lines(path, begin + _PEEKED)[begin:] if line.strip()]


def _is_uneven(path: Path, top: Top) -> bool:
    """Whether the first rows have unequal numbers of fields, but for delimiters that nothing follows."""
    rows = _first_rows(path, top, header=False)
    return len({row.rstrip(top.delimiter + " ").count(top.delimiter) for row in rows}) > 1


def _is_spaced(path: Path, top: Top, header: bool, quotes: bool) -> bool:
    """Whether runs of blanks are one: if not, a column is empty in all of the first lines, or fewer rows are as wide as
    the first line, or have a row's name before."""

    def read(lines: list[str]) -> tuple[list[list[str]], tuple[int, int]]:
        fields = [split_fields(line, " ", quotes=quotes) for line in lines]
        first, *widths = map(len, fields)
        return fields, (widths.count(first), widths.count(first + 1))

    lines = [line.rstrip() for line in (top.line, *_first_rows(path, top, header))]
    fields, fitting = read(lines)
    is_hollow = any(not any(column) for column in zip(*fields, strict=False))
    return is_hollow or read([_single_blanks(line, quotes) for line in lines])[1] > fitting


def _single_blanks(line: str, quotes: bool) -> str:
    kept = r'("[^"]*")|' if quotes else "()"
    return re.sub(kept + r"[ \t]+", lambda found: found[1] or " ", line.strip(" \t\r\n"))


def _with_single_blanks(path: Path, work: Path, quotes: bool) -> Path:
    """A copy in which runs of blanks, but for those in quotes, are one blank, and lines begin and end with none."""
    copy = fresh(work, path.name)
    with open(path, encoding="utf-8-sig", newline="\n") as source, open(copy, "w", encoding="utf-8") as target:
        target.writelines(_single_blanks(line, quotes) + "\n" for line in source)
    return copy


def _is_comment(lines: Sequence[str], delimiter: str | None) -> bool:
    if not lines[0].lstrip().startswith("#"):
        return False
    row = next((line for line in lines if line.strip() and not line.lstrip().startswith("#")), None)
    if row is None:
        return False
    delimiter = delimiter or find_delimiter(row)
    return len(split_fields(lines[0], delimiter)) != len(split_fields(row, delimiter))


def split_fields(line: str, delimiter: str, *, quotes: bool = True) -> list[str]:
    """The fields of one line, without blanks at their ends."""
    fields = line.split(delimiter)
    if quotes and len(delimiter) == 1 and '"' in line:
        with contextlib.suppress(csv.Error):
            fields = next(csv.reader([line], delimiter=delimiter), fields)
    return [field.strip() for field in fields]


def find_delimiter(line: str) -> str:
    """The one of comma, semicolon, tab, Hive's \\x01, :: and | that is most frequent in a line outside quotes; where
    none is there, a blank if that is."""
    unquoted = "".join(line.split('"')[::2])
    best = max(_DELIMITERS, key=unquoted.count)
    return " " if best not in unquoted and " " in unquoted.strip() else best


def distinct(names: Sequence[str]) -> list[str]:
    """Column names that differ: the second column `id` is called `id (2)`, one without a name by its place."""
    chosen: list[str] = []
    for place, name in enumerate(names, start=1):
        name, again = name or str(place), 2
        candidate = name
        while candidate in chosen:
            candidate, again = f"{name} ({again})", again + 1
        chosen.append(candidate)
    return chosen
