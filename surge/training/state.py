"""The trainer's own state between epochs, kept beside the checkpoint to be: plain files, no pickle."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from surge.config import in_parts
from surge.errors import SurgeError


@dataclass
class TrainingState:
    """Where a training run stands after a whole number of epochs.

    `settings` are those of the run; a run is only resumed with the same. `best` holds the weights of the
    best epoch so far, `epochs` one record an epoch. `start`: what the weights of a checkpoint measured before the
    first epoch, where the run started from one; while `best_epoch` is 0 they are the best.
    """

    settings: dict[str, Any]
    epochs: list[dict[str, Any]] = field(default_factory=list)
    step: int = 0
    best_epoch: int = 0
    best: dict[str, Tensor] = field(default_factory=dict)
    start: dict[str, Any] = field(default_factory=dict)

    @property
    def best_record(self) -> dict[str, Any]:
        """What the best weights measured on validation; empty while there are none."""
        return self.epochs[self.best_epoch - 1] if self.best_epoch else self.start


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
    content = save_tensors(copies)
    (fresh / "tensors.safetensors").write_bytes(content)
    counters = {
        "tensors": hashlib.sha256(content).hexdigest(),
        "settings": state.settings,
        "epochs": state.epochs,
        "step": state.step,
        "best_epoch": state.best_epoch,
        "start": state.start,
    }
    (fresh / "state.json").write_text(json.dumps(counters), encoding="utf-8")
    current, old = folder / "current", folder / "old"
    if current.exists():  # if not, the old one is all there is
        shutil.rmtree(old, ignore_errors=True)
        os.replace(current, old)
    os.replace(fresh, current)
    shutil.rmtree(old, ignore_errors=True)


def saved_state(folder: Path) -> Path | None:
    """The folder of the last whole state, None where there is none: a crash may leave no more than a part."""
    return next((folder / name for name in ("current", "old") if (folder / name).is_dir()), None)


def load_state(
    folder: Path, settings: dict[str, Any], model: torch.nn.Module, optimiser: torch.optim.Optimizer
) -> TrainingState:
    """Read the state back into a model and its optimiser.

    No state, a damaged one, or one of a run with other `settings` is a SurgeError. `patience` may differ, and
    `epochs` where the learning rate is constant: they only say when to stop.
    """
    current = saved_state(folder)
    if current is None:
        raise SurgeError(
            f"There is no interrupted training at {str(folder)!r} to resume; start without --resume (in Python "
            "resume=True)."
        )
    try:
        counters = json.loads((current / "state.json").read_text(encoding="utf-8"))
        _check_settings(folder, counters["settings"], settings)
        content = (current / "tensors.safetensors").read_bytes()
        if hashlib.sha256(content).hexdigest() != counters.pop("tensors"):
            raise ValueError("tensors.safetensors is not what was written")
        tensors = load_tensors(content)
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
    except SurgeError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError, SafetensorError) as error:
        reason = " ".join(str(error).split())
        raise SurgeError(
            f"The interrupted training at {str(folder)!r} can't be resumed ({reason}); "
            "remove that folder and start again."
        ) from error


def _check_settings(folder: Path, before: dict[str, Any], now: dict[str, Any]) -> None:
    if "training" in before:  # what says how to evaluate stood there once
        before = before | {part: then for part, then in in_parts({"training": before["training"]}).items() if then}
    before = {"start": {}} | before  # no training started from a checkpoint once
    for part in now:
        then, here = before[part], now[part]
        # they only say when to stop, but where the learning rate falls towards the last epoch
        free = {"patience"} if then.get("schedule") == "linear" else {"patience", "epochs"}
        changed = sorted(key for key in (then | here).keys() - free if then.get(key) != here.get(key))
        if changed:
            raise SurgeError(
                f"The interrupted training had another {part} ({', '.join(changed)}); resume it with the "
                f"same, or remove {str(folder)!r} and start again."
            )
