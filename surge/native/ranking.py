"""The k-th largest number of each row, compiled; by torch where there is no compiler. Exact, so both are the same."""

from __future__ import annotations

import ctypes

import torch
from torch import Tensor

from surge.native.library import library


def kth_largest(rows: Tensor, k: Tensor) -> Tensor:
    """The k-th largest of each row of (B, count), k (B,) from 1 to count; gives (B,). No NaN."""
    if torch.compiler.is_compiling() or rows.device.type != "cpu":
        # one shape whatever k holds, and nobody waits for the device to say what k holds
        return rows.sort(dim=1, descending=True).values.gather(1, (k - 1).unsqueeze(1)).squeeze(1)
    kernel = library("ranking") if rows.dtype == torch.float32 else None
    if kernel is None or k.max() > rows.shape[1]:  # torch says so; the kernel would read on
        # the largest ones alone are put in order: sorting all took most of the time of a long history
        return rows.topk(int(k.max()), dim=1).values.gather(1, (k - 1).unsqueeze(1)).squeeze(1)
    rows, k = rows.contiguous(), k.contiguous()
    out = rows.new_empty(len(rows))
    pointers = (ctypes.c_void_p(x.data_ptr()) for x in (rows, k, out))
    kernel.kth_largest(ctypes.c_int64(len(rows)), ctypes.c_int64(rows.shape[1]), *pointers)
    return out
