"""What a training says and writes down: what each split is worth, the figures of an epoch."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import numpy as np
import pytest
import torch
from tqdm import tqdm

from surge.data.dataset import Dataset
from surge.data.instances import Instances
from surge.training.state import TrainingState
from surge.training.trainer import Trainer, _moves, train
from tests.training.toy import MODEL, dataset_of, measured, settings


def test_how_much_of_each_split_training_ever_meets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two users, leave-last: the `y` of each is a training positive, then come `x`, their first item, and `z`."""
    log = {user: [("x", 1), ("y", 2), ("x", 3), ("z", 4)] for user in "ab"}
    train(
        dataset_of(log, repeat_share=0.5),
        tmp_path / "out",
        model=MODEL,
        training=settings(epochs=1),
        evaluation=measured(),
    )
    said = "".join(capsys.readouterr())
    for sentence in (
        "train: 2 positives of 2 of 2 users; 0 of items that training never meets.",
        "valid: 2 positives of 2 of 2 users; 2 (100.0%) of items that training never meets.",
        "test: 2 positives of 2 of 2 users; 2 (100.0%) of items that training never meets.",
    ):
        assert sentence in said


def test_the_figures_of_an_epoch_are_means_over_its_steps(simulated: Dataset, tmp_path: Path) -> None:
    """40 instances in batches of 16: three steps, of which the last is smaller and counts as much."""
    config = settings(batch_size=16, instances_per_epoch=40, weight_decay=0.5)
    fit = Trainer(simulated, tmp_path / "out", MODEL, config, measured(), quiet=True).fit
    sizes: list[int] = []

    def step(batch: Instances, rng: np.random.Generator, at: int) -> dict[str, torch.Tensor]:
        sizes.append(len(batch))
        return {"log_loss": torch.tensor(float(at)), "total": torch.tensor(10.0)}

    fit._step = step  # type: ignore[method-assign]
    record = fit._epoch(2, TrainingState({}, step=4))
    assert sizes == [16, 16, 8]
    assert (record["epoch"], record["step"]) == (2, 7)
    assert (record["log_loss"], record["total"]) == (5, 10)  # of steps 4, 5 and 6
    squares = sum(float(p.detach().double().square().sum()) for p in fit.model.parameters())
    assert record["l2"] == pytest.approx(0.5 * squares)


def test_a_bar_shows_the_share_that_is_done() -> None:
    with tqdm(total=1.0, file=StringIO()) as bar:
        move = _moves(bar)
        for share in (0.25, 0.5, 1.0):
            move(share)
            assert bar.n == share
