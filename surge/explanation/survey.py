"""Explanation figures of all users of a dataset: measured, and kept in one Parquet file."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from surge.checkpoint import Checkpoint
from surge.data.instances import SPLITS
from surge.data.parquet import Outline, UnreadableError, read_outline, read_parquet
from surge.data.store import Dataset
from surge.errors import SurgeError
from surge.explanation.catalogue import rank_catalogue
from surge.explanation.explain import explain_history
from surge.explanation.history import read_history
from surge.explanation.leave_one_out import measure_effects
from surge.explanation.record import Explanation
from surge.explanation.structure import assignment_entropy, attention_distance, effective_clusters
from surge.explanation.usage import draw_users

Array = np.ndarray
VERSION = "2"
METHODS = ("pca", "umap")
LARGEST_FILE = 64_000_000  # bytes
MOST_ROWS = 2_000_000  # a file of few bytes can hold many
NEIGHBOURS, ALIKE = 2, 2 / 3  # see noise_share


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

# -- the figures --------------------------------------------------------------------------------------


def survey(
    checkpoint: Checkpoint,
    dataset: Dataset,
    *,
    users: int | None = None,
    seed: int = 0,
    method: str = "pca",
    progress: Callable[[float], None] | None = None,
) -> pl.DataFrame:
    """One row a user, in the order of the dataset: the columns of COLUMNS (all users, or `users` drawn with `seed`).

    Each user is read without the last interaction, the true next item; the top predicted item is the candidate of
    the explanation. Left out are users of whose items the model knows none, and those for whom nothing is left to
    predict; none left is a SurgeError. `method` makes the map of the histories' mean embeddings, see `place`.
    `progress` is called with the share done.
    """
    check_method(method)
    chosen = dataset.users if users is None else draw_users(dataset, users, seed)
    rows: list[dict[str, Any]] = []
    vectors: list[Array] = []
    for done, user in enumerate(chosen, start=1):
        figures = _user_figures(checkpoint, dataset, user)
        if figures:
            rows.append(figures[0])
            vectors.append(figures[1])
        if progress:
            progress(done / len(chosen))
    if not rows:
        raise SurgeError(
            f"The model of checkpoint {checkpoint.name!r} can predict nothing for any of these users; give the dataset "
            "that it was trained on."
        )
    map_ = place(np.stack(vectors), method, seed)
    frame = pl.DataFrame(rows, schema={name: column.dtype for name, column in COLUMNS.items() if name not in "xy"})
    return frame.with_columns(x=pl.Series(map_[:, 0]), y=pl.Series(map_[:, 1]))


def _user_figures(checkpoint: Checkpoint, dataset: Dataset, user: str) -> tuple[dict[str, Any], Array] | None:
    """A user's row without the map, and the vector that is mapped; None where there is nothing to explain."""
    try:
        history = read_history(checkpoint, dataset, user)
    except SurgeError:  # the model knows none of the items
        return None
    ranking = rank_catalogue(checkpoint, history)
    if not len(ranking.order):
        return None
    top = ranking.top(1)[0]
    record = explain_history(checkpoint, history, top.item)
    effects = measure_effects(checkpoint, history, record)
    assignment = record.interest_extraction.total_assignment()
    following = history.next_item
    next_row = checkpoint.rows.get(following.item) if following else None
    next_rank = ranking.rank_of(next_row) if next_row is not None else None
    row = {
        "user": user,
        "length": record.length,
        "clusters_in_use": len(np.unique(assignment.argmax(axis=1))),
        "effective_clusters": max(1.0, effective_clusters(record)),
        "assignment_entropy": assignment_entropy(record),
        "dominant_interest": float(record.interest_extraction.final_importance().max()),
        "noise_share": noise_share(record),
        "drift": cluster_drift(assignment),
        "next_item": following.item if following else None,
        "next_rank": next_rank,
        # an item that can't be recommended has no chance among those that can
        "next_probability": float(ranking.next_probability(next_row)) if next_row is not None and next_rank else None,
        "next_lift": float(ranking.lift(next_row)) if next_row is not None else None,
        "next_period": history.next_period,
        "top_item": top.item,
        "top_probability": top.next_probability,
        "top_lift": top.lift,
        "faithfulness": effects.agreement(record.interest_extraction.importance),
        "attention_faithfulness": effects.agreement(record.attention_received()),
        "attention_distance": attention_distance(record),
    }
    return row, record.embeddings.history.mean(axis=0)


