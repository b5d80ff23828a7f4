"""The page for one user: why the model predicts this item for this user, in the model's own order."""

from __future__ import annotations

import streamlit as st

from app import results, state, subjects
from app.components.bar import Bar, bar, page_notes
from app.components.charts import load_plotly
from app.components.downloads import take_away
from app.components.drawers import drawers
from app.components.edit_panel import edit_panel
from app.components.edit_plans import leave_out_unknown, parse_plan, settle_plans, staged_marks
from app.components.inspection import Inspection, progress_bar
from app.components.interest_graph import load_library
from app.components.item_search import item_search
from app.components.panels import panels
from app.components.selection_bar import listen, selection_bar
from app.components.theme import current_theme
from app.components.tour import remember_runner_up, tour
from app.components.user_search import user_search
from app.components.verdict_panel import verdict_panel
from app.library import Library
from app.surveys import telling_user
from surge.checkpoint import Checkpoint
from surge.data.dataset import Dataset
from surge.errors import SurgeError
from surge.escapes import for_markdown
from surge.explanation.edit_plan import Plan
from surge.explanation.explain import candidate_row
from surge.explanation.record import Explanation
from surge.native.fall_back import told
from surge.pictures.edit_context import Before

LONG = 120  # items; measuring their effects takes more than a moment


def page() -> None:
    """The bar, what is wrong if something is, and the views of the chosen user."""
    load_library()
    load_plotly()
    first_visit = not st.query_params.to_dict()
    chosen = bar("user")
    with page_notes(chosen.messages):
        user = _settle_user(chosen)
        if chosen.dataset is not None:
            with chosen.widgets:
                user_search(chosen.dataset, user)
        if chosen.checkpoint is not None and chosen.dataset is not None and (user or state.current().made_up):
            _inspect(chosen.checkpoint, chosen.dataset, user, chosen.library)
            tour(first_visit)


def _settle_user(chosen: Bar) -> str | None:
    """The user in the URL, or a telling one where there is none or the dataset doesn't know it."""
    if chosen.checkpoint is None or chosen.dataset is None or state.current().made_up:
        return None
    user = state.current().user
    if user is not None:
        try:
            chosen.dataset.user_index(user)
            return user
        except SurgeError as error:
            state.add_note(f"{_sentence(error)} Another user is shown.")
            state.settle(candidate=None, items=frozenset(), cluster=None, edits=None, staged=None)
    user = (
        telling_user(chosen.checkpoint, chosen.dataset)
        or results.telling_user(chosen.checkpoint, chosen.dataset)
        or chosen.dataset.users[0]
    )
    state.settle(user=user)
    return user


def _sentence(error: SurgeError) -> str:
    text = str(error)
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


@st.fragment
def _inspect(checkpoint: Checkpoint, dataset: Dataset, user: str | None, library: Library) -> None:
    """Everything about one user; a click, another candidate or layer runs this part alone."""
    try:
        base = subjects.made_up(checkpoint) if user is None else subjects.subject(checkpoint, dataset, user)
    except SurgeError as error:
        st.error(for_markdown(_sentence(error)))
        return
    if user is not None:
        _settle_history(base)
    # what comes and goes has a place of its own: what follows would else be built anew
    with st.container():
        try:
            inspection = _inspection(base, dataset)
        except SurgeError as error:  # no memory left to score with
            st.error(for_markdown(_sentence(error)))
            return
    if inspection is None:
        if user is None:
            edit_panel(base, dataset, None)
        state.mirror()
        return
    choice, sentence = st.columns([1, 3], gap="medium", vertical_alignment="center")
    with choice, st.container(gap="xxsmall"):
        item_search(inspection)
        take_away(inspection)
    with sentence:
        verdict_panel(inspection)
    remember_runner_up(inspection.runner_up)
    selection_bar(inspection)
    panels(inspection)
    listen(inspection)
    drawers(inspection, library)
    for reason in told:
        st.caption(for_markdown(reason))
    state.mirror()


