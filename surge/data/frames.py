"""A dataset in memory, from a frame or a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import polars as pl

from surge.data.preparation import prepare
from surge.errors import SurgeError

if TYPE_CHECKING:
    from surge.data.dataset import Dataset


def prepared(
    kind: type[Dataset], frame: Any, columns: Mapping[str, str], name: str, options: Mapping[str, Any]
) -> Dataset:
    """The dataset that `prepare` makes of a pandas or polars frame, read as a `kind`; see `Dataset.from_frame`."""
    if isinstance(frame, pl.LazyFrame):
        frame = frame.collect()
    if not isinstance(frame, pl.DataFrame):
        try:
            frame = pl.from_pandas(frame)
        except (TypeError, ValueError, pl.exceptions.PolarsError) as problem:
            raise SurgeError(f"A dataset is made of a pandas or polars frame, not of this ({problem}).") from problem
    given = {**columns, **options.get("columns", {})}
    rest = {key: value for key, value in options.items() if key != "columns"}
    with TemporaryDirectory() as folder:
        log = Path(folder) / f"{name}.parquet"
        frame.write_parquet(log)
        return prepared_file(kind, log, name, columns=given, **rest)


def prepared_file(kind: type[Dataset], path: str | Path, name: str, **options: Any) -> Dataset:
    """The dataset that `prepare` makes of a table, of which nothing is left on disk."""
    with TemporaryDirectory() as folder:
        output = Path(folder) / name
        prepare("csv", [path], output, name=name, **options)
        return replace(kind.load(output), folder=Path(name))
