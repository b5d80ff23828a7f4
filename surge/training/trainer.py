"""Training: from a dataset folder to a checkpoint, with early stopping and an exact resume."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from surge.arguments import arguments, flag, new_path, optional, path, several, text
from surge.atomic_write import check_parents
from surge.checkpoint import Checkpoint, as_checkpoint, load_checkpoint, save_checkpoint
from surge.config import EvaluationConfig, ModelConfig, TrainingConfig, from_dict, given_values, to_dict
from surge.data.dataset import Dataset, as_dataset
from surge.data.item_vectors import read_item_vectors
from surge.errors import SurgeError
from surge.evaluation.calibration import CALIBRATED, TEMPERATURES, best_temperature
from surge.evaluation.evaluate import calibration_metrics, catalogue_metrics, count_negatives
from surge.evaluation.ranking import SHOWN, log_available, rank_positives
from surge.model.surge import SurgeModel
from surge.recommenders.surge import Surge
from surge.training.data import TrainingData
from surge.training.fit import Fit
from surge.training.start import Start
from surge.training.state import TrainingState, load_state, save_state, saved_state, state_folder


@arguments(
    output=new_path, item_vectors=optional(path), vector_columns=optional(several(text)), resume=flag, quiet=flag
)
def train(
    dataset: Dataset | str | Path,
    output: str | Path,
    *,
    model: ModelConfig | Mapping[str, Any] | None = None,
    training: TrainingConfig | Mapping[str, Any] | None = None,
    evaluation: EvaluationConfig | Mapping[str, Any] | None = None,
    start: Start | Checkpoint | str | Path | None = None,
    item_vectors: str | Path | None = None,
    vector_columns: Sequence[str] | None = None,
    resume: bool = False,
    quiet: bool = False,
) -> Checkpoint:
    """Train a SURGE model on a dataset and write its checkpoint to `output`.

    `model`, `training` and `evaluation` are configurations, or dicts of the settings that differ from the defaults; the
    counts of items and categories come from the data, whatever `model` says. Early stopping on validation GAUC keeps
    the best epoch's weights.

    `start`: a checkpoint, or its folder, whose weights this training goes on with, and whose settings it has where none
    are given; they are kept if no epoch is better. `item_vectors`: with it, a file of what new items start with, and
    `vector_columns` the columns that make the vector, see `read_item_vectors`; without it, the mean of their category.

    The state after every epoch lies beside `output`; with `resume` an interrupted run goes on from there, bit for bit
    as if it had never stopped (same machine and settings). `quiet` hides the progress bars.

    Impossible settings, no data to train on, or an `output` that exists are a SurgeError.
    """
    dataset, start = as_dataset(dataset), _start(start, item_vectors, vector_columns)
    settings = given_values(ModelConfig, model, "model")
    if isinstance(model, ModelConfig):
        settings = {name: value for name, value in settings.items() if name not in ("item_count", "category_count")}
    own = (start.training, start.evaluation) if start else (TrainingConfig(), EvaluationConfig())
    trained = from_dict(TrainingConfig, to_dict(own[0]) | given_values(TrainingConfig, training, "training"))
    evaluated = from_dict(EvaluationConfig, to_dict(own[1]) | given_values(EvaluationConfig, evaluation, "evaluation"))
    return Trainer(dataset, Path(output), settings, trained, evaluated, quiet, start).run(resume)


def _start(
    given: Start | Checkpoint | str | Path | None, item_vectors: str | Path | None, columns: Sequence[str] | None
) -> Start | None:
    if columns is not None and item_vectors is None:
        raise SurgeError("vector_columns says what to read of a file of vectors; name it with item_vectors.")
    if given is None and item_vectors is not None:
        raise SurgeError(
            "item_vectors says what new items start with; give it with start, the checkpoint that the training goes on "
            "with."
        )
    if given is None or (isinstance(given, Start) and item_vectors is None):
        return given
    checkpoint = given.checkpoint if isinstance(given, Start) else as_checkpoint(given)
    return Start(checkpoint, read_item_vectors(item_vectors, columns) if item_vectors is not None else None)


def choose_device(name: str) -> torch.device:
    """auto: CUDA where there is one. CUDA asked for and absent is a SurgeError."""
    if name == "cuda" and not torch.cuda.is_available():
        raise SurgeError(
            "No CUDA device is at hand; use --device cpu (in Python device='cpu'), or auto to take CUDA only where "
            "there is one."
        )
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


def device_name(device: torch.device) -> str:
    """What the checkpoint's config says it was trained on."""
    if device.type == "cuda":
        return f"cuda ({torch.cuda.get_device_name(device)})"
    threads = torch.get_num_threads()
    return f"cpu ({threads} thread{'s' if threads > 1 else ''})"


