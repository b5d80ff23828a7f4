"""One piece of work a thread, for functions that leave Python's lock to others while they run."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import torch


def in_threads(count: int, do: Callable[[int, int], None], block: int = 1) -> None:
    """do(start, stop) for parts of 0 to count - 1, as many as torch has threads, cut at multiples of `block`."""
    if not count:
        return
    share = -(-count // (torch.get_num_threads() * block)) * block
    starts = range(0, count, share)
    if len(starts) == 1:
        do(0, count)
        return
    with ThreadPoolExecutor(len(starts)) as pool:
        list(pool.map(lambda start: do(start, min(start + share, count)), starts))
