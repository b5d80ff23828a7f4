"""One thread, a simulated log, and a comparison that all tests may look at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from surge.data.dataset import Dataset
from surge.data.simulator import simulate
from surge.training.fit import Fit
from tests.comparison.small import THREE, small

torch.set_num_threads(1)  # the models are tiny: the time would go into waking a second one


@pytest.fixture(scope="session")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """30 simulated users."""
    folder = tmp_path_factory.mktemp("simulated") / "log"
    simulate(folder, users=30, seed=1)
    return Dataset.load(folder)


@pytest.fixture(scope="session")
def whole(simulated: Dataset, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    """Three models with two seeds that nothing interrupts, and where they lie; the others are compared with it."""
    output = tmp_path_factory.mktemp("whole") / "table.md"
    return small(simulated, THREE, output, seeds=2), output


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, int, int]]]:
    """(model, seed, epoch) of every epoch that is begun."""
    begun: list[tuple[str, int, int]] = []
    epoch_of = Fit._epoch

    def counted(self: Fit, epoch: int, state: Any) -> dict[str, Any]:
        begun.append((type(self.model).__name__, self.config.seed, epoch))
        return epoch_of(self, epoch, state)

    monkeypatch.setattr(Fit, "_epoch", counted)
    yield begun
