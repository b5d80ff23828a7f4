"""Where torch computes in place of what is compiled: one sentence says why, once."""

from __future__ import annotations

import ctypes
import os
import sys
from threading import Lock

SWITCH = "SURGE_FUSED"  # "0" leaves everything to torch
_telling = Lock()
told: list[str] = []  # why torch computes in place of what is compiled, each once


def fall_back(reason: str, advice: str) -> ctypes.CDLL | None:
    """No library, and once a sentence that says why: on the command line and, by `told`, on the page. It isn't told
    where torch was asked for."""
    sentence = f"{reason}, so torch computes in place of the compiled kernels, which is slower; {advice}."
    with _telling:
        if os.environ.get(SWITCH) != "0" and sentence not in told:
            told.append(sentence)
            print(sentence, file=sys.stderr)
    return None
