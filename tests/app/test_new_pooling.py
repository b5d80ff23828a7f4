"""The pooling of docs/extend.md under its name: saved, loaded and drawn by the page."""

from __future__ import annotations

from base64 import b64decode
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from surge.checkpoint import category_rows, load_checkpoint, save_checkpoint
from surge.config import ModelConfig, TrainingConfig, from_dict
from surge.data.dataset import Dataset
from surge.data.simulator import simulate
from surge.errors import SurgeError
from surge.explanation.cluster_usage import cluster_usage
from surge.explanation.explain import explain
from surge.folders import ROOTS_VARIABLE
from surge.model.forms import ASSIGNMENTS
from surge.model.surge import SurgeModel
from tests.app.drawn import charts
from tests.model.test_extend import printed

CLUSTERS = 6


def _script() -> None:
    from app.screens.user import page

    page()


def numbers(written: Any) -> np.ndarray:
    """Of a figure as the browser gets it: a list, or packed."""
    packed = isinstance(written, dict)
    return np.frombuffer(b64decode(written["bdata"]), dtype=written["dtype"]) if packed else np.asarray(written)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small log, and a checkpoint of the guide's pooling with weights large enough to tell items apart."""
    monkeypatch.setenv(ROOTS_VARIABLE, str(tmp_path))
    monkeypatch.setitem(ASSIGNMENTS, "diffpool", printed()["entry"]["diffpool"])
    simulate(tmp_path / "log", users=30, seed=5)
    items = Dataset.load(tmp_path / "log").items
    categories, rows = category_rows(items)
    sizes = {"item_count": items.height, "category_count": len(categories), "clusters": [CLUSTERS]}
    torch.manual_seed(1)
    model = SurgeModel(from_dict(ModelConfig, sizes | {"extraction": "diffpool"}), rows)
    with torch.no_grad():
        for parameter in model.extract.parameters():
            parameter.mul_(6)
    description = {"dataset": {"name": "log"}, "trained_on": "cpu"}
    save_checkpoint(
        tmp_path / "model",
        model,
        items,
        training_config=TrainingConfig(),
        metrics={},
        history=[],
        description=description,
    )
    return tmp_path


def test_it_is_saved_loaded_and_drawn_by_the_page(root: Path) -> None:
    checkpoint, dataset = load_checkpoint(root / "model"), Dataset.load(root / "log")
    assert type(checkpoint.model.extract.assign[0]).__name__ == "DiffPool"
    user = dataset.users[3]
    record = explain(checkpoint, dataset, user)
    assignment = record.interest_extraction.assignment
    assert assignment.shape[1] == CLUSTERS and np.ptp(assignment) > 0.1
    page = AppTest.from_function(_script, default_timeout=120)
    page.query_params["checkpoint"], page.query_params["dataset"], page.query_params["user"] = "model", "log", user
    page.run()
    assert not page.exception and not page.error
    cells = next(trace for trace in charts(page)["assignment_matrix"]["data"] if trace.get("name") == "cells")
    item, cluster = numbers(cells["customdata"]).reshape(-1, 2).T
    assert len(set(cluster)) > 1 and set(item) == set(range(len(assignment)))  # the smallest shares are not drawn
    assert numbers(cells["marker"]["color"]) == pytest.approx(assignment[item, cluster], abs=1e-5)
    usage = cluster_usage(checkpoint, dataset, dataset.users[:5])
    assert len(usage.mass) == CLUSTERS and usage.mass.sum() == pytest.approx(1)


def test_without_its_name_the_checkpoint_is_refused(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(ASSIGNMENTS, "diffpool")
    words = (
        "config.json of the checkpoint 'model' can't be used: The setting extraction is 'diffpool'; it must be one of"
    )
    with pytest.raises(SurgeError, match=f"^{words} soft, none\\.$"):
        load_checkpoint(root / "model")
