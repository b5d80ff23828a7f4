"""The columns of the history strip: which there are when items are new, gone or to come, and what is said of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from surge.escapes import for_plotly
from surge.explanation.measurements import Effects
from surge.explanation.record import Explanation, Item
from surge.pictures.edit_context import Before, Staged
from surge.pictures.palette import ClusterStyle
from surge.pictures.text import moment_of, title_of, without_it
from surge.vocabulary.amounts import factor, percent

Words = tuple[int, str, str]  # an item's index in the record (-1: none), its title, lines; as plotly takes text


@dataclass(frozen=True)
class Column:
    """An item of the record, one that is gone (index in the record before), or one that is to come (-1)."""

    kind: Literal["item", "gone", "coming"]
    index: int
    title: str


def columns_of(record: Explanation, before: Before | None = None, staged: Staged | None = None) -> list[Column]:
    """The columns from left to right: the record's items in their order, gone and coming ones where they belong."""
    coming: dict[int, list[Column]] = {}
    for after, title in staged.added if staged is not None else ():
        coming.setdefault(after, []).append(Column("coming", -1, title))
    columns = list(coming.get(-1, []))
    pairs = before.timeline() if before is not None else [(index, None) for index in range(record.length)]
    for index, earlier in pairs:
        if index is not None:
            columns += [Column("item", index, title_of(record.history[index])), *coming.get(index, [])]
        elif before is not None and earlier is not None:
            columns.append(Column("gone", earlier, title_of(before.record.history[earlier])))
    return columns


def sign_of(column: Column, before: Before | None, staged: Staged) -> str:
    """The mark above a column: + new or to come, × gone or to go, ↔ to be moved, else none."""
    if column.kind != "item":
        return "×" if column.kind == "gone" else "+"
    if column.index in staged.removed:
        return "×"
    if column.index in staged.moved:
        return "↔"
    return "+" if before is not None and before.origin[column.index] is None else ""


def item_words(
    record: Explanation,
    index: int,
    style: ClusterStyle,
    effects: Effects | None,
    before: Before | None,
    staged: Staged,
) -> Words:
    """What the hover box says of an item of the record."""
    item = record.history[index]
    lines = [
        *_where(item),
        f"item {index + 1} of {record.length}",
        for_plotly(f"cluster {style.letter} {style.name}".rstrip()),
    ]
    if effects is not None:
        lines.append(without_it(effects, index) or "without it nothing would be left to read")
    lines.append(f"importance γ {percent(float(record.interest_extraction.importance[index]))}")
    if before is not None:
        earlier = before.origin[index]
        lines.append("new in this history" if earlier is None else f"before: {_earlier(before, earlier, effects)}")
    if index in staged.removed:
        lines.append("will be taken out")
    elif index in staged.moved:
        lines.append("will stand elsewhere")
    return index, for_plotly(title_of(item)), "<br>".join(lines)


def other_words(column: Column, effects: Effects | None, before: Before | None) -> Words:
    """What the hover box says of an item that is gone, or that is to come."""
    if column.kind == "coming" or before is None:
        return -1, for_plotly(column.title), "will be added"
    lines = [
        *_where(before.record.history[column.index]),
        "taken out of this history",
        f"before: {_earlier(before, column.index, effects)}",
    ]
    return -1, for_plotly(column.title), "<br>".join(lines)


def _where(item: Item) -> list[str]:
    return [for_plotly(item.category or "no category"), moment_of(item) or "time not known"]


def _earlier(before: Before, index: int, effects: Effects | None) -> str:
    importance = f"importance γ {percent(float(before.record.interest_extraction.importance[index]))}"
    if effects is None or before.effects is None:
        return importance
    effect = float(before.effects.item_effect[index])
    return f"effect {factor(effect)}, {importance}" if np.isfinite(effect) else importance
