"""A command that must fail, and the one sentence that it says."""

from __future__ import annotations

import pytest

from surge.cli import main


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """What it says on stderr; what was printed before is passed over."""
    capsys.readouterr()
    assert main([*map(str, arguments)]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ") and captured.err.count("\n") == 1
    return captured.err
