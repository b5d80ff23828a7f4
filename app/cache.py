"""What the app keeps in memory, for all visitors: values by kind and key, each computed once, the oldest let go."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

Made = TypeVar("Made")
# Values of each kind; a key names all that its value depends on: `Subject.key` (app/subjects.py) for what is computed,
# `Inspection.key` (app/components/inspection.py) for what is drawn.
MOST = {
    "checkpoint": 2,
    "dataset": 2,
    "dataset change": 16,
    "history": 256,
    "ranking": 64,
    "found": 64,
    "explanation": 64,
    "competitors": 64,
    "effects": 64,
    "faithfulness": 64,
    "drift": 16,
    "figure": 96,
    "telling user": 16,
    "survey": 4,
    "usage": 16,
    "usage seconds": 16,
}


class Interrupted(Exception):
    """A computation was left, which is nobody else's error: another who waits for its value begins again."""


@dataclass
class _Flight:
    """A value that a thread computes at this moment; the others wait for what it `came_to`."""

    ended: threading.Event = field(default_factory=threading.Event)
    came_to: Callable[[], Any] | None = None  # None: whoever computed it was interrupted


class Cache:
    """At most so many values of each kind; the one that was asked for longest ago goes first.

    Who asks for what another thread computes waits for it, and shares its value or its error. Nothing is computed under
    the lock. A value is made room for before it is computed: beside it, one less is kept.
    """

    def __init__(self, most: Mapping[str, int]) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._values: dict[str, OrderedDict[Hashable, Any]] = {kind: OrderedDict() for kind in most}
        self._flights: dict[tuple[str, Hashable], _Flight] = {}

    def get(self, kind: str, key: Hashable, compute: Callable[[], Made]) -> Made:
        """The value under a key, computed unless it is kept; an error is not kept."""
        while True:
            with self._lock:
                values = self._values[kind]
                if key in values:
                    values.move_to_end(key)
                    return values[key]
                flight = self._flights.get((kind, key))
                if flight is None:
                    own = self._flights[kind, key] = _Flight()
                    self._make_room(kind)
                    break
            flight.ended.wait()
            if flight.came_to is not None:
                return flight.came_to()
        try:
            value = compute()
        except Interrupted:
            raise
        except Exception as caught:
            error = caught
            own.came_to = lambda: _raise(error)
            raise
        else:
            own.came_to = lambda: value
            with self._lock:
                self._values[kind][key] = value
        finally:  # Streamlit's interruptions, as when a page is drawn anew, are no Exceptions
            with self._lock:
                del self._flights[kind, key]
                self._make_room(kind)
            own.ended.set()
        return value

    def has(self, kind: str, key: Hashable) -> bool:
        """Whether the value is kept."""
        with self._lock:
            return key in self._values[kind]

    def peek(self, kind: str, key: Hashable) -> Any:
        """The value if it is kept, else None."""
        with self._lock:
            return self._values[kind].get(key)

    def keys(self, kind: str) -> list[Hashable]:
        """The keys of all values that are kept, the next to go first."""
        with self._lock:
            return list(self._values[kind])

    def forget(self, kind: str, *keys: Hashable) -> None:
        """Let go of these values of a kind, or of all."""
        with self._lock:
            for key in keys or list(self._values[kind]):
                self._values[kind].pop(key, None)

    def _make_room(self, kind: str) -> None:
        under_way = sum(other == kind for other, _ in self._flights)
        values = self._values[kind]
        while values and len(values) + under_way > self._most[kind]:
            values.popitem(last=False)


def _raise(error: Exception) -> Any:
    raise error


CACHE = Cache(MOST)
