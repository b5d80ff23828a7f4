"""The layout of a dataset folder: its files, their columns, the names of the splits."""

import polars as pl

from surge.folders import DATASET_NAME

FORMAT_VERSION = 1
SPLITS = ("train", "valid", "test")  # in the column `split`, where a log has a split of its own
INTERACTIONS_FILE = "interactions.parquet"
ITEMS_FILE = "items.parquet"
DESCRIPTION_FILE = DATASET_NAME
FILES = (INTERACTIONS_FILE, ITEMS_FILE, DESCRIPTION_FILE)

# Columns without which a dataset is none; `rating`, `behaviour` and `interest` may follow.
INTERACTION_COLUMNS = {"user": pl.String, "item": pl.String, "timestamp": pl.Int64}
ITEM_COLUMNS = {"item": pl.String, "title": pl.String, "category": pl.String}
