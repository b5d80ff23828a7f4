"""The k-th largest number of each row, compiled; by torch where there is no compiler. Exact, so both are the same."""

from __future__ import annotations

import ctypes

import torch
from torch import Tensor

from surge.native.library import library


def kth_largest(rows: Tensor, k: Tensor, most: int) -> Tensor:
    """The k-th largest of each row of (B, count), k (B,) from 1 to most, at most count; gives (B,). No NaN."""
    own = rows.device.type == "cpu" and rows.dtype == torch.float32 and not torch.compiler.is_compiling()
    kernel = library("ranking") if own else None
    if kernel is None or k.max() > rows.shape[1]:  # torch says so; the kernel would read on
        # of one shape whatever k holds, and a GPU isn't asked what it holds; sorting all took most of the time
        return rows.topk(most, dim=1).values.gather(1, (k - 1).unsqueeze(1)).squeeze(1)
    rows, k = rows.contiguous(), k.contiguous()
    out = rows.new_empty(len(rows))
    pointers = (ctypes.c_void_p(x.data_ptr()) for x in (rows, k, out))
    kernel.kth_largest(ctypes.c_int64(len(rows)), ctypes.c_int64(rows.shape[1]), *pointers)
    return out
