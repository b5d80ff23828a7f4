"""A plain copy of delimited text with quotes: a record is one line, and a control character stands between its fields.

A record of several lines leaves lines of its own behind it, so that a row's place in the copy is its line's number.
"""

from __future__ import annotations

import codecs
import csv
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from surge.data.files import fresh
from surge.errors import SurgeError

_BLOCK = 1 << 20
_CONTROLS = "\x1f\x1e\x1d\x1c\x07\x06\x05\x04\x03\x02\x01"  # what no text holds stands for borders in the copy
_MOST_LINES = 200  # of one quoted text
_QUOTE = b'"'


@dataclass
class PlainCopy:
    """Where it lies, the signs that stand for borders in it, and how many lines were continued or taken literally."""

    name: str
    path: Path
    delimiter: str
    newline: str = ""
    continued: str = ""
    broken: str = ""
    continued_lines: int = 0
    literal_lines: int = 0


def holds(path: Path, byte: bytes) -> bool:
    """Whether a byte is anywhere in a file."""
    with open(path, "rb") as file:
        return any(byte in block for block in iter(lambda: file.read(_BLOCK), b""))


def without_quotes(path: Path, work: Path, delimiter: str, width: int, above: int) -> PlainCopy:
    """The file with a record of `width` fields in each line; quotes that only hold a field together are gone. The lines
    `above` its header stay as they are."""
    absent = (sign for sign in _CONTROLS if sign != delimiter and not holds(path, sign.encode()))
    free = list(islice(absent, 4))  # each is looked for in all of the file, so no more than are needed
    if len(free) < 4:
        raise SurgeError(f"{path.name} holds control characters of all kinds; it is no text file")
    copy = PlainCopy(path.name, fresh(work, path.name), free[0], free[1], free[2], free[3])
    inner = delimiter.encode()
    with open(path, "rb") as source, open(copy.path, "wb") as target:
        lines = _Ahead(source)
        for line in lines:
            if lines.number <= above:
                target.write(line + b"\n")
                continue
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


def _record(line: str, lines: _Ahead, delimiter: str, width: int, copy: PlainCopy) -> tuple[list[str] | None, int]:
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
