"""The dataset folder as it is read: one validated, immutable `Dataset` with its users, items and searches."""

import difflib
import hashlib
import json
from bisect import bisect_left
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
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

_SUGGESTION_POOL = 2_000  # ids compared when naming the closest ones; difflib is slow on a whole catalogue


@dataclass(frozen=True, eq=False)
class Dataset:
    """A log sorted by user, then time, and the items in it.

    `interactions` has user, item (text, as in the user's own data) and timestamp (unix seconds); `items` has
    item, title, category; `description` is dataset.json; `digest` is the SHA-256 of the three files together,
    so it names the content wherever the folder lies.
    """

    folder: Path
    name: str
    interactions: pl.DataFrame
    items: pl.DataFrame
    description: dict[str, Any]
    digest: str

    @classmethod
    def load(cls, folder: str | Path) -> "Dataset":
        """Read and check a dataset folder; raises SurgeError naming the first thing that is wrong."""
        folder = Path(folder)
        _check_files(folder)
        digest = _digest(folder)
        description = _read_description(folder / DESCRIPTION_FILE)
        interactions = _read_table(folder / INTERACTIONS_FILE, INTERACTION_COLUMNS)
        items = _read_table(folder / ITEMS_FILE, ITEM_COLUMNS)
        _check_items(folder, items)
        _check_interactions(folder, interactions, items, description)
        return cls(folder, description["name"], interactions, items, description, digest)

    @classmethod
    def from_frame(
        cls,
        frame: Any,
        *,
        user: str = "user",
        item: str = "item",
        time: str = "timestamp",
        name: str = "frame",
        **options: Any,
    ) -> "Dataset":
        """The dataset of a pandas or polars frame with a row an interaction, as `surge prepare csv` would make it.

        `user`, `item`, `time`: its columns. `options` are those of `surge.prepare`, `columns` for more of them among
        them. Nothing is left on disk. What can't be read is a SurgeError.
        """
        from surge.data.frames import prepared

        return prepared(cls, frame, {"user": user, "item": item, "time": time}, name, options)

    @cached_property
    def _runs(self) -> pl.DataFrame:
        return self.interactions["user"].rle().struct.unnest()

    @cached_property
    def users(self) -> list[str]:
        """All user ids, in file order (which is sorted)."""
        return self._runs["value"].to_list()

    @cached_property
    def offsets(self) -> np.ndarray:
        """Row where each user's interactions begin, and a last entry for the end: int64, one more than users."""
        offsets = np.zeros(len(self.users) + 1, dtype=np.int64)
        np.cumsum(self._runs["len"].to_numpy(), out=offsets[1:])
        return offsets

    def user_index(self, user: str) -> int:
        """Position of a user in `users`; raises SurgeError naming the closest ids when there is none."""
        position = bisect_left(self.users, user)
        if position == len(self.users) or self.users[position] != user:
            near = self.users[max(0, position - _SUGGESTION_POOL // 2) : position + _SUGGESTION_POOL // 2]
            raise SurgeError(
                f"dataset {self.name!r} has no user {user!r}; "
                + _closest(user, [*self.search_users(user, _SUGGESTION_POOL), *near], "user", INTERACTIONS_FILE)
            )
        return position

    def history(self, user: str) -> pl.DataFrame:
        """That user's interactions in time order; raises SurgeError for an unknown user."""
        position = self.user_index(user)
        begin, end = self.offsets[position], self.offsets[position + 1]
        return self.interactions.slice(int(begin), int(end - begin))

    @cached_property
    def _lowered_users(self) -> pl.DataFrame:
        lowered = self._runs.select(user="value", lowered=pl.col("value").str.to_lowercase())
        return lowered

    def search_users(self, text: str, limit: int = 20) -> list[str]:
        """Users whose id begins with the text, then those that contain it; case is ignored, no wildcards."""
        needle = text.lower()
        found = _ranked(
            self._lowered_users,
            pl.when(pl.col("lowered").str.starts_with(needle))
            .then(0)
            .when(pl.col("lowered").str.contains(needle, literal=True))
            .then(1),
            limit,
        )
        return found["user"].to_list()

    @cached_property
    def _lowered_items(self) -> pl.DataFrame:
        lowered = pl.col("item", "title", "category").str.to_lowercase().name.prefix("lowered_")
        return self.items.select("item", "title", "category", lowered)

    def search_items(self, text: str, limit: int = 20) -> pl.DataFrame:
        """Items matching the text: the exact id, then titles that begin with it, then any id, title or category.

        Returns item, title, category, in file order within each of the three groups; case is ignored.
        """
        needle = text.lower()
        contains = pl.any_horizontal(
            pl.col(f"lowered_{column}").fill_null("").str.contains(needle, literal=True)
            for column in ("item", "title", "category")
        )
        rank = (
            pl.when(pl.col("lowered_item") == needle)
            .then(0)
            .when(pl.col("lowered_title").str.starts_with(needle))
            .then(1)
            .when(contains)
            .then(2)
        )
        return _ranked(self._lowered_items, rank, limit).select("item", "title", "category")

    @cached_property
    def _item_rows(self) -> dict[str, int]:
        return {item: row for row, item in enumerate(self.items["item"])}

    def item(self, item_id: str) -> dict[str, Any]:
        """Item, title and category of one item; raises SurgeError naming the closest ids when there is none."""
        row = self._item_rows.get(item_id)
        if row is None:
            pool = [*self.search_items(item_id, _SUGGESTION_POOL)["item"], *self.items["item"][:_SUGGESTION_POOL]]
            raise SurgeError(
                f"dataset {self.name!r} has no item {item_id!r}; " + _closest(item_id, pool, "item", ITEMS_FILE)
            )
        return self.items.select("item", "title", "category").row(row, named=True)


def _ranked(frame: pl.DataFrame, rank: pl.Expr, limit: int) -> pl.DataFrame:
    found = frame.with_columns(rank=rank).filter(pl.col("rank").is_not_null())
    return found.sort("rank", maintain_order=True).head(max(0, limit))


def _closest(wanted: str, pool: list[str], noun: str, file: str) -> str:
    known = list(dict.fromkeys(pool))[:_SUGGESTION_POOL]
    matches = difflib.get_close_matches(wanted, known, n=3, cutoff=0.4)
    if not matches:
        return f"ids of {noun}s are such as {', '.join(map(repr, known[:3]))}; all are in the dataset's {file}"
    return "the closest are " + ", ".join(repr(match) for match in matches)


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
