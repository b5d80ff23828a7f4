"""Training: from a dataset folder to a checkpoint, with early stopping and an exact resume."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from surge.checkpoint import Checkpoint, category_rows, load_checkpoint, save_checkpoint
from surge.config import ModelConfig, TrainingConfig, from_dict, to_dict
from surge.data.instances import EncodedLog, Instances, encode, histories, split_instances
from surge.data.store import Dataset
from surge.errors import SurgeError
from surge.evaluation.evaluate import (
    autocast,
    draw_lists,
    evaluate_lists,
    evaluate_split,
    popularity_sampler,
)
from surge.explanation.quality import explanation_quality
from surge.model.surge import History, SurgeModel
from surge.training.losses import loss_terms, total_loss
from surge.training.state import TrainingState, load_state, save_state, saved_state, state_folder

RARELY_REPEATED = 0.01  # share of repeats under which a log counts as "nothing is taken twice"


def train(
    dataset: Dataset,
    output: str | Path,
    *,
    model: Mapping[str, Any] | None = None,
    training: TrainingConfig | None = None,
    resume: bool = False,
    quiet: bool = False,
) -> Checkpoint:
    """Train a SURGE model on a dataset and write its checkpoint to `output`.

    `model`: settings of ModelConfig that differ from the defaults (item and category counts come from the
    data). Early stopping on validation GAUC keeps the best epoch's weights. The state after every epoch
    lies beside `output`; with `resume` an interrupted run goes on from there, bit for bit as if it had
    never stopped (same machine and settings). `quiet` hides the progress bars.

    Impossible settings, no data to train on, or an `output` that exists are a SurgeError.
    """
    return Trainer(dataset, Path(output), dict(model or {}), training or TrainingConfig(), quiet).run(resume)


def choose_device(name: str) -> torch.device:
    """auto: CUDA where there is one. CUDA asked for and absent is a SurgeError."""
    if name == "cuda" and not torch.cuda.is_available():
        raise SurgeError("No CUDA device is at hand; use --device cpu, or auto to take CUDA only where there is one.")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


def device_name(device: torch.device) -> str:
    """What the checkpoint's config says it was trained on."""
    if device.type == "cuda":
        return f"cuda ({torch.cuda.get_device_name(device)})"
    threads = torch.get_num_threads()
    return f"cpu ({threads} thread{'s' if threads > 1 else ''})"


