"""The tour: five steps through the model's four parts and its sequence, each with the paper's equation in words."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from app import state

_RUNNER_UP = "tour runner-up"
_spotlight = st.components.v2.component(
    "surge_spotlight", js=(Path(__file__).parent / "spotlight.js").read_text(encoding="utf-8")
)


@dataclass(frozen=True)
class Step:
    """One step: the panel that it points at, by its key, and its words."""

    panel: str
    title: str
    words: str
    left: bool = False  # the card stands on the left, where the panel is on the right
    runner_up: bool = False  # the card offers to explain the runner-up instead


STEPS = (
    Step(
        "panel_graph",
        "From a history to a graph",
        "The model learned which items are alike, and connects those of this user that are: the strongest pairs keep "
        "an edge, the rest lose theirs (Equations 1 to 3: the cosine of the weighted embeddings, then a cut that keeps "
        "a set share of all pairs). You see the kept edges; an item that fits nothing has none. Try it: drag a node, "
        "or let the edges show similarity, which all pairs have. The slider only changes how many lines are drawn.",
    ),
    Step(
        "panel_attention",
        "Neighbours listen to one another",
        "Each item mixes in its neighbours. How much it listens to one depends on how well it suits the candidate "
        "(β) and on how central the listener is in its own neighbourhood (α): a softmax over the neighbours of "
        "LeakyReLU(α + β) (Equations 4 to 8; without the LeakyReLU, as printed, α cancels). 1× is as much as to "
        "any other. So another candidate is another reading of the same graph: try it, and watch the squares change.",
        left=True,
        runner_up=True,
    ),
    Step(
        "panel_assignment",
        "Items become a few interests",
        "Every item is spread over a few clusters, so that each row sums to 100 % (Equations 9 to 11: a softmax of "
        "what an item and its neighbours are about). A cluster is the sum of its items' parts. Try it: click the "
        "head of a column; all of its items light up everywhere.",
    ),
    Step(
        "panel_sequence",
        "Interests become a short sequence",
        "The clusters are put in time order and read one after the other, the oldest interest first (Equation 16: a "
        "recurrent network whose update gate is scaled by importance γ*). A filled block enters the memory, an empty "
        "one is nearly skipped. So a long, noisy history becomes a handful of steps.",
    ),
    Step(
        "panel_history",
        "What the prediction really depends on",
        "The end of the memory, the whole graph's readout and the candidate give the prediction (Equation 17). But "
        "weights are not causes: so each bar here is measured, by leaving this one item out and asking the model "
        "again. Up to ×2: with the item the candidate is twice as likely; down to ÷2: half as likely. Try it: select "
        "the highest bar, press Delete, then Run.",
    ),
)


def tour(first_visit: bool) -> None:
    """The card of the step that the place names; on a first visit the offer to begin."""
    step = state.current().tour
    if first_visit:
        st.session_state["tour offered"] = True
    if step is None:
        _spotlight(key="spotlight", data={"panel": ""})
        if st.session_state.get("tour offered"):
            with st.container(key="tour_card"):
                st.markdown("**New here?** Five steps show how the model comes to its prediction.")
                with st.container(horizontal=True):
                    st.button("Take the tour", key="tour_start", type="primary", on_click=_go, args=(1,))
                    st.button("No, thanks", key="tour_decline", type="tertiary", on_click=_go, args=(None,))
        return
    shown = STEPS[step - 1]
    _spotlight(key="spotlight", data={"panel": shown.panel})
    with st.container(key="tour_card_left" if shown.left else "tour_card"):
        st.markdown(f"**{step} of {len(STEPS)} · {shown.title}**")
        st.markdown(shown.words)
        with st.container(horizontal=True):
            st.button("Back", key="tour_back", disabled=step == 1, on_click=_go, args=(step - 1,))
            last = step == len(STEPS)
            st.button(
                "Done" if last else "Next", key="tour_next", type="primary", on_click=_go,
                args=(None if last else step + 1,),
            )  # fmt: skip
            if shown.runner_up:
                st.button("Explain the runner-up", key="tour_runner_up", on_click=_explain_runner_up)
            st.button("Leave the tour", key="tour_leave", type="tertiary", on_click=_go, args=(None,))


def remember_runner_up(candidate: str | None) -> None:
    """The item that the tour offers as another candidate: the views know it, the tour's card stands outside them."""
    st.session_state[_RUNNER_UP] = candidate


def _explain_runner_up() -> None:
    if st.session_state.get(_RUNNER_UP) is not None:
        state.change(candidate=st.session_state[_RUNNER_UP])


def _go(step: int | None) -> None:
    st.session_state["tour offered"] = False
    state.change(tour=step)
    if step == 1:
        state.change(layer="kept edge")
