"""Checkpoints with random weights and datasets of a few users, made in memory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch

from surge.checkpoint import Checkpoint, category_rows
from surge.config import EvaluationConfig, ModelConfig, TrainingConfig, from_dict
from surge.data.dataset import Dataset
from surge.data.history import History
from surge.explanation.history import TitledHistory
from surge.explanation.record import Item
from surge.model.surge import SurgeModel

START = 1_600_000_000
HOSTILE = "<img src=x onerror=alert(1)></script>"


def catalogue(count: int) -> pl.DataFrame:
    """Items i0, i1, ...; every fifth has no category, and one title is hostile."""
    return pl.DataFrame(
        {
            "item": [f"i{row}" for row in range(count)],
            "title": [HOSTILE if row == 1 else f"Title {row}" for row in range(count)],
            "category": [None if row % 5 == 4 else f"shelf {row % 5}" for row in range(count)],
        },
        schema={"item": pl.String, "title": pl.String, "category": pl.String},
    )


def popular(count: int = 30) -> list[int]:
    """How often each of so many items was a training positive: from never to a hundred times, in no order."""
    return [(row * 37) % 101 for row in range(count)]


def make_checkpoint(
    count: int = 30,
    seed: int = 0,
    exclude_seen: bool = False,
    counts: Sequence[int] | None = None,
    temperature: float = 1.0,
    **settings: Any,
) -> Checkpoint:
    """A checkpoint of the default sizes whose weights are large enough for each part to matter.

    The inputs of Eq. 17 are as printed unless asked for: normalised, a logit turns quickly near h = 0, where the
    integral of a gradient needs many steps. The layer of the next-item loss is read by no explanation. All items are
    equally popular unless `counts` says how often each was met.
    """
    items = catalogue(count).with_columns(count=pl.Series(counts if counts is not None else [1] * count))
    categories, item_category = category_rows(items)
    given = {"item_count": count, "category_count": len(categories), "normalise": False, "next_item": False}
    config = from_dict(ModelConfig, given | settings)
    model = SurgeModel(config, item_category)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.25)
        model.construct.weight.abs_()
    return Checkpoint(
        folder=Path("random"),
        digest="0",
        model=model.eval().requires_grad_(False),
        model_config=config,
        training_config=TrainingConfig(),
        evaluation_config=EvaluationConfig(),
        items=items,
        metrics={},
        history=[],
        description={"exclude_seen": exclude_seen, "temperature": temperature},
    )


def make_dataset(
    histories: dict[str, list[str]], items: pl.DataFrame, interests: dict[str, list[str]] | None = None
) -> Dataset:
    """Users' histories in time order, a day between two interactions."""
    rows = [(user, item, START + 86_400 * at) for user in sorted(histories) for at, item in enumerate(histories[user])]
    frame = pl.DataFrame(rows, schema={"user": pl.String, "item": pl.String, "timestamp": pl.Int64}, orient="row")
    if interests is not None:
        labels = [label for user in sorted(histories) for label in interests[user]]
        frame = frame.with_columns(pl.Series("interest", labels))
    return Dataset(Path("memory"), "memory", frame, items, {"split": {"method": "leave-last"}}, "0")


def history_of(checkpoint: Checkpoint, rows: Sequence[int], earlier: Sequence[int] = ()) -> TitledHistory:
    """A history of these embedding rows after `earlier` ones; where the model reads ages, each step takes longer than
    the one before it."""
    taken, count = np.array([*earlier, *rows]), len(rows)
    aged = checkpoint.model_config.forms.time != "none"
    now = START + 1_000 * count**3
    times = np.array([START] * len(earlier) + [START + 1_000 * at**3 for at in range(count)])
    items = [
        Item(item["item"], item["title"], item["category"], START + at)
        for at, item in enumerate(checkpoint.items[list(rows)].to_dicts())
    ]
    return TitledHistory.of(
        checkpoint.model_config, History(taken, times, len(earlier), now if aged else None), items, user="u"
    )
