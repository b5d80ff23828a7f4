"""What the tests of the compiled parts share."""

from __future__ import annotations

from pathlib import Path

import pytest

from surge.native import library


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty cache; what the process has loaded stays out of it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(library, "_library", library._library.__wrapped__)
    return tmp_path


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A source of one line in place of `edges`, which takes seconds to compile."""
    source = tmp_path_factory.mktemp("source") / "edges.cpp"
    source.write_text('extern "C" int attend() { return 7; }\n')
    monkeypatch.setitem(library.SOURCES, "edges", source)
