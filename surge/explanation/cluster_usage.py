"""How a checkpoint's clusters are used over many users: mean shares, and the categories that they hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import torch

from surge.backends.scoring import histories_at_once, read_graphs
from surge.checkpoint import Checkpoint
from surge.data.dataset import Dataset
from surge.data.history import History
from surge.errors import SurgeError
from surge.explanation.history import read_history
from surge.model.surge import SurgeModel

MOST_CATEGORIES = 3  # kept for each cluster
READING = 0.5  # the share of the time that reading the histories from the log takes


@dataclass(frozen=True)
class ClusterUsage:
    """`mass` (m): the share of a history that each final cluster holds, mean over users; sums to 1.

    `first_choices` (m): items whose largest share lies in the cluster. `categories[c]`: the commonest categories of
    those items, with their numbers; None counts items without one. `users` and `items` were read.
    """

    mass: np.ndarray
    first_choices: np.ndarray
    categories: tuple[tuple[tuple[str | None, int], ...], ...]
    users: int
    items: int


def draw_users(dataset: Dataset, number: int, seed: int = 0) -> list[str]:
    """At most `number` users of a dataset, drawn without replacement."""
    chosen = np.random.default_rng(seed).permutation(len(dataset.users))[:number]
    return [dataset.users[index] for index in np.sort(chosen).tolist()]


def cluster_usage(
    checkpoint: Checkpoint,
    dataset: Dataset,
    users: Sequence[str],
    progress: Callable[[float], None] | None = None,
) -> ClusterUsage:
    """Reads every user's history with its last item as the candidate, many at once, and adds up S.

    With several pooling layers S is their product (items to final clusters). Users of whose items the model knows
    none are left out. A model without pooling, or no user left, is a SurgeError.
    """
    if not checkpoint.model.extract.pools:
        raise SurgeError("This model has no clusters: every item is read by itself, so there is no usage to measure.")
    read: list[History] = []
    for done, user in enumerate(users, start=1):
        with suppress(SurgeError):  # the model knows none of the items
            read.append(read_history(checkpoint, dataset, user))
        if progress:
            progress(READING * done / len(users))
    if not read:
        raise SurgeError("The model knows no item of any of these users; give the dataset that it was trained on.")
    clusters = checkpoint.model_config.clusters[-1]
    mass, counted = np.zeros(clusters), np.zeros(clusters, dtype=np.int64)
    categories: list[Counter[str | None]] = [Counter() for _ in range(clusters)]
    category = checkpoint.items["category"].to_list()
    order = sorted(read, key=len)  # of like length, so that little is padded
    start = 0
    while start < len(order):
        batch = order[start : start + histories_at_once(checkpoint.model, list(map(len, order[start:])))]
        for history, assignment in zip(batch, _assignments(checkpoint.model, batch), strict=True):
            mass += assignment.mean(axis=0)
            first = assignment.argmax(axis=1)
            counted += np.bincount(first, minlength=clusters)
            for row, cluster in zip(history.rows.tolist(), first.tolist(), strict=True):
                categories[cluster][category[row]] += 1
        start += len(batch)
        if progress:
            progress(READING + (1 - READING) * start / len(order))
    return ClusterUsage(
        mass=mass / len(read),
        first_choices=counted,
        categories=tuple(tuple(held.most_common(MOST_CATEGORIES)) for held in categories),
        users=len(read),
        items=sum(map(len, read)),
    )


def _assignments(model: SurgeModel, histories: Sequence[History]) -> list[np.ndarray]:
    """S of each history (n x m, float64), items to final clusters, with its last item as the candidate."""
    with torch.inference_mode():
        graph = read_graphs(model, histories)
        candidates = torch.tensor([[int(history.rows[-1])] for history in histories], device=graph.mask.device)
        layers = model.read(graph, candidates).extraction.layers
        total = layers[0].assignment
        for layer in layers[1:]:
            total = total @ layer.assignment
    padded = total[:, 0].double().cpu().numpy()
    return [padded[place, : len(history)] for place, history in enumerate(histories)]
