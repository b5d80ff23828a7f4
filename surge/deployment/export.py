"""What a checkpoint is exported to: a folder of plain files, whole or not at all."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import surge
from surge.arguments import arguments, called, flag, new_path, optional
from surge.atomic_write import check_folder, put_in_place, working_folder
from surge.checkpoint import Checkpoint, as_checkpoint
from surge.data.dataset import Dataset, as_dataset
from surge.deployment.interests import WHAT, item_interests
from surge.deployment.items import item_table, learned_what_follows, states, vectors
from surge.deployment.onnx_check import check_onnx
from surge.deployment.onnx_model import NOTHING, OPSET, OUTPUTS, fixed_length, inputs_of, write_onnx
from surge.errors import SurgeError

FORMAT_VERSION = 1
ITEMS, EMBEDDINGS, FOLLOWING = "items.parquet", "embeddings.npy", "next_item.npy"
INTERESTS, MODEL, WEIGHTS = "interests.parquet", "model.onnx", "model.onnx.data"
DESCRIPTION = "export.json"
FILES = (ITEMS, EMBEDDINGS, FOLLOWING, INTERESTS, MODEL, WEIGHTS, DESCRIPTION)
RECIPES = {  # numbers that a service needs, and what to make of them; q is the popularity of items.parquet
    "score": "logit + log(q); a catalogue is ranked by it",
    "chance": "softmax(score / temperature) over all items that can be recommended",
    "lift": "exp(logit / temperature + (1 / temperature - 1) * log(q) + lift_constant)",
}
MEANINGS = {
    "history": "int64, batch x steps: rows of items.parquet, oldest first, the last max_length of them; padded on the "
    f"right with {NOTHING}, one item at least",
    "candidates": f"int64, batch x candidates: rows of items.parquet; padded with {NOTHING}",
    "ages": "float64, batch x steps: seconds from each item of the history to the moment of the request; NaN where "
    "not known",
    "logits": f"float32, batch x candidates: the model's own; -inf for a candidate {NOTHING}",
    "scores": "float64, batch x candidates: logit + log(q)",
}
Progress = Callable[[float], None]


@arguments(output=new_path, force=flag, progress=optional(called))
def export(
    checkpoint: Checkpoint | str | Path,
    output: str | Path,
    dataset: Dataset | str | Path | None = None,
    *,
    force: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Write a folder with the items and their vectors, the model as ONNX, and with a dataset the items' interests.

    Gives what its export.json says; there `left_out` has a sentence for each file that can't be. With `force` an
    export that is there already is replaced. `progress` is called with the share done.
    """
    output, checkpoint = Path(output), as_checkpoint(checkpoint)
    dataset = None if dataset is None else as_dataset(dataset)
    _check_output(output, checkpoint, dataset, force)
    if checkpoint.model.item_embedding.weight.device.type != "cpu":
        checkpoint = replace(checkpoint, model=copy.deepcopy(checkpoint.model).cpu())
    tell: Progress = progress or (lambda share: None)
    with working_folder(output) as temporary:
        folder = temporary / "export"
        folder.mkdir()
        description, left_out = _description(checkpoint), {}
        description["vectors"] = _write_items(checkpoint, folder)
        if FOLLOWING not in description["vectors"]:
            left_out[FOLLOWING] = "the checkpoint has no next-item head, or trained none"
        if dataset is None:
            left_out[INTERESTS] = (
                "an item has no interest of its own, as its cluster depends on the history around it; give a dataset "
                "for means over its histories"
            )
        elif not checkpoint.model.extract.pools:
            left_out[INTERESTS] = "this model has no clusters: every item is read by itself"
        else:
            description["interests"] = _write_interests(checkpoint, dataset, folder, lambda share: tell(0.3 * share))
        tell(0.3)
        try:
            write_onnx(checkpoint, folder / MODEL)
            tell(0.9)
            description["model"] = _describe_model(checkpoint, check_onnx(checkpoint, folder / MODEL))
        except SurgeError as reason:
            left_out[MODEL] = str(reason)
            for name in (MODEL, WEIGHTS):
                (folder / name).unlink(missing_ok=True)
        description |= {"left_out": left_out, "files": {file.name: _entry(file) for file in sorted(folder.iterdir())}}
        text = json.dumps(description, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        (folder / DESCRIPTION).write_text(text, encoding="utf-8")
        _check_output(output, checkpoint, dataset, force)
        put_in_place(folder, output)
    tell(1.0)
    return description


def _check_output(output: Path, checkpoint: Checkpoint, dataset: Dataset | None, force: bool) -> None:
    for noun, source in (("checkpoint", checkpoint), ("dataset", dataset)):
        if source is not None and output.resolve().is_relative_to(source.folder.resolve()):
            raise SurgeError(f"{output} lies in the {noun} itself, which is never changed; give another folder")
    check_folder(output, "export", FILES, DESCRIPTION, force)


def _description(checkpoint: Checkpoint) -> dict[str, Any]:
    catalogue, dataset = checkpoint.catalogue, checkpoint.description.get("dataset", {})
    return {
        "format_version": FORMAT_VERSION,
        "surge": surge.__version__,
        "checkpoint": {"name": checkpoint.name, "digest": checkpoint.digest, "dataset": dataset.get("name")},
        "items": checkpoint.model_config.item_count,
        "ranking": {
            "temperature": catalogue.temperature,
            "lift_constant": catalogue.lift_constant,
            "exclude_seen": checkpoint.exclude_seen,
            **RECIPES,
        },
    }


def _write_items(checkpoint: Checkpoint, folder: Path) -> dict[str, Any]:
    config = checkpoint.model_config
    columns = {"embedding": vectors(checkpoint)}
    told: dict[str, Any] = {
        EMBEDDINGS: {
            "column": "embedding",
            "size": config.size,
            "item_part": [0, config.item_size],
            "category_part": [config.item_size, config.size],
            "what": "the input of the model: the item's own embedding, then its category's",
            "metric_weights": checkpoint.model.construct.weight.tolist(),
            "similarity": "mean over metric_weights w of cos(w * h_i, w * h_j): similarity, of which the graph is made",
        }
    }
    np.save(folder / EMBEDDINGS, columns["embedding"])
    if learned_what_follows(checkpoint):
        columns["next_item"] = states(checkpoint)
        told[FOLLOWING] = {
            "column": "next_item",
            "size": config.size,
            "what": "the next-item head after a history of this item alone: its inner product with an embedding, plus "
            "log(q), ranks what comes next",
        }
        np.save(folder / FOLLOWING, columns["next_item"])
    item_table(checkpoint, columns).write_parquet(folder / ITEMS)
    return told


def _write_interests(checkpoint: Checkpoint, dataset: Dataset, folder: Path, progress: Progress) -> dict[str, Any]:
    table, histories = item_interests(checkpoint, dataset, progress)
    table.write_parquet(folder / INTERESTS)
    return {
        "dataset": {"name": dataset.name, "digest": dataset.digest},
        "histories": histories,
        "items_read": int((table["readings"] > 0).sum()),
        "clusters": checkpoint.model_config.clusters[-1],
        "what": WHAT,
    }


def _describe_model(checkpoint: Checkpoint, check: dict[str, Any]) -> dict[str, Any]:
    return {
        "inputs": {name: MEANINGS[name] for name in inputs_of(checkpoint.model)},
        "outputs": {name: MEANINGS[name] for name in OUTPUTS},
        "opset": OPSET,
        "max_length": checkpoint.model_config.max_length,
        "fixed_length": fixed_length(checkpoint.model),
        "check": check,
    }


def _entry(path: Path) -> dict[str, Any]:
    with path.open("rb") as stream:
        return {"sha256": hashlib.file_digest(stream, "sha256").hexdigest(), "bytes": path.stat().st_size}
