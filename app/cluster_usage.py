"""The measured use of a checkpoint's clusters, kept for all sessions, and how long measuring it takes."""

from __future__ import annotations

import time

from app.background import Progress, computed
from app.cache import CACHE
from app.opening import with_model
from surge.checkpoint import Checkpoint
from surge.data.dataset import Dataset
from surge.explanation.cluster_usage import ClusterUsage, cluster_usage, draw_users

USERS = 200
TRIED = 8  # users that are measured to say how long all of them will take


def known_usage(checkpoint: Checkpoint, dataset: Dataset) -> ClusterUsage | None:
    """What was measured before, by anybody; None where nobody has."""
    return CACHE.peek("usage", (checkpoint.digest, dataset.digest))


def measure_usage(checkpoint: Checkpoint, dataset: Dataset, progress: Progress | None = None) -> ClusterUsage:
    """What was measured before, or is now over USERS users, with a `progress` in the background (see `computed`);
    SurgeError as `cluster_usage` raises it."""
    return computed(
        "usage",
        (checkpoint.digest, dataset.digest),
        lambda progress: cluster_usage(with_model(checkpoint), dataset, draw_users(dataset, USERS), progress),
        progress,
    )


def seconds_needed(checkpoint: Checkpoint, dataset: Dataset) -> float:
    """How long USERS users will take here, from a few of them; SurgeError as `cluster_usage` raises it."""

    def measure() -> float:
        whole, users = with_model(checkpoint), draw_users(dataset, TRIED, seed=1)
        cluster_usage(whole, dataset, users[:2])  # the first calls of a process are slower than all others
        begun = time.perf_counter()
        cluster_usage(whole, dataset, users)
        return (time.perf_counter() - begun) * min(USERS, len(dataset.users)) / len(users)

    return CACHE.get("usage seconds", (checkpoint.digest, dataset.digest), measure)
