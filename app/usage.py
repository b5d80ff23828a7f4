"""The measured use of a checkpoint's clusters, kept for all sessions, and how long measuring it takes."""

from __future__ import annotations

import time
from collections.abc import Callable

import streamlit as st

from surge.checkpoint import Checkpoint
from surge.data.store import Dataset
from surge.explanation.usage import ClusterUsage, cluster_usage, draw_users

USERS = 200
TRIED = 8  # users that are measured to say how long all of them will take
MOST_ENTRIES = 16
Key = tuple[str, str]


@st.cache_resource
def _shelf() -> dict[Key, ClusterUsage]:
    """By the digests of checkpoint and dataset. A plain dictionary, as a cached function can't be asked whether it
    knows the answer."""
    return {}


def known_usage(checkpoint: Checkpoint, dataset: Dataset) -> ClusterUsage | None:
    """What was measured before, by anybody; None where nobody has."""
    return _shelf().get((checkpoint.digest, dataset.digest))


def measure_usage(checkpoint: Checkpoint, dataset: Dataset, progress: Callable[[float], None]) -> ClusterUsage:
    """Measures it over USERS users and keeps it; SurgeError as `cluster_usage` raises it."""
    usage = cluster_usage(checkpoint, dataset, draw_users(dataset, USERS), progress)
    shelf = _shelf()
    while len(shelf) >= MOST_ENTRIES:
        shelf.pop(next(iter(shelf)))
    shelf[checkpoint.digest, dataset.digest] = usage
    return usage


@st.cache_resource(max_entries=MOST_ENTRIES, show_spinner=False)
def seconds_needed(key: Key, _checkpoint: Checkpoint, _dataset: Dataset) -> float:
    """How long USERS users will take here, from a few of them; SurgeError as `cluster_usage` raises it."""
    users = draw_users(_dataset, TRIED, seed=1)
    cluster_usage(_checkpoint, _dataset, users[:2])  # the first calls of a process are slower than all others
    begun = time.perf_counter()
    cluster_usage(_checkpoint, _dataset, users)
    return (time.perf_counter() - begun) * min(USERS, len(_dataset.users)) / len(users)
