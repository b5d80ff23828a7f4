"""The settings of an evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from surge.config.checks import Range, check


@dataclass(frozen=True)
class EvaluationConfig:
    """How much is measured: `validation_instances` judge each epoch of a training, `test_instances` the result, each in
    a list with `evaluation_negatives` drawn items, or as many as there are. The last positives of `catalogue_instances`
    users (None: of all) are ranked among all items."""

    validation_instances: Annotated[int, Range(1, 10**9)] = 1000
    test_instances: Annotated[int, Range(1, 10**9)] = 4000
    catalogue_instances: Annotated[int, Range(1, 10**12)] | None = None
    evaluation_negatives: Annotated[int, Range(1, 1_000_000)] = 99

    def __post_init__(self) -> None:
        check(self)