def noise_share(record: Explanation) -> float:
    """The share of items that fit nothing else in their history; needs no truth.

    An item's fit is its mean similarity M to the two items most like it; too low is less than two thirds of the
    history's median. Relative, for the scale of M is a model's own. A history of fewer than three has none.
    """
    n = record.length
    if n <= NEIGHBOURS:
        return 0.0
    similarity = record.graph_construction.similarity.astype(np.float64)
    np.fill_diagonal(similarity, -np.inf)
    fit = np.sort(similarity, axis=1)[:, -NEIGHBOURS:].mean(axis=1)
    return float((fit < ALIKE * max(np.median(fit), 0.0)).mean())


def cluster_drift(assignment: Array) -> float:
    """Total variation, 0 to 1, between the clusters' shares of the older half of the items and of the newer one.

    assignment: items to final clusters (n x m), rows sum to 1. The middle item counts as newer; one item has no drift.
    """
    middle = len(assignment) // 2
    if middle == 0:
        return 0.0
    older, newer = assignment[:middle].mean(axis=0), assignment[middle:].mean(axis=0)
    return float(0.5 * np.abs(older - newer).sum())


# -- the map ------------------------------------------------------------------------------------------


def check_method(method: str) -> None:
    """A SurgeError unless the map can be made this way here; asked before the work."""
    if method not in METHODS:
        raise SurgeError(f"The map is made by {' or '.join(METHODS)}, not by {method!r}.")
    if method == "umap":
        try:
            import umap  # noqa: F401
        except ImportError as error:
            raise SurgeError(
                "A map by umap needs the package umap-learn, which is not installed: pip install umap-learn, or take "
                "pca, which needs nothing."
            ) from error


def place(vectors: Array, method: str = "pca", seed: int = 0) -> Array:
    """Two coordinates a user (users x 2) of vectors (users x d).

    pca: the two directions of largest variance, each signed so that its largest weight is positive. umap: neighbours
    stay neighbours, and `seed` decides what it looks like.
    """
    vectors = vectors.astype(np.float64)
    if method == "umap":
        import umap

        reducer = umap.UMAP(n_neighbors=max(2, min(15, len(vectors) - 1)), random_state=seed, n_jobs=1)
        return np.asarray(reducer.fit_transform(vectors), dtype=np.float64)
    from sklearn.decomposition import PCA

    places = np.zeros((len(vectors), 2))
    if (vectors != vectors[0]).any():  # alike, they have no direction
        axes = PCA(min(2, *vectors.shape), svd_solver="full").fit(vectors)
        largest = np.abs(axes.components_).argmax(axis=1)
        sign = np.sign(axes.components_[np.arange(len(largest)), largest])
        places[:, : len(sign)] = axes.transform(vectors) * sign
    return places


# -- the file -----------------------------------------------------------------------------------------


def survey_path(checkpoint_folder: str | Path) -> Path:
    """Where a checkpoint's survey lies unless said otherwise: beside its folder, `<name>.survey.parquet`."""
    folder = Path(checkpoint_folder)
    if folder.name in ("", ".."):  # "." and the like have their name elsewhere
        folder = folder.resolve()
    return folder.parent / f"{folder.name}.survey.parquet"


def check_output(path: str | Path) -> Path:
    """A SurgeError unless a survey may be written here: a new .parquet file, or in the place of an older survey."""
    path = Path(path)
    if path.suffix != ".parquet":
        raise SurgeError(f"A survey is saved as .parquet, not as {path.name!r}; change the ending.")
    if not path.parent.is_dir():
        raise SurgeError(f"The folder {str(path.parent)!r} does not exist; make it first.")
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise SurgeError(f"{str(path)!r} is not an ordinary file; give another name.")
    if path.exists() and not _holds_survey(path):
        raise SurgeError(f"{str(path)!r} is there already and holds no survey; remove it or give another name.")
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
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with temporary.open("xb") as stream:
            frame.write_parquet(stream, compression="zstd", metadata=metadata)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


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
