"""The parts that have a closed form, against NumPy or by hand; and what each model may look at."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.nn.utils.rnn import pack_padded_sequence

from surge.model.layers import masked_softmax
from surge.model.next_item import draw_items
from surge.model.surge import ItemSequences
from surge.model.time_lstm import Time4LSTM
from surge.recommenders import Context
from surge.recommenders.base import Batch
from surge.recommenders.baseline import Head, last_state
from surge.recommenders.caser import Caser
from surge.recommenders.dien import DIEN
from surge.recommenders.din import DIN
from surge.recommenders.gru4rec import GRU4Rec
from surge.recommenders.ncf import NCF
from surge.recommenders.sasrec import SASRec
from surge.recommenders.slirec import DAY, SLiRec, time_feature
from tests.model.small import pad
from tests.recommenders.toy import batch_of, small, some_batch


def numbers(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().numpy().astype(np.float64)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


# -- shared -------------------------------------------------------------------------------------------


def test_the_last_state_and_the_masked_softmax() -> None:
    states = torch.arange(12.0).view(2, 3, 2)
    mask = torch.tensor([[True, False, False], [True, True, True]])
    assert last_state(states, mask).tolist() == [[0, 1], [10, 11]]
    weights = masked_softmax(torch.tensor([[5.0, 9.0, 9.0], [0.0, math.log(2), 0.0]]), mask)
    assert torch.allclose(weights, torch.tensor([[1, 0, 0], [0.25, 0.5, 0.25]]))


def test_the_head_reads_state_target_and_their_product() -> None:
    sizes = {"item_size": 1, "category_size": 1, "prediction_hidden": [1]}
    head = Head(small("gru4rec", normalise=False, **sizes).config)
    with torch.no_grad():
        head.mlp[0].weight.copy_(torch.tensor([[1.0, 10, 100, 1000, 1e4, 1e5]]))
        head.mlp[2].weight.fill_(2)
        for layer in (head.mlp[0], head.mlp[2]):
            layer.bias.zero_()
    state, target = torch.tensor([[1.0, 2]]), torch.tensor([[[3.0, 4], [5, 6]]])
    assert head(state, target).tolist() == [[2 * 832143.0, 2 * 1252165.0]]
    # two numbers, normalised, are -1 and 1 (but for the 1e-5 that keeps the division finite)
    head.normalise = True
    assert torch.allclose(head(state, target), torch.full((1, 2), 2 * (9 + 900 + 110_000.0)), rtol=1e-4)
    assert Head(small("sasrec").config)(state, target).tolist() == [[11, 17]]


# -- NCF ----------------------------------------------------------------------------------------------


def test_ncf_is_factors_beside_a_tower() -> None:
    model, batch = small("ncf"), some_batch()
    assert isinstance(model, NCF)
    user, item = 3, int(batch.candidates[3, 2])
    factors = numbers(model.user_factors.weight)[user] * numbers(model.item_factors.weight)[item]
    x = np.concatenate([numbers(model.user_tower.weight)[user], numbers(model.embed(torch.tensor(item)))])
    for layer in (model.tower[0][0], model.tower[0][2]):
        x = np.maximum(numbers(layer.weight) @ x + numbers(layer.bias), 0)
    expected = numbers(model.join.weight)[0] @ np.concatenate([factors, x]) + model.join.bias.item()
    assert model(*batch)[3, 2].item() == pytest.approx(expected, abs=1e-6)


# -- DIN ----------------------------------------------------------------------------------------------


def test_din_sums_what_each_item_says_for_the_candidate() -> None:
    model, batch = small("din"), some_batch()
    assert isinstance(model, DIN)
    attended = model.attend(model.embed(batch.history.items), model.embed(batch.candidates), batch.history.mask)
    unit = model.activation_unit
    layers = [unit.first, unit.rest[1][0], unit.rest[1][2]]
    for row, candidate in ((0, 0), (2, 4)):
        target = numbers(model.embed(batch.candidates[row, candidate]))
        total = np.zeros_like(target)
        for item in batch.history.items[row][batch.history.mask[row]]:
            h = numbers(model.embed(item))
            projected = numbers(unit.project.weight) @ h
            x = np.concatenate([projected, target, projected * target])
            for place, layer in enumerate(layers):
                x = numbers(layer.weight) @ x + numbers(layer.bias)
                x = np.maximum(x, 0) if place < 2 else x
            total += x[0] * h  # not normalised
        assert np.allclose(numbers(attended[row, candidate]), total, atol=1e-6)


# -- GRU4Rec ------------------------------------------------------------------------------------------


def test_gru4rec_reads_the_state_at_the_last_item() -> None:
    model, batch = small("gru4rec", layers=2), some_batch()
    assert isinstance(model, GRU4Rec)
    lengths = batch.history.mask.sum(1)
    packed = pack_padded_sequence(model.embed(batch.history.items), lengths, batch_first=True, enforce_sorted=False)
    _, last = model.gru(packed)
    assert torch.allclose(model(*batch), model.head(last[-1], model.embed(batch.candidates)), atol=1e-6)


# -- Caser --------------------------------------------------------------------------------------------


def test_caser_sees_the_last_items_alone() -> None:
    model = small("caser", window=3)
    same = batch_of([[1, 2, 3, 4, 5], [9, 9, 9, 9, 9, 3, 4, 5], [3, 4, 5]], [[6, 7]] * 3)
    same = same._replace(context=Context(torch.zeros(3, dtype=torch.long), same.context.times, same.context.now))
    logit = model(*same)
    assert torch.allclose(logit, logit[:1].expand(3, 2), atol=1e-6)
    other = same._replace(history=pad([[1, 2, 3, 5, 4], [9, 9, 9, 9, 9, 3, 4, 6], [2, 4, 5]]))
    assert ((model(*other) - logit).abs() > 1e-5).all()


def test_a_caser_image_starts_with_zeros_where_the_history_is_short() -> None:
    model = small("caser", window=3)
    assert isinstance(model, Caser)
    image = model.image(pad([[4], [1, 2, 3, 4]]))
    assert torch.equal(image[0, :, :2], torch.zeros(16, 2))
    assert torch.equal(image[0, :, 2], model.embed(torch.tensor(4)))
    assert torch.equal(image[1], model.embed(torch.tensor([2, 3, 4])).T)


def test_caser_features_by_hand() -> None:
    """d = 1, L = 2, one filter of each kind: maxima over time beside the weighed column, and z + p_u."""
    model = small("caser", window=2, item_size=1, category_size=0, horizontal_filters=1, vertical_filters=1)
    assert isinstance(model, Caser)
    with torch.no_grad():
        model.item_embedding.weight[:, 0] = torch.arange(20.0)
        for convolve, weights in zip(model.horizontal, ([2.0], [3.0, 5.0]), strict=True):
            convolve.weight.copy_(torch.tensor(weights).view(1, 1, -1))
            convolve.bias.fill_(-1)
        model.vertical.weight.copy_(torch.tensor([[7.0, 11.0]]))
        model.vertical.bias.zero_()
        model.join[0].weight.copy_(torch.tensor([[1.0, 100.0, 10_000.0]]))
        model.join[0].bias.zero_()
        model.user_embedding.weight.fill_(0.5)
    model.head.dot = True
    # 2 * max(4, 3) - 1 = 7;  3 * 4 + 5 * 3 - 1 = 26;  7 * 4 + 11 * 3 = 61
    batch = batch_of([[9, 4, 3]], [[1, 2]])
    assert model(*batch).tolist() == [[612_607.5, 1_225_215.0]]


# -- SASRec -------------------------------------------------------------------------------------------


def test_sasrec_states_know_nothing_of_later_items() -> None:
    model = small("sasrec")
    assert isinstance(model, SASRec)
    batches = (batch_of([[1, 2, 3, last, 5]], [[0]]) for last in (4, 9))
    before, after = (model.steps(batch.history, batch.context) for batch in batches)
    assert torch.equal(before[:, :3], after[:, :3])
    assert ((before[:, 3:] - after[:, 3:]).abs().amax(-1) > 1e-4).all()


def test_sasrec_positions_count_from_the_end() -> None:
    model = small("sasrec")
    assert isinstance(model, SASRec)
    embedded = []
    model.blocks = torch.nn.ModuleList()
    model.norm = torch.nn.Identity()
    with torch.no_grad():
        model.item_embedding.weight.zero_()
        model.category_embedding.weight.zero_()
    batch = batch_of([[1, 1, 1], [1]], [[0], [0]])
    embedded = model.steps(batch.history, batch.context)
    table = model.position_embedding.weight
    assert torch.equal(embedded[0], table[[2, 1, 0]])
    assert torch.equal(embedded[1, 0], table[0])


def test_a_sasrec_block_is_attention_and_a_feed_forward_layer() -> None:
    """Two items, one head, against NumPy: normalise, attend to what is not later, add; normalise, feed, add."""
    model = small("sasrec", heads=2)
    assert isinstance(model, SASRec)
    block, x = model.blocks[0], torch.randn(1, 3, 16, generator=torch.Generator().manual_seed(0))
    rows = numbers(x[0])

    def normalised(values: np.ndarray) -> np.ndarray:
        return (values - values.mean(-1, keepdims=True)) / np.sqrt(values.var(-1, keepdims=True) + 1e-5)

    parts = np.split(normalised(rows) @ numbers(block.query_key_value.weight).T, 3, axis=1)
    attended = np.empty((3, 16))
    for head in (slice(0, 8), slice(8, 16)):
        query, key, value = (part[:, head] for part in parts)
        for i in range(3):
            weights = np.exp(query[i] @ key[: i + 1].T / math.sqrt(8))
            attended[i, head] = weights / weights.sum() @ value[: i + 1]
    rows = rows + attended @ numbers(block.out.weight).T + numbers(block.out.bias)
    first, second = block.feed[0], block.feed[3]
    hidden = np.maximum(normalised(rows) @ numbers(first.weight).T + numbers(first.bias), 0)
    rows = rows + hidden @ numbers(second.weight).T + numbers(second.bias)
    assert np.allclose(numbers(block(x)[0]), rows, atol=1e-5)


# -- DIEN ---------------------------------------------------------------------------------------------


def test_the_auxiliary_loss_of_states_that_say_nothing_is_two_bits() -> None:
    """g = 0 gives log sigma(0) twice a step; the weight multiplies it, and one item has no next one."""
    model = small("dien", auxiliary_weight=0.5)
    with torch.no_grad():
        for parameter in model.extract.parameters():
            parameter.zero_()
    batch = Batch(*batch_of([[1, 2, 3], [4, 5, 6]], [[0], [0]]))
    drawn = torch.tensor([[5, 3], [1, 2]])  # 3 is the next item itself: that step has no false one
    loss = model.auxiliary(batch, drawn)
    assert loss.item() == pytest.approx(0.5 * math.log(2) * (2 - 1 / 4), abs=1e-6)
    alone = Batch(*batch_of([[1], [2]], [[0], [0]]))
    assert model.auxiliary(alone, draw_items(alone.history)).item() == 0


def test_the_auxiliary_loss_alone_teaches_the_next_item() -> None:
    """Items in a circle: after 100 steps the state is closer to the next item than to any other."""
    model = small("dien", item_count=8, category_count=1)
    assert isinstance(model, DIEN)
    optimiser = torch.optim.Adam(model.parameters(), lr=2e-2)
    history = ItemSequences((torch.arange(8).unsqueeze(1) + torch.arange(6)) % 8, torch.ones(8, 6, dtype=torch.bool))
    batch = Batch(history, torch.zeros(8, 1), Context(torch.arange(8), torch.zeros(8, 6), torch.zeros(8)))
    for _ in range(100):
        optimiser.zero_grad()
        model.auxiliary(batch, draw_items(history)).backward()
        optimiser.step()
    states = model.resize(model.extract(model.embed(history.items))[0])
    nearest = (states @ model.embed(torch.arange(8)).T).argmax(-1)
    assert torch.equal(nearest, (history.items + 1) % 8)


def test_one_item_of_dien_is_one_step_of_each_recurrence() -> None:
    """Attention over one item is 1, so the AUGRU's gate is its own."""
    model = small("dien")
    assert isinstance(model, DIEN)
    batch = batch_of([[3]], [[1, 2]])
    interest = numbers(model.extract(model.embed(torch.tensor([[3]])))[0])[0, 0]
    given = numbers(model.evolve.from_input.weight) @ interest + numbers(model.evolve.from_input.bias)
    bias = numbers(model.evolve.from_state.bias)
    update, reset = sigmoid(given[:16] + bias[:16]), sigmoid(given[16:32] + bias[16:32])
    state = torch.tensor(update * np.tanh(given[32:] + reset * bias[32:])).float().unsqueeze(0)
    assert torch.allclose(model(*batch), model.head(state, model.embed(batch.candidates)), atol=1e-6)


