"""Memory that a training keeps: what is asked of glibc, what comes of it, and nothing elsewhere."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import pytest

from surge.native import memory

# pages that the system clears for a step of ten pieces of 16 MB, all given up at its end; left alone it is 0 or 40,000
FAULTS = """
import resource, torch
from surge.native.memory import keep_freed_memory
keep_freed_memory()
for step in range(20):
    if step == 10:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    pieces = [torch.ones(4_000_000) for _ in range(10)]
    del pieces
print((resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) // 10)
"""
ON_LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's way")


@ON_LINUX
def test_pieces_are_taken_again() -> None:
    done = subprocess.run([sys.executable, "-c", FAULTS], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 1_000


@ON_LINUX
def test_what_glibc_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int]] = []
    library = SimpleNamespace(mallopt=lambda *what: asked.append(what))
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda _: library)
    memory.keep_freed_memory()
    assert asked == [(-3, 33_554_432), (-1, 2_147_483_647)]  # M_MMAP_THRESHOLD at its limit, M_TRIM_THRESHOLD


def test_another_system_or_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_library(_: object) -> object:
        raise OSError

    monkeypatch.setattr(memory.ctypes, "CDLL", no_library)
    memory.keep_freed_memory()
    monkeypatch.setattr(memory.sys, "platform", "win32")
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda _: pytest.fail("nothing to look for"))
    memory.keep_freed_memory()
