"""The trainer's own state between epochs, kept beside the checkpoint to be: plain files, no pickle."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from surge.errors import SurgeError


@dataclass
class TrainingState:
    """Where a training run stands after a whole number of epochs.

    `settings` are those of the run; a run is only resumed with the same. `best` holds the weights of the
    best epoch so far, `epochs` one record an epoch.
    """

    settings: dict[str, Any]
    epochs: list[dict[str, Any]] = field(default_factory=list)
    step: int = 0
    best_epoch: int = 0
    best: dict[str, Tensor] = field(default_factory=dict)


def state_folder(output: Path) -> Path:
    """Where the state of the run that writes the checkpoint `output` lies."""
    return output.parent / f".{output.name}.training"


def save_state(folder: Path, state: TrainingState, model: torch.nn.Module, optimiser: torch.optim.Optimizer) -> None:
    """Replace the saved state. A crash in the middle leaves the state of the epoch before."""
    fresh = folder / "new"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    tensors = {f"model/{name}": tensor for name, tensor in model.state_dict().items()}
    tensors |= {f"best/{name}": tensor for name, tensor in state.best.items()}
    for index, values in optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser/{index}/{name}": torch.as_tensor(value) for name, value in values.items()}
    copies = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in tensors.items()}
    save_file(copies, fresh / "tensors.safetensors")
    counters = {
        "settings": state.settings,
        "epochs": state.epochs,
        "step": state.step,
        "best_epoch": state.best_epoch,
    }
    (fresh / "state.json").write_text(json.dumps(counters), encoding="utf-8")
    current, old = folder / "current", folder / "old"
    shutil.rmtree(old, ignore_errors=True)
    if current.exists():
        os.replace(current, old)
    os.replace(fresh, current)
    shutil.rmtree(old, ignore_errors=True)


def load_state(folder: Path, model: torch.nn.Module, optimiser: torch.optim.Optimizer) -> TrainingState:
    """Read the state back into a model and its optimiser; no or a damaged state is a SurgeError."""
    current = folder / "current" if (folder / "current").exists() else folder / "old"
    if not current.is_dir():
        raise SurgeError(f"There is no interrupted training at {str(folder)!r} to resume; start without --resume.")
    try:
        counters = json.loads((current / "state.json").read_text(encoding="utf-8"))
        tensors = load_file(current / "tensors.safetensors")
        parts: dict[str, dict[str, Tensor]] = {"model": {}, "best": {}, "optimiser": {}}
        for name, tensor in tensors.items():
            part, rest = name.split("/", 1)
            parts[part][rest] = tensor
        model.load_state_dict(parts["model"])
        state: dict[int, dict[str, Tensor]] = {}
        for name, tensor in parts["optimiser"].items():
            index, key = name.split("/", 1)
            state.setdefault(int(index), {})[key] = tensor
        optimiser.load_state_dict(optimiser.state_dict() | {"state": state})
        return TrainingState(best=parts["best"], **counters)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise SurgeError(
            f"The interrupted training at {str(folder)!r} can't be resumed ({error}); "
            "remove that folder and start again."
        ) from error
