"""The page for one user: why the model predicts this item for this user, in the model's own order."""

from __future__ import annotations

import streamlit as st

from app import loading, state
from app.components.copy_link import copy_link
from app.components.headline import headline
from app.components.history_panels import assignment_panel, graph_panel, prediction_panel, strip_panel
from app.components.inspection import Inspection, listen, selection_bar
from app.components.interest_graph import load_library
from app.components.item_search import item_search
from app.components.labels import as_text
from app.components.model_health import model_health
from app.components.sequence_panels import attention_panel, item_panel, sequence_panel
from app.components.theme import apply_style, current_theme
from app.components.user_search import user_search
from surge.checkpoint import Checkpoint
from surge.data.store import Dataset
from surge.errors import SurgeError
from surge.explanation.explain import candidate_row


def page() -> None:
    """The bar, what is wrong if something is, and the views of the chosen user."""
    apply_style()
    load_library()
    state.arrive()
    library = loading.find_library()
    with st.container(horizontal=True, vertical_alignment="bottom", key="bar"):
        with st.container(width=230, key="brand"):
            st.markdown("**SURGE explorer**  \nWhy this item for this user?")
        checkpoint = _choose_checkpoint(library)
        dataset = _choose_dataset(library)
        users = st.container(horizontal=True, vertical_alignment="bottom", width="content")
        st.space("stretch")
        copy_link()
        if checkpoint is not None:
            model_health(checkpoint)
        _show_refused(library)
    messages = st.container()
    user = _settle_user(checkpoint, dataset)
    if dataset is not None:
        with users:
            user_search(dataset, user)
    for note in state.notes():
        messages.warning(as_text(note), icon=":material/link_off:")
    if checkpoint is not None and dataset is not None and _foreign(checkpoint, dataset):
        messages.info(
            as_text(
                f"Checkpoint {checkpoint.name!r} was trained on another dataset, or another version of this one; items "
                "that it does not know are left out."
            )
        )
    if checkpoint is not None and dataset is not None and user is not None:
        _inspect(checkpoint, dataset, user)
    state.mirror()


def _choose_checkpoint(library: loading.Library) -> Checkpoint | None:
    names = list(library.checkpoints)
    if not names:
        st.error(
            "No checkpoint was found. Train one with `python -m surge train sample_data --output checkpoints/mine`, or "
            f"name the folder that holds yours in the environment variable `{loading.ROOTS_VARIABLE}` and start the "
            "app again."
        )
        return None
    name = state.current().checkpoint
    if name not in library.checkpoints:
        if name is not None:
            state.add_note(f"There is no checkpoint {name!r} here; {names[0]!r} is shown.")
        name = state.settle(checkpoint=names[0]).checkpoint
    st.session_state["checkpoint"] = name
    st.selectbox(
        "Checkpoint",
        names,
        key="checkpoint",
        width=190,
        filter_mode=None,
        on_change=_chosen_checkpoint,
        args=(library,),
        help="A trained model. Listed are the folders under checkpoints/ and those given when the app was started.",
    )
    try:
        return loading.open_checkpoint(library.checkpoints[str(name)])
    except SurgeError as error:
        st.error(as_text(str(error)))
        return None


def _choose_dataset(library: loading.Library) -> Dataset | None:
    names, checkpoint = list(library.datasets), state.current().checkpoint
    if not names:
        st.error(
            "No dataset was found. Make the sample with `python -m surge simulate sample_data --users 3000 --seed 0`."
        )
        return None
    name = state.current().dataset
    if name not in library.datasets:
        fitting = loading.matching_dataset(library, str(checkpoint)) if checkpoint in library.checkpoints else None
        first = fitting or ("sample_data" if "sample_data" in names else names[0])
        if name is not None:
            state.add_note(f"There is no dataset {name!r} here; {first!r} is shown.")
        name = state.settle(dataset=first).dataset
    st.session_state["dataset"] = name
    st.selectbox(
        "Dataset",
        names,
        key="dataset",
        width=190,
        filter_mode=None,
        on_change=lambda: state.change(dataset=st.session_state["dataset"]),
        help="The log that histories are read from; it should be the one the checkpoint was trained on.",
    )
    try:
        return loading.open_dataset(library.datasets[str(name)])
    except SurgeError as error:
        st.error(as_text(str(error)))
        return None


