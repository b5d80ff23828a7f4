"""One history under one checkpoint: what all that the app computes is kept by. Objects are shared, not copied: nobody
changes them."""

from __future__ import annotations

from dataclasses import dataclass

from app.cache import CACHE
from surge.backends.kernel import kernel_for
from surge.checkpoint import Checkpoint
from surge.data.dataset import Dataset
from surge.explanation.edit_plan import Plan
from surge.explanation.history import TitledHistory, read_history
from surge.explanation.what_if import change_history, made_up_history

MOST_CELLS_AT_ONCE = 150_000_000  # attention entries: some five seconds; more is scored in the background
KERNEL_GAIN = 3  # how many times as many the kernel reads in that time, at least


@dataclass(frozen=True)
class Subject:
    """One history under one checkpoint, as the user left it or as edits made it; `key` tells it from all others: it is
    made of digests and ids, never of arrays or tensors."""

    key: tuple[str, ...]
    checkpoint: Checkpoint
    history: TitledHistory

    def at_once(self, readings: int) -> bool:
        """Whether one can wait for so many readings of the history."""
        cells = readings * self.checkpoint.model_config.heads * len(self.history) ** 2
        if cells <= MOST_CELLS_AT_ONCE:
            return True
        return cells <= KERNEL_GAIN * MOST_CELLS_AT_ONCE and kernel_for(self.checkpoint.model) is not None


def subject(checkpoint: Checkpoint, dataset: Dataset, user: str) -> Subject:
    """What the model reads of a user."""
    key = (checkpoint.digest, dataset.digest, user)
    return Subject(key, checkpoint, CACHE.get("history", key, lambda: read_history(checkpoint, dataset, user)))


def made_up(checkpoint: Checkpoint) -> Subject:
    """A user without a history, to be filled by edits."""
    return Subject((checkpoint.digest, "", ""), checkpoint, made_up_history())


def edited(base: Subject, plan: Plan) -> Subject:
    """The same user with a changed history; a plan that can't be read is a SurgeError."""
    if plan.is_whole(len(base.history.items)):
        return base
    return Subject((*base.key, plan.to_text()), base.checkpoint, change_history(base.checkpoint, base.history, plan))
