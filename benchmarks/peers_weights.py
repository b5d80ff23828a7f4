"""Do RecBole's networks and ours give the same, with the same weights?"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from benchmarks.recbole_networks import LENGTH, SIZE, WINDOW, Facts, build_side
from surge.config import EvaluationConfig
from surge.model.batches import read_batch
from surge.training.data import TrainingData

SAME = 500  # histories on which they are compared


def same_weights(name: str, data: TrainingData, facts: Facts) -> float | None:
    """Largest difference of a logit (test lists) where RecBole's network is given our weights; None where it can't be.

    For that GRU4Rec has biases of 0 and the identity for RecBole's last layer; Caser has rows p_u that are not
    negative, and RecBole's last layer sums them and z, for histories that fill its window. Of DIEN the AUGRU alone is
    compared: its last states, over random inputs and gates.
    """
    ours: Any = build_side(name, "ours", data, facts)
    peer: Any = build_side(name, "peer", data, facts)
    ours.prepare(data.log, data.splits["train"])
    ours.eval(), peer.eval()
    theirs = peer.peer
    eye = torch.eye(SIZE)
    with torch.no_grad():
        if name == "ncf":
            pairs = [
                (theirs.user_mf_embedding.weight[1:], ours.user_factors.weight),
                (theirs.item_mf_embedding.weight[1:], ours.item_factors.weight),
                (theirs.user_mlp_embedding.weight[1:], ours.user_tower.weight),
                (theirs.item_mlp_embedding.weight[1:], ours.item_embedding.weight),
                *zip(theirs.mlp_layers.parameters(), ours.tower.parameters(), strict=True),
                *zip(theirs.predict_layer.parameters(), ours.join.parameters(), strict=True),
            ]
        elif name == "lightgcn":
            pairs = [
                (theirs.user_embedding.weight[1:], ours.user_embedding.weight),
                (theirs.item_embedding.weight[1:], ours.item_embedding.weight),
            ]
        elif name == "gru4rec":
            ours.gru.bias_ih_l0.zero_(), ours.gru.bias_hh_l0.zero_(), theirs.dense.bias.zero_()
            pairs = [
                (theirs.item_embedding.weight[1:], ours.item_embedding.weight),
                (theirs.gru_layers.weight_ih_l0, ours.gru.weight_ih_l0),
                (theirs.gru_layers.weight_hh_l0, ours.gru.weight_hh_l0),
                (theirs.dense.weight, eye),
            ]
        elif name == "caser":
            ours.user_embedding.weight.abs_(), theirs.fc2.bias.zero_()
            filters = ours.config.horizontal_filters * WINDOW
            wide, high = ours.join[0].weight[:, :filters], ours.join[0].weight[:, filters:]
            # its features are the vertical ones, filter by filter, and then the horizontal ones
            vertical = high.unflatten(1, (SIZE, -1)).transpose(1, 2).flatten(1)
            pairs = [
                (theirs.item_embedding.weight[1:], ours.item_embedding.weight),
                (theirs.user_embedding.weight[1:], ours.user_embedding.weight),
                (theirs.conv_v.weight, ours.vertical.weight[:, None, :, None]),
                (theirs.conv_v.bias, ours.vertical.bias),
                *(
                    (there.weight, here.weight.transpose(1, 2).unsqueeze(1))
                    for there, here in zip(theirs.conv_h, ours.horizontal, strict=True)
                ),
                *((there.bias, here.bias) for there, here in zip(theirs.conv_h, ours.horizontal, strict=True)),
                (theirs.fc1.weight, torch.cat([vertical, wide], dim=1)),
                (theirs.fc1.bias, ours.join[0].bias),
                (theirs.fc2.weight, torch.cat([eye, eye], dim=1)),
            ]
        elif name == "dien":
            cell, evolve = theirs.interest_evolution.dynamic_rnn, ours.evolve
            order = [part for gate in (1, 0, 2) for part in range(gate * SIZE, (gate + 1) * SIZE)]  # reset comes first
            pairs = [
                (cell.rnn.weight_ih, evolve.from_input.weight[order]),
                (cell.rnn.weight_hh, evolve.from_state.weight[order]),
                (cell.rnn.bias_ih, evolve.from_input.bias[order]),
                (cell.rnn.bias_hh, evolve.from_state.bias[order]),
            ]
        else:
            return None
        for there, here in pairs:
            there.copy_(here)
        if name == "dien":
            inputs, gates = torch.randn(SAME, LENGTH, SIZE), torch.rand(SAME, LENGTH)
            packed = (pack_padded_sequence(x, [LENGTH] * SAME, batch_first=True) for x in (inputs, gates))
            states, _ = pad_packed_sequence(cell(*packed), batch_first=True)
            return float((evolve(inputs.unsqueeze(1), gates.unsqueeze(1))[0][:, 0] - states).abs().max())
    instances = data.splits["test"]
    instances = instances.take(np.flatnonzero(instances.position - data.log.offsets[instances.user] >= WINDOW)[:SAME])
    history, context = read_batch(data.log.histories(instances, LENGTH))
    candidates = torch.from_numpy(data.lists(instances, EvaluationConfig(), seed=0))
    with torch.no_grad():
        return float((ours(history, candidates, context) - peer(history, candidates, context)).abs().max())
