"""Choosing the candidate: any item that the model knows, or the top predicted one again."""

from __future__ import annotations

from typing import Any

import streamlit as st

from app import state
from app.components.inspection import Inspection
from surge.checkpoint import Checkpoint
from surge.data.dataset import Dataset
from surge.escapes import for_markdown

SHOWN = 10
SEARCHED = 500  # matches looked at for items that the model knows
_TEXT = "item_search_text"


def item_search(inspection: Inspection) -> None:
    """A button that names the candidate and opens the search, and one that goes back to the top prediction."""
    candidate, top = inspection.record.target, inspection.best(SHOWN)
    with st.popover(
        f"Candidate **{for_markdown(candidate.title, 40)}**",
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
            for row in found_items(inspection.subject.checkpoint, inspection.dataset, text):
                _offer(row["item"], row["title"] or row["item"], row["category"])
        elif top:
            st.caption("Predicted items, best first:")
            for entry in top:
                _offer(entry.item, f"{entry.rank}. {entry.title}", entry.category)
    best = top[0].item if top else candidate.item
    st.button(
        "Top prediction",
        key="top_prediction",
        icon=":material/vertical_align_top:",
        disabled=candidate.item == best,
        width="stretch",
        type="tertiary",
        help="Explains the item that the model ranks first for this history.",
        on_click=state.here(_choose),
        args=(best,),
    )


def found_items(checkpoint: Checkpoint, dataset: Dataset, text: str) -> list[dict[str, Any]]:
    """The first matches that the model knows; where there is none, or more, the page says so."""
    found = dataset.search_items(text, SEARCHED)
    known = found.filter(found["item"].is_in(list(checkpoint.rows))) if found.height else found
    if not found.height:
        st.markdown(f"No item has “{for_markdown(text, 40)}” in its title, category or id.")
    elif not known.height:
        st.markdown(f"The model knows none of the {found.height} items that match “{for_markdown(text, 40)}”.")
    elif known.height > SHOWN:
        st.caption(f"The first {SHOWN} matches; type more to see others.")
    return known.head(SHOWN).to_dicts()


def _offer(item: str, title: str, category: str | None) -> None:
    name = for_markdown(title, 60) + (f" · *{for_markdown(category, 30)}*" if category else "")
    st.button(name, key=f"item {item}", on_click=state.here(_choose), args=(item,), type="tertiary", width="stretch")


def _choose(item: str) -> None:
    st.session_state[_TEXT] = ""
    state.change(candidate=item)
