"""Choosing the candidate: any item that the model knows, or the top predicted one again."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app import state
from app.components.labels import as_text
from surge.checkpoint import Checkpoint
from surge.data.store import Dataset
from surge.explanation.measured import Predicted
from surge.explanation.record import Item

SHOWN = 10
SEARCHED = 500  # matches looked at for items that the model knows
_TEXT = "item_search_text"


def item_search(checkpoint: Checkpoint, dataset: Dataset, candidate: Item, top: Sequence[Predicted]) -> None:
    """A button that names the candidate and opens the search, and one that goes back to the top prediction."""
    with st.popover(
        f"Candidate **{as_text(candidate.title, 40)}**",
        key=f"item_search {candidate.item}",
        icon=":material/search:",
        width="stretch",
    ):
        text = st.text_input(
            "Search an item",
            key=_TEXT,
            placeholder="a part of the title, category or id, then Enter",
            help="The candidate is the item whose prediction is explained. Any item that the model knows can be one.",
        ).strip()
        if text:
            _results(checkpoint, dataset, text)
        else:
            st.caption("Predicted items, best first:")
            for entry in top[:SHOWN]:
                _offer(entry.item, f"{entry.rank}. {entry.title}", entry.category)
    best = top[0].item if top else candidate.item
    st.button(
        "Top prediction",
        key="top_prediction",
        icon=":material/vertical_align_top:",
        disabled=candidate.item == best,
        width="stretch",
        type="tertiary",
        help="Explains the item that the model ranks first for this user.",
        on_click=_choose,
        args=(None,),
    )


def _results(checkpoint: Checkpoint, dataset: Dataset, text: str) -> None:
    found = dataset.search_items(text, SEARCHED)
    known = found.filter(found["item"].is_in(list(checkpoint.rows))) if found.height else found
    if not found.height:
        st.markdown(f"No item has “{as_text(text, 40)}” in its title, category or id.")
    elif not known.height:
        st.markdown(f"The model knows none of the {found.height} items that match “{as_text(text, 40)}”.")
    for row in known.head(SHOWN).iter_rows(named=True):
        _offer(row["item"], row["title"] or row["item"], row["category"])
    if known.height > SHOWN:
        st.caption(f"The first {SHOWN} matches; type more to see others.")


def _offer(item: str, title: str, category: str | None) -> None:
    name = as_text(title, 60) + (f" · *{as_text(category, 30)}*" if category else "")
    st.button(name, key=f"item {item}", on_click=_choose, args=(item,), type="tertiary", width="stretch")


def _choose(item: str | None) -> None:
    st.session_state[_TEXT] = ""
    state.change(candidate=item)
