"""What a model reads of one user: the known items of the history, and the item that really came next."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import blake2b

import numpy as np

from surge.checkpoint import Checkpoint
from surge.data.instances import SPLITS, time_period
from surge.data.store import Dataset
from surge.errors import SurgeError
from surge.explanation.record import Explanation, Item
from surge.model.batches import Event


@dataclass(frozen=True)
class UserHistory:
    """A history ready to be read: items in time order and their embedding rows.

    `next_item` is the interaction that followed and is not read (but for its time, by a model that reads ages), None
    where the whole history is read; `next_period` is the part of the dataset's split that it belongs to: train, valid
    or test.
    `interests` is the simulated truth where the data carry it; no model ever sees it.
    A model that reads ages (see `Item`) is asked at the time of the next item; where none is held out, after a step as
    long as the median of those between the items.
    `notes` says in sentences what was left out; `earlier` has the rows of the items before those that the model reads.
    """

    user: str
    items: tuple[Item, ...]
    rows: tuple[int, ...]
    next_item: Item | None
    interests: tuple[str, ...] | None
    notes: tuple[str, ...]
    next_period: str | None = None
    earlier: tuple[int, ...] = ()

    @cached_property
    def digest(self) -> str:
        """Eight characters that tell these items at these times from others: positions mean something in them alone."""
        taken = [(item.item, item.timestamp) for item in self.items]
        return blake2b(json.dumps(taken).encode(), digest_size=4).hexdigest()

    @property
    def taken(self) -> tuple[int, ...]:
        """Rows of everything that the user took before the moment, read or not: none of it is recommended where a
        checkpoint recommends nothing twice."""
        return tuple(dict.fromkeys((*self.earlier, *self.rows)))

    @property
    def events(self) -> tuple[Event, ...]:
        """What the model reads: row and age of each item."""
        return tuple((row, item.age) for row, item in zip(self.rows, self.items, strict=True))

    def is_explained_by(self, record: Explanation) -> bool:
        """Whether a record is of these items, taken as long ago."""
        return [(item.item, item.age) for item in self.items] == [(item.item, item.age) for item in record.history]

    def prefix(self, length: int) -> tuple[Event, ...]:
        """What the model read after `length` items: their ages at the time of the item that came then."""
        events = self.events
        later = (events[length][1] if length < len(events) else 0) or 0
        return tuple((row, age if age is None else max(0, age - later)) for row, age in events[:length])


def read_history(checkpoint: Checkpoint, dataset: Dataset, user: str, *, hold_out: bool = True) -> UserHistory:
    """The history of a user as the checkpoint's model reads it.

    With `hold_out` the last interaction is the true next item and is not read; a user with a single
    interaction keeps it as history. Items unknown to the model are left out, and only the last
    `max_length` of the rest are read; both are said in `notes`. A user without any known item, like a
    dataset that does not belong to the checkpoint, is a SurgeError.
    """
    frame = dataset.history(user)
    catalogue = {
        row["item"]: row
        for row in dataset.items.filter(dataset.items["item"].is_in(frame["item"].unique().to_list())).to_dicts()
    }
    everything = [
        Item(
            item=row["item"],
            title=catalogue.get(row["item"], {}).get("title") or row["item"],
            category=catalogue.get(row["item"], {}).get("category"),
            timestamp=row["timestamp"],
        )
        for row in frame.select("item", "timestamp").to_dicts()
    ]
    interests = frame["interest"].to_list() if "interest" in frame.columns else None
    notes: list[str] = []
    next_item = None
    if hold_out and len(everything) > 1:
        next_item = everything.pop()
    elif hold_out:
        notes.append("This user has a single interaction: it is read as the history, and no next item is known.")
    known = [index for index, item in enumerate(everything) if item.item in checkpoint.rows]
    if not known:
        raise SurgeError(
            f"The model of checkpoint {checkpoint.name!r} knows none of the {len(everything)} items in the history "
            f"of user {user!r}; choose another user, or the dataset that the checkpoint was trained on."
        )
    if len(known) < len(everything):
        notes.append(
            f"{len(everything) - len(known)} of {len(everything)} history items are unknown to this model and left out."
        )
    longest = checkpoint.model_config.max_length
    left_out = max(0, len(known) - longest)
    earlier = tuple(checkpoint.rows[everything[index].item] for index in known[:left_out])
    known = known[left_out:]
    items = tuple(everything[index] for index in known)
    if checkpoint.model_config.forms.time != "none":
        items = _aged(items, next_item.timestamp if next_item is not None else _next_moment(items))
    return UserHistory(
        user=user,
        items=items,
        rows=tuple(checkpoint.rows[item.item] for item in items),
        next_item=next_item,
        interests=tuple(interests[index] for index in known) if interests else None,
        notes=(*notes, *reading_notes(items, left_out, longest)),
        next_period=_period(dataset, next_item),
        earlier=earlier,
    )


def _aged(items: tuple[Item, ...], asked: int | None) -> tuple[Item, ...]:
    """The items with their ages at a moment; without any where the moment is not known."""
    return tuple(
        replace(item, age=None if asked is None or item.timestamp is None else max(0, asked - item.timestamp))
        for item in items
    )


def _next_moment(items: tuple[Item, ...]) -> int | None:
    """When the next item would come at the pace of these; None for a single one."""
    times = [item.timestamp for item in items if item.timestamp is not None]
    return times[-1] + int(np.median(np.diff(times))) if len(times) > 1 else None


def reading_notes(items: Sequence[Item], left_out: int, longest: int) -> tuple[str, ...]:
    """What is worth saying of the items that are read, and of the `left_out` before them."""
    notes = []
    if left_out:
        notes.append(f"The model reads the last {longest} items; {left_out} earlier ones are left out.")
    repeated = len(items) - len({item.item for item in items})
    if repeated:
        verb = "is a repeat" if repeated == 1 else "are repeats"
        notes.append(f"{repeated} of the {len(items)} items read {verb} of another one in the history.")
    if len(items) == 1:
        notes.append("One item was read: its graph is a single node, and there is nothing to compare.")
    return tuple(notes)


def _period(dataset: Dataset, item: Item | None) -> str | None:
    """The part of the split that a user's last interaction is in: by time, or always test with leave-last."""
    if item is None:
        return None
    split = dataset.description.get("split", {})
    if split.get("method") != "time":
        return SPLITS[2]
    return SPLITS[int(time_period(np.array([item.timestamp]), split)[0])]
