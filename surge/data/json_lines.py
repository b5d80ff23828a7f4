"""JSON lines as a table of text columns: one object a line, flat, or a session with a list of events in it."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from surge.data.files import fresh
from surge.data.text import LINE, MALFORMED, Delimited

_LOOKED_AT = 200  # lines, to tell what a file is
_LONGEST = 1 << 24  # bytes of a line
_BATCH = 50_000  # rows
NO_OBJECT = "no JSON object"


def is_json_lines(path: Path) -> bool:
    """Whether one of the first lines is an object, in JSON or as Python writes a dictionary."""
    with open(path, encoding="utf-8-sig", errors="replace", newline="\n") as file:
        lines = (file.readline(_LONGEST) for _ in range(_LOOKED_AT))
        return any(_object(line) is not None for line in lines)


def scan_json_lines(path: Path, work: Path) -> Delimited:
    """A UTF-8 file as text columns, one for each key that its objects have.

    A number is as it is written, a list of texts is joined by |, anything deeper stays JSON. Where objects hold a list
    of objects, each of these is a row, which also has what stands around it; of two such lists, the first is taken.
    A line that is no object is malformed.
    """
    folder = fresh(work, path.name)
    folder.mkdir()
    names: dict[str, None] = {}
    parts: list[Path] = []
    batch: list[dict[str, str | int | None]] = []

    def flush() -> None:
        names.update(dict.fromkeys(key for row in batch for key in row))
        schema = {key: pl.UInt32 if key == LINE else pl.String for key in names}
        parts.append(folder / f"{len(parts):06}.parquet")
        pl.DataFrame(batch, schema=schema).write_parquet(parts[-1])
        batch.clear()

    for row in _rows(path):
        batch.append(row)
        if len(batch) == _BATCH:
            flush()
    flush()
    tables = [pl.scan_parquet(part, glob=False) for part in parts]
    table = pl.concat(tables, how="diagonal") if len(tables) > 1 else tables[0]
    held = [name for name in names if name not in (LINE, MALFORMED)]
    missing = [pl.lit(None, dtype=pl.String).alias(MALFORMED)] if MALFORMED not in names else []
    return Delimited(table.with_columns(missing), held)


def _rows(path: Path) -> Iterator[dict[str, str | int | None]]:
    with open(path, encoding="utf-8-sig", newline="\n") as file:
        for number, line in enumerate(iter(lambda: file.readline(_LONGEST), ""), start=1):
            if not line.strip():
                yield {LINE: number}
                continue
            values = _object(line)
            if values is None:
                yield {LINE: number, MALFORMED: NO_OBJECT}
                continue
            events = next((key for key, value in values.items() if _is_list_of_objects(value)), None)
            around = {key: _text(value) for key, value in values.items() if key != events}
            for event in values[events] if events is not None else [{}]:
                row = around | {key: _text(value) for key, value in event.items()}
                yield row | {LINE: number}


def _object(line: str) -> dict[str, Any] | None:
    """What a line holds, None unless that is an object: in JSON, or as Python writes a dictionary (Amazon, 2014)."""
    try:
        value = json.loads(line, parse_float=str, parse_int=str)
    except (ValueError, RecursionError):
        if not line.lstrip().startswith("{"):
            return None
        try:
            value = ast.literal_eval(line.strip())
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            return None
    return value if isinstance(value, dict) else None


def _is_list_of_objects(value: Any) -> bool:
    return isinstance(value, list) and len(value) > 0 and all(isinstance(one, dict) for one in value)


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return "|".join(value) or None
    return json.dumps(value, ensure_ascii=False)
