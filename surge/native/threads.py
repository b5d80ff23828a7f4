"""Calling what is compiled: on torch's own threads, with tensors as they lie in memory."""

from __future__ import annotations

import ctypes
from functools import cache

import torch
from torch import Tensor

from surge.native.library import library


class Team(ctypes.Structure):
    """`Team` of team.h."""

    _fields_ = [("run", ctypes.c_void_p), ("threads", ctypes.c_int32)]


def team() -> Team:
    """As many threads as torch uses, of the OpenMP that it has loaded."""
    return Team(_openmp(), torch.get_num_threads())


def readable(name: str, *tensors: Tensor) -> bool:
    """Whether what is compiled from this source is there, and can read these tensors: float32 on a CPU."""
    return all(x.device.type == "cpu" and x.dtype == torch.float32 for x in tensors) and library(name) is not None


def run(name: str, function: str, sizes: ctypes.Structure, *tensors: Tensor) -> None:
    """A function of a source that is there; the tensors are contiguous. Memory that runs out is a MemoryError."""
    pointers = (ctypes.c_void_p(x.data_ptr()) for x in tensors)
    if getattr(library(name), function)(ctypes.byref(team()), ctypes.byref(sizes), *pointers):
        raise MemoryError


@cache
def _openmp() -> int | None:
    """Where GOMP_parallel is; None where torch came with another OpenMP."""
    try:
        return ctypes.cast(ctypes.CDLL(None).GOMP_parallel, ctypes.c_void_p).value
    except (AttributeError, OSError, TypeError):
        return None
