"""The terms of Eq. 18: log loss, the regularisers of Eq. 12-14, and the balance of cluster use."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from surge.model.interest_extraction import Pooling

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


# the forms by the settings of their names: of S, A and n; of a pooling
SAME_MAPPING: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "scaled": same_mapping,
    "literal": lambda assignment, adjacency, length: same_mapping_literal(assignment, adjacency),
}
RELATIVE_POSITION: dict[str, Callable[[Pooling], Tensor]] = {
    "mean_position": relative_position,
    "literal": lambda pooling: relative_position_literal(pooling.assignment),
}
