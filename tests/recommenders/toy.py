"""Small baselines, batches of any histories, and a training loop of ten lines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from surge.config import TrainingConfig
from surge.data.instances import EncodedLog, Instances
from surge.data.splits import split_instances
from surge.model.surge import ItemSequences
from surge.recommenders import BASELINES, Baseline, Context, build, configure
from surge.training.losses import total_loss
from tests.model.small import pad

NAMES = tuple(name for name, model in BASELINES.items() if model.learns)
USERS, ITEMS, CATEGORIES = 6, 20, 4
DAY = 86_400


class Batch(NamedTuple):
    """What a model is given."""

    history: ItemSequences
    candidates: Tensor
    context: Context


def categories(item_count: int, category_count: int) -> Tensor:
    """Item r has category r mod count."""
    return torch.arange(item_count) % category_count


def small(name: str, seed: int = 0, log: EncodedLog | None = None, **settings: Any) -> Baseline:
    """A small model in evaluation mode; its log is `toy_log` where it needs one."""
    given = {"item_count": ITEMS, "category_count": CATEGORIES, "user_count": USERS, "max_length": 12}
    small_sizes = {"item_size": 12, "category_size": 4, "hidden": 16, "attention_hidden": [12, 6]}
    settings = given | small_sizes | {"prediction_hidden": [16, 8]} | settings
    torch.manual_seed(seed)
    config = configure(name, settings)
    model = build(name, config, categories(config.item_count, config.category_count))
    log = log or toy_log()
    if len(log.offsets) - 1 == config.user_count:
        model.prepare(log, split_instances(log, {"method": "leave-last"})["train"])
    return model.eval()


def toy_log() -> EncodedLog:
    """Six users with ten items each, an hour apart."""
    rng = np.random.default_rng(1)
    items = rng.integers(ITEMS, size=10 * USERS)
    return log_of(items.reshape(USERS, 10).tolist())


def log_of(histories: Sequence[Sequence[int]]) -> EncodedLog:
    """A log from what each user took, an hour apart."""
    lengths = [len(history) for history in histories]
    items = np.concatenate([np.asarray(history, dtype=np.int64) for history in histories])
    times = np.concatenate([np.arange(length) * 3600 for length in lengths])
    return EncodedLog(items, times, np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64))


def positives(log: EncodedLog) -> Instances:
    """Every interaction that has one before it."""
    user = np.repeat(np.arange(len(log.offsets) - 1), np.diff(log.offsets))
    place = np.arange(len(log.items)) - log.offsets[user]
    return Instances(user[place > 0], np.flatnonzero(place > 0))


def batch_of(histories: Sequence[Sequence[int]], candidates: Sequence[Sequence[int]], seed: int = 0) -> Batch:
    """These histories with times of their own; user b is row b."""
    history = pad(histories)
    rng = np.random.default_rng(seed)
    gaps = rng.exponential(DAY, size=(len(histories), history.items.shape[1] + 1)).astype(np.int64)
    times = torch.from_numpy(1_600_000_000 + gaps.cumsum(1))
    now = times.gather(1, history.mask.sum(1, keepdim=True)).squeeze(1)
    users = torch.arange(len(histories)) % USERS
    return Batch(history, torch.tensor(candidates), Context(users, times[:, :-1] * history.mask, now))


def some_batch(seed: int = 0, count: int = USERS, candidates: int = 5) -> Batch:
    """Random histories of 2 to 9 items."""
    rng = np.random.default_rng(seed)
    histories = [rng.integers(ITEMS, size=rng.integers(2, 10)).tolist() for _ in range(count)]
    return batch_of(histories, rng.integers(ITEMS, size=(count, candidates)).tolist(), seed)


def spread(model: Baseline, factor: float) -> Baseline:
    """Item embeddings so many times as far apart: training starts at once, not after hundreds of steps of nothing."""
    with torch.no_grad():
        model.item_embedding.weight.mul_(factor)
    return model


def loss_of(model: Baseline, batch: Batch) -> Tensor:
    """The training loss: the positive is candidate 0."""
    history, candidates, context = batch
    config = TrainingConfig()
    return total_loss(model.loss_terms(model.draw(history, candidates, context, config), config), config, 0)


def fit(model: Baseline, draw: Callable[[], Batch], steps: int, learning_rate: float = 5e-3) -> Baseline:
    """Trains on as many batches; gives the model in evaluation mode."""
    optimiser = torch.optim.Adam(model.parameters(), lr=learning_rate)
    model.train()
    for _ in range(steps):
        optimiser.zero_grad()
        loss_of(model, draw()).backward()
        optimiser.step()
    return model.eval()


def accuracy(model: Baseline, batch: Batch) -> float:
    """The share of histories whose positive scores above all its negatives."""
    with torch.no_grad():
        logit = model(*batch)
    return float((logit[:, :1] > logit[:, 1:]).all(1).float().mean())
