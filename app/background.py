"""What is computed in the background while pages watch: the measurements, and the scoring of large catalogues."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TypeVar
from uuid import uuid4

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from app.cache import CACHE
from app.jobs import Jobs
from surge.errors import SurgeError

AT_ONCE = 2  # pieces of work of each sort; more wait in line
KEPT_SCORINGS = 8  # results of large catalogues: some 12 bytes an item each
LOOK = 0.1  # seconds between two looks of a page at what it waits for
Made = TypeVar("Made")
Progress = Callable[[float], None]


def computed(
    kind: str, key: Hashable, compute: Callable[[Progress | None], Made], progress: Progress | None = None
) -> Made:
    """What the store keeps under a key, or what `compute(progress)` gives.

    With a `progress`, which draws on the page, that is done in the background and goes on while the page is drawn
    anew; it stops where no page watches it any more. Without one it is done here and now. A failure is a SurgeError.
    """
    if progress is None or CACHE.has(kind, key):
        return CACHE.get(kind, key, lambda: compute(None))
    jobs, name, watcher = MEASURINGS, (kind, key), visitor()

    def work(sign: Progress) -> None:
        CACHE.get(kind, key, lambda: compute(sign))

    jobs.ask(name, work, watcher)
    while (standing := jobs.standing(name, watcher)).under_way:
        progress(standing.share)
        jobs.wait(name, LOOK)
    if standing.state == "failed":
        raise SurgeError(standing.error)
    return CACHE.get(kind, key, lambda: compute(None))


def with_spinner(kind: str, key: Hashable, compute: Callable[[], Made], words: str) -> Made:
    """What the store keeps under a key, computed here and now under a spinner, where there is a page to show it on."""
    if CACHE.has(kind, key) or get_script_run_ctx(suppress_warning=True) is None:
        return CACHE.get(kind, key, compute)
    with st.spinner(words):
        return CACHE.get(kind, key, compute)


def visitor() -> str:
    """The open page, by the id of its connection and one of its own."""
    context = get_script_run_ctx(suppress_warning=True)
    own = st.session_state.setdefault("visitor", uuid4().hex)
    return f"{context.session_id if context else ''} {own}"


def _connected(watcher: str) -> bool:
    return runtime.exists() and runtime.get_instance().is_active_session(watcher.partition(" ")[0])


SCORINGS = Jobs(AT_ONCE, KEPT_SCORINGS, connected=_connected)  # of large catalogues
# all other work: its results are in the store, and whoever waits is heard of ten times a second
MEASURINGS = Jobs(AT_ONCE, 0)
