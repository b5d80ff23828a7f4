"""The loss of Eq. 18: log loss, the regularisers of Eq. 12-14, and the balance of cluster use."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from surge.baselines.base import Baseline
from surge.config import TrainingConfig
from surge.data.negatives import Barred
from surge.model.batches import move
from surge.model.interest_extraction import Pooling
from surge.model.next_item import draw_items, next_item_loss
from surge.model.surge import Context, History, InterestGraph, Reading, SurgeModel

TERMS = (
    "log_loss",
    "same_mapping",
    "single_affiliation",
    "relative_position",
    "balance",
    "next_item",
    "auxiliary",
    "l2",
)
HIDDEN = 0.1  # of the histories of a batch
SMALL_MASS = 0.05  # items; a cluster that holds less has no position worth regularising


def log_loss(logit: Tensor) -> Tensor:
    """Mean binary cross-entropy over each positive (column 0 of (B, 1 + K)) and its negatives."""
    target = torch.zeros_like(logit)
    target[:, 0] = 1
    return functional.binary_cross_entropy_with_logits(logit, target)


def row_entropy(probabilities: Tensor) -> Tensor:
    """Natural entropy over the last axis; 0 log 0 = 0, and no gradient blows up there."""
    return -(probabilities * torch.log(probabilities.clamp(min=1e-12))).sum(-1)


def same_mapping(assignment: Tensor, adjacency: Tensor, length: Tensor) -> Tensor:
    """L_M, Eq. 12: ||A - S S^T||_F / n: neighbours should share clusters. S (B, n, m), A (B, n, n), n (B,)."""
    return (_mapping_difference(assignment, adjacency) / length).mean()


def same_mapping_literal(assignment: Tensor, adjacency: Tensor) -> Tensor:
    """L_M as printed: ||A - S S^T||_F, which grows with the number of items."""
    return _mapping_difference(assignment, adjacency).mean()


def _mapping_difference(assignment: Tensor, adjacency: Tensor) -> Tensor:
    difference = adjacency - assignment @ assignment.transpose(-1, -2)
    return difference.flatten(1).square().sum(1).clamp(min=1e-12).sqrt()


def single_affiliation(assignment: Tensor, mask: Tensor) -> Tensor:
    """L_A, Eq. 13: mean entropy of the rows of S, so that every item belongs to one cluster."""
    return (row_entropy(assignment) * mask).sum() / mask.sum()


def relative_position(pooling: Pooling) -> Tensor:
    """L_P, Eq. 14: ||p(S) - q||_2 / sqrt(m), q_c = (c - 1/2) / m: slots follow time.

    p_c is the mean position of cluster c in [0, 1]; clusters that hold next to nothing are left out.
    """
    m = pooling.position.shape[-1]
    slots = (torch.arange(m, device=pooling.position.device, dtype=pooling.position.dtype) + 0.5) / m
    difference = torch.where(pooling.mass > SMALL_MASS, pooling.position - slots, 0.0)
    return (difference.square().sum(-1).clamp(min=1e-12).sqrt() / math.sqrt(m)).mean()


def relative_position_literal(assignment: Tensor) -> Tensor:
    """L_P as printed: ||P_n S - P_m||_2 with P_n = (1, ..., n); it can't be 0 where m < n."""
    n, m = assignment.shape[-2:]
    steps = torch.arange(1, n + 1, device=assignment.device, dtype=assignment.dtype)
    slots = torch.arange(1, m + 1, device=assignment.device, dtype=assignment.dtype)
    return ((steps @ assignment) - slots).square().sum(-1).clamp(min=1e-12).sqrt().mean()


def balance(assignment: Tensor, mask: Tensor) -> Tensor:
    """L_B: log m - H(mean of S over the items of the batch): 0 where all clusters are used alike.

    Not in the paper: without it L_A drives all items into one cluster.
    """
    usage = (assignment * mask.unsqueeze(-1)).sum((0, 1)) / mask.sum()
    return math.log(assignment.shape[-1]) - row_entropy(usage)


