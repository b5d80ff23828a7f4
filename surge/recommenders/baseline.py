"""What all baselines share: their settings, the context of a history, the embeddings and the prediction head."""

from __future__ import annotations

from abc import abstractmethod
from functools import partial
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from surge.backends.scoring import CELLS
from surge.config import BaselineConfig, TrainingConfig
from surge.model.batches import in_parts
from surge.model.embedding import EmbedsItems
from surge.model.layers import joined, multilayer_perceptron
from surge.model.losses import log_loss
from surge.model.next_item import next_item_loss
from surge.model.surge import Context, ItemSequences, refuse_empty
from surge.recommenders.base import Batch, Recommender, Score

HIDDEN = 40  # a usual size of a layer
TOGETHER = 32  # histories whose catalogues are scored at once, where no candidate asks their items


def resize(inputs: int, outputs: int) -> nn.Module:
    """A state as it is where the sizes agree, else projected."""
    return nn.Identity() if inputs == outputs else nn.Linear(inputs, outputs, bias=False)


def last_state(states: Tensor, mask: Tensor) -> Tensor:
    """The state at the last item of each history: (B, n, size) and (B, n) to (B, size)."""
    place = (mask.sum(1) - 1).view(-1, 1, 1).expand(-1, 1, states.shape[-1])
    return states.gather(1, place).squeeze(1)


class Head(nn.Module):
    """logit = MLP(h_t, s, s * h_t), as Eq. 17 has it, or s . h_t, of a user state s in R^d."""

    def __init__(self, config: BaselineConfig) -> None:
        super().__init__()
        self.dot, self.normalise = config.score == "dot", config.normalise
        if not self.dot:
            self.mlp = multilayer_perceptron(3 * config.size, config.prediction_hidden)

    def forward(self, state: Tensor, target: Tensor) -> Tensor:
        """One state a history (B, d), or one a candidate (B, T, d), with h_t (B, T, d); gives logits (B, T)."""
        state = (state.unsqueeze(1) if state.ndim == 2 else state).expand_as(target)
        if self.dot:
            return (state * target).sum(-1)
        return self.mlp(joined([], target, [state], self.normalise)).squeeze(-1)


class Baseline(EmbedsItems, Recommender):
    """A model that SURGE is measured against; a history without an item is a SurgeError, also of a model that reads
    none.

    `asks_items`: each candidate asks every item of the history, which takes so much more memory.
    """

    settings: ClassVar[type] = BaselineConfig
    asks_items: ClassVar[bool] = False

    def __init__(self, config: BaselineConfig, item_category: Tensor) -> None:
        super().__init__(config, item_category)
        self.config = config

    def read(self, history: ItemSequences, context: Context) -> tuple[Tensor, ...]:
        """What a model makes of B histories before it sees a candidate: tensors (B, ...)."""
        refuse_empty(history.mask)
        return self._read(history, context)

    @abstractmethod
    def _read(self, history: ItemSequences, context: Context) -> tuple[Tensor, ...]:
        """The same of histories that hold at least one item."""

    @abstractmethod
    def score(self, known: tuple[Tensor, ...], candidates: Tensor) -> Tensor:
        """Logits (B, T) of T candidates for each of B histories, of what `read` gives."""

    def forward(self, history: ItemSequences, candidates: Tensor, context: Context) -> Tensor:
        """Logits (B, T) of T candidates for each of B histories."""
        return self.score(self.read(history, context), candidates)

    @classmethod
    def build(cls, config: BaselineConfig, item_category: Tensor) -> Baseline:
        return cls(config, item_category)

    @property
    def network(self) -> Baseline:
        return self

    @property
    def together(self) -> int:
        return 1 if self.asks_items else TOGETHER  # one alone has no padding to ask

    def next_item_weight(self, config: TrainingConfig) -> float:
        return 0.0

    def loss_terms(self, batch: Batch, config: TrainingConfig) -> dict[str, Tensor]:
        logit = self(batch.history, batch.candidates, batch.context)
        return {"log_loss": log_loss(logit.float())}

    def scorer(self, history: ItemSequences, context: Context) -> Score:
        return partial(self.score, self.read(history, context))

    def score_catalogue(self, history: ItemSequences, context: Context) -> np.ndarray:
        """Each history is read once; the candidates come in chunks."""
        count, size = len(history.items), self.config.item_count
        scores = np.empty((count, size), dtype=np.float32)
        # what grows is histories x candidates x a hidden layer, and x items for a model whose candidates ask each item
        near = history.items.shape[1] if self.asks_items else 1

        def read(start: int, stop: int) -> None:
            candidates = torch.arange(start, stop, device=self.device).expand(count, -1)
            scores[:, start:stop] = self.score(known, candidates).float().cpu().numpy()

        with torch.inference_mode():
            known = self.read(history, context)
            in_parts(size, lambda start: CELLS // (HIDDEN * near * count), read)
        return scores


class StepBaseline(Baseline):
    """A baseline whose every step learns the item after it, `auxiliary_weight` times the next-item loss."""

    @abstractmethod
    def steps(self, history: ItemSequences, context: Context) -> Tensor:
        """The state after each item (B, n, d), which knows nothing of later ones."""

    def next_item_weight(self, config: TrainingConfig) -> float:
        return self.config.auxiliary_weight

    def loss_terms(self, batch: Batch, config: TrainingConfig) -> dict[str, Tensor]:
        """With the next-item loss of the steps, where items were drawn for it."""
        terms = super().loss_terms(batch, config)
        return terms if batch.drawn is None else terms | {"auxiliary": self.auxiliary(batch, batch.drawn)}

    def auxiliary(self, batch: Batch, drawn: Tensor) -> Tensor:
        """The weighted next-item loss of the steps, with the items drawn (B, n - 1)."""
        states = self.steps(batch.history, batch.context)
        return self.config.auxiliary_weight * next_item_loss(states, batch.history, self.embed, drawn)
