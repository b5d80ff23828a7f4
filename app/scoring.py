"""The scoring of a catalogue that is too large to wait for: asked for, watched and left by the page that shows it."""

from __future__ import annotations

import streamlit as st

from app.background import SCORINGS, visitor
from app.jobs import Standing
from app.opening import with_model
from app.subjects import Subject
from surge.explanation.ranking import rank_catalogue

_WATCHED, _STOPPED = "scoring watched", "scoring stopped"


def start_scoring(subject: Subject) -> None:
    """Score the catalogue in the background, for this page; a SurgeError where too many wait in line already."""
    SCORINGS.ask(
        subject.key,
        lambda progress: rank_catalogue(with_model(subject.checkpoint), subject.history, progress),
        visitor(),
    )
    st.session_state[_WATCHED] = subject.key
    st.session_state.pop(_STOPPED, None)


def scoring(subject: Subject) -> Standing:
    """How far it is. Looking is a heartbeat: this page watches it, and no other any more, unless it stopped it."""
    if st.session_state.get(_WATCHED) != subject.key:
        look_away()
    if not watches(subject):
        return SCORINGS.standing(subject.key)
    standing = SCORINGS.standing(subject.key, visitor())
    if standing.under_way:
        st.session_state[_WATCHED] = subject.key
    return standing


def stop_scoring(subject: Subject) -> None:
    """This page no longer waits for it; others may."""
    st.session_state[_STOPPED] = subject.key
    SCORINGS.leave(subject.key, visitor())


def watches(subject: Subject) -> bool:
    """Whether this page did not stop it."""
    return st.session_state.get(_STOPPED) != subject.key


def look_away() -> None:
    """This page shows something else: what it watched goes on only if others watch it."""
    watched = st.session_state.pop(_WATCHED, None)
    if watched is not None:
        SCORINGS.leave(watched, visitor())
