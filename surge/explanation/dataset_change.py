"""How a dataset differs from the one that a checkpoint learned from: whether it is newer, and what is unknown in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from surge.checkpoint import Checkpoint
from surge.data.dataset import Dataset

FIRST_DATE = 100_000_000  # unix seconds, in 1973: smaller times are places in a log that has no times


@dataclass(frozen=True)
class DatasetChange:
    """`unknown_items` of the dataset's `items` are unknown to the checkpoint, with `unknown_interactions` of its
    `interactions`. `later` of them came after `ended`, the last moment of the log that the checkpoint learned from;
    both are None where that is not known. `ends`: the dataset's own last moment. Moments are unix seconds."""

    checkpoint: str
    dataset: str
    items: int
    unknown_items: int
    interactions: int
    unknown_interactions: int
    ends: int
    ended: int | None
    later: int | None

    @property
    def newer(self) -> bool:
        """Whether it goes on after the log that the checkpoint learned from."""
        return bool(self.later)

    def __str__(self) -> str:
        """Two sentences."""
        return f"{self._age()} {self._unknown()}"

    def _age(self) -> str:
        if not self.newer or self.ended is None:
            return f"Checkpoint {self.checkpoint!r} was trained on another dataset, or another version of this one."
        until = f"it goes on to {_day(self.ends)}, and what the checkpoint learned from ended on {_day(self.ended)}; "
        share = f"{_share(self.later or 0, self.interactions)} of its interactions came after that"
        return (
            f"Dataset {self.dataset!r} is newer than checkpoint {self.checkpoint!r}: "
            f"{until if self.ended >= FIRST_DATE else ''}{share}."
        )

    def _unknown(self) -> str:
        if not self.unknown_items:
            return f"The model knows all of its {self.items:,} items."
        return (
            f"The model doesn't know {self.unknown_items:,} of its {self.items:,} items; the interactions with them "
            f"({_share(self.unknown_interactions, self.interactions)}) are left out."
        )


def dataset_change(checkpoint: Checkpoint, dataset: Dataset) -> DatasetChange | None:
    """None where the checkpoint was trained on this very dataset, or doesn't say on which."""
    trained_on = checkpoint.description.get("dataset")
    known = trained_on if isinstance(trained_on, dict) else {}
    digest, span = known.get("digest"), known.get("time_range")
    if not isinstance(digest, str) or digest == dataset.digest:
        return None
    ended = span[1] if isinstance(span, list) and len(span) == 2 and type(span[1]) is int else None
    known_items = checkpoint.items["item"].implode()
    times = dataset.interactions["timestamp"]
    return DatasetChange(
        checkpoint=checkpoint.name,
        dataset=dataset.folder.name,
        items=dataset.items.height,
        unknown_items=int((~dataset.items["item"].is_in(known_items)).sum()),
        interactions=len(times),
        unknown_interactions=int((~dataset.interactions["item"].is_in(known_items)).sum()),
        ends=int(times.max()),  # type: ignore[arg-type]
        ended=ended,
        later=None if ended is None else int((times > ended).sum()),
    )


def _day(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d")


def _share(part: int, whole: int) -> str:
    """A part in percent; one that rounds to nothing or to all is counted."""
    percent = f"{100 * part / whole:.1f} %"
    return f"{part:,}" if part and percent in ("0.0 %", "100.0 %") and part != whole else percent
