"""Candidate lists as a file: drawn once, the same for every model, and for a peer that only returns scores."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from surge.atomic_write import atomic_write
from surge.data.files import check_file, is_parquet
from surge.data.instances import EncodedLog, Instances
from surge.data.negatives import NONE
from surge.data.parquet import UnreadableError, read_outline, read_parquet
from surge.errors import SurgeError

COLUMNS = pl.Schema([("user", pl.String), ("step", pl.Int64), ("candidates", pl.List(pl.String))])

_NEEDED = (
    "user, step (how many of the user's interactions come before the positive) and candidates (the positive first)"
)
_MEANT = {"user": "a user's id", "step": "a whole number", "candidates": "a list of item ids"}


def write_lists(
    path: Path, instances: Instances, lists: np.ndarray, log: EncodedLog, users: list[str], items: list[str]
) -> None:
    """Parquet with one row a list: `user`, `step` (how many of the user's interactions come before the positive) and
    `candidates`, the positive first; ids as in the dataset. `lists` (k, 1 + negatives) holds rows of `items`,
    and NONE where a list is shorter."""
    names = np.asarray(items, dtype=object)
    table = pl.DataFrame(
        {
            "user": [users[user] for user in instances.user.tolist()],
            "step": instances.position - log.offsets[instances.user],
            "candidates": [names[row[row != NONE]].tolist() for row in lists],
        },
        schema=COLUMNS,
    )
    with atomic_write(path) as stream:
        table.write_parquet(stream)


def read_lists(path: Path, log: EncodedLog, users: list[str], items: list[str]) -> tuple[Instances, np.ndarray]:
    """The instances and their lists as rows of `items`; shorter lists than the longest end with NONE.

    A file that isn't one, an unknown user or item, a step that the log doesn't have, a positive that the log doesn't
    have there or that is its own negative, a negative that its list has twice, a list without one, or a second list of
    the same user and step, which would weigh double, are a SurgeError.
    """
    table = _table(path)
    lengths = table["candidates"].list.len()
    for row, length in enumerate(lengths.to_list()):
        if length is None or length < 2:
            raise SurgeError(
                f"{str(path)!r} has {length or 'no'} candidate{'' if length == 1 else 's'} in its row {row + 1}; give "
                "every list a positive and at least one negative."
            )
    if not len(lengths):
        raise SurgeError(f"{str(path)!r} has no rows; give lists of a positive and at least one negative.")
    longest = int(lengths.max())  # type: ignore[arg-type]
    user_rows = {user: row for row, user in enumerate(users)}
    item_rows = {item: row for row, item in enumerate(items)}
    user, position = np.empty(table.height, dtype=np.int64), np.empty(table.height, dtype=np.int64)
    lists = np.full((table.height, longest), NONE, dtype=np.int64)
    seen = set()
    for place, (name, step, candidates) in enumerate(table.iter_rows()):
        where = f"The list of user {name!r} at step {step} in {str(path)!r}"
        unknown = [item for item in candidates if item not in item_rows]
        if unknown:
            raise SurgeError(f"{where} holds the item {unknown[0]!r}, which the dataset doesn't have.")
        if name not in user_rows:
            raise SurgeError(f"{where} is of a user that the dataset doesn't have.")
        user[place] = user_rows[name]
        lists[place, : len(candidates)] = [item_rows[item] for item in candidates]
        first, last = log.offsets[user[place]], log.offsets[user[place] + 1]
        if step is None or not 0 < step < last - first:
            raise SurgeError(f"{where} has no history before it in the dataset, or no positive there.")
        position[place] = first + step
        if position[place] in seen:
            raise SurgeError(f"{where} is there more than once; keep one list of each user and step.")
        seen.add(position[place])
        if log.items[position[place]] != lists[place, 0]:
            raise SurgeError(f"{where} must start with its positive, {items[log.items[position[place]]]!r}.")
        if (lists[place, 1:] == lists[place, 0]).any():
            raise SurgeError(f"{where} holds its positive among its negatives.")
        if len(set(candidates)) < len(candidates):
            again = next(item for item in candidates if candidates.count(item) > 1)
            raise SurgeError(f"{where} holds the item {again!r} more than once; each candidate may be there once.")
    return Instances(user, position), lists


def _table(path: Path) -> pl.DataFrame:
    """The columns of COLUMNS, with their types."""
    check_file(path)
    if not is_parquet(path):
        raise SurgeError(
            f"{str(path)!r} is not Parquet, which candidate lists are read from; write it with polars or pandas "
            f"(write_parquet, to_parquet), with {_NEEDED}."
        )
    try:
        held = dict(read_outline(path).schema)
        for name in COLUMNS:
            if name not in held:
                raise SurgeError(
                    f"{str(path)!r} is no file of candidate lists: it has no column {name!r}. It needs {_NEEDED}."
                )
            kind = held[name]
            if name == "candidates" and not (isinstance(kind, pl.List | pl.Array) and not kind.inner.is_nested()):  # type: ignore[union-attr]
                raise SurgeError(
                    f'{str(path)!r} has \'candidates\' as {kind}; they must be lists of item ids, such as ["i7", "i2"].'
                )
        table = read_parquet(path, list(COLUMNS))
    except UnreadableError as problem:
        raise SurgeError(f"{str(path)!r} can't be read as Parquet ({problem}); write it again.") from problem
    for name, kind in COLUMNS.items():
        cast = table[name].cast(kind, strict=False)
        exact = cast.cast(pl.Float64) == table[name] if table.schema[name].is_float() else cast.is_not_null()
        wrong = np.flatnonzero((table[name].is_not_null() & ~exact.fill_null(False)).to_numpy())
        if len(wrong):
            value, row = table[name][int(wrong[0])], int(wrong[0]) + 1
            raise SurgeError(
                f"{str(path)!r} has {value!r:.60} as {name!r} in its row {row}; it must be {_MEANT[name]}."
            )
        table = table.with_columns(cast)
    return table
