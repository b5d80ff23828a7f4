"""DIEN: interests that a GRU extracts, evolving towards the candidate."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn

from surge.config import BaselineConfig
from surge.model.evolution import Recurrence, gate_scale
from surge.model.layers import masked_softmax
from surge.model.surge import ItemSequences
from surge.recommenders.baseline import Context, Head, StepBaseline, resize


class DIEN(StepBaseline):
    """Deep interest evolution network (Zhou et al., AAAI 2019, arXiv 1809.03672).

    Extraction: g_1..g_n = GRU(h_1..h_n), where the auxiliary loss asks that g_j . h_{j+1} be high and g_j . (an
    item from elsewhere in the batch) low. Evolution: a_j = softmax_j(g_j . W h_t), and s_t = AUGRU over g with a
    in its update gate, for each candidate.

    Departs from the paper: a / max a scales the gate (`gate = "relative"`, as for SURGE; `"absolute"` as
    printed: over 50 items such gates hardly open); ReLU in place of Dice.
    """

    asks_items: ClassVar = True

    def __init__(self, config: BaselineConfig, item_category: Tensor) -> None:
        super().__init__(config, item_category)
        self.extract = nn.GRU(config.size, config.hidden, batch_first=True)
        self.bilinear = nn.Linear(config.size, config.hidden, bias=False)
        self.evolve = Recurrence(config.hidden, config.hidden)
        self.resize = resize(config.hidden, config.size)
        self.head = Head(config)

    def _read(self, history: ItemSequences, context: Context) -> tuple[Tensor, ...]:
        return self.extract(self.embed(history.items))[0], history.mask

    def score(self, known: tuple[Tensor, ...], candidates: Tensor) -> Tensor:
        interests, mask = known
        target = self.embed(candidates)
        attention = masked_softmax(self.bilinear(target) @ interests.transpose(1, 2), mask.unsqueeze(1))
        # one sequence (B, 1, n, hidden) for all candidates; padding has a gate of 0, which keeps the state
        state = self.evolve(interests.unsqueeze(1), gate_scale(attention, self.config.gate))[0][:, :, -1]
        return self.head(self.resize(state), target)

    def steps(self, history: ItemSequences, context: Context) -> Tensor:
        """The interests g_j (B, n, d)."""
        return self.resize(self.extract(self.embed(history.items))[0])
