"""Instances of a log as the tensors that every model reads."""

from __future__ import annotations

import numpy as np
import torch

from surge.data.instances import EncodedLog, Instances, histories
from surge.model.surge import Context, History


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
