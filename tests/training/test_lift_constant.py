"""The constant of the lift, measured on the validation split."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from surge.data.dataset import Dataset
from surge.explanation.history import read_history
from surge.explanation.ranking import rank_catalogue
from surge.training.trainer import train
from tests.training.toy import MODEL, measured, settings


@pytest.mark.parametrize("epochs", [1, 3])
def test_lifts_are_chances_over_popularity_however_long_a_model_was_trained(
    simulated: Dataset, tmp_path: Path, epochs: int
) -> None:
    """A hardly trained model has not learned log K: with that in place of what was measured all lifts are too high."""
    checkpoint = train(
        simulated,
        tmp_path / "out",
        model=MODEL,
        training=settings(epochs=epochs, learning_rate=1e-5),
        evaluation=measured(catalogue_instances=10_000),
        quiet=True,
    )
    off = []
    for user in simulated.users:
        ranking = rank_catalogue(checkpoint, read_history(checkpoint, simulated, user))
        best, q = ranking.order[0], np.exp(checkpoint.catalogue.log_popularity[ranking.order])
        by_popularity = q[0] / q.sum()
        off.append(np.log(ranking.next_probability(best) / by_popularity / ranking.lift(best)))
    assert np.mean(off) == pytest.approx(0, abs=0.05)
    assert abs(checkpoint.description["lift_constant"] - np.log(checkpoint.training_config.negatives)) > 0.3
