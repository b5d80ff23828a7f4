"""The settings of an evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from surge.arguments import settings
from surge.config.checks import Range, check


@settings
@dataclass(frozen=True)
class EvaluationConfig:
    """How much is measured: `validation_instances` judge each epoch of a training, `test_instances` the result, each in
    a list with `evaluation_negatives` drawn items, or as many as there are. `catalogue_instances` positives (None: all)
    are ranked among all items: of each user the last one of the split, or with `catalogue_targets` successive each one,
    with what came before it as its history."""

    validation_instances: Annotated[int, Range(1, 10**9)] = 1000
    test_instances: Annotated[int, Range(1, 10**9)] = 4000
    catalogue_instances: Annotated[int, Range(1, 10**12)] | None = None
    catalogue_targets: Literal["last", "successive"] = "last"
    evaluation_negatives: Annotated[int, Range(1, 1_000_000)] = 99

    def __post_init__(self) -> None:
        check(self)
