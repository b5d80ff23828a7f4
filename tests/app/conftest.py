"""A small world for the app's tests: datasets good, hostile and foreign, and checkpoints whole and broken."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import torch

from surge.checkpoint import category_rows, save_checkpoint
from surge.config import ModelConfig, TrainingConfig
from surge.data.dataset import Dataset
from surge.data.layout import DESCRIPTION_FILE, INTERACTIONS_FILE, ITEMS_FILE
from surge.data.simulator import simulate
from surge.folders import ROOTS_VARIABLE
from surge.model.surge import SurgeModel
from tests.pictures.hostile import HOSTILE
from tests.serving import ROOT, launch_chromium, serve


@dataclass(frozen=True)
class World:
    """Where it lies, and the users with a history of one item, of repeats, and with items the model doesn't know."""

    root: Path
    single: str = "one item"
    repeating: str = "repeats <b>"
    stranger: str = "unknown items"
    lost: str = "nothing known"


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Checkpoints tiny, cut, edited; datasets tiny (hostile titles, odd users) and foreign; a pickle and a link."""
    root = tmp_path_factory.mktemp("roots")
    world = World(root)
    simulate(root / "tiny", users=60, seed=5)
    known = Dataset.load(root / "tiny").items
    _spoil(root / "tiny", world)
    _save(root / "tiny model", known)
    shutil.copytree(root / "tiny", root / "foreign")
    for name in (INTERACTIONS_FILE, ITEMS_FILE):
        frame = pl.read_parquet(root / "foreign" / name)
        frame.with_columns(item="x" + pl.col("item")).write_parquet(root / "foreign" / name)
    for name in ("cut model", "edited model"):
        shutil.copytree(root / "tiny model", root / name)
    weights = root / "cut model" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])
    config = root / "edited model" / "config.json"
    config.write_text(config.read_text(encoding="utf-8").replace('"hops": 1', '"hops": 2'), encoding="utf-8")
    (root / "weights.pt").write_bytes(b"\x80\x04.")
    (root / "linked model").symlink_to(root / "tiny model")
    return world


def _spoil(folder: Path, world: World) -> None:
    """Give the most popular items hostile titles, and add the odd users."""
    log, items = pl.read_parquet(folder / INTERACTIONS_FILE), pl.read_parquet(folder / ITEMS_FILE)
    popular = log["item"].value_counts(sort=True)["item"].to_list()
    titles = dict(zip(popular[: 4 * len(HOSTILE)], HOSTILE * 4, strict=True))
    items = items.with_columns(title=pl.col("item").replace_strict(titles, default=pl.col("title")))
    items = pl.concat([items, items.head(3).with_columns(item=pl.lit("new ") + pl.col("item"))])
    odd = {
        world.single: popular[:1],
        world.repeating: [popular[0], popular[1]] * 6,
        world.stranger: [*popular[:15], *items["item"][-3:], popular[20]],
        world.lost: items["item"][-3:].to_list(),
    }
    rows = [
        (user, item, 1_772_500_000 + 3600 * step) for user, history in odd.items() for step, item in enumerate(history)
    ]
    extra = pl.DataFrame(rows, schema=["user", "item", "timestamp"], orient="row").with_columns(interest=pl.lit("odd"))
    log = pl.concat([log, extra.select(log.columns)]).sort("user", "timestamp", maintain_order=True)
    log.write_parquet(folder / INTERACTIONS_FILE)
    items.write_parquet(folder / ITEMS_FILE)
    path = folder / DESCRIPTION_FILE
    description = json.loads(path.read_text(encoding="utf-8"))
    description["counts"]["interactions"] = len(log)
    path.write_text(json.dumps(description), encoding="utf-8")


def _save(folder: Path, items: pl.DataFrame) -> None:
    """A checkpoint with random weights, large enough for some clusters to differ; its titles are the plain ones."""
    categories, rows = category_rows(items)
    torch.manual_seed(1)
    config = ModelConfig(item_count=items.height, category_count=len(categories), clusters=(8,), heads=2)
    model = SurgeModel(config, rows)
    with torch.no_grad():
        model.category_embedding.weight.mul_(8)
        for parameter in model.extract.parameters():
            parameter.mul_(12)
    metrics = {"explanation": {"effective_clusters": 4.2, "assignment_entropy": 0.3}, "test": {"auc": 0.75}}
    description = {"dataset": {"name": "tiny"}, "trained_on": "cpu"}
    save_checkpoint(
        folder, model, items, training_config=TrainingConfig(), metrics=metrics, history=[], description=description
    )


@pytest.fixture(scope="session")
def address(world: World) -> Iterator[str]:
    """The app on a free port of this machine, with the small world's folders among its roots."""
    with serve(ROOT / "app" / "main.py", {ROOTS_VARIABLE: str(world.root)}) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Debian's Chromium."""
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as running:
        chromium = launch_chromium(running)
        yield chromium
        chromium.close()
