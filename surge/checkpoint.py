"""Checkpoints: a trained model as a folder of plain files, written whole and checked before use."""

from __future__ import annotations

import copy
import hashlib
import io
import json
import math
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_weights
from safetensors.torch import save as save_weights

from surge.checkpoint_files import (
    FILES,
    check_description,
    check_header,
    parse_json,
    read_files,
    read_items,
    unreadable_weights,
)
from surge.config import ModelConfig, TrainingConfig, from_dict, to_dict
from surge.data.negatives import PopularitySampler
from surge.errors import SurgeError
from surge.model.surge import SurgeModel

FORMAT_VERSION = 2  # 1 had no counts of the items, without which nothing can be ranked by probability


@dataclass(frozen=True, eq=False)
class Catalogue:
    """What a ranking needs of its checkpoint: the items, and how a logit becomes a chance and a lift.

    It holds no model, so a ranking that is kept keeps none in memory.

    `items`: as in `Checkpoint`. `temperature`: what scores are divided by before a softmax makes probabilities of them.
    `lift_constant`: see `lift_offset`.
    """

    items: pl.DataFrame
    temperature: float
    lift_constant: float

    @property
    def counts(self) -> np.ndarray:
        """How often each item was a training positive (items); once each where that isn't known."""
        return self.items["count"].to_numpy() if "count" in self.items.columns else np.ones(self.items.height)

    @cached_property
    def sampler(self) -> PopularitySampler:
        """What training drew its negatives from."""
        return PopularitySampler(self.counts)

    @cached_property
    def log_popularity(self) -> np.ndarray:
        """log q (items): of the distribution that training drew its negatives from."""
        return np.log(self.sampler.probability) if len(self.counts) > 1 else np.zeros(len(self.counts))

    def lift_offset(self, rows: np.ndarray | int) -> np.ndarray:
        """What is added to logit / T of these items to make it the log of their lift (`measured.log_lift`).

        The lift is the chance softmax((logit + log q) / T) over the chance by popularity alone, q, both among what
        the user can still take. Its log is logit / T + (1 / T - 1) log q + c, where c = log sum q - log sum
        exp((logit + log q) / T) differs between users; `lift_constant` of config.json is its mean over the validation
        split, so that a lift needs the candidate's logit alone. In theory c is log K with K negatives drawn for a
        positive and T = 1 (noise-contrastive estimation, Gutmann & Hyvarinen, AISTATS 2010), which a hardly trained
        model has not learned; that is taken where no constant was measured.
        """
        return self.lift_constant + (1 / self.temperature - 1) * self.log_popularity[rows]

    @cached_property
    def rows(self) -> dict[str, int]:
        """Embedding row by item id."""
        return {item: row for row, item in enumerate(self.items["item"].to_list())}


@dataclass(frozen=True)
class Checkpoint:
    """A loaded checkpoint, in eval mode.

    `items`: polars frame, row r (item, title, category, and count: how often it was a training positive) is embedding
    row r. `digest`: sha256 over the
    manifest, which names every file's sha256: two checkpoints with one digest are the same.
    `description` is config.json whole; `metrics` and `history` are as training wrote them.
    """

    folder: Path
    digest: str
    model: SurgeModel
    model_config: ModelConfig
    training_config: TrainingConfig
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
    def temperature(self) -> float:
        """What the ranking's scores are divided by before a softmax makes probabilities of them."""
        return self.catalogue.temperature

    @property
    def counts(self) -> np.ndarray:
        """How often each item was a training positive (items); once each where that isn't known."""
        return self.catalogue.counts

    @property
    def sampler(self) -> PopularitySampler:
        """What training drew its negatives from."""
        return self.catalogue.sampler

    @property
    def log_popularity(self) -> np.ndarray:
        """log q (items): of the distribution that training drew its negatives from."""
        return self.catalogue.log_popularity

    def lift_offset(self, rows: np.ndarray | int) -> np.ndarray:
        """What is added to logit / T of these items to make it the log of their lift, see `Catalogue.lift_offset`."""
        return self.catalogue.lift_offset(rows)

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


BEFORE = {"normalise": False, "next_item": False}  # what was so before it was a setting
GONE = {"compiled"}  # settings of training that changed no number and are none any more


def category_rows(items: pl.DataFrame) -> tuple[list[str], torch.Tensor]:
    """The sorted categories of a catalogue, and each item's row among them; no category counts as ''."""
    named = items["category"].fill_null("")
    categories = sorted(named.unique().to_list())
    index = {category: row for row, category in enumerate(categories)}
    return categories, torch.tensor([index[category] for category in named.to_list()], dtype=torch.long)


def save_checkpoint(
    folder: str | Path,
    model: SurgeModel,
    items: pl.DataFrame,
    *,
    training_config: TrainingConfig,
    metrics: Mapping[str, Any],
    history: Sequence[Mapping[str, Any]],
    description: Mapping[str, Any],
    overwrite: bool = False,
) -> None:
    """Write a checkpoint folder: to a temporary folder beside it, renamed once.

    `items` (item, title, category, count) has one row an embedding row; without count every item counts as one.
    `description` adds to config.json what
    is worth knowing: dataset, device, torch version. An existing folder is a SurgeError, unless
    `overwrite`: then it is replaced after the new one is complete.
    """
    folder = Path(folder)
    if folder.exists() and not overwrite:
        raise SurgeError(f"{str(folder)!r} already exists; choose another folder or remove it first.")
    config = {
        "format_version": FORMAT_VERSION,
        **description,
        "model": to_dict(model.config),
        "training": to_dict(training_config),
    }
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    catalogue = io.BytesIO()
    if "count" not in items.columns:
        items = items.with_columns(count=pl.lit(1))
    items.select("item", "title", "category", pl.col("count").cast(pl.Int64)).write_parquet(catalogue)
    contents = {
        "config.json": _json(config),
        "model.safetensors": save_weights(weights),
        "items.parquet": catalogue.getvalue(),
        "metrics.json": _json(metrics),
        "history.json": _json(list(history)),
        "README.md": _model_card(config, metrics).encode(),
    }
    _write(folder, contents)


