"""Small logs, models and settings: what a training test needs, and no more than it needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import torch

from surge.config import EvaluationConfig, ModelConfig, TrainingConfig, from_dict
from surge.data.dataset import Dataset
from surge.model.surge import SurgeModel

MODEL: dict[str, Any] = {
    "item_size": 8,
    "category_size": 4,
    "max_length": 8,
    "metric_heads": 1,
    "attention_hidden": (8,),
    "clusters": (4,),
    "evolution_size": 8,
    "prediction_hidden": (8,),
}
TRAINING: dict[str, Any] = {
    "epochs": 3,
    "patience": 10,
    "batch_size": 64,
    "instances_per_epoch": 384,
    "learning_rate": 5e-3,
    "weight_decay": 1e-4,
    "same_mapping_weight": 0.1,
    "single_affiliation_weight": 0.1,
    "relative_position_weight": 0.2,
    "balance_weight": 0.3,
    "warmup_steps": 6,
    "device": "cpu",
}
EVALUATION: dict[str, Any] = {
    "validation_instances": 40,
    "test_instances": 40,
    "catalogue_instances": 5,
    "evaluation_negatives": 20,
}


def settings(**changes: Any) -> TrainingConfig:
    """Settings with which every term of the loss counts, apart from `changes`."""
    return from_dict(TrainingConfig, TRAINING | changes)


def measured(**changes: Any) -> EvaluationConfig:
    """Few lists, apart from `changes`."""
    return EvaluationConfig(**(EVALUATION | changes))


def dataset_of(
    histories: Mapping[str, Sequence[tuple[str, int]]],
    split: Mapping[str, Any] | None = None,
    categories: Mapping[str, str] | None = None,
    **description: Any,
) -> Dataset:
    """A dataset in memory: (item, timestamp) pairs a user, the items in sorted order; leave-last by default."""
    rows = [(user, item, time) for user in sorted(histories) for item, time in histories[user]]
    items = sorted({item for _, item, _ in rows})
    return Dataset(
        folder=Path("in-memory"),
        name="toy",
        interactions=pl.DataFrame(
            rows, schema={"user": pl.String, "item": pl.String, "timestamp": pl.Int64}, orient="row"
        ),
        items=pl.DataFrame(
            {
                "item": items,
                "title": [f"Title {item}" for item in items],
                "category": [(categories or {}).get(i) for i in items],
            },
            schema_overrides={"category": pl.String},
        ),
        description={"split": dict(split or {"method": "leave-last"}), **description},
        digest="0" * 64,
    )


def lively_model(item_count: int, seed: int = 0, **changes: Any) -> SurgeModel:
    """An untrained model whose scores differ clearly: its embeddings are ten times the usual size."""
    torch.manual_seed(seed)
    config = from_dict(ModelConfig, {"item_count": item_count, "category_count": 2} | MODEL | changes)
    model = SurgeModel(config, torch.arange(item_count) % 2)
    with torch.no_grad():
        model.item_embedding.weight.mul_(10)
    return model.eval()