# -- SLi-Rec ------------------------------------------------------------------------------------------


def test_time_features_are_zero_at_a_day_and_one_at_a_week() -> None:
    feature = time_feature(torch.tensor([DAY, 7 * DAY, 0, -5], dtype=torch.float64))
    assert torch.allclose(feature, torch.tensor([0, 1, -5.8414, -5.8414]), atol=1e-4)


def test_time4lstm_steps_against_numpy() -> None:
    torch.manual_seed(0)
    cell = Time4LSTM(3, 2)
    sequence = torch.randn(1, 2, 3)
    interval, age = torch.tensor([[-1.0, 0.5]]), torch.tensor([[0.7, 0.2]])
    states, gates = cell(sequence, interval, age, torch.tensor([[True, True]]))
    actual, let_in = numbers(states)[0], numbers(gates)[0]

    def linear(layer: torch.nn.Linear, *x: np.ndarray) -> np.ndarray:
        out = numbers(layer.weight) @ np.concatenate(x)
        return out if layer.bias is None else out + numbers(layer.bias)

    state = memory = np.zeros(2)
    for step in range(2):
        x = numbers(sequence[0, step])
        delta = np.tanh(linear(cell.interval, numbers(interval[0, step : step + 1])))
        sigma = np.tanh(linear(cell.age, numbers(age[0, step : step + 1])))
        i, f, o, new = np.split(linear(cell.from_input, x) + linear(cell.from_state, state), 4)
        kept = sigmoid(f) * sigmoid(linear(cell.keep, x, delta)) * memory
        memory = kept + sigmoid(i) * sigmoid(linear(cell.write, x, sigma)) * np.tanh(new)
        state = sigmoid(o + linear(cell.output_of_time, delta, sigma)) * np.tanh(memory)
        assert np.allclose(actual[step], state, atol=1e-6)
        assert np.allclose(let_in[step], sigmoid(i) * sigmoid(linear(cell.write, x, sigma)), atol=1e-6)


