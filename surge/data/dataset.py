"""The dataset folder as it is read: one validated, immutable `Dataset` with its users, items and searches."""

import difflib
from bisect import bisect_left
from collections.abc import Hashable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from surge.arguments import arguments, identifier, path, shown, whole
from surge.data.item_table import same_numbers, taken_for_the_same
from surge.data.layout import INTERACTIONS_FILE, ITEMS_FILE
from surge.data.reading import read_folder
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
    @arguments("Dataset.load", folder=path)
    def load(cls, folder: str | Path) -> "Dataset":
        """Read and check a dataset folder; raises SurgeError naming the first thing that is wrong."""
        folder = Path(folder)
        interactions, items, description, digest = read_folder(folder)
        return cls(folder, description["name"], interactions, items, description, digest)

    @classmethod
    @arguments("Dataset.from_frame")
    def from_frame(
        cls,
        frame: Any,
        *,
        user: Hashable = "user",
        item: Hashable = "item",
        time: Hashable | None = "timestamp",
        name: str = "frame",
        **options: Any,
    ) -> "Dataset":
        """The dataset of a pandas or polars frame with a row an interaction, as `surge prepare csv` would make it.

        `user`, `item`, `time`: its columns, or levels of the index, as the frame calls them; where there is none of the
        usual name above, one of another usual name is taken. Without times, `time=None`, the rows stand in the order in
        which they happened. No other column is looked at, but ratings, titles and categories of a usual name, and what
        `columns` names by role (rating, behaviour, title, category, order, split). The other `options` are those of
        `surge.prepare`, without those about files; `items_file` may be a frame about the items.

        Nothing is left on disk. One UserWarning says how many rows were left out, by reason, and what else there is to
        tell; both are in `description["preparation"]`, as `dropped` and `notes`. What can't be read is a SurgeError.
        """
        from surge.data.frames import prepared

        return prepared(cls, frame, {"user": user, "item": item, "time": time}, name, options)

    def as_written(self, others: pl.Series) -> tuple["Dataset", list[str]]:
        """The same with item ids as `others` are written, where they are the same whole numbers (12.0 and 12), and what
        to tell about it."""
        same = same_numbers(self.items["item"], others)
        if same.is_empty():
            return self, []
        renamed = pl.col("item").replace(same["item"], same["other"])
        items = self.items.with_columns(renamed).unique("item", keep="first", maintain_order=True)
        written = replace(self, interactions=self.interactions.with_columns(renamed), items=items)
        return written, [taken_for_the_same(same, "than the model has them")]

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

    def user_index(self, user: str | int) -> int:
        """Position of a user in `users`; raises SurgeError naming the closest ids when there is none."""
        user = identifier(user, "user")
        position = bisect_left(self.users, user)
        if position == len(self.users) or self.users[position] != user:
            near = self.users[max(0, position - _SUGGESTION_POOL // 2) : position + _SUGGESTION_POOL // 2]
            raise SurgeError(
                f"dataset {self.name!r} has no user {shown(user)}; "
                + _closest(user, [*self.search_users(user, _SUGGESTION_POOL), *near], "user", INTERACTIONS_FILE)
            )
        return position

    def history(self, user: str | int) -> pl.DataFrame:
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
        needle = identifier(text, "text").lower()
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
        needle = identifier(text, "text").lower()
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

    def item(self, item_id: str | int) -> dict[str, Any]:
        """Item, title and category of one item; raises SurgeError naming the closest ids when there is none."""
        item_id = identifier(item_id, "item")
        row = self._item_rows.get(item_id)
        if row is None:
            pool = [*self.search_items(item_id, _SUGGESTION_POOL)["item"], *self.items["item"][:_SUGGESTION_POOL]]
            raise SurgeError(
                f"dataset {self.name!r} has no item {shown(item_id)}; " + _closest(item_id, pool, "item", ITEMS_FILE)
            )
        return self.items.select("item", "title", "category").row(row, named=True)


def as_dataset(given: object) -> Dataset:
    """A dataset, or that of the folder which is given; a SurgeError for anything else."""
    if isinstance(given, Dataset):
        return given
    if isinstance(given, str | Path):
        return Dataset.load(given)
    raise SurgeError(
        f"{shown(given)} is given as the dataset; give one of surge.Dataset.load(folder), or of "
        "surge.Dataset.from_frame(frame), or the folder itself"
    )


def _ranked(frame: pl.DataFrame, rank: pl.Expr, limit: int) -> pl.DataFrame:
    found = frame.with_columns(rank=rank).filter(pl.col("rank").is_not_null())
    return found.sort("rank", maintain_order=True).head(max(0, whole()(limit, "limit")))


def _closest(wanted: str, pool: list[str], noun: str, file: str) -> str:
    known = list(dict.fromkeys(pool))[:_SUGGESTION_POOL]
    matches = difflib.get_close_matches(wanted, known, n=3, cutoff=0.4)
    if not matches:
        return f"ids of {noun}s are such as {', '.join(map(repr, known[:3]))}; all are in the dataset's {file}"
    return "the closest are " + ", ".join(repr(match) for match in matches)
