"""Instances of a log, and histories made otherwise, as the tensors that every model reads."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from surge.data.instances import EncodedLog, Instances, histories
from surge.model.surge import Context, History

Event = tuple[int, int | None]  # an item's embedding row, and its age: seconds before the prediction, None if unknown


def read_batch(
    log: EncodedLog, instances: Instances, longest: int, device: torch.device | str = "cpu"
) -> tuple[History, Context]:
    """The last `longest` items before each positive, and who took them when; `now` is the positive's own time.

    Padding has the time of the history's last item, so that nothing seems to have happened in 1970.
    """
    rows, mask = histories(log, instances, longest)
    length = mask.sum(1)
    steps = np.minimum(np.arange(mask.shape[1]), np.maximum(length - 1, 0)[:, None])
    times = log.timestamps[(instances.position - length)[:, None] + steps]
    arrays = (rows, mask, instances.user, times, log.timestamps[instances.position])
    items, present, users, when, now = (torch.from_numpy(array).to(device) for array in arrays)
    return History(items, present), Context(users, when, now)


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
