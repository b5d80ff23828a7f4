"""An LSTM that knows how much time lies between its inputs, and since."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Time4LSTM(nn.Module):
    """An LSTM with two gates of time: how much to keep since the last input, how much to take in by now.

    delta = tanh(w interval + b) and sigma = tanh(w age + b); keep T_d = sigmoid(W x + W delta + b), write
    T_s = sigmoid(W x + W sigma + b); c = f * T_d * c + i * T_s * tanh(.), o also reads delta and sigma, and
    s = o * tanh(c), where i, f, o and (.) are linear in x and s as in any LSTM (Yu et al., IJCAI 2019).
    """

    def __init__(self, inputs: int, size: int) -> None:
        super().__init__()
        self.size = size
        self.interval, self.age = nn.Linear(1, size), nn.Linear(1, size)
        self.keep, self.write = nn.Linear(inputs + size, size), nn.Linear(inputs + size, size)
        self.from_input = nn.Linear(inputs, 4 * size)
        self.from_state = nn.Linear(size, 4 * size, bias=False)
        self.output_of_time = nn.Linear(2 * size, size, bias=False)
        with torch.no_grad():
            self.from_input.bias[size : 2 * size] += 1  # forget gates start open, as usual

    def forward(self, sequence: Tensor, interval: Tensor, age: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
        """sequence (..., n, d), time features (..., n) since the input before and until now, and `present` (..., n),
        false where there is nothing to read; gives states and what is let in (i * T_s), each (..., n, size)."""
        delta = torch.tanh(self.interval(interval.unsqueeze(-1)))
        sigma = torch.tanh(self.age(age.unsqueeze(-1)))
        keep = torch.sigmoid(self.keep(torch.cat([sequence, delta], dim=-1)))
        write = torch.sigmoid(self.write(torch.cat([sequence, sigma], dim=-1)))
        output_time = self.output_of_time(torch.cat([delta, sigma], dim=-1))
        given, there = self.from_input(sequence), present.unsqueeze(-1)
        state = memory = given.new_zeros(*given.shape[:-2], self.size)
        states, gates = [], []
        for step in range(given.shape[-2]):
            i, f, o, new = (given[..., step, :] + self.from_state(state)).chunk(4, dim=-1)
            let_in = torch.sigmoid(i) * write[..., step, :]
            kept = torch.sigmoid(f) * keep[..., step, :] * memory + let_in * torch.tanh(new)
            memory = torch.where(there[..., step, :], kept, memory)
            out = torch.sigmoid(o + output_time[..., step, :]) * torch.tanh(memory)
            state = torch.where(there[..., step, :], out, state)
            states.append(state)
            gates.append(let_in * there[..., step, :])
        return torch.stack(states, dim=-2), torch.stack(gates, dim=-2)
