"""Choosing a user: search by a part of the id, or a random one."""

from __future__ import annotations

import random

import streamlit as st

from app import state
from surge.data.dataset import Dataset
from surge.escapes import for_markdown

SHOWN = 10
_TEXT = "user_search_text"


def user_search(dataset: Dataset, user: str | None) -> None:
    """A button that names the user and opens the search, and one for a random user."""
    label = f"User **{for_markdown(user, 24)}**" if user is not None else "Choose a user"
    with st.popover(label, key=f"user_search {user}", icon=":material/person_search:"):
        text = st.text_input(
            "Search a user",
            key=_TEXT,
            placeholder="a part of the id, then Enter",
            help="Searches all users of the dataset.",
        ).strip()
        found = dataset.search_users(text, SHOWN + 1)
        if not found:
            st.markdown(f"No user has “{for_markdown(text, 40)}” in the id.")
        for name in found[:SHOWN]:
            st.button(
                for_markdown(name, 60),
                key=f"user {name}",
                on_click=_choose,
                args=(name,),
                type="tertiary",
                width="stretch",
            )
        if len(found) > SHOWN:
            st.caption(f"The first {SHOWN} of {len(dataset.users):,} users; type more of the id to see others.")
    st.button(
        "Random user",
        key="random_user",
        icon=":material/shuffle:",
        help="Opens any user of this dataset.",
        on_click=_choose_random,
        args=(dataset,),
    )


def _choose(user: str) -> None:
    st.session_state[_TEXT] = ""
    state.change(user=user)


def _choose_random(dataset: Dataset) -> None:
    _choose(random.choice(dataset.users))
