"""The sources as shared libraries: compiled once a machine, kept in the user's cache, absent where that can't be."""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import shutil
import stat
import subprocess
import sysconfig
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path
from threading import Lock

from surge.native.fall_back import SWITCH, fall_back

SOURCES = {path.stem: path for path in Path(__file__).parent.glob("*.cpp")}
HEADERS = sorted(Path(__file__).parent.glob("*.h"))
FLAGS = ("-std=c++17", "-O3", "-march=native", "-fopenmp-simd", "-pthread", "-shared", "-fPIC", "-w")
COMPILERS = ("c++", "g++", "clang++")
LONGEST = 120  # seconds that a compiler may take
ELSEWHERE = "set XDG_CACHE_HOME to a folder of your own that programs may run from"
OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
_locks = {name: Lock() for name in SOURCES}  # nobody waits for what another source takes


def library(name: str) -> ctypes.CDLL | None:
    """One of SOURCES, compiled; None where that is switched off, and where it can't be, which is told once.

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
        return fall_back(f"There is no C++ compiler ({', '.join(COMPILERS)})", "install one")
    try:
        folder = _folder()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not _is_private(folder):
            whose = f"The folder {str(folder)!r} belongs to another user, is a link, or others may write to it"
            return fall_back(whose, f"remove it, or {ELSEWHERE}")
        if hasattr(os, "ST_NOEXEC") and os.statvfs(folder).f_flag & os.ST_NOEXEC:
            return fall_back(f"Nothing may be executed from the folder {str(folder)!r}", ELSEWHERE)
        start = f"{name}-{_key(name, compiler)}-"
        return _kept(folder, start) or _load(_compile(compiler, SOURCES[name], folder, start))
    except subprocess.SubprocessError:
        return fall_back(f"The compiler {compiler} can't compile the kernels", "install another one")
    except (OSError, RuntimeError) as error:  # RuntimeError: a user without a home
        return fall_back(f"Compiled kernels can't be kept and loaded ({error})", ELSEWHERE)


def _kept(folder: Path, start: str) -> ctypes.CDLL | None:
    """The library whose name begins so; what isn't what was compiled, or doesn't load, is removed."""
    for path in sorted(folder.glob(f"{start}*.so")):
        try:
            return _load(path)
        except OSError:
            with suppress(OSError):
                path.unlink()
    return None


def _load(path: Path) -> ctypes.CDLL:
    """An OSError where the file isn't the user's own or not what its name says: half a library ends a process."""
    if not (_is_private(path) and path.stem.endswith(_digest(path.read_bytes()))):
        raise OSError(f"{path} is damaged, or others may write to it")
    return ctypes.CDLL(str(path))


def _compile(compiler: str, source: Path, folder: Path, start: str) -> Path:
    """Written beside its place and moved there, so that nobody loads a half of it; its digest ends its name."""
    with tempfile.TemporaryDirectory(dir=folder) as beside:
        built = Path(beside) / "library.so"
        command = [compiler, *FLAGS, str(source), "-o", str(built)]
        subprocess.run(command, check=True, capture_output=True, timeout=LONGEST)
        built.chmod(0o700)
        return built.replace(folder / f"{start}{_digest(built.read_bytes())}.so")


def _folder() -> Path:
    given = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (given if given.is_absolute() else Path.home() / ".cache") / "surge-explorer"


def _is_private(path: Path) -> bool:
    """Whether a file or a folder, no link, belongs to this user and nobody else may write to it: a library that
    others could have put there may be anybody's code. Windows keeps a user's cache to that user by itself."""
    if not hasattr(os, "geteuid"):
        return True
    found = path.lstat()
    return not stat.S_ISLNK(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & OTHERS_WRITE


def _key(name: str, compiler: str) -> str:
    """Another source, compiler, C library or processor is another library: one for this machine may not run on the
    next."""
    processor = platform.machine() + platform.processor()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        lines = info.read_text(errors="replace").splitlines()
        processor += next((line for line in lines if line.startswith(("flags", "Features"))), "")
    made_with = (FLAGS, compiler, _version(compiler), _c_library(), processor)
    return _digest(b"".join(path.read_bytes() for path in (SOURCES[name], *HEADERS)) + repr(made_with).encode())


@cache
def _version(compiler: str) -> str:
    done = subprocess.run([compiler, "--version"], capture_output=True, timeout=LONGEST, check=True)
    return done.stdout.decode(errors="replace")


def _c_library() -> tuple[str, ...]:
    """glibc's version, and what Python was built for, which tells musl from glibc."""
    running = os.confstr("CS_GNU_LIBC_VERSION") if "CS_GNU_LIBC_VERSION" in getattr(os, "confstr_names", {}) else None
    return running or "", *platform.libc_ver(), sysconfig.get_config_var("HOST_GNU_TYPE") or ""


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
