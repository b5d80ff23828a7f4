"""What if the history were another one: a plan of edits, or a list of items, becomes a history to be read."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace

from surge.checkpoint import Checkpoint
from surge.errors import SurgeError
from surge.explanation.explain import candidate_row
from surge.explanation.history import UserHistory, reading_notes
from surge.explanation.plan import MOST_ENTRIES, Entry, Plan
from surge.explanation.record import Item

ITEM_COLUMNS = ("item", "item_id")
DELIMITERS = ",;\t"
AGE_NOTE = "This model also reads how long ago each item was taken"
LARGEST_LIST = 5  # megabytes; the most ids that a plan holds, at a thousand characters each


def made_up_history(user: str = "made-up user") -> UserHistory:
    """A history without items, for a plan that inserts them all."""
    return UserHistory(user, (), (), None, None, ())


def read_plan(checkpoint: Checkpoint, plan: Plan) -> Plan:
    """The part of a plan that the model reads: its last `max_length` entries."""
    return Plan(plan.entries[-checkpoint.model_config.max_length :])


def known_plan(checkpoint: Checkpoint, plan: Plan) -> Plan:
    """The plan without the inserted ids that the checkpoint doesn't know."""
    return Plan(tuple(entry for entry in plan.entries if isinstance(entry, int) or entry in checkpoint.rows))


def change_history(checkpoint: Checkpoint, history: UserHistory, plan: Plan) -> UserHistory:
    """The history that a plan makes of another one, as the model reads it (see `read_plan`).

    Kept items keep their time and interest; inserted ones have no time, and "" for an interest. For a model that reads
    ages, the kept items' ages stay in order, so that moved items change places in time, too; inserted items have the
    age of the item before them (the first: after it). What really came next stays the next item. Notes about what is
    read are told anew, the others stay. An empty plan, an inserted id that the checkpoint doesn't know, and a position
    outside the history are a SurgeError.
    """
    if not plan.entries:
        raise SurgeError("Nothing is left of the history; add an item, or put one back.")
    length = len(history.items)
    before = plan.entries[: -checkpoint.model_config.max_length]  # before those that are read
    read = read_plan(checkpoint, plan).entries
    items: list[Item] = []
    rows: list[int] = []
    interests: list[str] = []
    for entry in read:
        if isinstance(entry, str):
            row = candidate_row(checkpoint, entry)
            known = checkpoint.items.row(row, named=True)
            items.append(Item(known["item"], known["title"], known["category"]))
            rows.append(row)
            interests.append("")
        elif 0 <= entry < length:
            items.append(history.items[entry])
            rows.append(history.rows[entry])
            interests.append(history.interests[entry] if history.interests is not None else "")
        else:
            raise SurgeError(f"A history of {length} items has no item at position {entry}; make the edits anew.")
    longest = checkpoint.model_config.max_length
    unread = [history.rows[e] if isinstance(e, int) else checkpoint.rows.get(e) for e in before]
    earlier = (*history.earlier, *(row for row in unread if row is not None))
    outdated = reading_notes(history.items, len(history.earlier), longest)
    told: tuple[str, ...] = ()
    if checkpoint.model_config.forms.time != "none":
        items, told = _aged(items, read)
    return replace(
        history,
        items=tuple(items),
        rows=tuple(rows),
        interests=tuple(interests) if history.interests is not None else None,
        notes=(
            *(note for note in history.notes if note not in outdated and not note.startswith(AGE_NOTE)),
            *reading_notes(items, len(earlier), longest),
            *told,
        ),
        earlier=earlier,
    )


def _aged(items: list[Item], plan: tuple[Entry, ...]) -> tuple[list[Item], tuple[str, ...]]:
    """A plan's items with the ages that a model reads (see `change_history`), and a note where not all are known.

    Places keep their time: the ages of the kept items stay in order, whatever the order of the items.
    """
    kept = [place for place, entry in enumerate(plan) if isinstance(entry, int) and items[place].age is not None]
    if not kept:
        return items, (f"{AGE_NOTE}, but these have no time: it is told nothing of it.",)
    ordered = iter(sorted((items[place].age or 0 for place in kept), reverse=True))
    own = {place: next(ordered) for place in kept}
    last = own[kept[0]]
    aged = [replace(item, age=(last := own.get(place, last))) for place, item in enumerate(items)]
    new = len(items) - len(kept)
    if not new:
        return aged, ()
    return aged, (f"{AGE_NOTE}: {new} new item{'s have' if new > 1 else ' has'} the time of a neighbour.",)


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
