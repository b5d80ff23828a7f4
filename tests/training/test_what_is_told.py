"""What a training says while it runs, and how often it looks."""

from __future__ import annotations

from pathlib import Path

import pytest

from surge.training.trainer import train
from tests.training.toy import MODEL, dataset_of, settings


def test_how_much_of_each_split_training_ever_meets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two users, leave-last: the second positive `y` of each is training, then `x` again, then `z`, which is new."""
    log = {user: [("x", 1), ("y", 2), ("x", 3), ("z", 4)] for user in "ab"}
    train(dataset_of(log, repeat_share=0.5), tmp_path / "out", model=MODEL, training=settings(epochs=1))
    said = "".join(capsys.readouterr())
    for sentence in (
        "train: 2 positives of 2 of 2 users; 0 of items that training never meets.",
        "valid: 2 positives of 2 of 2 users; 2 (100.0%) of items that training never meets.",
        "test: 2 positives of 2 of 2 users; 2 (100.0%) of items that training never meets.",
    ):
        assert sentence in said
