"""The modules of each form that a setting names (`EquationForms`). Whoever adds a form adds its name here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from torch import nn

from surge.config import ModelConfig
from surge.config.checks import require
from surge.model.ablations import CancelledScores, NoFusion, NoScores, OwnCluster
from surge.model.age import Age, NoAge
from surge.model.assignment import Assignment, SoftAssignment
from surge.model.evolution import (
    AttentionEvolution,
    InterestEvolution,
    MeanEvolution,
    RecurrentEvolution,
    TimeEvolution,
)
from surge.model.interest_fusion import InterestFusion
from surge.model.layers import ATTENTION_SLOPE, PairScores
from surge.model.position import NoPosition, Recency, RecencyOfMessages

POSITIONS: dict[str, Callable[[ModelConfig], NoPosition]] = {
    "recency": lambda config: Recency(config.max_length, config.size),
    "message": lambda config: RecencyOfMessages(config.max_length, config.size),
    "none": lambda config: NoPosition(),
}

TIMES: dict[str, Callable[[ModelConfig], NoAge]] = {
    "age": lambda config: Age(config.size),
    "none": lambda config: NoAge(),
}

# by `attention_nonlinearity`: the slope below 0 in Eq. 8, and what gives alpha
NONLINEARITIES = {"leaky_relu": (ATTENTION_SLOPE, PairScores), "none": (1.0, CancelledScores)}
ACTIVATIONS: dict[str, type[nn.Module]] = {"leaky_relu": nn.LeakyReLU, "none": nn.Identity}


def _fusion(config: ModelConfig, by_cluster: bool, by_query: bool) -> InterestFusion:
    forms = config.forms
    slope, alpha = NONLINEARITIES[forms.attention_nonlinearity]
    shape = (config.heads, config.size, config.attention_hidden, forms.attention_activation)
    return InterestFusion(
        nn.Linear(config.size, config.size, bias=False),
        (alpha if by_cluster else NoScores)(*shape),
        (PairScores if by_query else NoScores)(*shape),
        config.hops,
        slope,
        ACTIVATIONS[forms.activation](),
    )


FUSIONS: dict[str, Callable[[ModelConfig], InterestFusion]] = {
    "full": partial(_fusion, by_cluster=True, by_query=True),
    "without_query": partial(_fusion, by_cluster=True, by_query=False),
    "without_cluster": partial(_fusion, by_cluster=False, by_query=True),
    "none": lambda config: NoFusion(config.heads),
}

# by `extraction`: one module a layer of the pooling
ASSIGNMENTS: dict[str, Callable[[ModelConfig], Sequence[Assignment]]] = {
    "soft": lambda config: [
        SoftAssignment(config.size, count, config.forms.assignment_aggregation) for count in config.clusters
    ],
    "none": lambda config: [OwnCluster()],
}


def layers_named(extraction: str) -> Callable[[ModelConfig], Sequence[Assignment]]:
    """How the pooling of this name is made; a SurgeError where there is none."""
    known = ", ".join(ASSIGNMENTS)
    require(extraction in ASSIGNMENTS, f"The setting extraction is {extraction!r}; it must be one of {known}.")
    return ASSIGNMENTS[extraction]


EVOLUTIONS: dict[str, Callable[[ModelConfig], InterestEvolution]] = {
    "augru": lambda config: RecurrentEvolution(config.size, config.evolution_size, config.forms.gate),
    "gru": lambda config: RecurrentEvolution(config.size, config.evolution_size, None),
    "time_lstm": lambda config: TimeEvolution(config.size, config.evolution_size),
    "attention": lambda config: AttentionEvolution(config.size, config.attention_hidden),
    "none": lambda config: MeanEvolution(),
}
