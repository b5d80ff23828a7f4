"""Surveys made up for tests: the columns and metadata of the file that `python -m surge survey` writes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl

from surge.explanation.survey_file import VERSION


def make_survey(users: list[str], seed: int = 0, item: str = "i0", without_next: int = 2) -> pl.DataFrame:
    """One row a user; the first `without_next` users have no next item, and no faithfulness."""
    rng = np.random.default_rng(seed)
    n = len(users)
    known = np.arange(n) >= without_next

    def nullable(values: np.ndarray) -> list:
        return [value if ok else None for value, ok in zip(values.tolist(), known, strict=True)]

    length = rng.integers(5, 51, n)
    return pl.DataFrame(
        {
            "user": users,
            "length": length,
            "clusters_in_use": rng.integers(1, 9, n),
            "effective_clusters": rng.uniform(1, 8, n),
            "assignment_entropy": rng.beta(2, 9, n),
            "dominant_interest": rng.beta(4, 4, n),
            "noise_share": rng.beta(1, 6, n),
            "drift": rng.beta(2, 4, n),
            "next_item": nullable(np.full(n, item)),
            "next_rank": nullable(np.exp(rng.uniform(0, np.log(2000), n)).astype(np.int64)),
            "next_probability": nullable(np.exp(rng.uniform(np.log(0.0002), np.log(0.08), n))),
            "next_lift": nullable(np.exp(rng.normal(1.5, 1.2, n))),
            "next_period": nullable(rng.choice(["train", "valid", "test"], n, p=[0.2, 0.2, 0.6])),
            "top_item": [item] * n,
            "top_probability": np.exp(rng.uniform(np.log(0.01), np.log(0.2), n)),
            "top_lift": np.exp(rng.normal(2.5, 0.8, n)),
            "faithfulness": nullable(np.clip(rng.normal(0.5, 0.25, n), -1, 1)),
            "attention_faithfulness": nullable(np.clip(rng.normal(0.2, 0.35, n), -1, 1)),
            "attention_distance": rng.uniform(0, 0.5, n),
            "x": rng.normal(size=n),
            "y": rng.normal(size=n),
        },
        schema_overrides={
            "next_item": pl.String,
            "next_rank": pl.Int64,
            "next_probability": pl.Float64,
            "next_lift": pl.Float64,
            "next_period": pl.String,
            "faithfulness": pl.Float64,
            "attention_faithfulness": pl.Float64,
        },
    )


def as_pandas(frame: pl.DataFrame) -> pd.DataFrame:
    """The survey as the views get it: unknown numbers are NaN."""
    return pd.DataFrame(
        {
            name: pd.Series(frame[name].to_list(), dtype=object if dtype == pl.String else np.float64)
            for name, dtype in frame.schema.items()
        }
    )


def write_file(path: Path, frame: pl.DataFrame, checkpoint: str, dataset: str) -> None:
    """The Parquet file with its metadata."""
    metadata = {
        "surge.survey_version": VERSION,
        "surge.checkpoint": checkpoint,
        "surge.dataset": dataset,
        "surge.map": "pca",
    }
    frame.write_parquet(path, metadata=metadata)