class Trainer:
    """One training run: what it needs, prepared once, and its epochs."""

    def __init__(
        self, dataset: Dataset, output: Path, model: dict[str, Any], config: TrainingConfig, quiet: bool
    ) -> None:
        if output.exists():
            raise SurgeError(
                f"{str(output)!r} already exists, so its training is over; choose another folder or remove it first."
            )
        self.dataset, self.output, self.config, self.quiet = dataset, output, config, quiet
        self.device = choose_device(config.device)
        self.items = dataset.items.select("item", "title", "category")
        categories, item_category = category_rows(self.items)
        self.model_config = from_dict(
            ModelConfig, model | {"item_count": self.items.height, "category_count": len(categories)}
        )
        self.log: EncodedLog = encode(dataset, {item: row for row, item in enumerate(self.items["item"].to_list())})
        self.splits = split_instances(self.log, dataset.description.get("split", {}))
        for name in ("train", "valid", "test"):
            if not len(self.splits[name]):
                raise SurgeError(
                    f"The split of {dataset.name!r} leaves no {name} instance (a positive with a history before it); "
                    "prepare the log again with other periods or --split leave-last."
                )
        self.seen = float(dataset.description.get("repeat_share", 0.0)) > RARELY_REPEATED
        self.sampler = popularity_sampler(self.log, self.splits["train"], self.items.height)
        torch.manual_seed(config.seed)
        self.model = SurgeModel(self.model_config, item_category).to(self.device)
        self.optimiser = torch.optim.Adam(
            self.model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )

    # -- the run ---------------------------------------------------------------------------------------

    def run(self, resume: bool) -> Checkpoint:
        """All epochs, the final evaluation, the checkpoint."""
        folder = state_folder(self.output)
        state = self._start(folder, resume)
        valid = self.splits["valid"].sample(self.config.validation_instances, np.random.default_rng(self.config.seed))
        lists = self._lists(valid)
        while len(state.epochs) < self.config.epochs and self._patient(state):
            record = self._epoch(len(state.epochs) + 1, state)
            metrics = evaluate_lists(self.model, self.log, valid, lists, precision=self.config.precision)
            record |= {f"valid_{name}": value for name, value in metrics.items()}
            state.epochs.append(record)
            if state.best_epoch == 0 or record["valid_gauc"] > state.epochs[state.best_epoch - 1]["valid_gauc"]:
                state.best_epoch = record["epoch"]
                state.best = {name: tensor.detach().clone() for name, tensor in self.model.state_dict().items()}
            save_state(folder, state, self.model, self.optimiser)
            self._say(record, state.best_epoch)
        self.model.load_state_dict(state.best)
        checkpoint = self._finish(state)
        shutil.rmtree(folder, ignore_errors=True)
        return checkpoint

    def _start(self, folder: Path, resume: bool) -> TrainingState:
        settings: dict[str, dict[str, Any]] = {
            "model": to_dict(self.model_config),
            "training": to_dict(self.config),
            "dataset": {"digest": self.dataset.digest},
        }
        if resume:
            return load_state(folder, settings, self.model, self.optimiser)
        if saved_state(folder):
            raise SurgeError(
                f"An interrupted training of {str(self.output)!r} is at hand; go on with --resume, or remove "
                f"{str(folder)!r} to start again."
            )
        return TrainingState(settings)

    def _patient(self, state: TrainingState) -> bool:
        return not state.epochs or len(state.epochs) - state.best_epoch < self.config.patience

    def _epoch(self, epoch: int, state: TrainingState) -> dict[str, Any]:
        """One pass; every random choice follows from (seed, epoch), so a resumed run makes the same."""
        config, started = self.config, time.perf_counter()
        rng = np.random.default_rng([config.seed, epoch])
        torch.manual_seed(config.seed * 100_003 + epoch)
        instances = self.splits["train"].sample(config.instances_per_epoch, rng)
        order = rng.permutation(len(instances))
        self.model.train()
        sums: dict[str, float] = {}
        batches = range(0, len(order), config.batch_size)
        bar = tqdm(batches, desc=f"epoch {epoch}", unit="batch", disable=self.quiet or None, leave=False)
        for start in bar:
            terms = self._step(instances.take(order[start : start + config.batch_size]), rng, state.step)
            state.step += 1
            for name, value in terms.items():
                sums[name] = sums.get(name, 0.0) + value
            bar.set_postfix(log_loss=f"{sums['log_loss'] / (start // config.batch_size + 1):.4f}", refresh=False)
        means = {name: value / len(batches) for name, value in sums.items()}
        squares = sum(float(p.detach().double().square().sum()) for p in self.model.parameters())
        means["l2"] = 0.5 * config.weight_decay * squares
        # the last step's weights have met no loss yet
        if not np.isfinite([means["total"], squares]).all():
            raise SurgeError(
                f"Training diverged in epoch {epoch} (the loss or a weight is not finite); lower learning_rate."
            )
        return {"epoch": epoch, "seconds": round(time.perf_counter() - started, 2), "step": state.step} | means

    def _step(self, batch: Instances, rng: np.random.Generator, step: int) -> dict[str, float]:
        rows, mask = histories(self.log, batch, self.model_config.max_length)
        positive = self.log.items[batch.position]
        forbidden = None if self.seen else np.where(mask, rows, positive[:, None])
        negatives = self.sampler.negatives(positive, self.config.negatives, rng, forbidden)
        candidates = torch.from_numpy(np.concatenate([positive[:, None], negatives], axis=1)).to(self.device)
        history = History(torch.from_numpy(rows).to(self.device), torch.from_numpy(mask).to(self.device))
        with autocast(self.device, self.config.precision):
            graph = self.model.build_graph(history)
            reading = self.model.read(graph, candidates)
        terms = loss_terms(graph, reading, self.config)
        loss = total_loss(terms, self.config, step)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.config.gradient_clip)
        self.optimiser.step()
        return {name: float(term.detach()) for name, term in terms.items()} | {"total": float(loss.detach())}

    def _lists(self, instances: Instances) -> np.ndarray:
        return draw_lists(
            self.log,
            instances,
            self.sampler,
            self.config.evaluation_negatives,
            self.model_config.max_length,
            seen=self.seen,
            seed=self.config.seed,
        )

    # -- the end ---------------------------------------------------------------------------------------

    def _finish(self, state: TrainingState) -> Checkpoint:
        """Measure the best weights on the test split, and write the checkpoint."""
        description = {
            "exclude_seen": not self.seen,
            "trained_on": device_name(self.device),
            "torch": torch.__version__,
            "dataset": {"name": self.dataset.name, "digest": self.dataset.digest}
            | self.dataset.description.get("counts", {})
            | {"split": self.dataset.description.get("split", {})},
            "best_epoch": state.best_epoch,
        }
        unsaved = Checkpoint(
            self.output, "", self.model.eval(), self.model_config, self.config, self.items, {}, [], description
        )
        metrics: dict[str, Any] = {"validation": self._validation(state)}
        with self._bar("test") as bar:
            metrics["test"] = evaluate_split(unsaved, self.dataset, "test", progress=_moves(bar))
        with self._bar("explanations") as bar:
            metrics["explanation"] = explanation_quality(
                unsaved, self.dataset, seed=self.config.seed, progress=_moves(bar)
            )
        save_checkpoint(
            self.output,
            self.model,
            self.items,
            training_config=self.config,
            metrics=metrics,
            history=state.epochs,
            description=description,
        )
        return load_checkpoint(self.output)

    def _bar(self, name: str) -> tqdm:
        return tqdm(
            total=1.0,
            desc=name,
            disable=self.quiet or None,
            leave=False,
            bar_format="{desc}: {percentage:3.0f}%|{bar}| {elapsed}",
        )

    def _validation(self, state: TrainingState) -> dict[str, float]:
        best = state.epochs[state.best_epoch - 1]
        return {name.removeprefix("valid_"): value for name, value in best.items() if name.startswith("valid_")}

    def _say(self, record: Mapping[str, Any], best_epoch: int) -> None:
        if not self.quiet:
            terms = " ".join(
                f"{name} {record[name]:.4f}"
                for name in ("log_loss", "same_mapping", "single_affiliation", "relative_position", "balance", "l2")
            )
            tqdm.write(
                f"epoch {record['epoch']}: {terms} | valid gauc {record['valid_gauc']:.4f} auc "
                f"{record['valid_auc']:.4f} mrr {record['valid_mrr']:.4f} | {record['seconds']:.0f} s, "
                f"best epoch {best_epoch}"
            )


def _moves(bar: tqdm) -> Callable[[float], None]:
    """A callback that sets a bar to a share done."""

    def move(share: float) -> None:
        bar.update(share - bar.n)

    return move
