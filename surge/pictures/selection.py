"""What the analyst has selected on the screen, as indices into the explanation record."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Selection:
    """Selected history items (positions in the record, from 0) and at most one final cluster."""

    items: frozenset[int] = field(default_factory=frozenset)
    cluster: int | None = None

    @property
    def empty(self) -> bool:
        """Whether nothing is selected."""
        return not self.items and self.cluster is None
