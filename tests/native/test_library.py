"""Compiling what is compiled: once, kept, and left out where that can't be."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from surge.native import library as compiled
from surge.native.library import library
from tests.kernel import needs_kernel

pytestmark = pytest.mark.usefixtures("small")


@needs_kernel
def test_it_is_compiled_once_and_kept(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert library("edges") is not None
    (built,) = (fresh / "surge-explorer").iterdir()
    before = built.stat().st_mtime_ns
    monkeypatch.setattr(compiled, "_compile", lambda *arguments: pytest.fail("compiled again"))
    assert library("edges") is not None
    assert built.stat().st_mtime_ns == before


def test_without_a_compiler_there_is_no_kernel(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled.shutil, "which", lambda name: None)
    assert library("edges") is None
    assert list(fresh.iterdir()) == []


def test_a_compiler_that_fails_leaves_nothing_behind(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled.shutil, "which", lambda name: sys.executable)  # knows no such flags
    assert library("edges") is None
    assert list((fresh / "surge-explorer").iterdir()) == []


def test_a_cache_that_can_not_be_written_is_no_kernel(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (fresh / "surge-explorer").write_text("a file where the folder should be")
    assert library("edges") is None


def test_the_switch_turns_it_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SURGE_FUSED", "0")
    assert library("edges") is None


def test_a_source_or_header_that_changed_is_another_library(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = {name: compiled._key(name, "c++") for name in compiled.SOURCES}
    assert len(set(before.values())) == len(before)
    source, header = tmp_path / "source.cpp", tmp_path / "header.h"
    source.write_text(compiled.SOURCES["edges"].read_text() + "// more")
    header.write_text(compiled.HEADERS[-1].read_text() + "// more")
    with monkeypatch.context() as patch:
        patch.setitem(compiled.SOURCES, "edges", source)
        assert [name for name in before if compiled._key(name, "c++") != before[name]] == ["edges"]
    monkeypatch.setattr(compiled, "HEADERS", (*compiled.HEADERS[:-1], header))
    assert all(compiled._key(name, "c++") != before[name] for name in before)


# -- another machine's processor ----------------------------------------------------------------------


@pytest.fixture
def on(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], None]:
    """Gives the machine another /proc/cpuinfo."""
    told = tmp_path_factory.mktemp("proc") / "cpuinfo"

    def tell(text: str) -> None:
        told.write_text(text)
        monkeypatch.setattr(compiled, "Path", lambda name: told if str(name) == "/proc/cpuinfo" else Path(name))

    return tell


@needs_kernel
def test_two_processors_have_two_libraries(fresh: Path, on: Callable[[str], None]) -> None:
    """A home folder that two machines share: -march=native of the one may be no instruction of the other."""
    for text in ("flags\t\t: fpu avx2 avx512f\n", "flags\t\t: fpu avx2\n"):
        on("processor\t: 0\n" + text)
        assert library("edges") is not None
    assert len(list((fresh / "surge-explorer").glob("edges-*.so"))) == 2


def test_a_processor_is_what_it_can_do(on: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "_version", lambda compiler: "12.2.0")

    def key(text: str, compiler: str = "c++") -> str:
        on(text)
        return compiled._key("edges", compiler)

    one = key("cpu MHz : 2400.0\nflags : avx2\n")
    assert one == key("cpu MHz : 3100.7\nflags : avx2\n")  # the speed of the moment is no other machine
    assert one != key("cpu MHz : 2400.0\nflags : avx\n")
    assert key("Features : asimd\n") != key("Features : asimd sve\n")  # so ARM calls them
    assert one != key("cpu MHz : 2400.0\nflags : avx2\n", "clang++")
    monkeypatch.setattr(compiled.platform, "machine", lambda: "riscv64")
    assert one != key("cpu MHz : 2400.0\nflags : avx2\n")


# -- whole or not at all ------------------------------------------------------------------------------


@needs_kernel
def test_nobody_finds_half_a_library(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the compiler writes there is nothing in the library's place, and what it wrote is moved there."""
    folder, real, written = fresh / "surge-explorer", subprocess.run, []
    compiled._version(next(filter(None, map(shutil.which, compiled.COMPILERS))))  # asked before, and kept

    def run(command: list[str], **options: Any) -> Any:
        done = real(command, **options)
        assert list(folder.glob("*.so")) == []
        written.append(os.stat(command[command.index("-o") + 1]).st_ino)
        return done

    monkeypatch.setattr(subprocess, "run", run)
    assert library("edges") is not None
    (built,) = folder.iterdir()
    assert [built.stat().st_ino] == written  # the very file, and no copy that grows


@pytest.mark.parametrize(
    "problem", [KeyboardInterrupt(), OSError("disk full"), subprocess.TimeoutExpired("c++", compiled.LONGEST)]
)
def test_a_compiler_that_stops_half_way_leaves_nothing(
    fresh: Path, monkeypatch: pytest.MonkeyPatch, problem: BaseException
) -> None:
    def half(command: list[str], **options: Any) -> None:
        Path(command[command.index("-o") + 1]).write_bytes(b"\x7fELF")
        raise problem

    monkeypatch.setattr(compiled.shutil, "which", lambda name: "/usr/bin/c++")
    monkeypatch.setattr(compiled, "_version", lambda compiler: "12.2.0")
    monkeypatch.setattr(subprocess, "run", half)
    if isinstance(problem, KeyboardInterrupt):
        with pytest.raises(KeyboardInterrupt):
            library("edges")
    else:
        assert library("edges") is None
    assert list((fresh / "surge-explorer").iterdir()) == []


@needs_kernel
@pytest.mark.skipif(shutil.which("c++") is None, reason="no compiler of this name")
def test_a_process_that_is_killed_while_it_compiles_does_no_harm_to_the_next(
    fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a compiler that writes half of its output and ends whoever asked for it; nobody is left to clear up."""
    real, tools = shutil.which("c++"), fresh / "tools"
    tools.mkdir()
    compiler = tools / "c++"
    compiler.write_text(
        '#!/bin/sh\n[ "$1" = --version ] && exit\nfor last; do :; done\nprintf half > "$last"\nkill -9 $PPID\n'
    )
    compiler.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    ask = "from surge.native.library import library; library('edges')"
    root = str(Path(compiled.__file__).parents[2])
    done = subprocess.run([sys.executable, "-c", ask], env={**os.environ, "PYTHONPATH": root}, check=False)
    assert done.returncode == -signal.SIGKILL
    assert list((fresh / "surge-explorer").rglob("*.so")) != []  # the half is there,
    assert list((fresh / "surge-explorer").glob("*.so")) == []  # but not where a library would be
    compiler.write_text(f'#!/bin/sh\nexec {real} "$@"\n')
    assert library("edges") is not None
