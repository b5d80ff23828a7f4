"""What the views compare with: the record before the edits, and edits that are staged but not yet run."""

from __future__ import annotations

from dataclasses import dataclass, field

from surge.explanation.measurements import Effects
from surge.explanation.record import Explanation


@dataclass(frozen=True)
class Before:
    """The record before the edits. `origin`: for each item of the record on the screen its index in `record`,
    None where it is new."""

    record: Explanation
    origin: tuple[int | None, ...]
    effects: Effects | None = None

    @property
    def removed(self) -> tuple[int, ...]:
        """Indices in `record` of the items that are gone."""
        kept = set(self.origin)
        return tuple(index for index in range(self.record.length) if index not in kept)

    def timeline(self) -> list[tuple[int | None, int | None]]:
        """Pairs (index on the screen, index before), one of them None where an item is new or gone.

        In the order of the screen; an item that is gone stands where it stood: after the nearest earlier item
        that was kept.
        """
        pairs: list[tuple[int | None, int | None]] = list(enumerate(self.origin))
        for index in self.removed:
            earlier = [
                (before, spot) for spot, (_, before) in enumerate(pairs) if before is not None and before < index
            ]
            pairs.insert(max(earlier)[1] + 1 if earlier else 0, (None, index))
        return pairs


@dataclass(frozen=True)
class Staged:
    """Edits that are staged, told in indices of the record on the screen: `removed` will go, `moved` will stand
    elsewhere, `added` are (index that the new item will follow, -1 for the start; its title)."""

    removed: frozenset[int] = field(default_factory=frozenset)
    moved: frozenset[int] = field(default_factory=frozenset)
    added: tuple[tuple[int, str], ...] = ()

    @property
    def empty(self) -> bool:
        """Whether nothing is staged."""
        return not (self.removed or self.moved or self.added)
