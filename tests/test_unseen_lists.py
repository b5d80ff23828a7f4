"""Lists for settings that were chosen with earlier ones in sight: other positives of the same split, and as fair."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.unseen_lists import main
from surge.config import EvaluationConfig
from surge.data.dataset import Dataset
from surge.data.simulator import simulate
from surge.evaluation.lists import read_lists, write_lists
from surge.training.data import TrainingData


def test_no_positive_is_drawn_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    simulate(tmp_path / "log", users=40, seed=1)
    dataset = Dataset.load(tmp_path / "log")
    data = TrainingData.of(dataset)
    users, items = dataset.users, data.items["item"].to_list()
    test = data.splits["test"]
    before = test.sample(len(test) // 2, np.random.default_rng(0))
    earlier, fresh = tmp_path / "earlier.parquet", tmp_path / "fresh.parquet"
    write_lists(earlier, before, data.lists(before, EvaluationConfig(), seed=0), data.log, users, items)
    monkeypatch.setattr(sys, "argv", ["unseen_lists", str(tmp_path / "log"), str(earlier), str(fresh), "--lists", "10"])
    main()
    drawn, lists = read_lists(fresh, data.log, users, items)
    assert len(drawn) == 10 and lists.shape == (10, 100)
    assert np.isin(drawn.position, test.position).all()
    assert not np.isin(drawn.position, before.position).any()
    assert capsys.readouterr().out.startswith("10 lists of ")
