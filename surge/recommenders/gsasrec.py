"""SASRec as it is trained today: on whole histories, with many negatives for every step."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from surge.config import BaselineConfig, TrainingConfig
from surge.data.instances import EncodedLog, Instances
from surge.data.negatives import Barred, PopularitySampler
from surge.model.next_item import after_each, catalogue_loss, softmax_loss, step_scores
from surge.model.surge import ItemSequences
from surge.recommenders.base import Batch
from surge.recommenders.sasrec import SASRec

THEIRS: dict[str, Any] = {"item_size": 128, "category_size": 0, "max_length": 200, "layers": 2, "score": "dot"}


class WholeHistorySASRec(SASRec):
    """SASRec whose every state s_j learns the item after it, the positive after the last one, and nothing else.

    For each history `step_negatives` items are drawn, all alike likely, which all its steps share; what the user took
    before the positive is no negative, nor an item that comes next at a step. With `step_negatives` 0 all items are
    negatives. Trained with `instances = "users"` an epoch reads each user's history once.

    The score that is trained is s . h. The logit is s . h_t - log q, so that a catalogue, which is ranked by logit +
    log q, is ranked by s . h as in the papers, and lists whose negatives were drawn by q are ranked by how much more
    this user wants an item than everybody.
    """

    log_popularity: Tensor

    def __init__(self, config: BaselineConfig, item_category: Tensor) -> None:
        super().__init__(config, item_category)
        self.register_buffer("log_popularity", torch.zeros(config.item_count))

    def prepare(self, log: EncodedLog, trained_on: Instances) -> None:
        """Count the positives, for q."""
        counts = log.item_counts(trained_on, self.config.item_count)
        self.log_popularity.copy_(torch.from_numpy(np.log(PopularitySampler(counts).probability)))

    def drawn(self, history: ItemSequences, config: TrainingConfig, barred: Barred | None) -> Tensor | None:
        """The negatives of all steps of each history (B, step_negatives)."""
        count = self.config.step_negatives
        return self.drawn_for_all_steps(history, count, barred) if count else None

    def loss_terms(self, batch: Batch, config: TrainingConfig) -> dict[str, Tensor]:
        history = batch.history
        mask = history.mask
        following = after_each(history.items, batch.candidates[:, 0], mask)
        states = self.steps(history, batch.context)
        if batch.drawn is None:
            every = self.embed(torch.arange(self.config.item_count, device=states.device))
            return {"log_loss": catalogue_loss(states, following, mask, every)}
        return {"log_loss": self.step_loss(*step_scores(states, following, mask, self.embed, batch.drawn))}

    def step_loss(self, own: Tensor, others: Tensor) -> Tensor:
        """The mean over steps of what is lost where the next item has the score `own` (N,), and the negatives `others`
        (N, K), -inf where one is none: by softmax."""
        return softmax_loss(own, others)

    def score(self, known: tuple[Tensor, ...], candidates: Tensor) -> Tensor:
        return super().score(known, candidates) - self.log_popularity[candidates]


class ESASRec(WholeHistorySASRec):
    """SASRec with a softmax over the next item and 256 others at every step (Klenitskiy and Vasilev, RecSys 2023,
    arXiv 2309.07602; Tikhonovich et al., 2025, as eSASRec, arXiv 2508.06450), or with `step_negatives` 0 over all.

    Departs from eSASRec: SASRec's own layers in place of gated ones; negatives that the steps of a history share.
    """

    own: ClassVar = {**THEIRS, "item_size": 64, "dropout": 0.1, "step_negatives": 256}


class GSASRec(WholeHistorySASRec):
    """gSASRec (Petrov and Macdonald, RecSys 2023, arXiv 2308.07192): generalised binary cross-entropy.

    loss = -(beta log sigma(s_j . h_{j+1}) + sum over negatives of log(1 - sigma(s_j . h'))),
    beta = alpha (t (1 - 1 / alpha) + 1 / alpha), alpha = K / (items - 1), K `step_negatives`, t `calibration`: with
    t = 1 the scores are as confident as a softmax's, and with t = 0 the loss is plain binary cross-entropy.

    Departs from the paper: the steps of a history share their negatives; the mean is over steps, not over all logits.
    """

    own: ClassVar = {**THEIRS, "dropout": 0.5, "step_negatives": 256}

    def step_loss(self, own: Tensor, others: Tensor) -> Tensor:
        alpha = others.shape[1] / (self.config.item_count - 1)
        beta = alpha * (self.config.calibration * (1 - 1 / alpha) + 1 / alpha)
        return -(beta * logsigmoid(own) + logsigmoid(-others).sum(1)).mean()
