"""The settings of a SURGE model: its shapes, and the form of each equation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from surge.arguments import settings
from surge.config.checks import Range, Sizes, check
from surge.config.recommender import RecommenderConfig

Gate = Literal["relative", "absolute"]


@settings
@dataclass(frozen=True)
class EquationForms:
    """The form of each equation: the paper's Table 4, and the departures that design decisions added.

    - `fusion`: full | without_query (beta = 0) | without_cluster (alpha = 0) | none (h' = h).
    - `activation`: sigma of Eq. 5: leaky_relu (as in the paper) | none (it keeps the sign of every number of h', which
      the product with h_t in Eq. 17 needs).
    - `attention_activation`: between the layers of Attention_c and Attention_q (Eq. 6, 7): relu | leaky_relu (as in the
      paper, which names no slope: 0.2, that of Eq. 8).
    - `attention_nonlinearity`: what bends alpha_i + beta_j in Eq. 8: leaky_relu | none (as printed: alpha_i is then the
      same for all j, so it cancels in the softmax of row i, exactly: E_ij = softmax over j in N_i of beta_j, and
      Attention_c decides nothing and learns nothing).
    - `extraction`: soft (Eq. 9-11) | none (every item is its own cluster) | another name in
      `surge.model.forms`, where the model looks it up.
    - `assignment_aggregation`: mean over the neighbourhood in Eq. 11 | sum (as printed).
    - `readout`: whether h_g of Eq. 15 reaches the prediction.
    - `long_term`: whether l, what the user always wants, and l * h_t reach the prediction (not in the paper: its gamma
      asks each item about the candidate alone; see `surge.model.long_term`).
    - `position`: recency (a learned embedding of steps ago, wherever values flow) | message (the same, but beta of
      Eq. 7 reads the items alone: gamma says what an item is about, whenever it came) | none (as in the paper).
    - `time`: age (a learned embedding of how long ago an item was taken, in powers of two of a second; added where the
      position is; without positions, to all values) | none (as in the paper).
    - `flatten`: time (clusters sorted by mean position) | index (slot order, as in the paper).
    - `evolution`: augru (Eq. 16) | gru | time_lstm | attention | none (the mean of the clusters).
    - `gate`: relative (gamma*_c / max gamma*) | absolute (gamma*_c, as printed in Eq. 16).
    - `normalise`: the inputs of Eq. 17 have mean 0 and variance 1 each (layer normalisation without weights) |
      as in the paper. A softmax-weighted mean of small embeddings is smaller still, and learning then starts slowly.
    - `next_item`: a layer for the next-item loss of training (not in the paper), which nothing else reads.
    """

    fusion: Literal["full", "without_query", "without_cluster", "none"] = "full"
    activation: Literal["leaky_relu", "none"] = "leaky_relu"
    attention_activation: Literal["relu", "leaky_relu"] = "relu"
    attention_nonlinearity: Literal["leaky_relu", "none"] = "leaky_relu"
    extraction: str = "soft"
    assignment_aggregation: Literal["mean", "sum"] = "mean"
    readout: bool = True
    long_term: bool = False
    position: Literal["recency", "message", "none"] = "recency"
    time: Literal["age", "none"] = "none"
    flatten: Literal["time", "index"] = "time"
    evolution: Literal["augru", "gru", "time_lstm", "attention", "none"] = "augru"
    gate: Gate = "relative"
    normalise: bool = True
    next_item: bool = True

    def __post_init__(self) -> None:
        check(self)


@settings
@dataclass(frozen=True, kw_only=True)
class ModelConfig(RecommenderConfig):
    """What fixes the shapes and the equations of one SURGE model.

    `metric_heads` of Eq. 1-2, `sparsity` epsilon of Eq. 3, `hops` of Eq. 6, `clusters` m of each pooling layer,
    `evolution_size` of the state of Eq. 16, and the `forms` of the equations.
    """

    metric_heads: Annotated[int, Range(1, 64)] = 2
    sparsity: Annotated[float, Range(0, 1)] = 0.1
    hops: Annotated[int, Range(1, 10)] = 1
    clusters: Sizes = (20,)
    evolution_size: Annotated[int, Range(1, 4096)] = 40
    forms: EquationForms = EquationForms()

    @property
    def state_size(self) -> int:
        """The size of h_s: the recurrent layers have their own, the others keep d."""
        return self.evolution_size if self.forms.evolution in ("augru", "gru", "time_lstm") else self.size
