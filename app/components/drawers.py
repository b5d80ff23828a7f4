"""The drawers under the views: each asks one more question, and computes nothing before it is opened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import streamlit as st

from app import results, state
from app.components.candidates_drawer import candidates_drawer
from app.components.charts import chart
from app.components.checkpoints_drawer import checkpoints_drawer
from app.components.drift_player import drift_player, last_step
from app.components.inspection import Inspection, about, caption, progress_bar, view_picture, view_table
from app.components.survey_offer import survey_here
from app.components.tables import words_table
from app.library import Library
from surge.errors import SurgeError
from surge.escapes import for_markdown
from surge.pictures import columns, percentiles, survey_words
from surge.pictures.views import DRIFT, View, asked
from surge.vocabulary.survey import USER

MEASURES: dict[str, tuple[str, Callable[..., Any]]] = {  # what is said meanwhile, and how it is measured
    "faithfulness": ("Deleting and inserting items …", results.faithfulness),
    "drift": ("Reading the history step by step …", results.drift),
}


def drawers(inspection: Inspection, library: Library) -> None:
    """All drawers, closed unless the place says otherwise."""
    st.markdown("##### Ask more", help="Each answers one question about this prediction; open as many as you like.")
    _drawer("compare", "Why this item and not another?", lambda: candidates_drawer(inspection))
    _drawer("versus", "Would another model say the same?", lambda: checkpoints_drawer(inspection, library))
    for view in asked():
        _drawer(view.name, view.question or view.title, partial(_measured_view, view, inspection))
    _drawer("population", "Is this user unusual?", lambda: _population(inspection))


@st.fragment
def _drawer(name: str, question: str, content: Callable[[], None]) -> None:
    key = f"drawer {name}"
    st.session_state[key] = name in state.current().open
    drawer = st.expander(question, key=key, on_change=lambda: state.toggle_drawer(name))
    if drawer.open:
        with drawer:
            try:
                content()
            except SurgeError as error:  # the checkpoint was replaced, no memory is left, too many wait in line
                st.error(for_markdown(str(error)))
    state.mirror()


def _measured_view(view: View[Any], inspection: Inspection) -> None:
    """Measures what the view needs; then what it shows in a sentence, the picture, and the numbers behind it."""
    words, measure = MEASURES[view.needs]
    with progress_bar(words) as progress:
        measured = measure(inspection.subject, inspection.candidate, progress)
    scene = replace(inspection.scene(), **{view.needs: measured})
    view_picture(view, inspection, scene)
    if view.name == DRIFT.name and (last := len(measured.lengths) - 1):
        drift_player(DRIFT.key, _step(last), lambda: _settle_step(last))
    caption(view.caption(scene), view.name)
    view_table(view, scene)
    about(view.about, view.name)


def _step(last: int) -> int:
    """The step that the drift shows, from 0; one that only a link can ask for, and this history doesn't have, is left
    out."""
    step = state.current().step
    if step is None or step <= last + 1:
        return last if step is None else step - 1
    st.warning(
        f"The link asks for step {step:,} of the drift, which has {last + 1:,}; it was left out.",
        icon=":material/link_off:",
    )
    state.settle(step=None)
    return last


def _settle_step(last: int) -> None:
    """The slider rests: the step stands in the address, unless it is the last, which is where it opens."""
    step = last_step()
    if step is not None and step <= last:
        state.change(step=None if step == last else step + 1)


def _population(inspection: Inspection) -> None:
    if state.current().made_up:
        st.markdown("A made-up user is none of the dataset's users.")
        return
    checkpoint, dataset = inspection.subject.checkpoint, inspection.dataset
    survey = survey_here(checkpoint, dataset, "There is no survey of all users for this checkpoint yet.")
    if survey is None:
        return
    own = survey.frame[survey.frame["user"] == inspection.base.history.user]
    if own.empty:
        st.markdown("This user is not in the survey, which may have drawn only some of the users.")
        return
    population = {name: survey.frame[name].to_numpy(dtype=float) for name in USER if name in survey.frame}
    values = {name: float(own.iloc[0][name]) for name in population}
    st.markdown(for_markdown(survey_words.percentile_sentence(values, population)))
    left, right = st.columns(2, gap="medium")
    with left:
        chart(
            percentiles.percentile_figure(values, population, inspection.theme),
            "population",
            "This user among all users; the table beside it holds the same values.",
            inspection.theme,
        )
    with right:
        words_table(
            percentiles.percentile_table(values, population),
            columns.POPULATION,
            "This user's figures among those of all users.",
        )
    edited = " The survey knows the history as it was, without your edits." if inspection.before is not None else ""
    caption(survey_words.percentile_caption(values, population) + edited, "population")
    about(survey_words.ABOUT_PERCENTILES, "population")
