"""What dataset.json says: counts, lengths, and where the log is cut into training, validation and test."""

from typing import Any

import numpy as np
import polars as pl

from surge.data.layout import FORMAT_VERSION
from surge.data.splits import split_counts


def describe(
    interactions: pl.DataFrame,
    items: pl.DataFrame,
    *,
    name: str,
    split: dict[str, Any],
    preparation: dict[str, Any],
) -> dict[str, Any]:
    """The content of dataset.json; holds no clock time and no path, so that equal input gives equal bytes."""
    lengths = interactions.group_by("user").len()["len"].to_numpy()
    pairs = interactions.select("user", "item").n_unique()
    description = {
        "format_version": FORMAT_VERSION,
        "name": name,
        "counts": {
            "interactions": len(interactions),
            "users": len(lengths),
            "items": len(items),
            "categories": items["category"].drop_nulls().n_unique(),
        },
        "time_range": [int(interactions["timestamp"].min()), int(interactions["timestamp"].max())],  # type: ignore[arg-type]
        "history_length": {
            "min": int(lengths.min()),
            "median": float(np.median(lengths)),
            "mean": round(float(lengths.mean()), 2),
            "max": int(lengths.max()),
        },
        "repeat_share": round(1 - pairs / len(interactions), 4),
        "split": split,
        "preparation": preparation,
    }
    counted = split_counts(interactions, split)
    if counted:
        description["split_counts"] = counted
    return description
