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
