"""Which interest cluster every item falls into, over the histories of a dataset."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
import torch

from surge.backends.scoring import histories_at_once
from surge.checkpoint import Checkpoint
from surge.data.dataset import Dataset
from surge.data.instances import Instances, encode
from surge.errors import SurgeError
from surge.model.batches import read_batch

WHAT = (
    "means over the histories of a dataset, each asked for the interaction that came last: how often an item falls "
    "into each cluster, and how much gamma it gets; no property of the item alone, as the assignment depends on the "
    "history around it"
)


def item_interests(
    checkpoint: Checkpoint, dataset: Dataset, progress: Callable[[float], None] | None = None
) -> tuple[pl.DataFrame, int]:
    """One row an item (row r is embedding row r), and how many histories were read: those of all users with two known
    items, whose last one is the candidate.

    `readings`: how often the item was among what the model read; `cluster`: the final cluster that it fell into most
    often, that is, had its largest share of S in; `first_choice` (m): the share of the readings for each cluster;
    `assignment` (m): the mean of S; `importance`: the mean of gamma, and `relative_importance` of n gamma, 1 where all
    n items of a history matter alike. All but the count are null for an item that was never read. A dataset of no use
    is a SurgeError.
    """
    log = encode(dataset, checkpoint.rows)
    users = np.flatnonzero(np.diff(log.offsets) > 1)
    if not len(users):
        raise SurgeError("The model knows two items of no user; give the dataset that it was trained on.")
    last = log.offsets[users + 1] - 1
    histories = log.histories(Instances(users, last), checkpoint.model_config.max_length)
    order = np.argsort(histories.lengths, kind="stable")  # of like length, so that little is padded
    lengths = histories.lengths[order].tolist()
    count, clusters = checkpoint.model_config.item_count, checkpoint.model_config.clusters[-1]
    readings = np.zeros(count, dtype=np.int64)
    first, assigned = np.zeros((count, clusters)), np.zeros((count, clusters))
    importance, relative = np.zeros(count), np.zeros(count)
    start = 0
    while start < len(order):
        part = order[start : start + histories_at_once(checkpoint.model, lengths[start:])]
        sequences, context = read_batch(histories.take(part))
        candidates = torch.from_numpy(log.items[last[part]]).unsqueeze(1)
        with torch.inference_mode():
            extraction = checkpoint.model.score_batch(sequences, candidates, context.ages())[1].extraction
            total = extraction.layers[0].assignment
            for layer in extraction.layers[1:]:
                total = total @ layer.assignment
        rows, shares = sequences.items[sequences.mask].numpy(), total[:, 0][sequences.mask].double().numpy()
        gamma = extraction.importance[:, 0].double()
        np.add.at(readings, rows, 1)
        np.add.at(first, (rows, shares.argmax(1)), 1)
        np.add.at(assigned, rows, shares)
        np.add.at(importance, rows, gamma[sequences.mask].numpy())
        np.add.at(relative, rows, (gamma * sequences.mask.sum(1, keepdim=True))[sequences.mask].numpy())
        start += len(part)
        if progress:
            progress(start / len(order))
    times = np.maximum(readings, 1)
    known = pl.when(pl.col("readings") > 0)
    table = pl.DataFrame(
        {
            "row": np.arange(count),
            "item": checkpoint.items["item"],
            "readings": readings,
            "cluster": first.argmax(1),
            "first_choice": first / times[:, None],
            "assignment": assigned / times[:, None],
            "importance": importance / times,
            "relative_importance": relative / times,
        }
    )
    return table.with_columns(known.then(pl.col(name)) for name in table.columns[3:]), len(users)
