"""One thread, a simulated log, and a final evaluation short enough for a test."""

from __future__ import annotations

import pytest
import torch

from surge.data.dataset import Dataset
from surge.data.simulator import simulate

torch.set_num_threads(1)  # small tensors: a second thread costs more than it brings


@pytest.fixture(scope="session")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """60 simulated users, about 2,700 interactions with 1,100 items."""
    folder = tmp_path_factory.mktemp("simulated") / "log"
    simulate(folder, users=60, seed=1)
    return Dataset.load(folder)
