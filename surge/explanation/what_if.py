"""What if the history were another one: a plan of edits, or a list of items, becomes a history to be read."""

from __future__ import annotations

import csv
import io
import re

import numpy as np

from surge.checkpoint import Checkpoint
from surge.data.history import window_start
from surge.errors import SurgeError
from surge.explanation.edit_plan import MOST_ENTRIES, Plan
from surge.explanation.explain import candidate_row
from surge.explanation.history import TitledHistory
from surge.explanation.record import Item

ITEM_COLUMNS = ("item", "item_id")
DELIMITERS = ",;\t"
LARGEST_LIST = 5  # megabytes; the most ids that a plan holds, at a thousand characters each


def made_up_history(user: str = "made-up user") -> TitledHistory:
    """A history without items, for a plan that inserts them all."""
    return TitledHistory(np.empty(0, dtype=np.int64), np.empty(0), whose="made-up", user=user)


def read_plan(checkpoint: Checkpoint, plan: Plan) -> Plan:
    """The part of a plan that the model reads: its last `max_length` entries."""
    return Plan(plan.entries[window_start(0, len(plan.entries), checkpoint.model_config.max_length) :])


def known_plan(checkpoint: Checkpoint, plan: Plan) -> Plan:
    """The plan without the inserted ids that the checkpoint doesn't know."""
    return Plan(tuple(entry for entry in plan.entries if isinstance(entry, int) or entry in checkpoint.rows))


def change_history(checkpoint: Checkpoint, history: TitledHistory, plan: Plan) -> TitledHistory:
    """The history that a plan makes of another one, as the model reads it (see `read_plan` and `History.edit`).

    Kept items keep the time and interest that are told; inserted ones have no time, and "" for an interest. What really
    came next stays the next item. Notes about what is read are told anew, the others stay. An empty plan, an inserted
    id that the checkpoint doesn't know, and a position outside the history are a SurgeError.
    """
    if not plan.entries:
        raise SurgeError("Nothing is left of the history; add an item, or put one back.")
    length = len(history)
    if plan.is_whole(length):
        return history
    unread = len(plan.entries) - len(read_plan(checkpoint, plan).entries)
    places: list[int] = []
    new: list[int] = []
    told: list[tuple[Item, str]] = []
    interests = history.interests or ("",) * length
    for at, entry in enumerate(plan.entries):
        if isinstance(entry, str):
            if at < unread and entry not in checkpoint.rows:  # only what the model reads has to be known
                continue
            row = candidate_row(checkpoint, entry)
            known = checkpoint.items.row(row, named=True)
            places.append(length + len(new))
            new.append(row)
            told.append((Item(known["item"], known["title"], known["category"]), ""))
        elif 0 <= entry < length:
            places.append(entry)
            told.append((history.items[entry], interests[entry]))
        else:
            raise SurgeError(f"A history of {length} items has no item at position {entry}; make the edits anew.")
    changed = history.edit(np.array(places), new, checkpoint.model_config.max_length)
    told = told[-len(changed) :]
    return TitledHistory.of(
        checkpoint.model_config,
        changed,
        [item for item, _ in told],
        history.lasting,
        user=history.user,
        next_item=history.next_item,
        next_period=history.next_period,
        interests=tuple(interest for _, interest in told) if history.interests is not None else None,
    )


def read_item_list(text: bytes | str) -> list[str]:
    """Item ids in their order from a small CSV or from text with one id a line; repeats stay.

    They stand in the column named item or item_id (in any case) where the first line names one, else in the first
    column. The delimiter is the comma, semicolon or tab that comes first in the first line. Empty cells and blank
    lines are skipped. What is larger than LARGEST_LIST, no UTF-8 text, broken CSV, too many ids or none are a
    SurgeError.
    """
    if len(text) > LARGEST_LIST * 1_000_000:
        raise SurgeError(
            f"The list of items is larger than {LARGEST_LIST} MB; put one id on each line, {MOST_ENTRIES:,} at most."
        )
    try:
        content = (text.encode() if isinstance(text, str) else text).decode("utf-8-sig")
    except UnicodeError as error:
        raise SurgeError("The list of items is not UTF-8 text; save it as CSV in UTF-8 and try again.") from error
    if "\0" in content:
        raise SurgeError("The list of items holds a NUL character, so it is no plain text; save it as CSV in UTF-8.")
    ids: list[str] = []
    column: int | None = None
    reader = csv.reader(io.StringIO(content, newline=""), delimiter=_delimiter(content), strict=True)
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if not any(cells):
                continue
            if column is None:
                named = [index for index, cell in enumerate(cells) if cell.lower() in ITEM_COLUMNS]
                column = named[0] if named else 0
                if named:
                    continue
            if column < len(cells) and cells[column]:
                ids.append(cells[column])
            if len(ids) > MOST_ENTRIES:
                raise SurgeError(f"The list names more than {MOST_ENTRIES:,} items; keep the last ones alone.")
    except csv.Error as error:
        raise SurgeError(
            f"Line {reader.line_num:,} of the list of items can't be read as CSV ({error}); put each id on a line."
        ) from error
    if not ids:
        raise SurgeError("The list names no item; put one item id on each line, or name a column item.")
    return ids


def _delimiter(content: str) -> str:
    """The first delimiter outside quotes in the first line that says something, or a comma."""
    first = content.lstrip("\r\n ").partition("\n")[0].partition("\r")[0]
    found = re.search(f"[{DELIMITERS}]", re.sub(r'"[^"]*"', "", first))
    return found.group() if found else ","
