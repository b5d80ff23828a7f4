"""When the probabilities of a trained model are taken at their word, and what they are divided by where not."""

from __future__ import annotations

from math import log
from pathlib import Path

import numpy as np
import pytest

from surge.data.dataset import Dataset
from surge.evaluation.calibration import TEMPERATURES, log_normaliser
from surge.evaluation.ranking import Ranks
from surge.training import trainer
from surge.training.trainer import Trainer
from tests.training.toy import MODEL, measured, settings


def ranks(right: int) -> Ranks:
    """1,000 histories and two items that score log 3 and 0, so 3/4 and 1/4: of 200 the first comes `right` times."""
    scores = np.tile([log(3), 0.0], (1000, 1))
    first = np.arange(1000) % 200 < right
    normaliser = np.tile(log_normaliser(scores[0], TEMPERATURES), (1000, 1))
    own = np.where(first, log(3), 0.0)
    hit = np.stack([first, ~first], axis=1)
    return Ranks((~first).astype(float), np.zeros(1000), own, scores, hit, TEMPERATURES, normaliser)


def test_the_first_item_alone_can_need_one(simulated: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 20 items one is given a half, and comes in 44 of 100: spread over the ten best the error is below 0.01."""
    count = 4000
    scores = np.tile([log(19), *[0.0] * 19], (count, 1))
    came = np.where(np.arange(count) % 100 < 44, 0, 1 + np.arange(count) % 19)
    told = Ranks(
        came.astype(float),
        np.zeros(count),
        scores[np.arange(count), came],
        scores[:, :10],
        came[:, None] == np.arange(10),
        TEMPERATURES,
        np.tile(log_normaliser(scores[0], TEMPERATURES), (count, 1)),
    )
    assert told.reliability(1.0).error < 0.01 < told.reliability(1.0, 1).error == pytest.approx(0.06)
    monkeypatch.setattr(trainer, "rank_positives", lambda *_, **__: told)
    monkeypatch.setattr(trainer, "log_available", lambda *_: np.zeros(count))
    figures, found = Trainer(simulated, tmp_path / "out", MODEL, settings(), measured(), quiet=True)._catalogue(
        lambda share: None
    )
    assert found["temperature"] == pytest.approx(log(19) / log(44 / 56 * 19), rel=0.046)
    assert figures["calibration_error_first"] < 0.012


@pytest.mark.parametrize(
    ("right", "temperature", "error"),
    [
        (150, 1.0, 0.0),
        (151, 1.0, 0.005),  # 0.966 would be likelier, but one in 200 is no reason
        (130, log(3) / log(130 / 70), 0.0),  # then 65 % are held for so likely, and 65 % come
        (170, log(3) / log(170 / 30), 0.0),
    ],
)
def test_a_temperature_is_found_where_one_is_needed(
    simulated: Dataset,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    right: int,
    temperature: float,
    error: float,
) -> None:
    monkeypatch.setattr(trainer, "rank_positives", lambda *_, **__: ranks(right))
    monkeypatch.setattr(trainer, "log_available", lambda *_: np.zeros(1000))
    figures, found = Trainer(simulated, tmp_path / "out", MODEL, settings(), measured(), quiet=True)._catalogue(
        lambda share: None
    )
    if temperature == 1:
        assert found["temperature"] == 1
    assert found["temperature"] == pytest.approx(temperature, rel=0.046)  # half a step between two that are tried
    assert figures["calibration_error"] == pytest.approx(error, abs=0.011 if temperature != 1 else 1e-9)
    assert figures["catalogue_instances"] == 5  # users, as the settings say
