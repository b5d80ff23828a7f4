"""Why this candidate and not another: two readings of one graph, side by side, and the ledger between them."""

from __future__ import annotations

from functools import partial

import streamlit as st

from app import results, state
from app.components.inspection import Inspection, about, caption, picture
from app.components.item_search import found_items, offer_item
from app.components.tables import number_table
from surge.errors import SurgeError
from surge.escapes import for_markdown
from surge.explanation.explain import candidate_row
from surge.explanation.measurements import Effects
from surge.explanation.record import Explanation
from surge.pictures import columns, ledger, ledger_words
from surge.pictures.text import likely_words, title_of
from surge.pictures.views import ASSIGNMENT, ATTENTION, SEQUENCE, Scene

_SEARCH, _SETTLED = "second_search_text", "second settled"


def candidates_drawer(inspection: Inspection) -> None:
    """Choose the second candidate; then the ledger, and both readings."""
    second = _second(inspection)
    _choose(inspection, second)
    if second is None:
        st.markdown("There is no other item to compare with yet; search for one.")
        return
    record, effects = results.explanation(inspection.subject, second), results.effects(inspection.subject, second)
    styles = inspection.styles
    st.markdown(for_markdown(ledger_words.ledger_sentence(inspection.record, record, inspection.effects, effects)))
    picture(
        inspection,
        "ledger",
        "How much more likely each history item makes either candidate; the table below holds the same values.",
        lambda: ledger.ledger_figure(
            inspection.record, record, inspection.effects, effects, inspection.theme, styles=styles
        ),
        second,
    )
    caption(ledger_words.caption(inspection.record, record, inspection.effects, effects), "ledger")
    with st.popover("The same as a table", type="tertiary", icon=":material/table:"):
        frame = ledger.ledger_table(inspection.record, record, inspection.effects, effects, styles=styles)
        number_table(frame, columns.LEDGER, "The effects on both candidates, and β and γ for each.", width=900)
    about(ledger_words.ABOUT, "ledger")
    first_column, second_column = st.columns(2, gap="medium")
    with first_column:
        _reading(inspection, "①", inspection.record, inspection.effects)
    with second_column:
        _reading(inspection, "②", record, effects)


def _reading(inspection: Inspection, mark: str, record: Explanation, effects: Effects) -> None:
    """One candidate's pooled sequence, assignment and attention."""
    scene = Scene(record, inspection.theme, effects, inspection.styles_of(record))
    st.markdown(f"**{mark} {for_markdown(title_of(record.target), 60)}** · {for_markdown(likely_words(record))}")
    for name, view in (("pooled sequence", SEQUENCE), ("assignment", ASSIGNMENT), ("attention", ATTENTION)):
        build = partial(view.figure, scene)
        picture(inspection, f"{name} {mark}", f"The {name} for candidate {mark}.", build, record.target.item)


def _second(inspection: Inspection) -> str | None:
    """The second candidate in the URL, or the best item that isn't the first.

    That one stands in the URL too, as another training may rank another item best; with another first candidate it is
    found anew.
    """
    second, candidate = state.current().second, inspection.candidate
    found_for, found = st.session_state.get(_SETTLED) or (candidate, None)
    outdated = found == second and found_for != candidate
    if second is not None and second != candidate and not outdated:
        try:
            candidate_row(inspection.subject.checkpoint, second)
            return second
        except SurgeError as error:
            st.warning(for_markdown(f"{error} Another item is compared."), icon=":material/link_off:")
    second = inspection.runner_up
    st.session_state[_SETTLED] = (candidate, second)
    state.settle(second=second)
    return second


def _compare_with(item: str | None, **changes: str) -> None:
    st.session_state[_SETTLED] = None
    state.change(second=item, **changes)


def _choose(inspection: Inspection, second: str | None) -> None:
    """The first few predicted items, the true next one, and a search."""
    checkpoint = inspection.subject.checkpoint
    titles = {entry.item: f"#{entry.rank} {entry.title}" for entry in inspection.best(10)}
    followed = inspection.history.next_item
    if followed is not None and followed.item in checkpoint.rows:
        titles.setdefault(followed.item, f"next item: {followed.title}")
    if second is not None:
        titles.setdefault(second, str(checkpoint.items["title"][checkpoint.rows[second]]))
    titles.pop(inspection.candidate, None)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if second is not None and second in titles:
            st.session_state["second"] = second
            st.selectbox(
                "② Compare with",
                list(titles),
                key="second",
                width=420,
                format_func=lambda item: titles.get(str(item), str(item))[:80],
                filter_mode=None,
                on_change=lambda: _compare_with(st.session_state["second"]),
                help="The second candidate: the same history read for another item.",
            )
        with st.popover("Search another", icon=":material/search:"):
            text = st.text_input(
                "Search an item to compare with", key=_SEARCH, placeholder="a part of the title"
            ).strip()
            for item, title, category in found_items(checkpoint, inspection.dataset, text) if text else []:
                offer_item(f"second {item}", title, category, _take, item)
        swapped = st.button(
            "Swap",
            key="swap_candidates",
            icon=":material/swap_horiz:",
            disabled=second is None,
            help="The second candidate becomes the one that the page explains.",
        )
        if swapped:  # not a callback: that would draw this drawer alone anew
            _compare_with(inspection.candidate, candidate=str(second))
            st.rerun()


def _take(item: str) -> None:
    st.session_state[_SEARCH] = ""
    _compare_with(item)
