"""What is taken away from the user page, run without a browser: names and content say whose history it is."""

from __future__ import annotations

import csv
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import StringIO

import numpy as np
import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from surge.checkpoint import load_checkpoint
from surge.data.dataset import Dataset
from surge.folders import ROOTS_VARIABLE
from tests.app.conftest import World

REPORT, PREDICTIONS = "The whole page as one HTML file", "Table of predictions (CSV)"
Taken = dict[str, tuple[str, str]]  # by label: file name, content where it was asked for


def _script() -> None:
    from app.screens.user import page

    page()


@pytest.fixture
def take(world: World, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Taken]:
    """Opens the page and gives the names of all downloads, and the text of those that are wanted."""
    monkeypatch.setenv(ROOTS_VARIABLE, str(world.root))

    def taken_at(*wanted: str, **parameters: str) -> Taken:
        made: dict[str, tuple[str, Callable[[], bytes]]] = {}

        def download(label: str, make: Callable[[], bytes], name: str, *_: object, **__: object) -> bool:
            made[label] = name, make
            return False

        monkeypatch.setattr(st, "download_button", download)
        page = AppTest.from_function(_script, default_timeout=120)
        for key, value in {"checkpoint": "tiny model", "dataset": "tiny", **parameters}.items():
            page.query_params[key] = value
        page.run()
        assert not page.exception and len(made) >= 11
        with ThreadPoolExecutor(1) as pool:  # as in the server: later, and without the session
            return {
                label: (name, pool.submit(make).result().decode("utf-8-sig") if label in wanted else "")
                for label, (name, make) in made.items()
            }

    return taken_at


def test_a_users_own_history(take: Callable[..., Taken]):
    taken = take(REPORT, user="u0003")
    assert not any("-changed" in name or "made-up" in name for name, _ in taken.values())
    name, text = taken[REPORT]
    assert name.startswith("surge-user-u0003-item-") and name.endswith(".html")
    assert "What the user did" in text and "python -m surge explain" in text


def test_a_changed_history(take: Callable[..., Taken]):
    taken = take(REPORT, user="u0003", edits="0-5")
    assert all("-changed" in name for name, _ in taken.values())
    assert taken[PREDICTIONS][0].endswith("-changed-predictions.csv")
    name, text = taken[REPORT]
    assert name.endswith("-changed.html")
    assert "The history as you changed it" in text and "the changed history of user u0003" in text
    assert "What the user did" not in text and "python -m surge explain" not in text


def test_a_made_up_history(take: Callable[..., Taken], world: World):
    item = load_checkpoint(world.root / "tiny model").items["item"][0]
    taken = take(REPORT, made_up="1", edits=f"+{item}")
    assert all("-made-up." in name or "-made-up-" in name for name, _ in taken.values())
    name, text = taken[REPORT]
    assert name.endswith("-made-up.html")
    assert "A history made up by you" in text and "for a made-up history" in text
    assert "What the user did" not in text and "python -m surge explain" not in text


def test_predictions_hold_the_true_next_item(take: Callable[..., Taken], world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("app.components.downloads.MOST_PREDICTED", 1)
    rows = list(csv.reader(take(PREDICTIONS, user="u0003")[PREDICTIONS][1].splitlines()))
    followed = Dataset.load(world.root / "tiny").history("u0003")["item"][-1]
    assert len(rows) == 3  # the head, the best, which is the candidate, and the true next item
    assert any("next item" in cell for cell in rows[2]) and followed in rows[2]


def test_the_tables_behind_the_pictures(take: Callable[..., Taken]):
    labels = [f"Table of {of} (CSV)" for of in ("links between items", "the assignment S", "the attention E")]
    taken = take(*labels, user="u0003")
    links, assignment, attention = (pd.read_csv(StringIO(taken[label][1])) for label in labels)
    n = len(assignment)
    assert n > 5 and len(links) == n * (n - 1) // 2
    assert len(attention) == n + 2 * links["kept"].sum()  # each item and itself, and each kept edge both ways
    assert assignment.filter(like="cluster").sum(axis=1).to_numpy() == pytest.approx(np.ones(n), abs=1e-5)
    assert attention.groupby("listener position")["attention"].sum().to_numpy() == pytest.approx(np.ones(n), abs=1e-5)
    for label, name in zip(labels, ("links", "assignment", "attention"), strict=True):
        assert taken[label][0].startswith("surge-user-u0003-item-") and taken[label][0].endswith(f"-{name}.csv")