def test_time4lstm_skips_what_is_not_there() -> None:
    torch.manual_seed(0)
    cell = Time4LSTM(3, 2)
    sequence, interval, age = torch.randn(1, 3, 3), torch.randn(1, 3), torch.randn(1, 3)
    states, gates = cell(sequence, interval, age, torch.tensor([[True, False, True]]))
    without = [0, 2]
    alone, _ = cell(sequence[:, without], interval[:, without], age[:, without], torch.tensor([[True, True]]))
    assert torch.equal(states[:, without], alone)
    assert torch.equal(states[:, 1], states[:, 0])
    assert not gates[:, 1].any()


def test_the_gate_of_slirec_chooses_between_long_and_short() -> None:
    """With the gate shut to one side, the state scored is that side's alone; one item leaves attention no choice."""
    model = small("slirec", score="dot")
    assert isinstance(model, SLiRec)
    batch = batch_of([[3]], [[1, 2]])
    embedded, target = model.embed(torch.tensor([[3]])), model.embed(batch.candidates)
    age = time_feature(batch.context.now.unsqueeze(1) - batch.context.times)
    now = time_feature(torch.zeros(1, 1))
    short, _ = model.recurrence(embedded, now, age, batch.history.mask)
    for bias, side in ((50.0, embedded), (-50.0, short)):
        with torch.no_grad():
            model.fuse[-1].bias.fill_(bias)
        assert torch.allclose(model(*batch), (side * target).sum(-1), atol=1e-6)