def _write(folder: Path, contents: Mapping[str, bytes]) -> None:
    """All files and their manifest, in a folder beside it that takes its place when it is complete."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    try:
        for name, content in contents.items():
            (temporary / name).write_bytes(content)
        (temporary / "manifest.json").write_bytes(_json({name: _entry(temporary / name) for name in FILES}))
        temporary.chmod(0o755)
        if folder.exists():
            retired = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}.old."))
            try:
                os.replace(folder, retired / "old")
                os.replace(temporary, folder)
            except BaseException:
                if not folder.exists():
                    os.replace(retired / "old", folder)
                raise
            finally:
                if folder.exists():  # else the old one is in there
                    shutil.rmtree(retired, ignore_errors=True)
        else:
            os.replace(temporary, folder)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def store_metrics(checkpoint: Checkpoint, metrics: Mapping[str, Any]) -> Checkpoint:
    """The checkpoint with these parts of its metrics measured anew, written in its place; gives it as it is now.

    Every other file stays as it is, byte for byte, but for the model card.
    """
    contents, _ = read_files(checkpoint.folder)
    measured = {**checkpoint.metrics, **metrics}
    card = _model_card(checkpoint.description, measured).encode()
    _write(checkpoint.folder, contents | {"metrics.json": _json(measured), "README.md": card})
    return load_checkpoint(checkpoint.folder)


def load_checkpoint(folder: str | Path, device: str | torch.device = "cpu") -> Checkpoint:
    """Read a checkpoint that `save_checkpoint` wrote, on any device.

    Checked in this order, each failure one SurgeError sentence: the files and their sizes and sha256, the
    format version, the settings' ranges and the kinds of what else config.json says, the shapes in the weights'
    header against the settings (before anything is allocated), the vocabulary against the rows, and that every weight
    is finite.
    """
    folder = Path(folder)
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
        model_config = from_dict(ModelConfig, BEFORE | config["model"])
        training_config = from_dict(TrainingConfig, {k: v for k, v in config["training"].items() if k not in GONE})
    except SurgeError as error:
        reason = " ".join(str(error).split())  # a name in the file may hold a line break
        raise SurgeError(f"config.json of the checkpoint {folder.name!r} can't be used: {reason}") from error
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
    with torch.device("meta"):
        skeleton = SurgeModel(model_config, item_category.to("meta"))
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
        folder=folder,
        digest=digest,
        model=model,
        model_config=model_config,
        training_config=training_config,
        items=items,
        metrics=parse_json(contents["metrics.json"], "metrics.json", dict),
        history=parse_json(contents["history.json"], "history.json", list),
        description=config,
    )


# -- writing ------------------------------------------------------------------------------------------


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _entry(path: Path) -> dict[str, Any]:
    content = path.read_bytes()
    return {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}


def _model_card(config: Mapping[str, Any], metrics: Mapping[str, Any]) -> str:
    def rows(values: Mapping[str, Any], kinds: Any = int | float | str | list) -> str:
        flat = {name: value for name, value in values.items() if isinstance(value, kinds)}
        return "\n".join(f"| {name} | {_number(value)} |" for name, value in flat.items())

    parts = "".join(
        f"\n## Metrics: {name.replace('_', ' ')}\n\n| metric | value |\n|---|---|\n"
        f"{rows(values, int | float | str)}\n{_reliability(values)}"
        for name, values in metrics.items()
        if isinstance(values, Mapping)
    )
    data = config.get("dataset", {})
    softened = ""
    if config.get("temperature", 1) != 1:
        softened = f"For probabilities, scores are divided by a temperature of {config['temperature']:.3g}.\n"
    return (
        f"# SURGE checkpoint, trained on {data.get('name', 'an unnamed dataset')}\n\n"
        "Sequential recommendation with graph neural networks (Chang et al., SIGIR 2021), soft assignment.\n"
        f"Trained on {config.get('trained_on', 'an unnamed device')}, "
        f"{data.get('interactions', '?')} interactions of {data.get('users', '?')} users.\n{softened}"
        f"{parts}\n## Model\n\n| setting | value |\n|---|---|\n{rows(config['model'])}\n"
        f"\n## Training\n\n| setting | value |\n|---|---|\n{rows(config['training'])}\n"
    )


def _number(value: Any) -> Any:
    """A number of the card in four decimals; a count is whole, and what is no fraction is as it is."""
    if not isinstance(value, float):
        return value
    if value.is_integer() and abs(value) >= 10:
        return f"{value:.0f}"
    return f"{value:{'.4f' if value == 0 or abs(value) >= 1e-4 else 'g'}}"


def _reliability(values: Mapping[str, Any]) -> str:
    """The bins of predictions by their probability as a table; empty where they aren't measured."""
    bins = [values.get(f"reliability_{name}") for name in ("probability", "share", "count")]
    columns = [
        [value for value in column if isinstance(value, int | float)] for column in bins if isinstance(column, list)
    ]
    if len(columns) < 3 or not columns[0] or len({len(column) for column in columns}) > 1:
        return ""
    lines = (
        f"| {count:,} | {100 * probability:.2f} % | {100 * share:.2f} % |\n"
        for probability, share, count in zip(*columns, strict=True)
    )
    return (
        "\nHow likely predictions were held, on average, and how many of them came true:\n\n"
        f"| predictions | held for | came true |\n|---:|---:|---:|\n{''.join(lines)}"
    )
