"""SLi-Rec: what the user wants now, by a time-aware LSTM, against what the user always wants."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from surge.baselines.base import Baseline, BaselineConfig, Context, Head, masked_softmax, resize
from surge.model.layers import PairScore, multilayer_perceptron
from surge.model.surge import History

DAY = 86_400.0


def time_feature(seconds: Tensor) -> Tensor:
    """log(1 + seconds), moved and scaled to be 0 at a day and 1 at a week: about -6 at once, 3 after a year."""
    return (seconds.clamp(min=0).float().log1p() - math.log1p(DAY)) / math.log(7)


class Time4LSTM(nn.Module):
    """An LSTM with two gates of time: how much to keep since the last item, how much to take in by now.

    delta = tanh(w interval + b) and sigma = tanh(w age + b); keep T_d = sigmoid(W x + W delta + b), write
    T_s = sigmoid(W x + W sigma + b); c = f * T_d * c + i * T_s * tanh(.), o also reads delta and sigma, and
    s = o * tanh(c), where i, f, o and (.) are linear in x and s as in any LSTM.
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

    def forward(self, sequence: Tensor, interval: Tensor, age: Tensor) -> Tensor:
        """sequence (B, n, d), time features (B, n) since the item before and until now; states (B, n, size)."""
        delta = torch.tanh(self.interval(interval.unsqueeze(-1)))
        sigma = torch.tanh(self.age(age.unsqueeze(-1)))
        keep = torch.sigmoid(self.keep(torch.cat([sequence, delta], dim=-1)))
        write = torch.sigmoid(self.write(torch.cat([sequence, sigma], dim=-1)))
        output_time = self.output_of_time(torch.cat([delta, sigma], dim=-1))
        given = self.from_input(sequence)
        state = memory = given.new_zeros(len(given), self.size)
        states = []
        for step in range(given.shape[1]):
            i, f, o, new = (given[:, step] + self.from_state(state)).chunk(4, dim=-1)
            memory = torch.sigmoid(f) * keep[:, step] * memory + torch.sigmoid(i) * write[:, step] * torch.tanh(new)
            state = torch.sigmoid(o + output_time[:, step]) * torch.tanh(memory)
            states.append(state)
        return torch.stack(states, dim=1)


class SLiRec(Baseline):
    """Adaptive user modeling with long and short-term preferences (Yu et al., IJCAI 2019).

    Short: s_t = sum_j softmax_j FFN(W g_j, h_t, W g_j * h_t) g_j over the states g of a Time4LSTM. Long: attentive
    asymmetric SVD, l = sum_j softmax_j FFN(h_j) h_j, the same for every candidate. Fused: a l + (1 - a) s_t with
    a = sigmoid FFN(l, s_t, h_t, time since the last item).

    Departs from the paper: time features are log(1 + seconds), not log of whole days; the attention units are
    SURGE's (no difference of the two sides among the inputs).
    """

    def __init__(self, config: BaselineConfig, item_category: Tensor) -> None:
        super().__init__(config, item_category)
        self.recurrence = Time4LSTM(config.size, config.hidden)
        self.resize = resize(config.hidden, config.size)
        self.short_attention = PairScore(config.size, config.attention_hidden)
        self.long_attention = multilayer_perceptron(config.size, config.attention_hidden)
        self.fuse = multilayer_perceptron(3 * config.size + 1, config.attention_hidden)
        self.head = Head(config)

    def forward(self, history: History, candidates: Tensor, context: Context) -> Tensor:
        embedded, target, mask = self.embed(history.items), self.embed(candidates), history.mask
        interval = time_feature(context.times.diff(dim=1, prepend=context.times[:, :1]))
        age = time_feature(context.now.unsqueeze(1) - context.times)
        states = self.resize(self.recurrence(embedded, interval, age))
        short = masked_softmax(self.short_attention.crossed(states, target), mask.unsqueeze(1)) @ states
        attention = masked_softmax(self.long_attention(embedded).squeeze(-1), mask)
        long = (attention.unsqueeze(1) @ embedded).expand_as(target)
        since = age.gather(1, mask.sum(1, keepdim=True) - 1).unsqueeze(1).expand(*target.shape[:2], 1)
        share = torch.sigmoid(self.fuse(torch.cat([long, short, target, since], dim=-1)))
        return self.head(share * long + (1 - share) * short, target)
