"""The settings of a training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from surge.arguments import settings
from surge.config.checks import Range, check, require

Weight = Annotated[float, Range(0, 1e6)]  # of a term of the loss


@settings
@dataclass(frozen=True)
class LossTerms:
    """What the loss of Eq. 18 adds to the log loss: the weight of each term, and the form of two of them.

    - `same_mapping_weight` (L_M, Eq. 12); `same_mapping`: scaled (||A - S S^T||_F / n, which doesn't grow with the
      history) | literal (not divided, as printed).
    - `single_affiliation_weight` (L_A, Eq. 13), which grows linearly from 0 over `warmup_steps` steps: at once it would
      freeze the assignments before they mean anything.
    - `relative_position_weight` (L_P, Eq. 14); `relative_position`: mean_position (the mean positions of the clusters
      against even steps) | literal (||P_n S - P_m||_2 as printed, which can't be 0 where m < n).
    - `balance_weight` (L_B, not in the paper).
    - `next_item_weight` (L_N, not in the paper: every item of the history should tell the one after it), from
      `next_item_negatives` others: 1 (as DIEN has it), or several for the whole history, by softmax, the positive after
      the last item included.
    - `weight_decay`: lambda of Eq. 18's L2; see `surge.training.l2`.
    """

    same_mapping_weight: Weight = 0.0
    same_mapping: Literal["scaled", "literal"] = "scaled"
    single_affiliation_weight: Weight = 0.02
    warmup_steps: Annotated[int, Range(0, 10**9)] = 300
    relative_position_weight: Weight = 0.0
    relative_position: Literal["mean_position", "literal"] = "mean_position"
    balance_weight: Weight = 0.1
    next_item_weight: Weight = 1.0
    next_item_negatives: Annotated[int, Range(1, 100_000)] = 1
    weight_decay: Annotated[float, Range(0, 10)] = 1e-6

    def __post_init__(self) -> None:
        check(self)


@settings
@dataclass(frozen=True)
class TrainingConfig:
    """How a model is trained: the `loss`, and everything that decides its course.

    `epochs`: the most that there are; 0 for a training that starts from a checkpoint and only takes in new items.
    `seed`: all that chance decides follows from it, what an evaluation draws too.
    `schedule`: the learning rate stays (constant) or falls to 0 over the steps of all `epochs` (linear).
    `instances`: what an epoch learns from: every one of the `positives`, each with the history before it, or for each
    of the `users` the last of them, for models that learn from every step of a history.
    `instances_per_epoch`: positives drawn anew for each epoch (None: all of them).
    `precision`: float32 | bfloat16 (autocast). `device`: auto | cpu | cuda.
    """

    seed: Annotated[int, Range(0, 2**31 - 1)] = 0
    epochs: Annotated[int, Range(0, 10_000)] = 20
    patience: Annotated[int, Range(1, 10_000)] = 3
    batch_size: Annotated[int, Range(1, 1_000_000)] = 128
    negatives: Annotated[int, Range(1, 10_000)] = 4
    instances: Literal["positives", "users"] = "positives"
    instances_per_epoch: Annotated[int, Range(1, 10**12)] | None = None
    learning_rate: Annotated[float, Range(0, 10)] = 2e-3
    schedule: Literal["constant", "linear"] = "constant"
    gradient_clip: Annotated[float, Range(1e-6, 1e6)] = 5.0  # 0 would stop all learning
    precision: Literal["float32", "bfloat16"] = "float32"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    loss: LossTerms = LossTerms()

    def __post_init__(self) -> None:
        check(self)
        require(
            2 * self.learning_rate * self.loss.weight_decay < 1,
            f"With learning_rate {self.learning_rate:g} and weight_decay {self.loss.weight_decay:g} L2 takes every "
            "weight away in one step; give a weight_decay below 1 / (2 x learning_rate).",
        )
