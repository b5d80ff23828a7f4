"""What dataset.json says: counts, lengths, and where the log is cut into training, validation and test."""

from typing import Any

import numpy as np
import polars as pl

from surge.data.store import FORMAT_VERSION, SPLIT_WORDS
from surge.errors import SurgeError

VALID_SHARE = 0.1
TEST_SHARE = 0.1


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
    if split["method"] == "time":
        description["split_counts"] = _period_counts(interactions["timestamp"], split)
    elif split["method"] == "own":
        description["split_counts"] = {name: int((interactions["split"] == name).sum()) for name in SPLIT_WORDS}
    return description


def time_split(timestamps: pl.Series, valid_start: int | None = None, test_start: int | None = None) -> dict[str, Any]:
    """Boundaries in unix seconds; an interaction is test from test_start on, validation from valid_start on.

    Without given boundaries about a tenth of the interactions falls into each of the two periods; a second is
    never cut in two. Raises SurgeError when a period would be empty.
    """
    first, last = int(timestamps.min()), int(timestamps.max())  # type: ignore[arg-type]
    if (valid_start is None) != (test_start is None):
        raise SurgeError("only one of --valid-start and --test-start is given; give both, or neither")
    if valid_start is None or test_start is None:
        ordered = timestamps.sort()
        last_row = len(ordered) - 1
        test_start = int(ordered[min(last_row, round(len(ordered) * (1 - TEST_SHARE)))])
        valid_start = int(ordered[min(last_row, round(len(ordered) * (1 - TEST_SHARE - VALID_SHARE)))])
        if not first < valid_start < test_start:
            raise SurgeError(
                f"the log has too few distinct times to cut it into three periods ({timestamps.n_unique()} in all); "
                "use --split leave-last"
            )
    elif not first < valid_start < test_start <= last:
        raise SurgeError(
            f"the periods are out of order: the log runs from {first} to {last} and is to be cut at {valid_start} "
            f"and {test_start} (unix seconds); give first < --valid-start < --test-start <= last"
        )
    split = {"method": "time", "valid_start": valid_start, "test_start": test_start}
    if not all(_period_counts(timestamps, split).values()):
        raise SurgeError("one of the periods has no interactions; give other --valid-start and --test-start")
    return split


def _period_counts(timestamps: pl.Series, split: dict[str, Any]) -> dict[str, int]:
    before_valid = int((timestamps < split["valid_start"]).sum())
    before_test = int((timestamps < split["test_start"]).sum())
    return {
        "train": before_valid,
        "valid": before_test - before_valid,
        "test": len(timestamps) - before_test,
    }
