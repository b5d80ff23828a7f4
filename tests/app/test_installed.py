"""What the page says where the app is a part of an installed package and not of a clone."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from app import surveys
from app.library import PROJECT


@pytest.mark.parametrize(("in_clone", "expected"), [
    (True, "python -m surge survey checkpoints/demo sample_data"),
    (False, f"surge survey {PROJECT / 'checkpoints/demo'} {PROJECT / 'sample_data'}"),
])  # fmt: skip
def test_a_command_to_copy_works_from_where_one_stands(
    in_clone: bool, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert surveys.IN_CLONE and surveys.SURGE == ("python", "-m", "surge")
    if not in_clone:
        monkeypatch.setattr(surveys, "IN_CLONE", False)
        monkeypatch.setattr(surveys, "SURGE", ("surge",))
    checkpoint, dataset = (SimpleNamespace(folder=PROJECT / name) for name in ("checkpoints/demo", "sample_data"))
    assert surveys.survey_command(checkpoint, dataset) == expected  # type: ignore[arg-type]
    assert surveys.command_folder() == ("in the project's folder" if in_clone else "")
    command, then = surveys.train_command(dataset)  # type: ignore[arg-type]
    if in_clone:
        assert command == "python -m surge train sample_data --output checkpoints/other --set position=none"
        assert then == "load this page again"
    else:
        assert command == f"surge train {PROJECT / 'sample_data'} --output other --set position=none"
        assert then == "start the explorer with its folder: `surge explore other`"
