"""Where a checkpoint is refused: its files, version, settings, vocabulary and weights, in one sentence each."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_weights
from torch import Tensor

from surge.config import EvaluationConfig, ModelConfig, TrainingConfig, from_dict, in_parts
from surge.data.parquet import UnreadableError, read_parquet
from surge.errors import SurgeError

FORMAT_VERSION = 2  # 1 had no counts of the items, without which nothing can be ranked by probability
FILES = ("config.json", "model.safetensors", "items.parquet", "metrics.json", "history.json", "README.md")
DECISIVE = ("config.json", "model.safetensors", "items.parquet")
PICKLES = (".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".bin")
LONGEST_HEADER = 10_000_000  # bytes of a safetensors header
LONGEST_TOLD = 60  # characters of a wrong value in a message
BEFORE = {"normalise": False, "next_item": False}  # what was so before it was a setting
GONE = {"compiled"}  # settings of training that changed no number and are none any more
KINDS = {  # of what config.json may say beside the settings
    "exclude_seen": (bool, "true or false"),
    "best_epoch": (int, "a whole number"),
    "trained_on": (str, "text"),
    "torch": (str, "text"),
    "dataset": (dict, 'an object such as {"name": ..., "digest": ...}'),
    "dataset.name": (str, "text"),
    "dataset.digest": (str, "text"),
    "start": (dict, 'an object such as {"checkpoint": ..., "digest": ...}'),
}


def read_files(folder: Path) -> tuple[dict[str, bytes], str]:
    """All files of the folder, checked against its manifest, and a digest of those that decide what is predicted.

    So what was made with a checkpoint, such as a survey, stays its own when its metrics are measured anew.
    """
    if folder.suffix.lower() in PICKLES:
        raise SurgeError(
            f"{folder.name!r} looks like a pickle, which can run code when opened, so it is never read; "
            "give a checkpoint folder made by `python -m surge train`."
        )
    if folder.is_symlink():
        raise SurgeError(
            f"{str(folder)!r} is a symbolic link, which is not followed; give the folder that it leads to, "
            f"{str(folder.resolve())!r}."
        )
    if not folder.is_dir():
        raise SurgeError(
            f"{str(folder)!r} is not a checkpoint folder; give the folder that `python -m surge train` wrote."
        )
    if (folder / "dataset.json").is_file():
        raise SurgeError(
            f"{str(folder)!r} is a dataset, not a checkpoint; where both are given, the checkpoint comes first."
        )
    manifest_path = folder / "manifest.json"
    links = [name for name in (manifest_path.name, *FILES) if (folder / name).is_symlink()]
    if links:
        raise SurgeError(
            f"{links[0]} of the checkpoint {folder.name!r} is a symbolic link, which is not followed; copy the file "
            "itself into the folder."
        )
    if not manifest_path.is_file():
        raise SurgeError(
            f"The checkpoint {folder.name!r} has no manifest.json, so it is not complete; copy or train it again."
        )
    raw = manifest_path.read_bytes()
    manifest = parse_json(raw, "manifest.json", dict)
    contents = {}
    for name in FILES:
        path, entry = folder / name, manifest.get(name)
        if not path.is_file() or not isinstance(entry, dict):
            raise SurgeError(f"The checkpoint {folder.name!r} lacks {name}; copy or train it again.")
        size = path.stat().st_size
        if size != entry.get("bytes"):
            raise SurgeError(
                f"{name} of the checkpoint {folder.name!r} has {size} bytes where {entry.get('bytes')} were "
                "written, so it was cut or changed; copy or train it again."
            )
        contents[name] = path.read_bytes()
        if hashlib.sha256(contents[name]).hexdigest() != entry.get("sha256"):
            raise SurgeError(
                f"{name} of the checkpoint {folder.name!r} is not what was written (its sha256 differs); "
                "copy or train it again."
            )
    decisive = {name: manifest[name]["sha256"] for name in DECISIVE}
    return contents, hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()


def parse_json(content: bytes, name: str, kind: type) -> Any:
    """A JSON file whose outermost value is of this kind."""
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise SurgeError(f"{name} of the checkpoint is not readable JSON ({error}); copy or train it again.") from error
    if not isinstance(value, kind):
        raise SurgeError(
            f"{name} of the checkpoint holds a {type(value).__name__}, not a {kind.__name__}; copy or train it again."
        )
    return value


def check_version(config: Mapping[str, Any], checkpoint: str) -> None:
    """The format is the one that this program reads."""
    version = config.get("format_version")
    if version == 1:
        raise SurgeError(
            f"The checkpoint {checkpoint!r} was written before checkpoints said how often training met each "
            "item, which the ranking needs; train it again with `python -m surge train`."
        )
    if version != FORMAT_VERSION:
        raise SurgeError(
            f"The checkpoint {checkpoint!r} has format version {version!r}, this program "
            f"reads version {FORMAT_VERSION}; use the program's release that wrote it, or train it again."
        )


def read_settings(config: Mapping[str, Any], checkpoint: str) -> tuple[ModelConfig, TrainingConfig, EvaluationConfig]:
    """The settings, each in its range."""
    try:
        training = {name: value for name, value in config["training"].items() if name not in GONE}
        given = {"model": BEFORE | config["model"], "training": training}
        parts = in_parts(given | {"evaluation": config.get("evaluation", {})})
        return (
            from_dict(ModelConfig, parts["model"]),
            from_dict(TrainingConfig, parts["training"]),
            from_dict(EvaluationConfig, parts["evaluation"]),
        )
    except SurgeError as error:
        raise unusable(checkpoint, error) from error
    except (KeyError, TypeError, AttributeError) as error:
        raise SurgeError(
            f"config.json of the checkpoint {checkpoint!r} lacks its settings ({error}); train it again."
        ) from error


def unusable(checkpoint: str, error: SurgeError) -> SurgeError:
    """What is said of settings that no model can be made of."""
    reason = " ".join(str(error).split())  # a name in the file may hold a line break
    return SurgeError(f"config.json of the checkpoint {checkpoint!r} can't be used: {reason}")


def check_description(config: Mapping[str, Any], checkpoint: str) -> None:
    """What config.json says beside the settings is of the kind that it is read as; what is not there is not missed."""
    dataset = config.get("dataset", {})
    found = dict(config)
    if isinstance(dataset, dict):
        found |= {f"dataset.{name}": value for name, value in dataset.items()}
    for name, (kind, word) in KINDS.items():
        if name in found and type(found[name]) is not kind:  # not isinstance: JSON's true is an int to Python
            value = repr(found[name])
            shown = value if len(value) <= LONGEST_TOLD else f"{value[: LONGEST_TOLD - 1]}…"
            raise SurgeError(
                f"config.json of the checkpoint {checkpoint!r} says {name} is {shown}, but it must be {word}; "
                "copy or train it again."
            )
    temperature = config.get("temperature", 1.0)
    if type(temperature) not in (int, float) or not 0.01 <= temperature <= 100:
        raise SurgeError(f"config.json of the checkpoint {checkpoint!r} has no usable temperature; train it again.")
    constant = config.get("lift_constant", 0.0)
    if type(constant) not in (int, float) or not abs(constant) <= 100:
        raise SurgeError(f"config.json of the checkpoint {checkpoint!r} has no usable lift_constant; train it again.")


def read_items(content: bytes, checkpoint: str) -> pl.DataFrame:
    """The catalogue: item, title, category, count, each item once; an item without a title is called by its id."""
    try:
        table = read_parquet(content)
        if "count" not in table.columns:
            raise SurgeError(
                f"items.parquet of the checkpoint {checkpoint!r} has no column count: how often training met each "
                "item, which the ranking needs; train it again with `python -m surge train`."
            )
        named = pl.col("item", "title", "category").cast(pl.String)
        items = table.select(named, pl.col("count").cast(pl.Int64))
    except (UnreadableError, pl.exceptions.PolarsError) as error:
        raise SurgeError(
            f"items.parquet of the checkpoint {checkpoint!r} can't be read with its columns item, title, category, "
            "count; copy or train it again."
        ) from error
    if items["item"].null_count() or items["item"].is_duplicated().any():
        raise SurgeError(
            f"items.parquet of the checkpoint {checkpoint!r} names an item twice or not at all; train it again."
        )
    if items["count"].null_count() or (items["count"] < 0).any():
        raise SurgeError(
            f"items.parquet of the checkpoint {checkpoint!r} has an item whose count is not known; train it again."
        )
    return items.with_columns(pl.col("title").fill_null(pl.col("item")))


def check_vocabulary(items: pl.DataFrame, categories: Sequence[str], config: ModelConfig, checkpoint: str) -> None:
    """There are as many items and categories as the settings say."""
    if items.height != config.item_count or len(categories) != config.category_count:
        raise SurgeError(
            f"items.parquet of the checkpoint {checkpoint!r} has {items.height} items in {len(categories)} "
            f"categories, config.json says {config.item_count} in {config.category_count}; "
            "the two do not belong together: copy or train it again."
        )


def read_weights(
    content: bytes, state: Mapping[str, Tensor], item_category: Tensor, checkpoint: str
) -> dict[str, Tensor]:
    """The weights of a model with this state, all finite, for items of these categories."""
    _check_header(content, state, checkpoint)
    try:
        weights = load_weights(content)
    except SafetensorError as error:
        raise _unreadable_weights(checkpoint, error) from error
    for name, tensor in weights.items():
        if not torch.isfinite(tensor).all():
            raise SurgeError(
                f"The weights {name!r} of the checkpoint {checkpoint!r} hold a value that is not a finite "
                "number; train it again."
            )
    if not torch.equal(weights["item_category"], item_category):
        raise SurgeError(
            f"items.parquet of the checkpoint {checkpoint!r} gives items other categories than it was trained with; "
            "copy or train it again."
        )
    return weights


def _unreadable_weights(checkpoint: str, error: Exception) -> SurgeError:
    """What is said of weights that can't be read."""
    reason = " ".join(str(error).split())
    return SurgeError(
        f"model.safetensors of the checkpoint {checkpoint!r} can't be read ({reason}); copy or train it again."
    )


def _check_header(content: bytes, state: Mapping[str, Tensor], checkpoint: str) -> None:
    """The names, shapes and types in the safetensors header are those of the model's state, before it is read."""
    names = {torch.float32: "F32", torch.int64: "I64"}
    expected = {name: (names[tensor.dtype], list(tensor.shape)) for name, tensor in state.items()}
    try:
        (length,) = struct.unpack("<Q", content[:8])
        if length > min(LONGEST_HEADER, len(content) - 8):
            raise ValueError("its header is longer than the file")
        header = json.loads(content[8 : 8 + length])
        found = {name: (h["dtype"], list(h["shape"])) for name, h in header.items() if name != "__metadata__"}
    except (struct.error, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _unreadable_weights(checkpoint, error) from error
    if found != expected:
        wrong = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
        raise SurgeError(
            f"The weights of the checkpoint {checkpoint!r} do not fit its settings (first: {wrong[0]!r}); "
            "weights and config.json do not belong together: copy or train it again."
        )
