"""The files of a dataset folder, each checked before anything is made of it."""

import hashlib
import json
from pathlib import Path
from typing import Any

import polars as pl

from surge.data.layout import (
    DESCRIPTION_FILE,
    FILES,
    FORMAT_VERSION,
    INTERACTION_COLUMNS,
    INTERACTIONS_FILE,
    ITEM_COLUMNS,
    ITEMS_FILE,
    SPLITS,
)
from surge.data.parquet import UnreadableError, read_parquet
from surge.errors import SurgeError


def read_folder(folder: Path) -> tuple[pl.DataFrame, pl.DataFrame, dict[str, Any], str]:
    """Interactions, items, the description and the digest of all; a SurgeError names the first thing that is wrong."""
    _check_files(folder)
    digest = _digest(folder)
    description = _read_description(folder / DESCRIPTION_FILE)
    interactions = _read_table(folder / INTERACTIONS_FILE, INTERACTION_COLUMNS)
    items = _read_table(folder / ITEMS_FILE, ITEM_COLUMNS)
    _check_items(folder, items)
    _check_interactions(folder, interactions, items, description)
    return interactions, items, description, digest


def _check_files(folder: Path) -> None:
    if not folder.is_dir():
        raise SurgeError(f"{folder} is not a dataset folder; make one with `python -m surge prepare`")
    for name in FILES:
        path = folder / name
        if path.is_symlink():
            raise SurgeError(f"{path} is a symbolic link, which is refused; put the file itself in the folder")
        if not path.is_file():
            raise SurgeError(f"{folder} has no {name}; make the folder with `python -m surge prepare`")


def _digest(folder: Path) -> str:
    total = hashlib.sha256()
    for name in FILES:
        with open(folder / name, "rb") as file:
            total.update(hashlib.file_digest(file, "sha256").digest())
    return total.hexdigest()


def _read_description(path: Path) -> dict[str, Any]:
    try:
        description = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as problem:
        raise SurgeError(f"{path} is not valid JSON; prepare the dataset again") from problem
    if not isinstance(description, dict):
        raise SurgeError(f"{path} does not hold a JSON object; prepare the dataset again")
    version = description.get("format_version")
    if version != FORMAT_VERSION:
        raise SurgeError(
            f"{path} has format version {version!r} and this program reads {FORMAT_VERSION}; "
            "prepare the dataset again with this version"
        )
    if not isinstance(description.get("name"), str) or not description["name"]:
        raise SurgeError(f"{path} gives the dataset no name; prepare the dataset again")
    _check_split(path, description.get("split"))
    _check_figures(path, description)
    return description


def _check_split(path: Path, split: object) -> None:
    if isinstance(split, dict) and split.get("method") in ("leave-last", "own"):
        return
    if isinstance(split, dict) and split.get("method") == "time":
        valid_start, test_start = split.get("valid_start"), split.get("test_start")
        # `type` and not isinstance: JSON's true is an int to Python.
        if type(valid_start) is int and type(test_start) is int and valid_start < test_start:
            return
    raise SurgeError(
        f'{path} has no usable split; it must be {{"method": "leave-last"}}, {{"method": "own"}} or {{"method": '
        '"time"} with valid_start before test_start in unix seconds'
    )


def _check_figures(path: Path, description: dict[str, Any]) -> None:
    """What training reads of the figures, where they are there: a wrong kind is told now, not after a training."""
    counts, repeats = description.get("counts", {}), description.get("repeat_share", 0.0)
    if not isinstance(counts, dict):
        raise SurgeError(f"{path} gives no table of counts but {counts!r:.60}; prepare the dataset again")
    # `type` and not isinstance, and no NaN: see above
    if type(repeats) not in (int, float) or not 0 <= repeats <= 1:
        raise SurgeError(
            f"{path} has {repeats!r:.60} as repeat_share, not a share from 0 to 1; prepare the dataset again"
        )


def _read_table(path: Path, columns: dict[str, Any]) -> pl.DataFrame:
    try:
        table = read_parquet(path)
    except UnreadableError as problem:
        raise SurgeError(f"{path} can't be read as Parquet; prepare the dataset again") from problem
    for column, dtype in columns.items():
        if column not in table.columns:
            raise SurgeError(f"{path} has no column {column!r}; it has {', '.join(table.columns) or 'none'}")
        if table.schema[column] != dtype:
            raise SurgeError(f"{path} has {column!r} as {table.schema[column]}; it must be {dtype}")
        empty = table[column].null_count()
        if empty and column != "category":
            raise SurgeError(f"{path} has {empty} empty values in {column!r}; prepare the dataset again")
    return table


def _check_items(folder: Path, items: pl.DataFrame) -> None:
    repeated = items.filter(pl.col("item").is_duplicated())
    if len(repeated):
        raise SurgeError(f"{folder / ITEMS_FILE} lists item {repeated['item'][0]!r} more than once")


def _check_interactions(folder: Path, interactions: pl.DataFrame, items: pl.DataFrame, description: dict) -> None:
    path = folder / INTERACTIONS_FILE
    if not len(interactions):
        raise SurgeError(f"{path} has no rows; prepare the dataset from a log that has some")
    counts = description.get("counts")
    stated = counts.get("interactions") if isinstance(counts, dict) else None
    if stated is not None and stated != len(interactions):
        raise SurgeError(
            f"{folder / DESCRIPTION_FILE} speaks of {stated} interactions and {path} has {len(interactions)}; "
            "the files are not from the same preparation"
        )
    same_user = pl.col("user") == pl.col("user").shift()
    out_of_order = interactions.lazy().select(
        pl.col("user").is_sorted(),
        backwards=(same_user & (pl.col("timestamp") < pl.col("timestamp").shift())).any(),
    )
    users_sorted, backwards = out_of_order.collect().row(0)
    if not users_sorted or backwards:
        raise SurgeError(f"{path} is not sorted by user, then timestamp; prepare the dataset again")
    if description["split"]["method"] == "own":
        words = interactions["split"] if "split" in interactions.columns else pl.Series([None])
        if not words.is_in(SPLITS).fill_null(False).all():
            raise SurgeError(
                f"{path} does not say of each interaction which split it belongs to ({', '.join(SPLITS)}); "
                "prepare the dataset again"
            )
    unknown = interactions.join(items, on="item", how="anti")
    if len(unknown):
        raise SurgeError(f"{folder / ITEMS_FILE} lacks item {unknown['item'][0]!r}, which has interactions")
