"""The loss of Eq. 18: the weighted sum of a model's terms."""

from __future__ import annotations

import torch
from torch import Tensor

from surge.config import TrainingConfig

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


def total_loss(terms: dict[str, Tensor], config: TrainingConfig, step: int) -> Tensor:
    """The weighted sum; the weight of L_A grows over `warmup_steps` (for L2 see `surge.training.l2`).

    A baseline's own terms come weighted.
    """
    loss = config.loss
    warmed = min(1.0, step / loss.warmup_steps) if loss.warmup_steps else 1.0
    weights = {
        "same_mapping": loss.same_mapping_weight,
        "single_affiliation": loss.single_affiliation_weight * warmed,
        "relative_position": loss.relative_position_weight,
        "balance": loss.balance_weight,
        "next_item": loss.next_item_weight,
    }
    # a term without weight is told, not trained: 0 times its gradient may not be 0
    counted = [weights.get(name, 1.0) * term for name, term in terms.items() if weights.get(name, 1.0)]
    return torch.stack(counted).sum()