def loss_terms(graph: InterestGraph, reading: Reading, config: TrainingConfig) -> dict[str, Tensor]:
    """Every term before its weight, for the reading of the positive (candidate 0) of each history.

    Where every item is its own cluster (`extraction` none), S is the identity of the real items and m is n: L_P is 0 in
    either form, as P_n S = P_m, and so is L_B, as there is no use of clusters to balance. The padding adds slots that
    hold nothing; they count for nothing.
    """
    mask = graph.mask.to(graph.values.dtype)
    terms = {"log_loss": log_loss(reading.logit.float())}
    first = Pooling(*(tensor[:, 0].float() for tensor in reading.extraction.layers[0]))
    terms["same_mapping"] = (
        same_mapping(first.assignment, graph.adjacency, mask.sum(1))
        if config.same_mapping == "scaled"
        else same_mapping_literal(first.assignment, graph.adjacency)
    )
    terms["single_affiliation"] = single_affiliation(first.assignment, mask)
    if not reading.extraction.soft:
        return terms | dict.fromkeys(("relative_position", "balance"), torch.zeros_like(terms["log_loss"]))
    terms["relative_position"] = (
        relative_position(first)
        if config.relative_position == "mean_position"
        else relative_position_literal(first.assignment)
    )
    terms["balance"] = balance(first.assignment, mask)
    return terms


def hidden_at_times(ages: Tensor) -> Tensor:
    """The ages, but for those of HIDDEN of the histories: a made-up history has none, and must be read well, too."""
    hidden = torch.rand(len(ages), 1, device=ages.device) < HIDDEN
    return ages.double().masked_fill(hidden, math.nan)


class Batch(NamedTuple):
    """What a step learns from: histories, candidates (B, 1 + K), the positive first, and all that chance decides.

    ages (B, n) for SURGE where it reads them, some hidden; drawn (B, n - 1), items for the next-item loss, where the
    model learns it.
    """

    history: History
    candidates: Tensor
    context: Context
    ages: Tensor | None = None
    drawn: Tensor | None = None

    @classmethod
    def draw(
        cls,
        model: SurgeModel | Baseline,
        history: History,
        candidates: Tensor,
        context: Context,
        config: TrainingConfig,
        barred: Barred | None = None,
    ) -> Batch:
        """With what this model's training draws. `barred`: what is nobody's negative, see `PopularitySampler`."""
        batch = cls(history, candidates, context)
        if isinstance(model, SurgeModel) and model.config.time != "none":
            batch = batch._replace(ages=hidden_at_times(context.ages()) if model.training else context.ages())
        if _learns_next_items(model, config):
            drawn = draw_items(history)
            if barred is not None:
                wrong = torch.from_numpy(barred(np.arange(len(drawn)), drawn.numpy()))
                drawn = torch.where(wrong, history.items[:, 1:], drawn)  # then that step has no false item
            batch = batch._replace(drawn=drawn)
        return batch

    def to(self, device: torch.device) -> Batch:
        """On a device."""
        return move(self._replace(history=move(self.history, device), context=move(self.context, device)), device)


def _learns_next_items(model: SurgeModel | Baseline, config: TrainingConfig) -> bool:
    if isinstance(model, SurgeModel):
        return model.config.next_item and config.next_item_weight > 0
    return model.follows and model.config.auxiliary_weight > 0


def surge_terms(model: SurgeModel, batch: Batch, config: TrainingConfig) -> dict[str, Tensor]:
    """The terms of one batch of SURGE. Nothing here is random or of a shape that numbers decide, so that
    torch.compile can trace it whole."""
    graph, reading = model.read_batch(batch.history, batch.candidates, batch.ages)
    terms = loss_terms(graph, reading, config)
    if batch.drawn is not None:
        terms["next_item"] = next_item_loss(model.follow(graph.values), batch.history, model.embed, batch.drawn)
    return terms


def terms_of(
    model: SurgeModel | Baseline,
    batch: Batch,
    config: TrainingConfig,
    of_surge: Callable[[SurgeModel, Batch, TrainingConfig], dict[str, Tensor]] = surge_terms,
) -> dict[str, Tensor]:
    """The terms of one batch: those of `surge_terms` for SURGE, the log loss and its own for a baseline."""
    if isinstance(model, SurgeModel):
        return of_surge(model, batch, config)
    logit = model(batch.history, batch.candidates, batch.context)
    return {"log_loss": log_loss(logit.float())} | model.auxiliary(batch.history, batch.drawn)


def total_loss(terms: dict[str, Tensor], config: TrainingConfig, step: int) -> Tensor:
    """The weighted sum; the weight of L_A grows over `warmup_steps` (for L2 see `surge.training.l2`).

    A baseline's own terms come weighted.
    """
    warmed = min(1.0, step / config.warmup_steps) if config.warmup_steps else 1.0
    weights = {
        "same_mapping": config.same_mapping_weight,
        "single_affiliation": config.single_affiliation_weight * warmed,
        "relative_position": config.relative_position_weight,
        "balance": config.balance_weight,
        "next_item": config.next_item_weight,
    }
    # a term without weight is told, not trained: 0 times its gradient may not be 0
    counted = [weights.get(name, 1.0) * term for name, term in terms.items() if weights.get(name, 1.0)]
    return torch.stack(counted).sum()
