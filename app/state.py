"""Where the analyst is: kept in the session, which is the truth, and mirrored in the URL.

The URL is read when a session starts and when the browser goes Back or Forward. Else what the browser sends of it may
be older than the session, as a choice may be made before the last one has come back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from app.address import Place, parse, to_parameters
from surge.pictures.selection import Selection

MOST_LONG = 32  # longer plans that the session keeps for the back button
MOST_UNDO = 100  # steps back from one place, and places that they are kept for
Edited = tuple[str | None, str | None]  # the edits of a place, and what is staged there
_PLACE, _NOTES, _UNDO, _LONG = "place", "place notes", "place undo", "place long plans"


def arrive() -> Place:
    """Once at the top of the page: read the URL of a first visit, or the one that Back or Forward leads to."""
    context = get_script_run_ctx()
    if _PLACE not in st.session_state or (context is not None and context.is_history_navigation):
        long = st.session_state.get(_LONG)
        st.session_state[_PLACE], st.session_state[_NOTES] = parse(st.query_params.to_dict(), long)
    return current()


def current() -> Place:
    """The place of this session."""
    return st.session_state.get(_PLACE, Place())


def notes() -> list[str]:
    """What was wrong with the link, until something else is chosen."""
    return st.session_state.get(_NOTES, [])


def add_note(sentence: str) -> None:
    """Keep a sentence about the link on the page, although the URL is put right at once."""
    if sentence not in st.session_state.setdefault(_NOTES, []):
        st.session_state[_NOTES].append(sentence)


def settle(**changes: Any) -> Place:
    """Fill in what a default stands for, or put a mistake right; notes and, in one history, the steps of Undo stay."""
    steps = _undo().get(_edited())
    st.session_state[_PLACE] = replace(current(), **changes)
    if steps is not None and "history" not in changes:
        _undo().setdefault(_edited(), steps)
    return current()


def change(**changes: Any) -> None:
    """What a widget's callback calls: the analyst chose something. Another user, model or log ends the selection.

    A made-up user stays under another model.
    """
    st.session_state[_NOTES] = []
    if whose := changes.keys() & {"checkpoint", "dataset", "user", "made_up"}:
        fresh: dict[str, Any] = dict.fromkeys(("history", "candidate", "second", "cluster", "head", "step"))
        fresh["items"] = frozenset()
        if not current().made_up or whose != {"checkpoint"}:
            fresh |= {"made_up": False, "edits": None, "staged": None}
        changes = {**fresh, **changes}
    if "dataset" in changes:
        changes = {"user": None, **changes}
    st.session_state[_PLACE] = replace(current(), **changes)


def here(callback: Callable[..., object]) -> Callable[..., None]:
    """A widget's callback that means the history now on the screen: once another one is chosen it does nothing, as
    the browser may still show the old one and take a press on it."""
    whose = current().whose

    def answer(*arguments: Any) -> None:
        if current().whose == whose:
            callback(*arguments)

    return answer


def shows(part: str, value: Any, key: str | None = None) -> dict[str, Any]:
    """The settings of a widget that shows a part of the place, and changes it when the analyst chooses another."""
    key = key or part
    st.session_state[key] = value
    return {"key": key, "on_change": lambda: change(**{part: st.session_state[key]})}


def select(selection: Selection) -> None:
    """What is selected now."""
    change(items=selection.items, cluster=selection.cluster)


def clear_selection() -> None:
    """Nothing is selected any more."""
    select(Selection())


def toggle_drawer(name: str) -> None:
    """Open a drawer, or close it."""
    change(open=current().open ^ {name})


# -- edits of the history -------------------------------------------------------------------------------


def stage(plan: str | None) -> None:
    """A changed history waits to be run; None: nothing waits, as it would be the one on the screen."""
    staged = plan if plan != current().edits else None
    if staged != current().staged:
        _edit(staged=staged)


def run_edits(plan: str | None) -> None:
    """The history on the screen becomes this one (None: as the user left it), and nothing is staged."""
    _edit(edits=plan, staged=None, items=frozenset(), cluster=None, step=None)


def undo() -> None:
    """Back to what was staged or run before the last edit."""
    if steps := _steps():
        edits, staged = steps[-1]
        change(edits=edits, staged=staged, items=frozenset(), cluster=None, step=None)
        _keep(steps[:-1])


def can_undo() -> bool:
    """Whether there is an edit to take back."""
    return bool(_steps())


def _edit(**changes: Any) -> None:
    steps = (*_steps(), (current().edits, current().staged))
    change(**changes)
    _keep(steps)


def _steps() -> tuple[Edited, ...]:
    """What Undo leads back to from here, the nearest last. Of a link, and so after a reload, no more is known than what
    was run and what is staged: each of them is one step."""
    known = _undo().get(_edited())
    if known is not None:
        return known
    place = current()
    steps: tuple[Edited, ...] = ((None, None),) if place.edits is not None else ()
    return (*steps, (place.edits, None)) if place.staged is not None else steps


def _keep(steps: tuple[Edited, ...]) -> None:
    """The steps back from here; they stay with the place, so that Back and Forward lose none."""
    kept = _undo()
    kept.pop(_edited(), None)
    kept[_edited()] = steps[-MOST_UNDO:]
    for old in list(kept)[:-MOST_UNDO]:
        del kept[old]


def _undo() -> dict[Any, tuple[Edited, ...]]:
    return st.session_state.setdefault(_UNDO, {})


def _edited() -> tuple[Any, ...]:
    return *current().whose, current().history, current().staged


def mirror() -> None:
    """Write the place to the URL, where it differs from what stands there."""
    place = current()
    long = st.session_state.setdefault(_LONG, {})
    long |= place.long_plans
    for old in list(long)[:-MOST_LONG]:
        del long[old]
    wanted = to_parameters(place)
    if st.query_params.to_dict() != wanted:
        st.query_params.from_dict(wanted)
