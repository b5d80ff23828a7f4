"""Reading a checkpoint."""

from __future__ import annotations

import copy
import math
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl
import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_weights

from surge.arguments import arguments, path, shown
from surge.checkpoint.catalogue import Catalogue, category_rows
from surge.checkpoint.checks import (
    FORMAT_VERSION,
    check_description,
    check_header,
    parse_json,
    read_files,
    read_items,
    unreadable_weights,
)
from surge.config import EvaluationConfig, ModelConfig, TrainingConfig, from_dict, in_parts
from surge.errors import SurgeError
from surge.model.surge import SurgeModel

BEFORE = {"normalise": False, "next_item": False}  # what was so before it was a setting
GONE = {"compiled"}  # settings of training that changed no number and are none any more


@dataclass(frozen=True)
class Checkpoint:
    """A loaded checkpoint, in eval mode.

    `items`: polars frame, row r (item, title, category, and count: how often it was a training positive) is embedding
    row r. `digest`: of the files that decide what is predicted, see `read_files`.
    `description` is config.json whole; `metrics` and `history` are as training wrote them.
    """

    folder: Path
    digest: str
    model: SurgeModel
    model_config: ModelConfig
    training_config: TrainingConfig
    evaluation_config: EvaluationConfig
    items: pl.DataFrame
    metrics: dict[str, Any]
    history: list[dict[str, Any]]
    description: dict[str, Any]

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def exclude_seen(self) -> bool:
        """Whether items of the history are left out of recommendations: so where nothing is taken twice."""
        return self.description.get("exclude_seen", False) is True

    @cached_property
    def catalogue(self) -> Catalogue:
        """The items and how they are ranked, without the model."""
        temperature = float(self.description.get("temperature", 1.0))
        constant = self.description.get("lift_constant", math.log(self.training_config.negatives) / temperature)
        return Catalogue(self.items, temperature, constant)

    @property
    def rows(self) -> dict[str, int]:
        """Embedding row by item id."""
        return self.catalogue.rows

    @cached_property
    def precise_model(self) -> SurgeModel:
        """The same model, reading in float64; it shares the embeddings, which stay float32.

        h* sums over items, so in float32 a record would meet its own equations to 1e-5 only by luck.
        """
        shared = [child for child in self.model.children() if isinstance(child, torch.nn.Embedding)]
        precise = copy.deepcopy(self.model, {id(part): part for part in shared})
        for part in (precise.fuse, precise.extract, precise.predict):
            part.double()
        return precise


def as_checkpoint(given: object) -> Checkpoint:
    """A checkpoint, or that of the folder which is given; a SurgeError for anything else."""
    if isinstance(given, Checkpoint):
        return given
    if isinstance(given, str | Path):
        return load_checkpoint(given)
    raise SurgeError(
        f"{shown(given)} is given as the checkpoint; give one of surge.load_checkpoint(folder), or the folder itself"
    )


@arguments(folder=path)
def load_checkpoint(folder: str | Path, device: str | torch.device = "cpu") -> Checkpoint:
    """Read a checkpoint that `save_checkpoint` wrote, on any device of torch, such as cpu or cuda; auto takes
    CUDA where there is one.

    Checked in this order, each failure one SurgeError sentence: the files and their sizes and sha256, the
    format version, the settings' ranges and the kinds of what else config.json says, the shapes in the weights'
    header against the settings (before anything is allocated), the vocabulary against the rows, and that every weight
    is finite.
    """
    folder = Path(folder)
    if isinstance(device, str) and device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    _check_device(device)
    try:
        contents, digest = read_files(folder)
    except OSError as error:
        raise SurgeError(
            f"The checkpoint {folder.name!r} can't be read ({error.strerror or error}: {error.filename!r})."
        ) from error
    config = parse_json(contents["config.json"], "config.json", dict)
    if config.get("format_version") == 1:
        raise SurgeError(
            f"The checkpoint {folder.name!r} was written before checkpoints said how often training met each "
            "item, which the ranking needs; train it again with `python -m surge train`."
        )
    if config.get("format_version") != FORMAT_VERSION:
        raise SurgeError(
            f"The checkpoint {folder.name!r} has format version {config.get('format_version')!r}, this program "
            f"reads version {FORMAT_VERSION}; use the program's release that wrote it, or train it again."
        )
    try:
        training = {name: value for name, value in config["training"].items() if name not in GONE}
        given = {"model": BEFORE | config["model"], "training": training}
        parts = in_parts(given | {"evaluation": config.get("evaluation", {})})
        model_config = from_dict(ModelConfig, parts["model"])
        training_config = from_dict(TrainingConfig, parts["training"])
        evaluation_config = from_dict(EvaluationConfig, parts["evaluation"])
    except SurgeError as error:
        raise _unusable(folder.name, error) from error
    except (KeyError, TypeError, AttributeError) as error:
        raise SurgeError(
            f"config.json of the checkpoint {folder.name!r} lacks its settings ({error}); train it again."
        ) from error
    check_description(config, folder.name)
    items = read_items(contents["items.parquet"], folder.name)
    categories, item_category = category_rows(items)
    if items.height != model_config.item_count or len(categories) != model_config.category_count:
        raise SurgeError(
            f"items.parquet of the checkpoint {folder.name!r} has {items.height} items in {len(categories)} "
            f"categories, config.json says {model_config.item_count} in {model_config.category_count}; "
            "the two do not belong together: copy or train it again."
        )
    try:
        with torch.device("meta"):
            skeleton = SurgeModel(model_config, item_category.to("meta"))
    except SurgeError as error:
        raise _unusable(folder.name, error) from error
    check_header(contents["model.safetensors"], skeleton.state_dict(), folder.name)
    try:
        weights = load_weights(contents["model.safetensors"])
    except SafetensorError as error:
        raise unreadable_weights(folder.name, error) from error
    for name, tensor in weights.items():
        if not torch.isfinite(tensor).all():
            raise SurgeError(
                f"The weights {name!r} of the checkpoint {folder.name!r} hold a value that is not a finite "
                "number; train it again."
            )
    if not torch.equal(weights["item_category"], item_category):
        raise SurgeError(
            f"items.parquet of the checkpoint {folder.name!r} gives items other categories than it was trained with; "
            "copy or train it again."
        )
    skeleton.load_state_dict(weights, assign=True)
    model = skeleton.to(device).eval().requires_grad_(False)
    return Checkpoint(
        folder=Path(os.path.abspath(folder)),  # "." has no name
        digest=digest,
        model=model,
        model_config=model_config,
        training_config=training_config,
        evaluation_config=evaluation_config,
        items=items,
        metrics=parse_json(contents["metrics.json"], "metrics.json", dict),
        history=parse_json(contents["history.json"], "history.json", list),
        description=config,
    )


def _unusable(name: str, error: SurgeError) -> SurgeError:
    reason = " ".join(str(error).split())  # a name in the file may hold a line break
    return SurgeError(f"config.json of the checkpoint {name!r} can't be used: {reason}")


def _check_device(device: object) -> None:
    """A SurgeError where torch has no such device, or where this machine has none."""
    try:
        torch.zeros(1, device=device).cpu()  # type: ignore[call-overload]
    except (RuntimeError, AssertionError, TypeError, ValueError) as problem:
        raise SurgeError(
            f"device is {shown(device)}, which is not at hand; give 'cpu', or 'cuda' where it is"
        ) from problem
