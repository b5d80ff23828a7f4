"""The bar on top of every page: the way to the others, the checkpoint, the dataset, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import state
from app.address import to_parameters
from app.cache import CACHE
from app.components.copy_link import copy_link
from app.components.theme import apply_style
from app.library import Library, find_library, matching_dataset
from app.opening import open_checkpoint, open_dataset
from app.scoring import look_away
from app.surveys import IN_CLONE
from surge.checkpoint import Checkpoint
from surge.data.dataset import Dataset
from surge.errors import SurgeError
from surge.escapes import for_markdown
from surge.explanation.dataset_change import DatasetChange, dataset_change
from surge.folders import ROOTS_VARIABLE

PAGES = {
    "user": ("Explain a user", ":material/account_tree:", "Why this item for this user?"),
    "finder": (
        "Find users",
        ":material/travel_explore:",
        "All users with figures about their histories and predictions; needs a survey.",
    ),
    "model": ("The model", ":material/monitoring:", "How well the checkpoint predicts, and how it was trained."),
}
PAGES_KEY = "pages"
Given = TypeVar("Given", Checkpoint, Dataset)


@dataclass(frozen=True)
class Bar:
    """What is chosen, None where it can't be opened; `widgets` takes the page's own, `messages` its notes."""

    library: Library
    checkpoint: Checkpoint | None
    dataset: Dataset | None
    widgets: DeltaGenerator
    messages: DeltaGenerator


def go_to(page: str) -> None:
    """Open another page at the place where the analyst is."""
    st.switch_page(st.session_state[PAGES_KEY][page], query_params=tuple(to_parameters(state.current()).items()))


def bar(page: str) -> Bar:
    """Draws the bar of a page, once and first of all; reads the URL on the way."""
    apply_style()
    state.arrive()
    if page != "user":
        look_away()
    library = find_library()
    with st.container(horizontal=True, vertical_alignment="bottom", key="bar"):
        with st.container(width=190, key="brand"):
            st.markdown("**SURGE explorer**  \nWhy this item for this user?")
        _navigation(page)
        checkpoint = _choose_checkpoint(library)
        dataset = _choose_dataset(library)
        widgets = st.container(horizontal=True, vertical_alignment="bottom", width="content")
        st.space("stretch")
        copy_link()
        if library.refused:
            with st.popover(f"{len(library.refused)} refused", icon=":material/block:", key="refused"):
                for sentence in library.refused:
                    st.markdown(for_markdown(sentence))
    messages = st.container()
    if checkpoint is not None and dataset is not None and (change := _change(checkpoint, dataset)):
        messages.info(for_markdown(str(change)))
    return Bar(library, checkpoint, dataset, widgets, messages)


@contextmanager
def page_notes(messages: DeltaGenerator) -> Iterator[None]:
    """At the end of a page: what was wrong with the link in one box, and the place in the URL."""
    yield
    if notes := state.notes():
        messages.warning("  \n".join(for_markdown(note) for note in notes), icon=":material/link_off:")
    state.mirror()


def _navigation(page: str) -> None:
    for name, (label, icon, words) in PAGES.items():
        if (
            st.button(
                label,
                key=f"go {name}",
                icon=icon,
                help=words,
                type="secondary" if name == page else "tertiary",
                disabled=PAGES_KEY not in st.session_state,
            )
            and name != page
        ):
            go_to(name)


def _choose_checkpoint(library: Library) -> Checkpoint | None:
    name = _choose(
        "checkpoint",
        library.checkpoints,
        lambda: next(iter(library.checkpoints)),
        "Train one with `python -m surge train sample_data --output checkpoints/mine`, or name the folder that holds "
        f"yours in the environment variable `{ROOTS_VARIABLE}` and start the app again.",
        lambda: _chosen_checkpoint(library),
        f"A trained model. Listed are {'the folders under checkpoints/' if IN_CLONE else 'those of the demo'} and "
        "those in the folders named when the app was started.",
    )
    return _opened(lambda: open_checkpoint(library.checkpoints[name])) if name is not None else None


def _choose_dataset(library: Library) -> Dataset | None:
    def first() -> str:
        checkpoint = state.current().checkpoint
        fitting = matching_dataset(library, str(checkpoint)) if checkpoint in library.checkpoints else None
        return fitting or ("sample_data" if "sample_data" in library.datasets else next(iter(library.datasets)))

    name = _choose(
        "dataset",
        library.datasets,
        first,
        "Make the sample with `python -m surge simulate sample_data --users 3000 --seed 0`.",
        lambda: state.change(dataset=st.session_state["dataset"]),
        "The log of interactions with the users' histories; it should be the one that the checkpoint was trained on.",
    )
    return _opened(lambda: open_dataset(library.datasets[name])) if name is not None else None


def _choose(
    kind: str, found: dict[str, Path], first: Callable[[], str], missing: str, on_change: Callable[[], Any], words: str
) -> str | None:
    """The one of a kind that the place names, else the `first`; None where none was found: then `missing` is said."""
    if not found:
        st.error(f"No {kind} was found. {missing}")
        return None
    name = getattr(state.current(), kind)
    if name not in found:
        shown = first()
        if name is not None:
            state.add_note(f"There is no {kind} {name!r} here; {shown!r} is shown.")
        state.settle(**{kind: shown})
        name = shown
    st.session_state[kind] = name
    st.selectbox(kind.capitalize(), list(found), key=kind, width=170, filter_mode=None, on_change=on_change, help=words)
    return name


def _opened(read: Callable[[], Given]) -> Given | None:
    try:
        return read()
    except SurgeError as error:
        st.error(for_markdown(str(error)))
        return None


def _chosen_checkpoint(library: Library) -> None:
    """Another checkpoint brings the dataset that it was trained on; where that stays the same, so does the user."""
    name = st.session_state["checkpoint"]
    fitting = matching_dataset(library, name)
    other = {"dataset": fitting} if fitting is not None and fitting != state.current().dataset else {}
    state.change(checkpoint=name, **other)


def _change(checkpoint: Checkpoint, dataset: Dataset) -> DatasetChange | None:
    """How the dataset differs from the one that the checkpoint was trained on; None where it does not."""
    key = (checkpoint.digest, dataset.digest)
    return CACHE.get("dataset change", key, lambda: dataset_change(checkpoint, dataset))
