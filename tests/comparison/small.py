"""Models that train in a blink, and what two comparisons must have in common."""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from surge.comparison.compare import compare
from surge.comparison.contestants import contestants
from surge.data.dataset import Dataset

SMALL: dict[str, Any] = {
    "item_size": 8,
    "category_size": 4,
    "max_length": 8,
    "metric_heads": 1,
    "attention_hidden": [8],
    "clusters": [4],
    "evolution_size": 8,
    "hidden": 8,
    "prediction_hidden": [8],
    "epochs": 2,
    "patience": 5,
    "batch_size": 64,
    "instances_per_epoch": 128,
    "validation_instances": 20,
    "test_instances": 30,
    "catalogue_instances": 4,
    "evaluation_negatives": 9,
    "learning_rate": 5e-3,
    "device": "cpu",
}
THREE = ["surge", "lightgcn", "caser"]  # a graph that isn't saved, and dropout
SECONDS = ("seconds", "list_seconds")


def small(dataset: Dataset, texts: Sequence[str], output: Path, **options: Any) -> dict[str, Any]:
    """A comparison of these models; `settings` are those in which all differ from SMALL."""
    settings = SMALL | options.pop("settings", {})
    known = set().union(*(one.settings for one in contestants(texts, {})))
    models = contestants(texts, {name: value for name, value in settings.items() if name in known})
    return compare(dataset, models, output, **{"seeds": 1, "quiet": True} | options)


def timeless(comparison: dict[str, Any]) -> dict[str, Any]:
    """All of a comparison that must be the same when it is made again."""
    copied = copy.deepcopy(comparison)
    for run in copied["runs"]:
        for record in (run, *run["epochs"]):
            for name in SECONDS:
                record.pop(name, None)
    return copied


def tables(text: str) -> list[list[list[str]]]:
    """The tables of a Markdown text as GitHub reads them: rows of cells, the heads first, a row's `|` ends a cell."""
    found: list[list[list[str]]] = []
    inside = False
    for line in text.splitlines():
        if line.startswith("|"):
            cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            if not inside:
                found.append([])
            found[-1].append(cells)
        inside = line.startswith("|")
    return found
