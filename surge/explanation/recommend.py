"""What a checkpoint recommends: to one user, and to all of them as a table that an interrupted run continues."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from surge.arguments import arguments, called, flag, identifier, new_path, optional, several, whole
from surge.atomic_write import atomic_write, check_place
from surge.checkpoint import Checkpoint, as_checkpoint
from surge.data.dataset import Dataset, as_dataset
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
    are there, and a run with the same checkpoint, dataset and settings continues from them. Gives how many users have
    rows (`users`), how many have none (`unknown`), and how many rows there are.
    """
    place = check_place(output, "A table of recommendations", ".parquet")
    checkpoint, dataset = as_checkpoint(checkpoint), as_dataset(dataset)
    chosen = dataset.users if users is None else [str(user) for user in dict.fromkeys(users)]
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
        tables.append(pl.scan_parquet(part, glob=False))
        if progress is not None:
            progress(min(1.0, (start + TOGETHER) / len(chosen)))
    table = pl.concat(tables).collect() if tables else pl.DataFrame(schema=COLUMNS)
    with atomic_write(place) as stream:
        table.write_parquet(stream, metadata={"surge.checkpoint": checkpoint.digest, "surge.dataset": dataset.digest})
    shutil.rmtree(parts)
    known = table["user"].n_unique()
    return {"users": known, "unknown": len(chosen) - known, "rows": len(table)}


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
        dataset.user_index(user)  # an unknown user is an error; one without known items, below, is not
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