def _chosen_checkpoint(library: loading.Library) -> None:
    """Another checkpoint brings the dataset that it was trained on; where that stays the same, so does the user."""
    name = st.session_state["checkpoint"]
    fitting = loading.matching_dataset(library, name)
    other = {"dataset": fitting} if fitting is not None and fitting != state.current().dataset else {}
    state.change(checkpoint=name, **other)


def _show_refused(library: loading.Library) -> None:
    if library.refused:
        with st.popover(f"{len(library.refused)} refused", icon=":material/block:", key="refused"):
            for sentence in library.refused:
                st.markdown(as_text(sentence))


def _settle_user(checkpoint: Checkpoint | None, dataset: Dataset | None) -> str | None:
    """The user in the URL, or a telling one where there is none or the dataset doesn't know it."""
    if checkpoint is None or dataset is None:
        return None
    user = state.current().user
    if user is not None:
        try:
            dataset.user_index(user)
            return user
        except SurgeError as error:
            state.add_note(f"{_sentence(error)} Another user is shown.")
            state.settle(candidate=None, items=frozenset(), cluster=None)
    user = loading.telling_user(checkpoint, dataset) or dataset.users[0]
    state.settle(user=user)
    return user


def _foreign(checkpoint: Checkpoint, dataset: Dataset) -> bool:
    """Whether the checkpoint says that it was trained on other data than these."""
    trained_on = checkpoint.description.get("dataset")
    digest = trained_on.get("digest") if isinstance(trained_on, dict) else None
    return digest is not None and digest != dataset.digest


def _sentence(error: SurgeError) -> str:
    text = str(error)
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


@st.fragment
def _inspect(checkpoint: Checkpoint, dataset: Dataset, user: str) -> None:
    """Everything about one user; a click, another candidate or layer runs this part alone."""
    try:
        history = loading.user_history(checkpoint, dataset, user)
    except SurgeError as error:
        st.error(as_text(_sentence(error)))
        return
    ranking = loading.ranking(checkpoint, dataset, user)
    top = ranking.top(20)
    candidate = state.current().candidate
    if candidate is not None:
        try:
            candidate_row(checkpoint, candidate)
        except SurgeError as error:
            st.warning(as_text(f"{_sentence(error)} The top prediction is shown."), icon=":material/link_off:")
            candidate = None
    if candidate is None:
        if not top:
            st.error("Every item of this catalogue is in the history already; search for an item to explain.")
            return
        candidate = top[0].item
        if state.current().candidate is None:
            state.settle(candidate=candidate)
    record = loading.explanation(checkpoint, dataset, user, candidate)
    _settle_selection(record.length, len(record.prediction.order))
    inspection = Inspection(record, history, ranking, state.current().selection, current_theme())

    choice, sentence = st.columns([1, 3], gap="medium", vertical_alignment="center")
    with choice, st.container(gap="xxsmall"):
        item_search(checkpoint, dataset, record.target, top)
    with sentence, st.container(key="headline"):
        st.markdown(headline(record, ranking.rank_of(checkpoint.rows[candidate]), len(ranking.order)))
    selection_bar(inspection)
    strip_panel(inspection)
    graph, assignment, predictions = st.columns([19, 10, 14], gap="medium")
    with graph:
        graph_panel(inspection)
    with assignment:
        assignment_panel(inspection)
    with predictions:
        prediction_panel(inspection, top)
    sequence, attention = st.columns([3, 2], gap="medium")
    with sequence:
        sequence_panel(inspection)
    with attention:
        attention_panel(inspection)
    item_panel(inspection)
    listen()
    state.mirror()


def _settle_selection(length: int, clusters: int) -> None:
    """Positions and clusters that this history doesn't have can only come from a link."""
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
