"""Pieces of a standalone HTML page: escaped text, tables, data and packed scripts that end no tag early."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from surge.escapes import for_html, for_script

_SORTABLE = (int, float, np.integer, np.floating, datetime)


class Column(NamedTuple):
    """How a table shows one column of a frame: its head, how a value is written, what the head means, and whether
    it holds numbers or long text."""

    label: str
    write: Callable[[Any], str] = str
    meaning: str = ""
    number: bool = False
    long: bool = False

    @property
    def kind(self) -> str:
        """The class of its cells."""
        return "number" if self.number else "text" if self.long else ""


def data_block(name: str, value: Any) -> str:
    """JSON in a script element that nothing in it can leave; NaN is a ValueError."""
    return f'<script type="application/json" id="{for_html(name)}">{for_script(value)}</script>'


def packed_block(name: str, text: str) -> str:
    """A large script as data, compressed to a third: the page unpacks it with the browser's own gzip."""
    packed = base64.b64encode(gzip.compress(text.encode(), 9, mtime=0)).decode()
    return f'<script type="text/plain" id="{for_html(name)}">{packed}</script>'


def changes(first: Any, second: Any, path: tuple[str | int, ...] = ()) -> list[list[Any]]:
    """What turns the JSON value `first` into `second`, as [path, value] pairs: two looks of a picture cost little
    more than one. A list of another length and a key that came or went are replaced with what holds them."""
    if isinstance(first, dict) and isinstance(second, dict) and first.keys() == second.keys():
        keys: Iterable[str | int] = first
    elif isinstance(first, list) and isinstance(second, list) and _nested(first) and len(first) == len(second):
        keys = range(len(first))
    else:
        return [] if first == second and type(first) is type(second) else [[list(path), second]]
    return [change for key in keys for change in changes(first[key], second[key], (*path, key))]


def _nested(values: list[Any]) -> bool:
    """Whether a list holds parts of its own; a plain one is shorter whole than as changes with their paths."""
    return any(isinstance(value, dict | list) for value in values)


def table(
    frame: pd.DataFrame,
    columns: Mapping[str, Column],
    caption: str,
    marked: Collection[int] = (),
    colours: Mapping[str, Sequence[tuple[str, str]]] | None = None,
) -> str:
    """The named columns of a frame that it has, in their order; rows by number in `marked` stand out.

    `colours`: for a column the background and the ink of each of its cells' text, as CSS colours of our own.
    """
    cells = cells_of(frame, columns, colours)
    heads = "".join(
        f'<th scope="col"{_class(kind)}{_title(meaning)}>{for_html(label)}</th>'
        for _, label, meaning, kind in cells["heads"]
    )
    rows = []
    for number, texts in enumerate(cells["rows"]):
        row = []
        for (name, _, _, kind), text in zip(cells["heads"], texts, strict=True):
            words = for_html(text)
            if text and name in cells["keys"]:
                ground, ink = cells["keys"][name][number]
                words = f'<span class=key style="background:{ground};color:{ink}">{words}</span>'
            row.append(f"<td{_class(kind)}>{words}</td>")
        rows.append(f"<tr{' class=marked' if number in marked else ''}>{''.join(row)}</tr>")
    return (
        f'<div class="table" tabindex="0" role="region" aria-label="{for_html(caption)}"><table>'
        f"<caption>{for_html(caption)}</caption><thead><tr>{heads}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def cells_of(
    frame: pd.DataFrame,
    columns: Mapping[str, Column],
    colours: Mapping[str, Sequence[tuple[str, str]]] | None = None,
) -> dict[str, Any]:
    """The same table as plain data, for a script that builds and sorts it: see app/components/linked_table.

    "heads": name, label, meaning and kind ("number", "text" or "") of each column; "rows": the cells' texts; "sorts":
    for each column the values to sort by, None where there is none; "keys": `colours`.
    """
    shown = [name for name in columns if name in frame.columns]
    texts, sorts = [], []
    for name in shown:
        column, values = columns[name], list(frame[name])
        written = ["" if _missing(value) else column.write(value) for value in values]
        texts.append(written)
        by_value = column.number and all(_missing(value) or isinstance(value, _SORTABLE) for value in values)
        whole = [_sortable(value) for value in values] if by_value else [text or None for text in written]
        sorts.append(whole)
    return {
        "heads": [[name, columns[name].label, columns[name].meaning, columns[name].kind] for name in shown],
        "rows": [list(row) for row in zip(*texts, strict=True)],
        "sorts": sorts,
        "keys": {name: [list(pair) for pair in pairs] for name, pairs in (colours or {}).items()},
    }


def _sortable(value: Any) -> float | None:
    if _missing(value):
        return None
    return float(value.timestamp() if isinstance(value, datetime) else value)


def _title(meaning: str) -> str:
    return f' title="{for_html(meaning)}"' if meaning else ""


def _class(kind: str) -> str:
    return f" class={kind}" if kind else ""


def _missing(value: Any) -> bool:
    return value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float) and value != value)
