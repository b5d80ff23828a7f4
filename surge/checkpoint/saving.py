"""Writing a checkpoint, and its figures anew."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
from safetensors.torch import save as save_weights

from surge.arguments import arguments, flag, new_path
from surge.atomic_write import put_in_place, working_folder
from surge.checkpoint.card import model_card
from surge.checkpoint.checks import FILES, FORMAT_VERSION, parse_json, read_files
from surge.checkpoint.loading import Checkpoint, load_checkpoint
from surge.config import EvaluationConfig, TrainingConfig, to_dict
from surge.errors import SurgeError
from surge.model.surge import SurgeModel


@arguments(folder=new_path, overwrite=flag)
def save_checkpoint(
    folder: str | Path,
    model: SurgeModel,
    items: pl.DataFrame,
    *,
    training_config: TrainingConfig,
    evaluation_config: EvaluationConfig | None = None,
    metrics: Mapping[str, Any],
    history: Sequence[Mapping[str, Any]],
    description: Mapping[str, Any],
    overwrite: bool = False,
) -> None:
    """Write a checkpoint folder: to a temporary folder beside it, renamed once.

    `items` (item, title, category, count) has one row an embedding row; without count every item counts as one.
    `description` adds to config.json what is worth knowing: dataset, device, torch version. An existing folder is a
    SurgeError, unless `overwrite`: then all of it is replaced after the new one is complete.
    """
    folder = Path(folder)
    if os.path.lexists(folder) and not overwrite:
        raise SurgeError(f"{str(folder)!r} already exists; choose another folder or remove it first.")
    config = {
        "format_version": FORMAT_VERSION,
        **description,
        "model": to_dict(model.config),
        "training": to_dict(training_config),
        "evaluation": to_dict(evaluation_config or EvaluationConfig()),
    }
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    catalogue = io.BytesIO()
    if "count" not in items.columns:
        items = items.with_columns(count=pl.lit(1))
    items.select("item", "title", "category", pl.col("count").cast(pl.Int64)).write_parquet(catalogue)
    contents = {
        "config.json": to_json(config),
        "model.safetensors": save_weights(weights),
        "items.parquet": catalogue.getvalue(),
        "metrics.json": to_json(metrics),
        "history.json": to_json(list(history)),
        "README.md": model_card(config, metrics).encode(),
    }
    write_files(folder, contents)


def store_metrics(checkpoint: Checkpoint, metrics: Mapping[str, Any]) -> Checkpoint:
    """The checkpoint with these parts of its metrics measured anew, written in its place; gives it as it is now.

    Every other file of the folder stays as it is, byte for byte, but for the model card. A folder that holds another
    model by now is a SurgeError.
    """
    contents, digest = read_files(checkpoint.folder)
    if digest != checkpoint.digest:
        raise SurgeError(
            f"The checkpoint {checkpoint.name!r} was replaced while it was measured, so nothing is stored; measure it "
            "again."
        )
    measured = {**parse_json(contents["metrics.json"], "metrics.json", dict), **metrics}
    card = model_card(checkpoint.description, measured).encode()
    write_files(checkpoint.folder, contents | {"metrics.json": to_json(measured), "README.md": card}, keep=True)
    return load_checkpoint(checkpoint.folder)


def write_files(folder: Path, contents: Mapping[str, bytes], keep: bool = False) -> None:
    """All files and their manifest, in a folder beside it that takes its place when it is complete; with `keep` what
    else lies in the folder is in the new one, too."""
    manifest = {
        name: {"sha256": hashlib.sha256(contents[name]).hexdigest(), "bytes": len(contents[name])} for name in FILES
    }
    with working_folder(folder) as temporary:
        fresh = temporary / "checkpoint"
        if keep:
            own = {str(folder): [*FILES, "manifest.json"]}
            shutil.copytree(folder, fresh, symlinks=True, ignore=lambda place, names: own.get(place, []))
        else:
            fresh.mkdir()
        for name, content in {**contents, "manifest.json": to_json(manifest)}.items():
            (fresh / name).write_bytes(content)
        put_in_place(fresh, folder)


def to_json(value: Any) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()
