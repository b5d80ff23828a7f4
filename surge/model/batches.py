"""Histories as the tensors that every model reads, and work on many of them in parts that fit in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import torch

from surge.data.history import Histories
from surge.errors import SurgeError, is_out_of_memory
from surge.model.surge import EMPTY, Context, ItemSequences

Tensors = TypeVar("Tensors", bound=tuple[Any, ...])  # a named tuple of tensors


def read_batch(histories: Histories, device: torch.device | str = "cpu") -> tuple[ItemSequences, Context]:
    """What a model reads of histories: the items of their windows, and who took them when; times and `now` are NaN
    where not known. No history, or one without an item, is a SurgeError."""
    if not len(histories) or not histories.lengths.all():
        raise SurgeError(EMPTY)
    arrays = (*histories.windows(), histories.owner, histories.now)
    items, mask, times, owner, now = (torch.from_numpy(array).to(device) for array in arrays)
    return ItemSequences(items, mask), Context(owner, times, now)


def move(tensors: Tensors, device: torch.device) -> Tensors:
    """The same named tuple on a device; what is no tensor stays."""
    return type(tensors)(*(x.to(device) if isinstance(x, torch.Tensor) else x for x in tensors))


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
