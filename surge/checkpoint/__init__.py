"""A trained model as a folder of plain files, written whole and checked before use."""

from surge.checkpoint.catalogue import Catalogue, category_rows
from surge.checkpoint.loading import Checkpoint, as_checkpoint, load_checkpoint
from surge.checkpoint.saving import save_checkpoint, store_metrics

__all__ = [
    "Catalogue",
    "Checkpoint",
    "as_checkpoint",
    "category_rows",
    "load_checkpoint",
    "save_checkpoint",
    "store_metrics",
]
