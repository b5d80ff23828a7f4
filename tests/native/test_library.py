"""Compiling what is compiled: once, kept, and left out where that can't be."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from surge.native import library as compiled
from surge.native.library import library
from tests.kernel import needs_kernel


@needs_kernel
def test_it_is_compiled_once_and_kept(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert library("ranking") is not None
    (built,) = (fresh / "surge-explorer").iterdir()
    before = built.stat().st_mtime_ns
    monkeypatch.setattr(subprocess, "run", lambda *arguments, **options: pytest.fail("compiled again"))
    assert library("ranking") is not None
    assert built.stat().st_mtime_ns == before


def test_without_a_compiler_there_is_no_kernel(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled.shutil, "which", lambda name: None)
    assert library("ranking") is None
    assert list(fresh.iterdir()) == []


def test_a_compiler_that_fails_leaves_nothing_behind(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled.shutil, "which", lambda name: sys.executable)  # knows no such flags
    assert library("ranking") is None
    assert list((fresh / "surge-explorer").iterdir()) == []


def test_a_broken_library_in_the_cache_is_no_kernel(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled.shutil, "which", lambda name: "/usr/bin/c++")
    path = compiled._folder() / f"ranking-{compiled._key('ranking', '/usr/bin/c++')}.so"
    path.parent.mkdir()
    path.write_bytes(b"no library")
    assert library("ranking") is None


def test_a_cache_that_can_not_be_written_is_no_kernel(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (fresh / "surge-explorer").write_text("a file where the folder should be")
    assert library("ranking") is None


def test_the_switch_turns_it_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SURGE_FUSED", "0")
    assert library("ranking") is None


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


def test_every_source_and_every_header_is_counted() -> None:
    folder = Path(compiled.__file__).parent
    assert {*compiled.SOURCES.values()} == set(folder.glob("*.cpp"))
    assert {*compiled.HEADERS} == set(folder.glob("*.h"))
