"""A changed history as a plan: which items it holds, in which order, as the URL and the page keep it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from urllib.parse import quote, unquote

from surge.errors import SurgeError

Entry = int | str  # the position of an item in the history as read, from 0; or the id of an inserted item
MOST_ENTRIES = 5000


@dataclass(frozen=True)
class Plan:
    """Entries in their new order. Every operation gives a new plan; places count entries of this plan, from 0."""

    entries: tuple[Entry, ...]

    @classmethod
    def whole(cls, length: int) -> Plan:
        """The unchanged history of `length` items."""
        return cls(tuple(range(length)))

    def is_whole(self, length: int) -> bool:
        """Whether this is the unchanged history."""
        return self.entries == tuple(range(length))

    def delete(self, places: Collection[int]) -> Plan:
        """Without the entries at these places."""
        return Plan(tuple(entry for place, entry in enumerate(self.entries) if place not in places))

    def keep(self, places: Collection[int]) -> Plan:
        """With the entries at these places alone."""
        return Plan(tuple(entry for place, entry in enumerate(self.entries) if place in places))

    def cut_after(self, place: int) -> Plan:
        """Without everything that comes after a place."""
        return Plan(self.entries[: place + 1])

    def insert(self, place: int, items: Sequence[str]) -> Plan:
        """With new items before a place; the length inserts at the end."""
        return Plan((*self.entries[:place], *items, *self.entries[place:]))

    def duplicate(self, places: Collection[int], items: Sequence[str]) -> Plan:
        """With a copy of each entry at these places right after it; `items` are the ids of the history as read.

        A copy is a new item: a position stands in a plan once.
        """
        entries: list[Entry] = []
        for place, entry in enumerate(self.entries):
            entries.append(entry)
            if place in places:
                entries.append(items[entry] if isinstance(entry, int) else entry)
        return Plan(tuple(entries))

    def move(self, place: int, to: int) -> Plan:
        """With one entry moved, so that it stands at `to` (held inside the plan)."""
        rest = list(self.entries)
        entry = rest.pop(place)
        rest.insert(min(max(to, 0), len(rest)), entry)
        return Plan(tuple(rest))

    @property
    def origin(self) -> tuple[int | None, ...]:
        """For each entry its position in the history as read, None where it is new."""
        return tuple(entry if isinstance(entry, int) else None for entry in self.entries)

    def removed(self, length: int) -> tuple[int, ...]:
        """Positions of the history as read that the plan leaves out."""
        kept = set(self.entries)
        return tuple(position for position in range(length) if position not in kept)

    def follow(self, other: Plan) -> tuple[dict[int, int], frozenset[int]]:
        """Where each entry of this plan stands in another, by place, and the places of those that were moved.

        What the other leaves out has no place there; equal ids are told apart by their order.
        """
        first, second = self.entries, other.entries
        # equal ends first: most edits leave them, and matching takes long where ids repeat
        start = _equal(first, second)
        end = _equal(first[start:][::-1], second[start:][::-1])
        middle, changed = first[start : len(first) - end], second[start : len(second) - end]
        blocks = SequenceMatcher(None, middle, changed, autojunk=False).get_matching_blocks()
        places = {step: step for step in range(start)}
        places |= {start + block.a + step: start + block.b + step for block in blocks for step in range(block.size)}
        places |= {len(first) - step: len(second) - step for step in range(1, end + 1)}
        taken = set(places.values())
        free: dict[Entry, list[int]] = {}
        for place in reversed(range(len(second))):
            if place not in taken:
                free.setdefault(second[place], []).append(place)
        moved = set()
        for place, entry in enumerate(first):
            if place not in places and free.get(entry):
                places[place] = free[entry].pop()
                moved.add(place)
        return places, frozenset(moved)

    def to_text(self) -> str:
        """Runs of positions and inserted ids, such as "0-5,7,+i12,6"; an empty plan is "none"."""
        parts: list[str] = []
        run: list[int] = []
        for entry in (*self.entries, None):
            if isinstance(entry, int) and run and entry == run[-1] + 1:
                run.append(entry)
                continue
            if run:
                parts.append(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}")
            run = [entry] if isinstance(entry, int) else []
            if isinstance(entry, str):
                parts.append("+" + quote(entry, safe=""))
        return ",".join(parts) or "none"

    @classmethod
    def from_text(cls, text: str, length: int) -> Plan:
        """The plan that `to_text` wrote, for a history of `length` items; anything else is a SurgeError."""
        if text == "none":
            return cls(())
        entries: list[Entry] = []
        for part in text.split(","):
            if part.startswith("+") and len(part) > 1:
                entries.append(unquote(part[1:]))
            else:
                first, dash, last = part.partition("-")
                start, stop = whole_number(first), whole_number(last if dash else first)
                if start is None or stop is None or not start <= stop < length:
                    raise SurgeError(f"{part[:40]!r} is no part of a history of {length} items.")
                entries.extend(range(start, min(stop, start + MOST_ENTRIES) + 1))
            if len(entries) > MOST_ENTRIES:
                raise SurgeError(f"A history of more than {MOST_ENTRIES:,} items can't be read.")
        positions = [entry for entry in entries if isinstance(entry, int)]
        if len(set(positions)) < len(positions):
            raise SurgeError("It names an item of the history twice.")
        return cls(tuple(entries))


def _equal(first: Sequence[Entry], second: Sequence[Entry]) -> int:
    """How many entries both begin with."""
    pairs = enumerate(zip(first, second, strict=False))
    return next((place for place, (one, other) in pairs if one != other), min(len(first), len(second)))


def whole_number(text: str) -> int | None:
    """A whole number from 0, or None; `int` alone would take '１', '1_0' and a million digits."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else None
