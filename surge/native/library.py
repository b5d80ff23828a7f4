"""The sources as shared libraries: compiled once a machine, kept in the user's cache, absent where that can't be."""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from threading import Lock

SOURCES = {name: Path(__file__).with_name(f"{name}.cpp") for name in ("reading", "edges", "pairs")}
HEADERS = tuple(Path(__file__).with_name(name) for name in ("rows.h", "team.h", "vectors.h"))
FLAGS = ("-std=c++17", "-O3", "-march=native", "-fopenmp-simd", "-pthread", "-shared", "-fPIC", "-w")
COMPILERS = ("c++", "g++", "clang++")
LONGEST = 120  # seconds that a compiler may take
SWITCH = "SURGE_FUSED"  # "0" leaves everything to torch
_locks = {name: Lock() for name in SOURCES}  # nobody waits for what another source takes


def library(name: str) -> ctypes.CDLL | None:
    """One of SOURCES, compiled; None where that is switched off, where there is no compiler, or where it fails.

    The first call on a machine compiles it, in a second or some; later ones load it.
    """
    if os.environ.get(SWITCH) == "0":
        return None
    with _locks[name]:
        return _library(name)


@cache
def _library(name: str) -> ctypes.CDLL | None:
    compiler = next(filter(None, map(shutil.which, COMPILERS)), None)
    if compiler is None:
        return None
    try:
        path = _folder() / f"{name}-{_key(name, compiler)}.so"
        if not path.is_file():
            _compile(compiler, SOURCES[name], path)
        return ctypes.CDLL(str(path))
    except (OSError, subprocess.SubprocessError):
        return None


def _compile(compiler: str, source: Path, path: Path) -> None:
    """Written beside its place and moved there, so that nobody loads a half of it."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        built = Path(folder) / path.name
        command = [compiler, *FLAGS, str(source), "-o", str(built)]
        subprocess.run(command, check=True, capture_output=True, timeout=LONGEST)
        built.replace(path)


def _folder() -> Path:
    """Of this user alone: a library in a folder where others may write could be anybody's."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "surge-explorer"


def _key(name: str, compiler: str) -> str:
    """Another source, compiler or processor is another library: one for this machine may not run on the next."""
    processor = platform.machine() + platform.processor()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        lines = info.read_text(errors="replace").splitlines()
        processor += next((line for line in lines if line.startswith(("flags", "Features"))), "")
    content = (
        b"".join(path.read_bytes() for path in (SOURCES[name], *HEADERS)) + repr((FLAGS, compiler, processor)).encode()
    )
    return hashlib.sha256(content).hexdigest()[:16]
