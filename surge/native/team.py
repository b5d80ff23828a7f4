"""The threads that compiled work is shared among: torch's own."""

from __future__ import annotations

import ctypes
from functools import cache

import torch


class Team(ctypes.Structure):
    """`Team` of team.h."""

    _fields_ = [("run", ctypes.c_void_p), ("threads", ctypes.c_int32)]


def team() -> Team:
    """As many threads as torch uses, of the OpenMP that it has loaded."""
    return Team(_openmp(), torch.get_num_threads())


@cache
def _openmp() -> int | None:
    """Where GOMP_parallel is; None where torch came with another OpenMP."""
    try:
        return ctypes.cast(ctypes.CDLL(None).GOMP_parallel, ctypes.c_void_p).value
    except (AttributeError, OSError, TypeError):
        return None
