"""What all baselines share: their settings, the context of a history, the embeddings and the prediction head."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor, nn

from surge.config import GATE, choice, divided, number, sizes, switch
from surge.data.instances import EncodedLog, Instances
from surge.model.embedding import EmbedsItems
from surge.model.layers import joined, multilayer_perceptron
from surge.model.next_item import next_item_loss
from surge.model.surge import Context, History, refuse_empty

SCORE = ("mlp", "dot")


@dataclass(frozen=True)
class BaselineConfig:
    """What fixes the shape of one baseline. Every model reads the sizes; of the rest each reads what it needs:

    - `hidden`: size of the recurrent state (GRU4Rec, DIEN, SLi-Rec).
    - `layers`: stacked layers (GRU4Rec), blocks (SASRec), hops (LightGCN); `heads`: of attention (SASRec).
    - `dropout`: GRU4Rec, Caser, SASRec.
    - `score`: mlp (the head that SURGE has) | dot (the user's state times h_t).
    - `window`: Caser reads so many last items, with `horizontal_filters` of each height and `vertical_filters`.
    - `normalise`: the inputs of the head have mean 0 and variance 1 each, as SURGE's have.
    - `gate`: relative (DIEN's attention / its maximum) | absolute (as printed), as for SURGE.
    - `auxiliary_weight`: of the next-item loss at every step (GRU4Rec, DIEN, SASRec).

    `Baseline.own` has the values in which a model differs; `surge.baselines.configure` puts them in.
    """

    item_count: int
    category_count: int
    user_count: int
    item_size: int = 32
    category_size: int = 8
    max_length: int = 50
    hidden: int = 40
    layers: int = 1
    heads: int = 1
    dropout: float = 0.0
    score: str = "mlp"
    window: int = 5
    horizontal_filters: int = 16
    vertical_filters: int = 4
    gate: str = "relative"
    normalise: bool = True
    auxiliary_weight: float = 1.0
    attention_hidden: tuple[int, ...] = (80, 40)
    prediction_hidden: tuple[int, ...] = (100, 64)

    def __post_init__(self) -> None:
        for name, low, high in (
            ("item_count", 1, 100_000_000),
            ("category_count", 1, 10_000_000),
            ("user_count", 1, 1_000_000_000),
            ("item_size", 1, 4096),
            ("category_size", 0, 4096),
            ("max_length", 1, 5000),
            ("hidden", 1, 4096),
            ("layers", 1, 64),
            ("heads", 1, 64),
            ("window", 1, 5000),
            ("horizontal_filters", 1, 4096),
            ("vertical_filters", 1, 4096),
        ):
            number(name, getattr(self, name), low, high, int)
        number("dropout", self.dropout, 0.0, 0.99)
        number("auxiliary_weight", self.auxiliary_weight, 0.0, 1e6)
        for name in ("attention_hidden", "prediction_hidden"):
            sizes(name, getattr(self, name))
        choice("score", self.score, SCORE)
        switch("normalise", self.normalise)
        choice("gate", self.gate, GATE)
        divided(self.size, self.heads)

    @property
    def size(self) -> int:
        """d, the size of h_i."""
        return self.item_size + self.category_size


def resize(inputs: int, outputs: int) -> nn.Module:
    """A state as it is where the sizes agree, else projected."""
    return nn.Identity() if inputs == outputs else nn.Linear(inputs, outputs, bias=False)


def last_state(states: Tensor, mask: Tensor) -> Tensor:
    """The state at the last item of each history: (B, n, size) and (B, n) to (B, size)."""
    place = (mask.sum(1) - 1).view(-1, 1, 1).expand(-1, 1, states.shape[-1])
    return states.gather(1, place).squeeze(1)


class Head(nn.Module):
    """logit = MLP(h_t, s, s * h_t), as Eq. 17 has it, or s . h_t, of a user state s in R^d."""

    def __init__(self, config: BaselineConfig) -> None:
        super().__init__()
        self.dot, self.normalise = config.score == "dot", config.normalise
        if not self.dot:
            self.mlp = multilayer_perceptron(3 * config.size, config.prediction_hidden)

    def forward(self, state: Tensor, target: Tensor) -> Tensor:
        """One state a history (B, d), or one a candidate (B, T, d), with h_t (B, T, d); gives logits (B, T)."""
        state = (state.unsqueeze(1) if state.ndim == 2 else state).expand_as(target)
        if self.dot:
            return (state * target).sum(-1)
        return self.mlp(joined([], target, [state], self.normalise)).squeeze(-1)


class Baseline(EmbedsItems, ABC):
    """A sequential recommender that is trained and measured as SURGE is; a history without an item is a SurgeError,
    also of a model that reads none.

    `own` has the settings that are the model's own where nobody says otherwise. `learns`: there are weights to train.
    `corrected`: its logit was trained against negatives drawn by popularity, so a catalogue is ranked by
    logit + log q. `asks_items`: each candidate asks every item of the history, which takes so much more memory.
    `follows`: every step of a history learns the item after it (`auxiliary`).
    """

    own: ClassVar[dict[str, Any]] = {}
    learns: ClassVar[bool] = True
    corrected: ClassVar[bool] = True
    asks_items: ClassVar[bool] = False
    follows: ClassVar[bool] = False

    def __init__(self, config: BaselineConfig, item_category: Tensor) -> None:
        super().__init__(config, item_category)
        self.config = config

    def read(self, history: History, context: Context) -> tuple[Tensor, ...]:
        """What a model makes of B histories before it sees a candidate: tensors (B, ...)."""
        refuse_empty(history.mask)
        return self._read(history, context)

    @abstractmethod
    def _read(self, history: History, context: Context) -> tuple[Tensor, ...]:
        """The same of histories that hold at least one item."""

    @abstractmethod
    def score(self, known: tuple[Tensor, ...], candidates: Tensor) -> Tensor:
        """Logits (B, T) of T candidates for each of B histories, of what `read` gives."""

    def forward(self, history: History, candidates: Tensor, context: Context) -> Tensor:
        """Logits (B, T) of T candidates for each of B histories."""
        return self.score(self.read(history, context), candidates)

    def auxiliary(self, history: History, drawn: Tensor | None) -> dict[str, Tensor]:
        """Further terms of the training loss by name, weighted: for a model that `follows`, the next-item loss of its
        steps with the items drawn (B, n - 1); `drawn` is None where its weight is 0."""
        if drawn is None:
            return {}
        loss = next_item_loss(self.steps(history), history, self.embed, drawn)
        return {"auxiliary": self.config.auxiliary_weight * loss}

    def steps(self, history: History) -> Tensor:
        """Of a model that `follows`: its state after each item (B, n, d), which knows nothing of later ones."""
        raise NotImplementedError

    def prepare(self, log: EncodedLog, trained_on: Instances) -> None:
        """Called once before training, and once after weights are loaded: what a model takes from the whole log."""
