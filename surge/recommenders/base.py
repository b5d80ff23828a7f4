"""The one protocol under which SURGE and the baselines are trained and measured."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from torch import Tensor

from surge.config import TrainingConfig, from_dict
from surge.data.instances import EncodedLog, Instances
from surge.data.negatives import NONE, Barred
from surge.model.batches import move
from surge.model.embedding import EmbedsItems
from surge.model.next_item import draw_items
from surge.model.surge import Context, ItemSequences

Score = Callable[[Tensor], Tensor]  # candidates (B, T) of the histories at hand -> their logits (B, T)


class Batch(NamedTuple):
    """What a step learns from: histories, candidates (B, 1 + K), the positive first, and all that chance decides.

    ages (B, n) for a model that reads them; drawn, items for the next-item loss of a model that learns it: (B, n - 1),
    or (B, K) for all steps of a history.
    """

    history: ItemSequences
    candidates: Tensor
    context: Context
    ages: Tensor | None = None
    drawn: Tensor | None = None

    def to(self, device: torch.device) -> Batch:
        """On a device."""
        return move(self._replace(history=move(self.history, device), context=move(self.context, device)), device)


class Recommender(ABC):
    """A sequential recommender: a network, what it learns from a batch, and how it scores.

    `network` has the weights. `config`: its settings, a RecommenderConfig; `own`: those that are the model's own where
    nobody says otherwise. `learns`: there are weights to train. `corrected`: its logit was trained against negatives
    drawn by popularity, so a catalogue is ranked by logit + log q. `together`: so many histories have their catalogues
    scored at once.
    """

    learns: ClassVar[bool] = True
    corrected: ClassVar[bool] = True
    settings: ClassVar[type]  # of `config`
    own: ClassVar[dict[str, Any]] = {}
    config: Any

    @classmethod
    def configure(cls, settings: Mapping[str, Any]) -> Any:
        """`config` from plain JSON values; impossible ones are a SurgeError."""
        return from_dict(cls.settings, cls.own | dict(settings))

    @classmethod
    @abstractmethod
    def build(cls, config: Any, item_category: Tensor) -> Recommender:
        """A new model, its weights drawn from torch's generator; `item_category` (item_count,) as `EmbedsItems` has
        it."""

    @property
    @abstractmethod
    def network(self) -> EmbedsItems:
        """The module that is trained and saved."""

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return self.network.item_embedding.weight.device

    @property
    def together(self) -> int:
        return 1

    def prepare(self, log: EncodedLog, trained_on: Instances) -> None:  # noqa: B027 - most need none
        """Called once before training, and once after weights are loaded: what a model takes from the whole log."""

    def draw(
        self,
        history: ItemSequences,
        candidates: Tensor,
        context: Context,
        config: TrainingConfig,
        barred: Barred | None = None,
    ) -> Batch:
        """A batch with what this model's training draws; on a CPU. `barred`: what is nobody's negative, see
        `PopularitySampler`."""
        ages = self.ages(context)  # before the items: the order of the draws decides what a seed gives
        return Batch(history, candidates, context, ages, self.drawn(history, config, barred))

    def ages(self, context: Context) -> Tensor | None:
        """The ages of a batch, for a model that reads them."""
        return None

    def drawn(self, history: ItemSequences, config: TrainingConfig, barred: Barred | None) -> Tensor | None:
        """Items for the loss of the steps, where it learns one: an item for each step but the last."""
        if not self.next_item_weight(config):
            return None
        drawn = draw_items(history)
        if barred is None:
            return drawn
        wrong = torch.from_numpy(barred(np.arange(len(drawn)), drawn.numpy()))
        return torch.where(wrong, history.items[:, 1:], drawn)  # then that step has no false item

    def drawn_for_all_steps(self, history: ItemSequences, count: int, barred: Barred | None) -> Tensor:
        """`count` items for each history (B, count), all alike likely, which its steps share; NONE in place of those
        that are barred."""
        drawn = torch.randint(self.config.item_count, (len(history.items), count))
        if barred is None:
            return drawn
        return drawn.masked_fill(torch.from_numpy(barred(np.arange(len(drawn)), drawn.numpy())), NONE)

    @abstractmethod
    def next_item_weight(self, config: TrainingConfig) -> float:
        """Of the next-item loss in its training, 0 where it doesn't learn that."""

    @abstractmethod
    def loss_terms(self, batch: Batch, config: TrainingConfig) -> dict[str, Tensor]:
        """The terms of the training loss by name, log_loss among them; `total_loss` weighs them."""

    @abstractmethod
    def scorer(self, history: ItemSequences, context: Context) -> Score:
        """Reads B histories, and gives what scores T candidates for each of them."""

    @abstractmethod
    def score_catalogue(self, history: ItemSequences, context: Context) -> np.ndarray:
        """Logits (B, items), float32, of all items for each of at most `together` histories, in chunks that fit in
        memory."""
