"""Instances of a log, and histories made otherwise, as the tensors that every model reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
import torch

from surge.data.instances import EncodedLog, Instances, histories
from surge.errors import SurgeError, is_out_of_memory
from surge.model.surge import EMPTY, Context, History

Tensors = TypeVar("Tensors", bound=tuple[Any, ...])  # a named tuple of tensors
Event = tuple[int, int | None]  # an item's embedding row, and its age: seconds before the prediction, None if unknown


def read_batch(
    log: EncodedLog, instances: Instances, longest: int, device: torch.device | str = "cpu"
) -> tuple[History, Context]:
    """The last `longest` items before each positive, and who took them when; `now` is the positive's own time.

    Padding has the time of the history's last item, so that nothing seems to have happened in 1970. A positive with
    nothing before it is a SurgeError.
    """
    rows, mask = histories(log, instances, longest)
    length = mask.sum(1)
    if not length.all():
        raise SurgeError(EMPTY)
    steps = np.minimum(np.arange(mask.shape[1]), np.maximum(length - 1, 0)[:, None])
    times = log.timestamps[(instances.position - length)[:, None] + steps]
    arrays = (rows, mask, instances.user, times, log.timestamps[instances.position])
    items, present, users, when, now = (torch.from_numpy(array).to(device) for array in arrays)
    return History(items, present), Context(users, when, now)


def move(tensors: Tensors, device: torch.device) -> Tensors:
    """The same named tuple on a device; what is no tensor stays."""
    return type(tensors)(*(x.to(device) if isinstance(x, torch.Tensor) else x for x in tensors))


def read_events(
    histories: Sequence[Sequence[Event]], device: torch.device | str = "cpu"
) -> tuple[History, torch.Tensor]:
    """Histories of any lengths as one batch, and the ages of their items (B, n): float64, NaN where unknown."""
    history = History.pad([[row for row, _ in events] for events in histories], device)
    ages = np.full(tuple(history.mask.shape), np.nan)
    for place, events in enumerate(histories):
        if any(age is not None for _, age in events):  # of no model but one that reads ages
            ages[place, : len(events)] = [np.nan if age is None else age for _, age in events]
    return history, torch.from_numpy(ages).to(device)


def in_parts(
    count: int,
    most: Callable[[int], int],
    work: Callable[[int, int], None],
    progress: Callable[[float], None] | None = None,
) -> None:
    """Call `work(start, stop)` on one part after another of 0 to `count`, at most `most(start)` at once.

    Where memory runs out, the part is tried again with half as many, and all after it have no more than fitted;
    where even one is too many: a SurgeError. `progress` is called with the share done.
    """
    start, limit = 0, count
    while start < count:
        size = max(1, min(most(start), limit, count - start))
        try:
            work(start, start + size)
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            if size == 1:
                raise SurgeError(
                    "There is not enough free memory to score even one item; close other programs, or "
                    "train a model with a smaller max_length."
                ) from error
            limit = size // 2
            continue
        start += size
        if progress:
            progress(start / count)
