"""GRU4Rec: the history read in order, and the last state scored."""

from __future__ import annotations

from torch import Tensor, nn

from surge.config import BaselineConfig
from surge.model.surge import ItemSequences
from surge.recommenders.baseline import Context, Head, StepBaseline, last_state, resize


class GRU4Rec(StepBaseline):
    """Session-based recommendation with recurrent networks (Hidasi et al., ICLR 2016, arXiv 1511.06939).

    s = GRU(h_1, ..., h_n), the state after the last item.

    Every state also learns the item after it, as in the paper (`StepBaseline`).

    Departs from the paper: whole histories in place of session-parallel batches, embeddings in place of one-hot
    rows, the log loss over sampled negatives in place of BPR or TOP1 over the batch, the shared head.
    """

    def __init__(self, config: BaselineConfig, item_category: Tensor) -> None:
        super().__init__(config, item_category)
        self.dropout = nn.Dropout(config.dropout)
        self.gru = nn.GRU(config.size, config.hidden, config.layers, batch_first=True)
        self.resize = resize(config.hidden, config.size)
        self.head = Head(config)

    def steps(self, history: ItemSequences, context: Context) -> Tensor:
        """The state after each item (B, n, d)."""
        states, _ = self.gru(self.dropout(self.embed(history.items)))
        return self.resize(states)

    def _read(self, history: ItemSequences, context: Context) -> tuple[Tensor, ...]:
        return (last_state(self.steps(history, context), history.mask),)

    def score(self, known: tuple[Tensor, ...], candidates: Tensor) -> Tensor:
        return self.head(known[0], self.embed(candidates))
