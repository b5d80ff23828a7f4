"""JSON as a table of text columns: objects in lines or in an array, flat, or sessions with a list of events in them."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from surge.data.files import fresh
from surge.data.text import LINE, LISTED, MALFORMED, Delimited
from surge.errors import SurgeError

_LOOKED_AT = 200  # lines, to tell what a file is
_LONGEST = 1 << 24  # bytes of a line, or of an object
_BLOCK = 1 << 20
_BATCH = 50_000  # rows
_BETWEEN = re.compile(r"[\s,\[\]]*")  # objects of one array, or behind each other
NO_OBJECT = "no JSON object"
NO_EVENT = "an event that is no object"
NO_UNICODE = "a text that is not Unicode"
_ENTRY = "\x1f"  # stands between the entries of a list until it is one again
DECODER = json.JSONDecoder(parse_float=str, parse_int=str)

Row = dict[str, str | int | None]


def json_style(path: Path) -> str | None:
    """How a file holds objects, in JSON or as Python writes a dictionary: lines where the first line, or any of the
    first, is one; stream where the first goes over several; None where there is none."""
    with open(path, encoding="utf-8-sig", errors="replace", newline="\n") as file:
        lines = [line for line in (file.readline(_LONGEST) for _ in range(_LOOKED_AT)) if line.strip() not in ("", "[")]
    if lines and not _objects(lines[0]):
        with open(path, encoding="utf-8-sig", errors="replace") as file:
            start = file.read(_BLOCK)
            begin = _BETWEEN.match(start).end()  # type: ignore[union-attr]
            if start[begin : begin + 1] == "{" and isinstance(_decode(start + file.read(_LONGEST), begin)[0], dict):
                return "stream"
    return "lines" if any(_objects(line) for line in lines) else None


def scan_json(path: Path, work: Path, style: str) -> Delimited:
    """A UTF-8 file of this `json_style` as text columns, one for each key that its objects have.

    A number is as it is written, a list of single values is joined by | (and a column of its own, see `lists`),
    anything deeper stays JSON, and both are told in `nested`. Where objects hold a list of objects, each of these is a
    row, which also has what stands around it; of two such lists, the first is taken. A key that both have is a column
    for each: session.KEY and events.KEY. A line, or an event, that is no object is malformed; the rest of a file after
    an object of several lines that can't be read is a SurgeError.
    """
    folder = fresh(work, path.name)
    folder.mkdir()
    names: dict[str, None] = {}
    parts: list[Path] = []
    batch: list[Row] = []
    table = _Rows(_stream(path) if style == "stream" else _lines(path))

    def flush() -> None:
        names.update(dict.fromkeys(key for row in batch for key in row))
        schema = {key: pl.UInt32 if key == LINE else pl.String for key in names}
        parts.append(folder / f"{len(parts):06}.parquet")
        try:
            rows = pl.DataFrame(batch, schema=schema)
        except UnicodeEncodeError:  # half of a pair of surrogates
            rows = pl.DataFrame([_unicode(row) for row in batch], schema=schema | {MALFORMED: pl.String})
        rows.write_parquet(parts[-1])
        batch.clear()

    for row in table:
        batch.append(row)
        if len(batch) == _BATCH:
            flush()
    flush()
    tables = [pl.scan_parquet(part, glob=False) for part in parts]
    rows = pl.concat(tables, how="diagonal") if len(tables) > 1 else tables[0]
    if MALFORMED not in rows.collect_schema():
        rows = rows.with_columns(pl.lit(None, dtype=pl.String).alias(MALFORMED))
    twice = {key: f"session.{key}" for key in names if key in table.twice}
    held = [twice.get(name, name) for name in names if name not in (LINE, MALFORMED)]
    deep, lists = (frozenset(twice.get(name, name) for name in found) for found in (table.deep, table.lists))
    value = {name: pl.col(name) for name in lists}
    rows = rows.rename(twice).with_columns(
        **{LISTED + name: value[name].str.split(_ENTRY) for name in lists},
        **{name: value[name].str.replace_all(_ENTRY, "|", literal=True) for name in lists},
    )
    return Delimited(rows, held, nested=deep | lists, lists=lists - deep)


class _Rows:
    """The rows of objects; `lists`: columns that hold lists of single values, `deep`: objects or other lists, `twice`:
    those of sessions and events."""

    def __init__(self, objects: Iterator[tuple[int, dict[str, Any] | None]]) -> None:
        self.objects = objects
        self.lists: set[str] = set()
        self.deep: set[str] = set()
        self.twice: set[str] = set()

    def __iter__(self) -> Iterator[Row]:
        for number, values in self.objects:
            if values is None:
                yield {LINE: number, MALFORMED: NO_OBJECT}
                continue
            events = next((key for key, value in values.items() if _is_list_of_objects(value)), None)
            around = self._texts(values, skip=events)
            for event in values[events] if events is not None else [{}]:
                if not isinstance(event, dict):
                    yield around | {LINE: number, MALFORMED: NO_EVENT}
                    continue
                own = self._texts(event)
                both = own.keys() & around.keys()
                self.twice |= both
                yield (
                    around
                    | {f"events.{key}" if key in both else key: text for key, text in own.items()}
                    | {LINE: number}
                )

    def _texts(self, values: dict[Any, Any], skip: str | None = None) -> Row:
        texts: Row = {}
        for key, value in values.items():
            if key == skip:
                continue
            plain = _plain(value)
            if isinstance(plain, list):
                plain = [_plain(one) for one in plain]
            if isinstance(plain, dict | list):
                (self.deep if _is_deep(plain) else self.lists).add(str(key))
            texts[str(key)] = _text(plain)
        return texts


def _lines(path: Path) -> Iterator[tuple[int, dict[str, Any] | None]]:
    """The objects of a file that has some in one line each; {} for a blank line."""
    with open(path, encoding="utf-8-sig", newline="\n") as file:
        for number, line in enumerate(iter(lambda: file.readline(_LONGEST), ""), start=1):
            if line.strip() in ("[", "]", ","):
                continue
            objects: list[Any] = _objects(line) if line.strip() else [{}]
            yield from ((number, one) for one in objects or [None])


def _stream(path: Path) -> Iterator[tuple[int, dict[str, Any] | None]]:
    """The objects of a file in which they have several lines each."""
    with open(path, encoding="utf-8-sig") as file:
        buffer, place, line = "", 0, 1
        while True:
            start = _BETWEEN.match(buffer, place).end()  # type: ignore[union-attr]
            line += buffer.count("\n", place, start)
            value, end = _decode(buffer, start)
            if end > start:
                yield line, value if isinstance(value, dict) else None
                line += buffer.count("\n", start, end)
                place = end
                continue
            more = file.read(_BLOCK)
            if not more and start == len(buffer):
                return
            if not more or len(buffer) - start > _LONGEST:
                raise SurgeError(f"{path.name} can't be read as JSON from line {line:,} on; mend that line")
            buffer, place = buffer[start:] + more, 0


def _decode(text: str, place: int) -> tuple[Any, int]:
    """The JSON value that begins at a place, and where it ends: at the same place where there is none."""
    try:
        return DECODER.raw_decode(text, place)
    except (ValueError, RecursionError):
        return None, place


def _objects(line: str) -> list[dict[str, Any]]:
    """The objects of a line, none where it holds anything else: one or several in JSON, as part of an array or not, or
    one as Python writes a dictionary (Amazon, 2014)."""
    found: list[dict[str, Any]] = []
    place = _BETWEEN.match(line).end()  # type: ignore[union-attr]
    while place < len(line):
        value, end = _decode(line, place)
        if not isinstance(value, dict):
            return _python_object(line) if not found else []
        found.append(value)
        place = _BETWEEN.match(line, end).end()  # type: ignore[union-attr]
    return found


def _python_object(line: str) -> list[dict[str, Any]]:
    if not line.lstrip().startswith("{"):
        return []
    try:
        value = ast.literal_eval(line.strip().rstrip(","))
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return []
    return [value] if isinstance(value, dict) else []


def _is_list_of_objects(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(_plain(one), dict) for one in value)


def _is_deep(value: dict[Any, Any] | list[Any]) -> bool:
    return isinstance(value, dict) or not all(isinstance(one, str | int | float | None) for one in value)


def _plain(value: Any) -> Any:
    """What MongoDB writes as {"$oid": "..."}, {"$date": ...} or {"$numberLong": "..."} by its value alone."""
    while isinstance(value, dict) and len(value) == 1 and str(next(iter(value))).startswith("$"):
        value = next(iter(value.values()))
    return value


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list) and not _is_deep(value):
        return _ENTRY.join(_text(one) or "" for one in value) if value else None
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):  # what a Python literal can be and JSON can't
        return str(value)


def _unicode(row: Row) -> Row:
    try:
        "".join(value for value in (*row, *row.values()) if isinstance(value, str)).encode()
    except UnicodeEncodeError:
        return {LINE: row[LINE], MALFORMED: NO_UNICODE}
    return row
