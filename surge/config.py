"""The settings of a model and of its training: frozen, checked, saved with the weights."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from surge.errors import SurgeError

FUSION = ("full", "without_query", "without_cluster", "none")
ACTIVATION = ("leaky_relu", "none")
ATTENTION_ACTIVATION = ("relu", "leaky_relu")
ATTENTION_NONLINEARITY = ("leaky_relu", "none")
EXTRACTION = ("soft", "none")
POSITION = ("recency", "message", "none")
TIME = ("age", "none")
FLATTEN = ("time", "index")
EVOLUTION = ("augru", "gru", "time_lstm", "attention", "none")
GATE = ("relative", "absolute")
AGGREGATION = ("mean", "sum")
SCHEDULE = ("constant", "linear")
MAPPING_REGULARISER = ("scaled", "literal")
POSITION_REGULARISER = ("mean_position", "literal")


def require(condition: bool, sentence: str) -> None:
    """A SurgeError with this sentence where a setting is impossible."""
    if not condition:
        raise SurgeError(sentence)


def choice(name: str, value: Any, options: tuple[str, ...]) -> None:
    """The setting is one of these words."""
    require(value in options, f"The setting {name} is {value!r}; it must be one of {', '.join(options)}.")


def number(name: str, value: Any, low: float, high: float, kind: type = float) -> None:
    """The setting is a number, or with `kind` int a whole one, from low to high."""
    allowed = (int,) if kind is int else (int, float)
    ok = isinstance(value, allowed) and not isinstance(value, bool) and low <= value <= high
    word = "a whole number" if kind is int else "a number"
    require(ok, f"The setting {name} is {value!r}; it must be {word} from {low:g} to {high:g}.")


def switch(name: str, value: Any) -> None:
    """The setting is true or false."""
    require(isinstance(value, bool), f"The setting {name} is {value!r}; it must be true or false.")


def sizes(name: str, value: Any) -> None:
    """The setting is a list of the sizes of one or more layers."""
    ok = isinstance(value, tuple) and len(value) > 0
    require(ok, f"The setting {name} is {value!r}; it must be a list of one or more whole numbers.")
    for size in value:
        number(name, size, 1, 4096, int)


def divided(size: int, heads: int) -> None:
    """Every head gets an equal part of the embedding."""
    require(
        size % heads == 0,
        f"The embedding size {size} can't be divided among {heads} heads; choose a number of heads that divides it.",
    )


@dataclass(frozen=True)
class ModelConfig:
    """What fixes the shape and the equations of one SURGE model.

    Sizes: `item_count` items and `category_count` categories are embedded in `item_size` and
    `category_size` dimensions; their concatenation is h_i in R^d, d = item_size + category_size.

    Switches (the paper's Table 4 and the departures that design decisions added):

    - `fusion`: full | without_query (beta = 0) | without_cluster (alpha = 0) | none (h' = h).
    - `activation`: sigma of Eq. 5: leaky_relu (as in the paper) | none (it keeps the sign of every number of h', which
      the product with h_t in Eq. 17 needs).
    - `attention_activation`: between the layers of Attention_c and Attention_q (Eq. 6, 7): relu | leaky_relu (as in the
      paper, which names no slope: 0.2, that of Eq. 8).
    - `attention_nonlinearity`: what bends alpha_i + beta_j in Eq. 8: leaky_relu | none (as printed: alpha_i is then the
      same for all j, so it cancels in the softmax of row i, exactly: E_ij = softmax over j in N_i of beta_j, and
      Attention_c decides nothing and learns nothing).
    - `extraction`: soft (Eq. 9-11) | none (every item is its own cluster).
    - `readout`: whether h_g of Eq. 15 reaches the prediction.
    - `long_term`: whether l, what the user always wants, and l * h_t reach the prediction (not in the paper: its gamma
      asks each item about the candidate alone; see `surge.model.long_term`).
    - `position`: recency (a learned embedding of steps ago, wherever values flow) | message (the same, but beta of
      Eq. 7 reads the items alone: gamma says what an item is about, whenever it came) | none (as in the paper).
    - `time`: age (a learned embedding of how long ago an item was taken, in powers of two of a second; added where the
      position is; without positions, to all values) | none (as in the paper).
    - `flatten`: time (clusters sorted by mean position) | index (slot order, as in the paper).
    - `gate`: relative (gamma*_c / max gamma*) | absolute (gamma*_c, as printed in Eq. 16).
    - `normalise`: the inputs of Eq. 17 have mean 0 and variance 1 each (layer normalisation without weights) |
      as in the paper. A softmax-weighted mean of small embeddings is smaller still, and learning then starts slowly.
    - `next_item`: a layer for the next-item loss of training (not in the paper), which nothing else reads.
    - `assignment_aggregation`: mean over the neighbourhood in Eq. 11 | sum (as printed).
    """

    item_count: int
    category_count: int
    item_size: int = 32
    category_size: int = 8
    max_length: int = 50
    metric_heads: int = 2
    sparsity: float = 0.1
    hops: int = 1
    heads: int = 1
    attention_hidden: tuple[int, ...] = (80, 40)
    clusters: tuple[int, ...] = (20,)
    assignment_aggregation: str = "mean"
    fusion: str = "full"
    activation: str = "leaky_relu"
    attention_activation: str = "relu"
    attention_nonlinearity: str = "leaky_relu"
    extraction: str = "soft"
    readout: bool = True
    long_term: bool = False
    position: str = "recency"
    time: str = "none"
    flatten: str = "time"
    evolution: str = "augru"
    evolution_size: int = 40
    gate: str = "relative"
    normalise: bool = True
    next_item: bool = True
    prediction_hidden: tuple[int, ...] = (100, 64)

    def __post_init__(self) -> None:
        for name, low, high in (
            ("item_count", 1, 100_000_000),
            ("category_count", 1, 10_000_000),
            ("item_size", 1, 4096),
            ("category_size", 0, 4096),
            ("max_length", 1, 5000),
            ("metric_heads", 1, 64),
            ("hops", 1, 10),
            ("heads", 1, 64),
            ("evolution_size", 1, 4096),
        ):
            number(name, getattr(self, name), low, high, int)
        number("sparsity", self.sparsity, 0.0, 1.0)
        for name in ("attention_hidden", "clusters", "prediction_hidden"):
            sizes(name, getattr(self, name))
        choice("assignment_aggregation", self.assignment_aggregation, AGGREGATION)
        choice("fusion", self.fusion, FUSION)
        choice("activation", self.activation, ACTIVATION)
        choice("attention_activation", self.attention_activation, ATTENTION_ACTIVATION)
        choice("attention_nonlinearity", self.attention_nonlinearity, ATTENTION_NONLINEARITY)
        choice("extraction", self.extraction, EXTRACTION)
        choice("position", self.position, POSITION)
        choice("time", self.time, TIME)
        choice("flatten", self.flatten, FLATTEN)
        choice("evolution", self.evolution, EVOLUTION)
        choice("gate", self.gate, GATE)
        switch("readout", self.readout)
        switch("long_term", self.long_term)
        switch("normalise", self.normalise)
        switch("next_item", self.next_item)
        divided(self.size, self.heads)

    @property
    def size(self) -> int:
        """d, the size of h_i."""
        return self.item_size + self.category_size

    @property
    def state_size(self) -> int:
        """The size of h_s: the recurrent layers have their own, the others keep d."""
        return self.evolution_size if self.evolution in ("augru", "gru", "time_lstm") else self.size


@dataclass(frozen=True)
class TrainingConfig:
    """How a model is trained: the loss of Eq. 18 and everything that decides its course.

    Weights of the regularisers: `same_mapping_weight` (L_M, Eq. 12), `single_affiliation_weight`
    (L_A, Eq. 13), `relative_position_weight` (L_P, Eq. 14), `balance_weight` (L_B, not in the paper),
    `next_item_weight` (L_N, not in the paper: every item of the history should tell the one after it)
    and `weight_decay` (lambda of Eq. 18's L2; see `surge.training.l2`).
    `warmup_steps`: L_A grows linearly from 0 to its weight over so many
    steps; at once it would freeze the assignments before they mean anything.

    The forms of two of them: `same_mapping`: scaled (||A - S S^T||_F / n, which doesn't grow with the history) |
    literal (not divided, as printed); `relative_position`: mean_position (the mean positions of the clusters against
    even steps) | literal (||P_n S - P_m||_2 as printed, which can't be 0 where m < n).

    `schedule`: the learning rate stays (constant) or falls to 0 over the steps of all `epochs` (linear).
    `instances_per_epoch`: positives drawn anew for each epoch (None: all of them). `catalogue_instances`: users whose
    last positive is ranked among all items in an evaluation (None: all of them).
    `precision`: float32 | bfloat16 (autocast). `device`: auto | cpu | cuda.
    """

    seed: int = 0
    epochs: int = 20
    patience: int = 3
    batch_size: int = 128
    negatives: int = 4
    instances_per_epoch: int | None = None
    validation_instances: int = 1000
    test_instances: int = 4000
    catalogue_instances: int | None = None
    evaluation_negatives: int = 99
    learning_rate: float = 2e-3
    schedule: str = "constant"
    weight_decay: float = 1e-6
    gradient_clip: float = 5.0
    same_mapping_weight: float = 0.0
    same_mapping: str = "scaled"
    single_affiliation_weight: float = 0.02
    relative_position_weight: float = 0.0
    relative_position: str = "mean_position"
    balance_weight: float = 0.1
    next_item_weight: float = 1.0
    warmup_steps: int = 300
    precision: str = "float32"
    device: str = "auto"

    def __post_init__(self) -> None:
        for name, low, high in (
            ("seed", 0, 2**31 - 1),
            ("epochs", 1, 10_000),
            ("patience", 1, 10_000),
            ("batch_size", 1, 1_000_000),
            ("negatives", 1, 10_000),
            ("validation_instances", 1, 10**9),
            ("test_instances", 1, 10**9),
            ("evaluation_negatives", 1, 1_000_000),
            ("warmup_steps", 0, 10**9),
        ):
            number(name, getattr(self, name), low, high, int)
        for name in ("instances_per_epoch", "catalogue_instances"):
            if getattr(self, name) is not None:
                number(name, getattr(self, name), 1, 10**12, int)
        for name, highest in (
            ("learning_rate", 10.0),
            ("weight_decay", 10.0),
            ("same_mapping_weight", 1e6),
            ("single_affiliation_weight", 1e6),
            ("relative_position_weight", 1e6),
            ("balance_weight", 1e6),
            ("next_item_weight", 1e6),
        ):
            number(name, getattr(self, name), 0.0, highest)
        require(
            2 * self.learning_rate * self.weight_decay < 1,
            f"With learning_rate {self.learning_rate:g} and weight_decay {self.weight_decay:g} L2 takes every weight "
            "away in one step; give a weight_decay below 1 / (2 x learning_rate).",
        )
        require(self.gradient_clip > 0, "The setting gradient_clip is 0, which stops all learning; give more than 0.")
        number("gradient_clip", self.gradient_clip, 1e-6, 1e6)  # 0 would stop all learning
        choice("schedule", self.schedule, SCHEDULE)
        choice("same_mapping", self.same_mapping, MAPPING_REGULARISER)
        choice("relative_position", self.relative_position, POSITION_REGULARISER)
        choice("precision", self.precision, ("float32", "bfloat16"))
        choice("device", self.device, ("auto", "cpu", "cuda"))


# Settings by name, of the model and of its training, for `train --preset`.
#
# as-printed: the paper's text to the letter, and nothing that it doesn't have. What it leaves open (sizes, clusters,
# sparsity, the optimiser) stays as it is. It gives no weights for its regularisers, as far as we know; these are ours.
# At the start, with n = 50 items and m = 20 clusters, L_M is about 15, L_A 3 and L_P 250 (as printed it adds up
# positions, so it can't come near 0): each of the three then weighs 0.02 to 0.03, where log loss is 0.69.
PRESETS: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "as-printed": {
        "model": {
            "assignment_aggregation": "sum",  # Eq. 11
            "fusion": "full",
            "activation": "leaky_relu",  # Eq. 5
            "attention_activation": "leaky_relu",  # Eq. 6-7
            "attention_nonlinearity": "none",  # Eq. 8
            "extraction": "soft",
            "readout": True,  # Eq. 15, 17
            "long_term": False,
            "position": "none",
            "time": "none",
            "flatten": "index",
            "evolution": "augru",  # Eq. 16
            "gate": "absolute",  # Eq. 16
            "normalise": False,
            "next_item": False,
        },
        "training": {
            "same_mapping_weight": 0.002,
            "same_mapping": "literal",  # Eq. 12
            "single_affiliation_weight": 0.01,  # Eq. 13
            "relative_position_weight": 0.0001,
            "relative_position": "literal",  # Eq. 14
            "balance_weight": 0.0,
            "next_item_weight": 0.0,
            "warmup_steps": 0,
        },
    },
}


def preset(name: str) -> dict[str, dict[str, Any]]:
    """The settings {model: ..., training: ...} of a preset, to be changed at will; an unknown name is a SurgeError."""
    require(name in PRESETS, f"There is no preset {name!r}; the presets are {', '.join(PRESETS)}.")
    return {part: dict(settings) for part, settings in PRESETS[name].items()}


def read_value(text: str) -> Any:
    """A setting's value as it is written on a command line: JSON, or the text itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text


Config = TypeVar("Config")  # a frozen dataclass of settings


def to_dict(config: Any) -> dict[str, Any]:
    """The settings as plain JSON values."""
    return {key: list(value) if isinstance(value, tuple) else value for key, value in vars(config).items()}


def from_dict(kind: type[Config], values: Mapping[str, Any]) -> Config:
    """Settings from plain JSON values; an unknown or missing name is a SurgeError."""
    settings = fields(kind)  # type: ignore[arg-type]
    names = {field.name for field in settings}
    unknown = sorted(set(values) - names)
    require(not unknown, f"Unknown setting {', '.join(unknown)}; the settings are {', '.join(sorted(names))}.")
    required = {f.name for f in settings if f.default is dataclasses.MISSING}
    missing = sorted(required - set(values))
    require(not missing, f"The setting {', '.join(missing)} is missing.")
    converted: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in values.items()
    }
    return kind(**converted)