class Trainer:
    """One training run that ends in a checkpoint."""

    def __init__(
        self,
        dataset: Dataset,
        output: Path,
        model: dict[str, Any],
        config: TrainingConfig,
        evaluation: EvaluationConfig,
        quiet: bool,
        start: Start | None = None,
    ) -> None:
        if output.exists():
            raise SurgeError(
                f"{str(output)!r} already exists, so its training is over; choose another folder or remove it first."
            )
        check_parents(output)
        self.dataset, self.output, self.config, self.evaluation = dataset, output, config, evaluation
        self.quiet = quiet
        device = choose_device(config.device)
        self.data = TrainingData.of(dataset, start.arrange) if start else TrainingData.of(dataset)
        settings = start.settings(model) if start else model
        self.model_config = from_dict(ModelConfig, settings | self.data.sizes())
        torch.manual_seed(config.seed)
        self.model = SurgeModel(self.model_config, self.data.item_category)
        self.kept = start.fill(self.model, self.data.items) if start else None
        self.model.to(device)
        if not quiet:
            for sentence in [*self.data.told, *(self.kept.told if self.kept else [])]:
                tqdm.write(sentence)
        self.fit = Fit(self.data, Surge(self.model), config, evaluation, quiet)

    def run(self, resume: bool) -> Checkpoint:
        """All epochs, the figures of the validation split, the checkpoint."""
        folder = state_folder(self.output)
        state = self._start(folder, resume)
        self.fit.run(state, lambda reached: save_state(folder, reached, self.model, self.fit.optimiser))
        if self.kept and not state.best_epoch and state.epochs and not self.quiet:
            tqdm.write("no epoch was better than the weights at the start, so the checkpoint keeps those")
        checkpoint = self._finish(state)
        shutil.rmtree(folder, ignore_errors=True)
        return checkpoint

    def _start(self, folder: Path, resume: bool) -> TrainingState:
        settings: dict[str, dict[str, Any]] = {
            "model": to_dict(self.model_config),
            "training": to_dict(self.config),
            "evaluation": to_dict(self.evaluation),
            "dataset": {"digest": self.dataset.digest},
            "start": self.kept.description() if self.kept else {},
        }
        if resume:
            return load_state(folder, settings, self.model, self.fit.optimiser)
        if saved_state(folder):
            raise SurgeError(
                f"An interrupted training of {str(self.output)!r} is at hand; go on with --resume (in Python "
                f"resume=True), or remove {str(folder)!r} to start again."
            )
        state = TrainingState(settings)
        if self.kept:
            self.fit.begin(state)
        return state

    def _finish(self, state: TrainingState) -> Checkpoint:
        """Measure the best weights on the validation split, and write the checkpoint; the test split stays unseen."""
        with self._bar("measuring") as bar:
            among_all, calibration = self._catalogue(_moves(bar))
        description = {
            "exclude_seen": self.data.taken is not None,
            **calibration,
            "trained_on": device_name(self.fit.device),
            "torch": torch.__version__,
            "dataset": {"name": self.dataset.name, "digest": self.dataset.digest}
            | self.dataset.description.get("counts", {})
            | {
                name: self.dataset.description[name]
                for name in ("split", "time_range")
                if name in self.dataset.description
            },
            "best_epoch": state.best_epoch,
        }
        if self.kept:
            description["start"] = self.kept.description() | state.start
        save_checkpoint(
            self.output,
            self.model,
            self.data.items,
            training_config=self.config,
            evaluation_config=self.evaluation,
            metrics={"validation": self._validation(state) | among_all},
            history=state.epochs,
            description=description,
        )
        return load_checkpoint(self.output)

    def _catalogue(self, progress: Callable[[float], None]) -> tuple[dict[str, Any], dict[str, float]]:
        """Each user's last validation positive among all items, and what makes probabilities and lifts of scores.

        `temperature`: 1 where the probabilities can be taken at their word, else the one under which the validation
        positives are likeliest (`TEMPERATURES`). `lift_constant`: see `Catalogue.lift_offset`.
        """
        data, rng = self.data, np.random.default_rng(self.config.seed)
        chosen = data.ranked("valid", self.evaluation, rng)
        ranks = rank_positives(
            self.fit.recommender,
            data.log,
            chosen,
            taken=data.taken,
            log_popularity=data.log_popularity,
            temperatures=TEMPERATURES,
            progress=progress,
        )
        temperature = 1.0
        errors = [ranks.reliability(1.0, first).error for first in (SHOWN, 1)] if len(chosen) else [0.0]
        if max(errors) > CALIBRATED:
            temperature = best_temperature(ranks.own, ranks.normaliser)
        calibration = {"temperature": temperature}
        if len(chosen):
            available = log_available(data.log, chosen, data.taken, data.log_popularity)
            calibration["lift_constant"] = ranks.lift_constant(available, temperature)
        counts = {"catalogue_instances": len(chosen)}
        return catalogue_metrics(ranks) | calibration_metrics(ranks, temperature) | counts, calibration

    def _bar(self, name: str) -> tqdm:
        return tqdm(
            total=1.0,
            desc=name,
            disable=self.quiet or None,
            leave=False,
            bar_format="{desc}: {percentage:3.0f}%|{bar}| {elapsed}",
        )

    def _validation(self, state: TrainingState) -> dict[str, float]:
        figures = {
            name.removeprefix("valid_"): value for name, value in state.best_record.items() if name.startswith("valid_")
        }
        instances, lists = self.fit.validation
        return figures | {"instances": len(instances)} | count_negatives(lists)


def _moves(bar: tqdm) -> Callable[[float], None]:
    """A callback that sets a bar to a share done."""

    def move(share: float) -> None:
        bar.update(share - bar.n)

    return move
