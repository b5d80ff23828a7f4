"""Parquet files that somebody else may have written or damaged, read by pyarrow: at some damage polars aborts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pyarrow as pa
from pyarrow import parquet


class UnreadableError(ValueError):
    """The file is no Parquet file, or a damaged one."""


@dataclass(frozen=True)
class Outline:
    """What a file says of itself before a column is read: its types, rows and own metadata."""

    schema: pl.Schema
    rows: int
    metadata: dict[str, str]


def read_outline(source: Path | bytes) -> Outline:
    """The outline of a file or of its content; UnreadableError where there is none."""
    try:
        with parquet.ParquetFile(_opened(source)) as file:
            empty = pl.from_arrow(file.schema_arrow.empty_table())
            found = file.metadata.metadata or {}
            metadata = {key.decode(): value.decode() for key, value in found.items()}
            return Outline(empty.schema, file.metadata.num_rows, metadata)  # type: ignore[union-attr]
    except _FAILURES as problem:
        raise UnreadableError(_reason(problem)) from problem


def read_parquet(source: Path | bytes, columns: list[str] | None = None) -> pl.DataFrame:
    """The table of a file or of its content, all columns or these; UnreadableError where there is none."""
    try:
        table = parquet.read_table(_opened(source), columns=columns)
        table.validate(full=True)  # text that isn't UTF-8, offsets that lead outside
        return pl.from_arrow(table)  # type: ignore[return-value]
    except _FAILURES as problem:
        raise UnreadableError(_reason(problem)) from problem


def read_names(path: Path) -> list[str]:
    """The names of a file's columns, several of which may be equal; UnreadableError where there are none."""
    try:
        with parquet.ParquetFile(_opened(path)) as file:
            return list(file.schema_arrow.names)
    except _FAILURES as problem:
        raise UnreadableError(_reason(problem)) from problem


def read_renamed(path: Path, names: list[str]) -> pl.DataFrame:
    """The table of a file under other names of its columns; UnreadableError where there is none."""
    try:
        with parquet.ParquetFile(_opened(path)) as file:
            table = file.read().rename_columns(names)
        table.validate(full=True)
        return pl.from_arrow(table)  # type: ignore[return-value]
    except _FAILURES as problem:
        raise UnreadableError(_reason(problem)) from problem


# pl.from_arrow panics, with an exception of its own, at types that polars lacks
_FAILURES = (pa.ArrowException, OSError, ValueError, pl.exceptions.PolarsError, pl.exceptions.PanicException)


def _opened(source: Path | bytes) -> pa.NativeFile:
    return pa.BufferReader(source) if isinstance(source, bytes) else pa.OSFile(str(source))


def _reason(problem: BaseException) -> str:
    return " ".join(str(problem).split())[:200]