def _settle_history(base: subjects.Subject) -> None:
    """Positions in another history of this user are left out, such as those of a link from before the log grew."""
    place, digest = state.current(), base.history.digest
    if place.counts and place.history not in (None, digest):
        state.add_note(
            "This user's history is another one than when the link was made, so what the link selects, edits or "
            "replays in it was left out."
        )
        state.settle(items=frozenset(), edits=None, staged=None, step=None)
    state.settle(history=digest)


def _inspection(base: subjects.Subject, dataset: Dataset) -> Inspection | None:
    """What is on the screen: the place, as far as this history and this model have it."""
    length = len(base.history.items)
    if state.current().made_up:
        leave_out_unknown(base.checkpoint)
    plan = parse_plan(state.current().edits, length, "edits") or Plan.whole(length)
    settle_plans(plan, length)
    if not plan.entries and not length:
        return None
    try:
        subject = subjects.edited(base, plan)
    except SurgeError as error:
        st.warning(for_markdown(f"{_sentence(error)} The history is shown as it was."), icon=":material/link_off:")
        state.settle(edits=None, items=frozenset(), cluster=None)
        plan, subject = Plan.whole(length), base
        if not length:
            return None
    ranking = results.ranking(subject)
    candidate = _candidate(subject, base)
    if ranking is not None and not len(ranking.order):
        st.info(
            "Every item of the catalogue is in the history already, so nothing is left to predict; any item can still "
            "be explained, and the history can be changed."
        )
    record = results.explanation(subject, candidate)
    _settle_selection(record.length, len(record.prediction.order))
    if record.length > LONG:
        with progress_bar("Leaving out each item in turn …") as progress:
            effects = results.effects(subject, candidate, progress)
    else:
        effects = results.effects(subject, candidate)
    reference = _reference(base if length else subject, candidate)
    before = None
    if subject is not base and length:
        origin = plan.origin[-record.length :]  # the model reads the last ones
        before = Before(results.explanation(base, candidate), origin, results.effects(base, candidate))
    staged = parse_plan(state.current().staged, length, "staged")
    marks = staged_marks(plan, staged, subject) if staged is not None else None
    return Inspection(
        dataset,
        base,
        subject,
        plan,
        record,
        ranking,
        effects,
        before,
        marks,
        reference,
        state.current().selection,
        current_theme(),
    )


def _candidate(subject: subjects.Subject, base: subjects.Subject) -> str:
    """The candidate in the URL, or the top prediction; before a catalogue is scored that is too large even to search,
    the true next item. Where the history holds the whole catalogue, the item that would rank first.
    """
    candidate = state.current().candidate
    if candidate is not None:
        try:
            candidate_row(subject.checkpoint, candidate)
            return candidate
        except SurgeError as error:
            st.warning(for_markdown(f"{_sentence(error)} The top prediction is shown."), icon=":material/link_off:")
    asked = base if base.history.items else subject
    top, ranking = _top(asked), results.ranking(asked)
    if top is not None:
        found = top
    elif ranking is not None:
        found = str(subject.checkpoint.items["item"][int(ranking.scores.argmax())])
    else:
        followed = subject.history.next_item
        known = followed is not None and followed.item in subject.checkpoint.rows
        found = followed.item if followed is not None and known else subject.history.items[-1].item
    state.settle(candidate=found)
    return found


def _reference(base: subjects.Subject, candidate: str) -> Explanation:
    """The record that gives the clusters their letters: the user's own history and top prediction."""
    return results.explanation(base, _top(base) or candidate)


def _top(subject: subjects.Subject) -> str | None:
    """The item that is predicted first, as far as that is known."""
    best = results.best(subject)
    top = best.top(1) if best is not None else []
    return top[0].item if top else None


def _settle_selection(length: int, clusters: int) -> None:
    """Positions, clusters that this history doesn't have can only come from a link."""
    place = state.current()
    inside = frozenset(index for index in place.items if index < length)
    cluster = place.cluster if place.cluster is not None and place.cluster < clusters else None
    if inside != place.items or cluster != place.cluster:
        st.warning(
            f"The link selects items or a cluster that this history of {length} items in {clusters} clusters does not "
            "have; they were left out.",
            icon=":material/link_off:",
        )
        state.settle(items=inside, cluster=cluster)
