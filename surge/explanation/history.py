"""What people are told of a history: its items with their titles, the item that really came next, and notes."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from hashlib import blake2b
from typing import Any

import numpy as np
import polars as pl

from surge.arguments import identifier
from surge.checkpoint import Checkpoint
from surge.config import ModelConfig
from surge.data.dataset import Dataset
from surge.data.history import History
from surge.data.instances import Instances, encode
from surge.data.layout import SPLITS
from surge.data.splits import time_period
from surge.errors import SurgeError
from surge.explanation.record import Explanation, Item

AGE_NOTE = "This model also reads how long ago each item was taken"


@dataclass(frozen=True, eq=False)
class TitledHistory(History):
    """A history and what is told of it: the id of its `user`, and the `items` of its window.

    `next_item` is the interaction that followed and is not read (but for its time, by a model that reads ages), None
    where the whole history is read; `next_period` is the part of the dataset's split that it belongs to: train, valid
    or test.
    `interests` is the simulated truth where the data carry it; no model ever sees it.
    `notes` says in sentences what is worth knowing of what is read; `lasting`, those of them that no edit changes.
    """

    user: str = ""
    items: tuple[Item, ...] = ()
    next_item: Item | None = None
    next_period: str | None = None
    interests: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()
    lasting: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, config: ModelConfig, history: History, items: Sequence[Item], lasting: Sequence[str] = (), **told: Any
    ) -> TitledHistory:
        """A history in words, as a model of these settings reads it: with the items' ages, and the notes."""
        ages = [None if math.isnan(age) else int(age) for age in history.ages.tolist()]
        return cls(
            **{field.name: getattr(history, field.name) for field in fields(History)},
            items=tuple(
                item if item.age == age else replace(item, age=age) for item, age in zip(items, ages, strict=True)
            ),
            notes=(*lasting, *_reading_notes(config, history, items)),
            lasting=tuple(lasting),
            **told,
        )

    @cached_property
    def digest(self) -> str:
        """Eight characters that tell these items at these times from others: positions mean something in them alone."""
        taken = [(item.item, item.timestamp) for item in self.items]
        return blake2b(json.dumps(taken).encode(), digest_size=4).hexdigest()

    def is_explained_by(self, record: Explanation) -> bool:
        """Whether a record is of these items, taken as long ago."""
        return [(item.item, item.age) for item in self.items] == [(item.item, item.age) for item in record.history]


def read_history(checkpoint: Checkpoint, dataset: Dataset, user: str | int, *, hold_out: bool = True) -> TitledHistory:
    """The history of a user as the checkpoint's model reads it.

    With `hold_out` the last interaction is the true next item and is not read; a user with a single
    interaction keeps it as history. Items unknown to the model are left out, and only the last
    `max_length` of the rest are read; both are said in `notes`. A user without any known item, like a
    dataset that does not belong to the checkpoint, is a SurgeError.

    A model that reads ages is asked at the time of the next item; where none is held out, after a step as long as the
    median of those between the items.
    """
    user = identifier(user, "user")
    frame = dataset.history(user)
    held_out = hold_out and frame.height > 1
    count = frame.height - held_out
    log = encode(dataset, checkpoint.rows, user)
    known = int(np.searchsorted(log.places, count))
    if not known:
        raise SurgeError(
            f"The model of checkpoint {checkpoint.name!r} knows none of the {count} items in the history "
            f"of user {user!r}; choose another user, or the dataset that the checkpoint was trained on."
        )
    longest = checkpoint.model_config.max_length
    history = log.histories(Instances(np.zeros(1, dtype=np.int64), np.array([known])), longest, np.array([np.nan]))[0]
    read = log.places[history.start : known].tolist()
    items = _items(dataset, frame, [*read, count] if held_out else read)
    next_item = items.pop() if held_out else None
    interests = frame["interest"].to_list() if "interest" in frame.columns else None
    if checkpoint.model_config.forms.time != "none":
        now = next_item.timestamp if next_item is not None else _next_moment(history.times[history.start :])
        history = replace(history, now=now)
    lasting: list[str] = []
    if hold_out and not held_out:
        lasting.append("This user has a single interaction: it is read as the history, and no next item is known.")
    if known < count:
        lasting.append(f"{count - known} of {count} history items are unknown to this model and left out.")
    return TitledHistory.of(
        checkpoint.model_config,
        replace(history, owner=dataset.user_index(user)),
        items,
        lasting,
        user=user,
        next_item=next_item,
        next_period=_period(dataset, frame, next_item),
        interests=tuple(interests[place] for place in read) if interests is not None else None,
    )


def _items(dataset: Dataset, interactions: pl.DataFrame, places: list[int]) -> list[Item]:
    """The items of the interactions at these places, called as in the dataset; one without a title by its id."""
    ids, times = interactions["item"].to_list(), interactions["timestamp"].to_list()
    wanted = {ids[place] for place in places}
    about = {row["item"]: row for row in dataset.items.filter(pl.col("item").is_in(wanted)).to_dicts()}
    named = {item: (about.get(item, {}).get("title") or item, about.get(item, {}).get("category")) for item in wanted}
    return [Item(ids[place], *named[ids[place]], times[place]) for place in places]


def _next_moment(times: np.ndarray) -> int | None:
    """When the next item would come at the pace of these; None for a single one."""
    return int(times[-1]) + int(np.median(np.diff(times))) if len(times) > 1 else None


def _reading_notes(config: ModelConfig, history: History, items: Sequence[Item]) -> list[str]:
    """What is worth saying of the items that are read, of those before them, and of the times in another history than
    the user's own."""
    notes = []
    if history.start:
        notes.append(f"The model reads the last {config.max_length} items; {history.start} earlier ones are left out.")
    repeated = len(items) - len({item.item for item in items})
    if repeated:
        verb = "is a repeat" if repeated == 1 else "are repeats"
        notes.append(f"{repeated} of the {len(items)} items read {verb} of another one in the history.")
    if len(items) == 1:
        notes.append("One item was read: its graph is a single node, and there is nothing to compare.")
    new = sum(item.timestamp is None for item in items)
    if config.forms.time != "none" and history.whose != "user" and np.isnan(history.ages).all():
        notes.append(f"{AGE_NOTE}, but these have no time, so it reads them without.")
    elif config.forms.time != "none" and new:
        notes.append(f"{AGE_NOTE}: {new} new item{'s have' if new > 1 else ' has'} the time of a neighbour.")
    return notes


def _period(dataset: Dataset, frame: pl.DataFrame, item: Item | None) -> str | None:
    """The part of the split that a user's last interaction is in: by time, as the log says, or always test with
    leave-last."""
    if item is None:
        return None
    split = dataset.description.get("split", {})
    if split.get("method") == "own":
        return str(frame["split"][-1])
    if split.get("method") != "time":
        return SPLITS[2]
    return SPLITS[int(time_period(np.array([item.timestamp]), split)[0])]
