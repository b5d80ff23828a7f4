"""SURGE as a recommender: the terms of its loss, and its scores by the fastest way that there is."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from surge.backends.kernel import Scorer
from surge.backends.scoring import score_history
from surge.backends.training import EDGES
from surge.config import ModelConfig, TrainingConfig
from surge.data.negatives import Barred
from surge.model.dense import DENSE
from surge.model.edge_operations import EdgeOperations
from surge.model.interest_extraction import Pooling
from surge.model.losses import RELATIVE_POSITION, SAME_MAPPING, balance, log_loss, single_affiliation
from surge.model.next_item import after_each, next_item_loss, softmax_loss, step_scores
from surge.model.surge import Context, InterestGraph, ItemSequences, Reading, Scored, SurgeModel
from surge.recommenders.base import Batch, Recommender, Score

HIDDEN = 0.1  # of the histories of a batch


def loss_terms(graph: InterestGraph, reading: Reading | Scored, config: TrainingConfig) -> dict[str, Tensor]:
    """Every term before its weight, for the reading of the positive (candidate 0) of each history.

    Where every item is its own cluster (`extraction` none), S is the identity of the real items and m is n: L_P is 0 in
    either form, as P_n S = P_m, and so is L_B, as there is no use of clusters to balance. The padding adds slots that
    hold nothing; they count for nothing.
    """
    mask = graph.mask.to(graph.values.dtype)
    terms = {"log_loss": log_loss(reading.logit.float())}
    first = Pooling(*(tensor[:, 0].float() for tensor in reading.extraction.layers[0]))
    terms["same_mapping"] = SAME_MAPPING[config.loss.same_mapping](first.assignment, graph.adjacency, mask.sum(1))
    terms["single_affiliation"] = single_affiliation(first.assignment, mask)
    if not reading.extraction.pooled:
        return terms | dict.fromkeys(("relative_position", "balance"), torch.zeros_like(terms["log_loss"]))
    terms["relative_position"] = RELATIVE_POSITION[config.loss.relative_position](first)
    terms["balance"] = balance(first.assignment, mask)
    return terms


def hidden_at_times(ages: Tensor) -> Tensor:
    """The ages, but for those of HIDDEN of the histories: a made-up history has none, and must be read well, too."""
    hidden = torch.rand(len(ages), 1, device=ages.device) < HIDDEN
    return ages.double().masked_fill(hidden, math.nan)


def surge_terms(
    model: SurgeModel, batch: Batch, config: TrainingConfig, operations: EdgeOperations = DENSE
) -> dict[str, Tensor]:
    """The terms of one batch."""
    graph, scored = model.score_batch(batch.history, batch.candidates, batch.ages, operations)
    terms = loss_terms(graph, scored, config)
    if batch.drawn is not None:
        states, history = model.follow(graph.values), batch.history
        if config.loss.next_item_negatives == 1:
            terms["next_item"] = next_item_loss(states, history, model.embed, batch.drawn)
        else:
            following = after_each(history.items, batch.candidates[:, 0], history.mask)
            scores = step_scores(states, following, history.mask, model.embed, batch.drawn)
            terms["next_item"] = softmax_loss(*scores)
    return terms


class Surge(Recommender):
    """A SurgeModel under the protocol."""

    settings: ClassVar[type] = ModelConfig

    def __init__(self, model: SurgeModel) -> None:
        self.model, self.config = model, model.config

    @classmethod
    def build(cls, config: ModelConfig, item_category: Tensor) -> Surge:
        return cls(SurgeModel(config, item_category))

    @property
    def network(self) -> SurgeModel:
        return self.model

    def next_item_weight(self, config: TrainingConfig) -> float:
        return config.loss.next_item_weight if self.config.forms.next_item else 0.0

    def drawn(self, history: ItemSequences, config: TrainingConfig, barred: Barred | None) -> Tensor | None:
        count = config.loss.next_item_negatives
        if count == 1 or not self.next_item_weight(config):
            return super().drawn(history, config, barred)
        return self.drawn_for_all_steps(history, count, barred)

    def ages(self, context: Context) -> Tensor | None:
        """Some are hidden while it learns."""
        if self.config.forms.time == "none":
            return None
        return hidden_at_times(context.ages()) if self.model.training else context.ages()

    def loss_terms(self, batch: Batch, config: TrainingConfig) -> dict[str, Tensor]:
        return surge_terms(self.model, batch, config, EDGES)

    def scorer(self, history: ItemSequences, context: Context) -> Score:
        return Scorer(self.model, self.model.build_graph(history, context.ages()))

    def score_catalogue(self, history: ItemSequences, context: Context) -> np.ndarray:
        every = np.arange(self.config.item_count)
        return score_history(self.model, history, context.ages(), every)[None]
