"""The items of a checkpoint with their vectors."""

from __future__ import annotations

import numpy as np
import polars as pl
import torch

from surge.checkpoint import Checkpoint

CHUNK = 16_384  # items that are read at once


def vectors(checkpoint: Checkpoint) -> np.ndarray:
    """h of every item (items x d, float32): the item's own part beside its category's, as the model reads it."""
    with torch.inference_mode():
        return checkpoint.model.embed(torch.arange(checkpoint.model_config.item_count)).numpy()


def learned_what_follows(checkpoint: Checkpoint) -> bool:
    """Whether the checkpoint has a next-item head, and training taught it anything."""
    return checkpoint.model_config.forms.next_item and checkpoint.training_config.loss.next_item_weight > 0


def states(checkpoint: Checkpoint) -> np.ndarray:
    """What the next-item head makes of a history of each item alone (items x d, float32).

    Its product with h of an item that comes next was trained to be large, against items drawn as often as they occur.
    """
    model, count = checkpoint.model, checkpoint.model_config.item_count
    found = np.empty((count, checkpoint.model_config.size), dtype=np.float32)
    with torch.inference_mode():
        for part in torch.arange(count).split(CHUNK):
            alone = part.unsqueeze(1)
            ages = torch.full(alone.shape, torch.nan, dtype=torch.float64)
            graph = model.graph_from_embeddings(model.embed(alone), torch.ones_like(alone, dtype=torch.bool), ages)
            found[part.numpy()] = model.follow(graph.values)[:, 0].numpy()
    return found


def item_table(checkpoint: Checkpoint, columns: dict[str, np.ndarray]) -> pl.DataFrame:
    """row, item, title, category, count, popularity q, and `columns` (items x d); row r is embedding row r."""
    catalogue = checkpoint.catalogue
    popularity = catalogue.sampler.probability if len(catalogue.counts) > 1 else np.ones(1)
    return (
        catalogue.items.select("item", "title", "category", "count")
        .with_row_index("row")
        .with_columns(pl.col("row").cast(pl.Int64), popularity=popularity)
        .with_columns(pl.Series(name, values) for name, values in columns.items())
    )
