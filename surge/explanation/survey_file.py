"""The file of a survey: one row a user in Parquet, checked when it is written and when it is read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from surge.atomic_write import atomic_write, check_place, check_replaceable
from surge.checkpoint import Checkpoint
from surge.data.dataset import Dataset
from surge.data.layout import SPLITS
from surge.data.parquet import Outline, UnreadableError, read_outline, read_parquet
from surge.errors import SurgeError
from surge.explanation.survey_map import METHODS

VERSION = "2"
LARGEST_FILE = 64_000_000  # bytes
MOST_ROWS = 2_000_000  # a file of few bytes can hold many


@dataclass(frozen=True)
class Column:
    """What a column holds: its type, whether values may be missing, and the range of the others."""

    dtype: Any
    nullable: bool = False
    least: float = -np.inf
    most: float = np.inf


_SHARE = Column(pl.Float64, least=0, most=1)
_CORRELATION = Column(pl.Float64, nullable=True, least=-1, most=1)
COLUMNS: dict[str, Column] = {
    "user": Column(pl.String),
    "length": Column(pl.Int64, least=1),
    "clusters_in_use": Column(pl.Int64, least=1),
    "effective_clusters": Column(pl.Float64, least=1),
    "assignment_entropy": _SHARE,
    "dominant_interest": _SHARE,
    "noise_share": _SHARE,
    "drift": _SHARE,
    "next_item": Column(pl.String, nullable=True),
    "next_rank": Column(pl.Int64, nullable=True, least=1),
    "next_probability": Column(pl.Float64, nullable=True, least=0, most=1),
    "next_lift": Column(pl.Float64, nullable=True, least=0),
    "next_period": Column(pl.String, nullable=True),
    "top_item": Column(pl.String),
    "top_probability": _SHARE,
    "top_lift": Column(pl.Float64, least=0),
    "faithfulness": _CORRELATION,
    "attention_faithfulness": _CORRELATION,
    "attention_distance": _SHARE,
    "x": Column(pl.Float64),
    "y": Column(pl.Float64),
}
ROUNDING = 1e-6  # by which a share may leave its range


def survey_path(checkpoint_folder: str | Path) -> Path:
    """Where a checkpoint's survey lies unless said otherwise: beside its folder, `<name>.survey.parquet`."""
    folder = Path(checkpoint_folder)
    if folder.name in ("", ".."):  # "." and the like have their name elsewhere
        folder = folder.resolve()
    return folder.parent / f"{folder.name}.survey.parquet"


def check_output(path: str | Path) -> Path:
    """A SurgeError unless a survey may be written here: a new .parquet file, or in the place of an older survey."""
    path = check_place(path, "A survey", ".parquet")
    check_replaceable(path, "survey", _holds_survey)
    return path


def write_survey(
    path: str | Path, frame: pl.DataFrame, checkpoint: Checkpoint, dataset: Dataset, *, method: str = "pca"
) -> None:
    """Write what `survey` gave, whole or not at all; the metadata name what it was made of."""
    path = check_output(path)
    metadata = {
        "surge.survey_version": VERSION,
        "surge.checkpoint": checkpoint.digest,
        "surge.dataset": dataset.digest,
        "surge.map": method,
    }
    _check_frame(path, frame)
    with atomic_write(path) as stream:
        frame.write_parquet(stream, compression="zstd", metadata=metadata)


def read_survey(path: str | Path) -> tuple[pl.DataFrame, dict[str, str]]:
    """The frame and the surge.* metadata of a survey's file, checked: version, columns, types, ranges and size.

    Anything else is a SurgeError. Whether the digests are those of the checkpoint and the dataset at hand is for
    the caller to compare.
    """
    path = Path(path)
    content = _content(path)
    outline = _outline(path, content)
    metadata = {key: value for key, value in outline.metadata.items() if key.startswith("surge.")}
    version = metadata.get("surge.survey_version")
    if version != VERSION:
        found = f"is a survey of version {version!r}" if version else "is no survey"
        raise SurgeError(f"{path.name!r} {found}, this program reads version {VERSION}; make it again.")
    missing = [key for key in ("surge.checkpoint", "surge.dataset") if not metadata.get(key)]
    if missing or metadata.get("surge.map") not in METHODS:
        raise SurgeError(f"The survey {path.name!r} does not say what it was made of; make it again.")
    _check_schema(path, dict(outline.schema), outline.rows)
    try:
        frame = read_parquet(content, list(COLUMNS))
    except UnreadableError as error:
        raise _unreadable(path) from error
    _check_frame(path, frame)
    return frame, metadata


def _unreadable(path: Path) -> SurgeError:
    return SurgeError(f"{path.name!r} can't be read as a Parquet file; make the survey again.")


def _holds_survey(path: Path) -> bool:
    try:
        return "surge.survey_version" in _outline(path, _content(path)).metadata
    except SurgeError:
        return False


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            content = stream.read(LARGEST_FILE + 1)
    except OSError as error:
        raise SurgeError(f"The survey {str(path)!r} can't be read ({error.strerror or error}).") from error
    if len(content) > LARGEST_FILE:
        raise SurgeError(f"{path.name!r} is larger than {LARGEST_FILE // 1_000_000} MB, which no survey is.")
    return content


def _outline(path: Path, content: bytes) -> Outline:
    try:
        return read_outline(content)
    except UnreadableError as error:
        raise _unreadable(path) from error


def _check_schema(path: Path, schema: dict[str, Any], rows: int) -> None:
    for name, column in COLUMNS.items():
        if schema.get(name) != column.dtype:
            found = f"as {schema[name]}" if name in schema else "nowhere"
            raise SurgeError(f"The survey {path.name!r} has {name!r} {found}; it must be {column.dtype}.")
    unknown = sorted(set(schema) - set(COLUMNS))
    if unknown:
        raise SurgeError(f"The survey {path.name!r} has a column {unknown[0]!r} that surveys do not have.")
    if not 1 <= rows <= MOST_ROWS:
        raise SurgeError(f"The survey {path.name!r} has {rows:,} rows; one to {MOST_ROWS:,} are read.")


def _check_frame(path: Path, frame: pl.DataFrame) -> None:
    _check_schema(path, dict(frame.schema), frame.height)
    for name, column in COLUMNS.items():
        values = frame[name]
        if values.null_count() and not column.nullable:
            raise SurgeError(f"The survey {path.name!r} has {values.null_count()} empty values in {name!r}.")
        known = values.drop_nulls()
        if column.dtype != pl.String and len(known):
            low, high = column.least - ROUNDING, column.most + ROUNDING
            # NaN is in no range either
            if not (known.is_between(low, high) & known.cast(pl.Float64).is_finite()).all():
                raise SurgeError(f"The survey {path.name!r} has a value in {name!r} that is out of range.")
    if frame["user"].is_duplicated().any():
        raise SurgeError(f"The survey {path.name!r} lists a user more than once.")
    if not frame["next_period"].drop_nulls().is_in(SPLITS).all():
        raise SurgeError(f"The survey {path.name!r} has a period that is none of {', '.join(SPLITS)}.")
