"""h_s of Eq. 16 and its alternatives: one running state over the flattened clusters."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from surge.model.interest_extraction import NOTHING, Pooling
from surge.model.layers import PairScore
from surge.model.time_lstm import Time4LSTM


def in_order(pooled: Tensor, order: Tensor) -> Tensor:
    """Clusters (B, T, m, d) in the order of `order` (B, T, m). In memory step comes after step, as they are read."""
    batch, candidates, m = order.shape
    first = torch.arange(batch * candidates, device=order.device).view(1, batch, candidates) * m
    rows = (first + order.permute(2, 0, 1)).flatten()
    taken = pooled.reshape(-1, pooled.shape[-1]).index_select(0, rows)
    return taken.view(m, batch, candidates, -1).permute(1, 2, 0, 3)


def gate_scale(weights: Tensor, gate: str) -> Tensor:
    """What the update gate is multiplied by (B, T, m): gamma* as printed, or gamma* / max gamma*.

    gamma* sums to 1 over the clusters, so as printed the gates hardly open when there are many.
    """
    return weights / weights.amax(-1, keepdim=True).clamp(min=1e-12) if gate == "relative" else weights


class Recurrence(nn.Module):
    """A GRU over the clusters whose update gate may be scaled (AUGRU, Eq. 16).

    u = sigmoid(W_u x + U_u s), r = sigmoid(W_r x + U_r s), c = tanh(W_c x + r * U_c s);
    u' = scale * u; s = (1 - u') * s + u' * c. States start at 0. A slot that holds no item is skipped.
    """

    def __init__(self, inputs: int, size: int) -> None:
        super().__init__()
        self.size = size
        self.from_input = nn.Linear(inputs, 3 * size)
        self.from_state = nn.Linear(size, 3 * size)

    def forward(self, sequence: Tensor, scale: Tensor) -> tuple[Tensor, Tensor]:
        """sequence (B, T, m, d), scale (B, T, m); gives states and update gates, each (B, T, m, size)."""
        given = self.from_input(sequence.movedim(2, 0))  # of every step (m, B, T, 3 size)
        state = given.new_zeros(*given.shape[1:3], self.size)
        states, gates = [], []
        for given_step, scale_step in zip(given, scale.movedim(2, 0).unsqueeze(-1), strict=True):
            state, update = self.step(given_step, scale_step, state)
            states.append(state)
            gates.append(update)
        return torch.stack(states, dim=2), torch.stack(gates, dim=2)

    def step(self, given: Tensor, scale: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """The state after a step, and its update gate; each (B, T, size)."""
        update_x, reset_x, new_x = given.chunk(3, dim=-1)
        update_s, reset_s, new_s = self.from_state(state).chunk(3, dim=-1)
        update = scale * torch.sigmoid(update_x + update_s)
        candidate = torch.tanh(new_x + torch.sigmoid(reset_x + reset_s) * new_s)
        return state + update * (candidate - state), update


class InterestEvolution(nn.Module, ABC):
    """Reads the pooled clusters in an order, one after another."""

    @abstractmethod
    def forward(self, pooling: Pooling, target: Tensor, order: Tensor) -> tuple[Tensor, Tensor]:
        """The last pooling layer, target h_t (B, T, d), order (B, T, m); gives the states and update gates after each
        step, (B, T, m, size). The state after the last step is h_s."""


class RecurrentEvolution(InterestEvolution):
    """A GRU. With a `gate` (relative | absolute) gamma* is in its update gate (AUGRU, Eq. 16); without, it skips what
    holds nothing."""

    def __init__(self, size: int, state_size: int, gate: str | None) -> None:
        super().__init__()
        self.gate = gate
        self.recurrence = Recurrence(size, state_size)

    def forward(self, pooling: Pooling, target: Tensor, order: Tensor) -> tuple[Tensor, Tensor]:
        return self.recurrence(in_order(pooling.pooled, order), self.scale(pooling, order))

    def scale(self, pooling: Pooling, order: Tensor) -> Tensor:
        """What the update gates are multiplied by (B, T, m)."""
        if self.gate is not None:
            return gate_scale(pooling.pooled_importance.gather(2, order), self.gate)
        return (pooling.mass.gather(2, order) > 0).to(pooling.pooled.dtype)


class TimeEvolution(InterestEvolution):
    """SLi-Rec's time-aware LSTM, where time is the clusters' mean position, in items (an edited history has no
    timestamps)."""

    def __init__(self, size: int, state_size: int) -> None:
        super().__init__()
        self.time_lstm = Time4LSTM(size, state_size)

    def forward(self, pooling: Pooling, target: Tensor, order: Tensor) -> tuple[Tensor, Tensor]:
        present = pooling.mass.gather(2, order) > NOTHING
        return self.time_lstm(in_order(pooling.pooled, order), *self.times(pooling, order), present)

    def times(self, pooling: Pooling, order: Tensor) -> tuple[Tensor, Tensor]:
        """log(1 + items) since the cluster read before, and from there to the end of the history; each (B, T, m)."""
        length = pooling.mass.sum(-1, keepdim=True)
        place = pooling.position.gather(2, order).clamp(max=1) * length
        between = place.diff(dim=-1, prepend=place[..., :1]).abs()  # in slot order clusters may go back in time
        return between.log1p(), (length - place).clamp(min=0).log1p()


class SummedEvolution(InterestEvolution):
    """A weighted sum of the clusters: the state after step c is the sum up to c, the update gate the weight of c."""

    def forward(self, pooling: Pooling, target: Tensor, order: Tensor) -> tuple[Tensor, Tensor]:
        sequence = in_order(pooling.pooled, order)
        share = self.weights(sequence, target, pooling.mass.gather(2, order)).unsqueeze(-1).expand_as(sequence)
        return torch.cumsum(share * sequence, dim=2), share

    @abstractmethod
    def weights(self, sequence: Tensor, target: Tensor, mass: Tensor) -> Tensor:
        """Of clusters (B, T, m, d) that hold so many items (B, T, m): (B, T, m)."""


class AttentionEvolution(SummedEvolution):
    """s = sum_c a_c h*_c with a = sigmoid of FFN(W h*_c, h_t, W h*_c * h_t), as DIN has it, not normalised."""

    def __init__(self, size: int, hidden: Sequence[int]) -> None:
        super().__init__()
        self.score = PairScore(size, hidden)

    def weights(self, sequence: Tensor, target: Tensor, mass: Tensor) -> Tensor:
        scores = self.score.aligned(sequence, target.unsqueeze(2).expand_as(sequence))
        return torch.sigmoid(scores) * (mass > 0)


class MeanEvolution(SummedEvolution):
    """The mean of the clusters, each by how many items it holds."""

    def weights(self, sequence: Tensor, target: Tensor, mass: Tensor) -> Tensor:
        return (1 / mass.sum(-1, keepdim=True)).expand_as(mass)
