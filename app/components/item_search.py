"""Choosing the candidate: any item that the model knows, or the top predicted one again."""

from __future__ import annotations

from collections.abc import Callable
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
    candidate, top, choose = inspection.record.target, inspection.best(SHOWN), state.here(_choose)
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
            for item, title, category in found_items(inspection.subject.checkpoint, inspection.dataset, text):
                offer_item(f"item {item}", title, category, choose, item, wide=True)
        elif top:
            st.caption("Predicted items, best first:")
            for entry in top:
                title = f"{entry.rank}. {entry.title}"
                offer_item(f"item {entry.item}", title, entry.category, choose, entry.item, wide=True)
    best = top[0].item if top else candidate.item
    st.button(
        "Top prediction",
        key="top_prediction",
        icon=":material/vertical_align_top:",
        disabled=candidate.item == best,
        width="stretch",
        type="tertiary",
        help="Explains the item that the model ranks first for this history.",
        on_click=choose,
        args=(best,),
    )


def found_items(checkpoint: Checkpoint, dataset: Dataset, text: str) -> list[tuple[str, str, str | None]]:
    """Id, title and category of the first matches that the model knows; the page says where there is none, or more."""
    found = dataset.search_items(text, SEARCHED)
    known = found.filter(found["item"].is_in(list(checkpoint.rows))) if found.height else found
    if not found.height:
        st.markdown(f"No item has “{for_markdown(text, 40)}” in its title, category or id.")
    elif not known.height:
        st.markdown(f"The model knows none of the {found.height} items that match “{for_markdown(text, 40)}”.")
    elif known.height > SHOWN:
        st.caption(f"The first {SHOWN} matches; type more to see others.")
    rows = known.head(SHOWN).iter_rows(named=True)
    return [(row["item"], row["title"] or row["item"], row["category"]) for row in rows]


def offer_item(
    key: str, title: str, category: str | None, on_click: Callable[..., None], *args: Any, wide: bool = False
) -> None:
    """An item to be taken by a click, with its category."""
    name = for_markdown(title, 60) + (f" · *{for_markdown(category, 30)}*" if category else "")
    width: Any = "stretch" if wide else "content"
    st.button(name, key=key, on_click=on_click, args=args, type="tertiary", width=width)


def _choose(item: str) -> None:
    st.session_state[_TEXT] = ""
    state.change(candidate=item)
