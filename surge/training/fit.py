"""The training loop, the same for SURGE and for what it is measured against: epochs, early stopping, one step."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from surge.config import EvaluationConfig, TrainingConfig
from surge.data.instances import Instances
from surge.errors import SurgeError
from surge.evaluation.evaluate import barred, evaluate_lists
from surge.model.batches import read_batch
from surge.model.precision import autocast
from surge.recommenders.base import Recommender
from surge.training.data import TrainingData
from surge.training.l2 import L2
from surge.training.losses import TERMS, total_loss
from surge.training.state import TrainingState

TOLD = 20  # steps between two looks at the loss


def check_epochs(config: TrainingConfig) -> None:
    """A SurgeError where a new model would learn nothing."""
    if not config.epochs:
        raise SurgeError("epochs is 0, and a new model has learned nothing then; give 1 or more.")


class Fit:
    """A model being trained on a dataset; it starts where its weights and `optimiser` stand."""

    def __init__(
        self,
        data: TrainingData,
        recommender: Recommender,
        config: TrainingConfig,
        evaluation: EvaluationConfig,
        quiet: bool = False,
    ) -> None:
        self.data, self.recommender, self.config, self.evaluation = data, recommender, config, evaluation
        self.quiet = quiet
        self.model = model = recommender.network
        self.tells = not quiet  # a line after every epoch
        self.device = recommender.device
        self.optimiser = torch.optim.Adam(model.parameters(), lr=config.learning_rate, fused=self.device.type == "cuda")
        self.l2 = L2(model.parameters(), config.loss.weight_decay)
        recommender.prepare(data.log, data.splits["train"])

    @cached_property
    def validation(self) -> tuple[Instances, np.ndarray]:
        """The instances by which epochs are judged, and their candidate lists."""
        return self.data.validation(self.evaluation, self.config.seed)

    @cached_property
    def instances(self) -> Instances:
        """What an epoch learns from, see `TrainingConfig.instances`."""
        train = self.data.splits["train"]
        return train if self.config.instances == "positives" else train.last()

    def run(self, state: TrainingState, after_epoch: Callable[[TrainingState], None] | None = None) -> None:
        """Epochs until patience or `epochs` run out; then the model has the weights of the best one.

        Best is by validation GAUC. `after_epoch` is called with the state that each epoch leaves. A model that learns
        nothing is done at once. No epoch at all for a new model is a SurgeError.
        """
        if not self.recommender.learns:
            self.model.eval()
            return
        if not state.best_record:
            check_epochs(self.config)
        while len(state.epochs) < self.config.epochs and self._patient(state):
            record = self._epoch(len(state.epochs) + 1, state)
            record |= self._validated()
            better = not state.best_record or record["valid_gauc"] > state.best_record["valid_gauc"]
            state.epochs.append(record)
            if better:
                state.best_epoch, state.best = record["epoch"], self._weights()
            if after_epoch:
                after_epoch(state)
            self._say(record, state.best_epoch)
        self.model.load_state_dict(state.best)
        self.model.eval()

    def begin(self, state: TrainingState) -> None:
        """The weights as they are count as what the epochs have to be better than."""
        state.start, state.best = self._validated(), self._weights()
        if self.tells:
            tqdm.write(f"before training: {_figures(state.start)}")

    def _validated(self) -> dict[str, float]:
        valid, lists = self.validation
        metrics = evaluate_lists(self.recommender, self.data.log, valid, lists, precision=self.config.precision)
        return {f"valid_{name}": value for name, value in metrics.items()}

    def _weights(self) -> dict[str, Tensor]:
        return {name: tensor.detach().clone() for name, tensor in self.model.state_dict().items()}

    def _patient(self, state: TrainingState) -> bool:
        return not state.epochs or len(state.epochs) - state.best_epoch < self.config.patience

    def _epoch(self, epoch: int, state: TrainingState) -> dict[str, Any]:
        """One pass; every random choice follows from (seed, epoch), so a resumed run makes the same."""
        config, started = self.config, time.perf_counter()
        rng = np.random.default_rng([config.seed, epoch])
        torch.manual_seed(config.seed * 100_003 + epoch)
        instances = self.instances.sample(config.instances_per_epoch, rng)
        order = rng.permutation(len(instances))
        self.model.train()
        sums: dict[str, Tensor] = {}
        batches = range(0, len(order), config.batch_size)
        bar = tqdm(batches, desc=f"epoch {epoch}", unit="batch", disable=self.quiet or None, leave=False)
        for start in bar:
            terms = self._step(instances.take(order[start : start + config.batch_size]), rng, state.step)
            state.step += 1
            # on the device: to read a number is to wait for it
            sums = {name: sums.get(name, 0.0) + value for name, value in terms.items()}
            done = start // config.batch_size + 1
            if not bar.disable and done % TOLD == 0:
                bar.set_postfix(log_loss=f"{float(sums['log_loss']) / done:.4f}", refresh=False)
        self.l2.settle()  # an epoch is where a run may be resumed
        means = {name: float(value) / len(batches) for name, value in sums.items()}
        means["l2"] = self.l2.value()
        # the last step's weights have met no loss yet
        if not np.isfinite([means["total"], means["l2"]]).all():
            raise SurgeError(
                f"Training diverged in epoch {epoch} (the loss or a weight is not finite); lower learning_rate."
            )
        return {"epoch": epoch, "seconds": round(time.perf_counter() - started, 2), "step": state.step} | means

    def _step(self, instances: Instances, rng: np.random.Generator, step: int) -> dict[str, Tensor]:
        """One step of the optimiser; the terms and the total (float64) before it, on the device."""
        config, recommender = self.config, self.recommender
        history, context = read_batch(self.data.log.histories(instances, recommender.config.max_length))
        positive = self.data.log.items[instances.position]
        negatives = self.data.negatives(instances, config.negatives, rng)
        known = barred(self.data.taken, instances)
        candidates = torch.from_numpy(np.concatenate([positive[:, None], negatives], axis=1))
        batch = recommender.draw(history, candidates, context, config, known).to(self.device)
        self.optimiser.zero_grad(set_to_none=True)  # first: on a GPU they may lie where the step will write
        with autocast(self.device, config.precision):
            terms = recommender.loss_terms(batch, config)
        loss = total_loss(terms, config, step)
        for group in self.optimiser.param_groups:
            group["lr"] = self._learning_rate(step)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), config.gradient_clip)
        self.optimiser.step()
        self.l2.step(self._learning_rate(step))
        return {name: term.detach().double() for name, term in (terms | {"total": loss}).items()}

    def _learning_rate(self, step: int) -> float:
        config = self.config
        if config.schedule == "constant":
            return config.learning_rate
        positives = min(config.instances_per_epoch or sys.maxsize, len(self.instances))
        steps = config.epochs * math.ceil(positives / config.batch_size)
        return config.learning_rate * max(0.0, 1 - step / steps)

    def _say(self, record: Mapping[str, Any], best_epoch: int) -> None:
        if self.tells:
            terms = " ".join(f"{name} {record[name]:.4f}" for name in TERMS if name in record)
            best = f"best epoch {best_epoch}" if best_epoch else "no better than before"
            tqdm.write(f"epoch {record['epoch']}: {terms} | {_figures(record)} | {record['seconds']:.0f} s, {best}")


def _figures(record: Mapping[str, Any]) -> str:
    return "valid " + " ".join(f"{name} {record[f'valid_{name}']:.4f}" for name in ("gauc", "auc", "mrr"))
