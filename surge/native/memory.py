"""Memory that is freed and asked for again in every step, kept in between."""

from __future__ import annotations

import ctypes
import sys

MMAP_THRESHOLD, TRIM_THRESHOLD = -3, -1  # of mallopt (glibc)
LARGEST = 32 * 2**20  # bytes of a piece that may be kept; glibc refuses more
MOST = 2**31 - 1  # bytes that may lie idle


def keep_freed_memory() -> None:
    """For a process that trains: a step's tensors lie where those of the step before lay.

    glibc gives large pieces back to the system as soon as they are free, and the system has to clear every page of
    the next one: a tenth of a step and more. Elsewhere than on Linux this does nothing.
    """
    if not sys.platform.startswith("linux"):
        return
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):  # another C library
        return
    mallopt(MMAP_THRESHOLD, LARGEST)
    mallopt(TRIM_THRESHOLD, MOST)
