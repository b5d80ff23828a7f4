"""What a checkpoint recommends: to one user, and to all of them as a table that an interrupted run continues."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from surge.arguments import arguments, called, flag, identifier, new_path, optional, several, whole
from surge.atomic_write import atomic_write, check_place, check_replaceable
from surge.checkpoint import Checkpoint, as_checkpoint
from surge.data.dataset import Dataset, as_dataset
from surge.data.instances import encode
from surge.data.parquet import UnreadableError, read_outline
from surge.errors import SurgeError
from surge.explanation.history import read_history
from surge.explanation.measurements import Predicted
from surge.explanation.ranking import rank_catalogue

TOGETHER = 200  # users of a part: what an interruption costs at most
COLUMNS = pl.Schema(
    [("user", pl.String), ("rank", pl.Int64), ("item", pl.String), ("chance", pl.Float64), ("lift", pl.Float64)]
)


@arguments(top=whole(1), hold_out=flag)
def recommend(
    checkpoint: Checkpoint | str | Path,
    dataset: Dataset | str | Path,
    user: str | int,
    top: int = 10,
    *,
    hold_out: bool = True,
) -> list[Predicted]:
    """The `top` best items of a user, best first; `hold_out` leaves the user's last interaction out of the history.

    An unknown user, and one of whose items the model knows none, are a SurgeError.
    """
    checkpoint, dataset = as_checkpoint(checkpoint), as_dataset(dataset)
    return rank_catalogue(checkpoint, read_history(checkpoint, dataset, user, hold_out=hold_out)).top(top)


@arguments(
    output=new_path,
    top=whole(1),
    users=optional(several(identifier)),
    hold_out=flag,
    progress=optional(called),
)
def recommend_all(
    checkpoint: Checkpoint | str | Path,
    dataset: Dataset | str | Path,
    output: str | Path,
    top: int = 100,
    *,
    users: Iterable[str | int] | None = None,
    hold_out: bool = False,
    progress: Callable[[float], None] | None = None,
) -> dict[str, int]:
    """Write the `top` best items of all users (or of these, each once) as Parquet: user, rank, item, chance, lift.

    Users of whose items the model knows none have no rows. Finished parts lie in a folder beside the output until all
    are there, and a run with the same checkpoint, dataset and settings continues from them. Only a file that an earlier
    run wrote is replaced. Gives how many users have rows (`users`), how many have none (`unknown`), how many rows there
    are, and what was left out of the histories, as the model doesn't know the item: `unknown_interactions` with
    `unknown_items`, of `users_with_unknown_items`.
    """
    place = check_output(output)
    checkpoint, dataset = as_checkpoint(checkpoint), as_dataset(dataset)
    chosen = dataset.users if users is None else [str(user) for user in dict.fromkeys(users)]
    places = [dataset.user_index(user) for user in chosen]
    left_out = _unknown(checkpoint, dataset, places, hold_out)
    if places and left_out["unknown_interactions"] == _read(dataset, np.array(places), hold_out).sum():
        known, given = checkpoint.items["item"][0], dataset.history(chosen[0])["item"][0]
        raise SurgeError(
            f"The checkpoint {checkpoint.name!r} knows none of the items of these users, so nothing can be "
            f"recommended; write ids as it does: it has {known!r}, and the users have {given!r}."
        )
    settings = [checkpoint.digest, dataset.digest, top, hold_out, chosen]
    parts = place.with_name(f".{place.name}.{hashlib.sha256(json.dumps(settings).encode()).hexdigest()[:16]}.parts")
    try:
        parts.mkdir(exist_ok=True)
    except OSError as error:
        raise SurgeError(f"The folder {str(parts.parent)!r} can't be written ({error.strerror}).") from error
    tables = []
    for start in range(0, len(chosen), TOGETHER):
        part = parts / f"{start:012}.parquet"
        if not part.exists():
            table = _table(checkpoint, dataset, chosen[start : start + TOGETHER], top, hold_out)
            with atomic_write(part) as stream:
                table.write_parquet(stream)
        tables.append(pl.scan_parquet(part.absolute(), glob=False, hive_partitioning=False))  # polars expands a ~
        if progress is not None:
            progress(min(1.0, (start + TOGETHER) / len(chosen)))
    table = pl.concat(tables).collect() if tables else pl.DataFrame(schema=COLUMNS)
    with atomic_write(place) as stream:
        table.write_parquet(stream, metadata={"surge.checkpoint": checkpoint.digest, "surge.dataset": dataset.digest})
    shutil.rmtree(parts)
    known = table["user"].n_unique()
    return {"users": known, "unknown": len(chosen) - known, "rows": len(table), **left_out}


def check_output(output: str | Path) -> Path:
    """A SurgeError unless a table of recommendations may be written here: a new .parquet file, or in the place of an
    older one."""
    path = check_place(output, "A table of recommendations", ".parquet")
    check_replaceable(path, "table of recommendations", _holds_recommendations)
    return path


def _holds_recommendations(path: Path) -> bool:
    try:
        outline = read_outline(path)
    except UnreadableError:
        return False
    return "surge.checkpoint" in outline.metadata and list(outline.schema) == list(COLUMNS)


def _read(dataset: Dataset, users: np.ndarray, hold_out: bool) -> np.ndarray:
    """How many interactions of each of these users are read."""
    lengths = np.diff(dataset.offsets)[users]
    return lengths - (hold_out & (lengths > 1))


def _unknown(checkpoint: Checkpoint, dataset: Dataset, users: Sequence[int], hold_out: bool) -> dict[str, int]:
    """What these users' histories hold that the model doesn't know."""
    unknown = encode(dataset, checkpoint.rows).unknown
    read = unknown.place < _read(dataset, unknown.user, hold_out)
    chosen = np.flatnonzero(read & np.isin(unknown.user, users))
    user, place = unknown.user[chosen], unknown.place[chosen]
    return {
        "unknown_interactions": len(chosen),
        "unknown_items": dataset.interactions["item"][dataset.offsets[user] + place].n_unique(),
        "users_with_unknown_items": len(np.unique(user)),
    }


def _table(
    checkpoint: Checkpoint,
    dataset: Dataset,
    users: Sequence[str],
    top: int,
    hold_out: bool,
) -> pl.DataFrame:
    columns: dict[str, list[Any]] = {name: [] for name in COLUMNS}
    names = checkpoint.items["item"].to_list()
    for user in users:
        try:
            history = read_history(checkpoint, dataset, user, hold_out=hold_out)
        except SurgeError:  # the model knows none of the items
            continue
        ranking = rank_catalogue(checkpoint, history)
        rows = ranking.order[:top]
        columns["user"] += [user] * len(rows)
        columns["rank"] += range(1, len(rows) + 1)
        columns["item"] += [names[row] for row in rows]
        columns["chance"] += ranking.next_probability(rows).tolist()
        columns["lift"] += ranking.lift(rows).tolist()
    return pl.DataFrame(columns, schema=COLUMNS)
