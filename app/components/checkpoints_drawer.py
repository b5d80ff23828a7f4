"""The same user under a second checkpoint: graph, assignment and predictions side by side, clusters matched."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from app import results, state, subjects
from app.components.charts import chart, drawing
from app.components.inspection import Inspection, about, caption
from app.components.interest_graph import graph_component
from app.components.tables import number_table
from app.library import Library
from app.opening import open_checkpoint
from app.surveys import command_folder, train_command
from surge.checkpoint import Checkpoint
from surge.config import to_dict
from surge.errors import SurgeError
from surge.escapes import for_markdown
from surge.explanation.matching import match_records
from surge.explanation.measurements import Match
from surge.explanation.record import Explanation
from surge.pictures import assignment_matrix, columns, comparison, interest_graph
from surge.pictures.checkpoint_words import metrics_sentence, settings_sentence
from surge.pictures.graph_layout import shared_positions
from surge.pictures.palette import ClusterStyle, cluster_styles
from surge.pictures.text import likely_words

HEIGHT = 420
LINKS_WIDTH = 680  # pixels of a table that opens over the page


def checkpoints_drawer(inspection: Inspection, library: Library) -> None:
    """Choose the second checkpoint; then what differs."""
    others = [name for name in library.checkpoints if name != state.current().checkpoint]
    if not others:
        command, then = train_command(inspection.dataset)
        place = command_folder()
        st.markdown(
            f"There is only one checkpoint here. Train another{place and f' {place}'}, for example without positions; "
            f"then {then}."
        )
        st.code(command, language="shell")
        return
    name = state.current().versus
    if name not in others:
        if name is not None:
            st.warning(for_markdown(f"There is no other checkpoint {name!r} here; {others[0]!r} is compared."))
        name = others[0]
        state.settle(versus=name)
    st.selectbox(
        "Compare with checkpoint",
        others,
        width=320,
        filter_mode=None,
        help="The second model reads the same history for the same candidate.",
        **state.shows("versus", name),
    )
    try:
        other = _subject(inspection, library, str(name))
        record = results.explanation(other, inspection.candidate)
    except SurgeError as error:
        st.error(for_markdown(str(error)))
        return
    names = str(state.current().checkpoint), str(name)
    match = match_records(inspection.record, record)
    styles = cluster_styles(record, inspection.theme, like=inspection.styles, partner=match.partner.tolist())
    ranking, found = results.ranking(other), results.best(other)
    top = inspection.best(10)
    other_top = found.top(10) if found is not None else []
    row = other.checkpoint.rows[inspection.candidate]
    words = comparison.difference_sentence(
        inspection.record,
        record,
        match,
        top,
        other_top,
        rank_first=inspection.rank,
        rank_second=ranking.rank_of(row) if ranking is not None else None,
        names=names,
    )
    st.markdown(for_markdown(_about_models(inspection.subject.checkpoint, other.checkpoint, names)))
    st.markdown(for_markdown(words))
    _links(inspection, record, match, names)
    first_column, second_column = st.columns(2, gap="medium")
    with first_column:
        _model(inspection, "first", names[0], inspection.record, inspection.styles, other)
    with second_column:
        where = shared_positions(record, inspection.record, match.places)
        _model(inspection, "second", names[1], record, styles, other, where)
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown("**Predicted by either**")
        either = comparison.comparison_table(inspection.record, record, match, top, other_top)
        number_table(either, columns.EITHER, "Items that either checkpoint predicts.")
    with right:
        st.markdown("**Matched clusters**")
        pairs = comparison.cluster_pairs_table(inspection.record, record, match, inspection.styles, styles)
        number_table(pairs, columns.PAIRS, "Clusters of the two checkpoints, matched.")
    theirs = [f"{names[1]}: {note}" for note in other.history.notes if note not in inspection.history.notes]
    caption(" ".join([comparison.caption(inspection.record, record, match), *theirs]), "versus")
    about(comparison.ABOUT, "versus")


def _model(
    inspection: Inspection,
    which: str,
    name: str,
    record: Explanation,
    styles: Sequence[ClusterStyle],
    other: subjects.Subject,
    positions: np.ndarray | None = None,
) -> None:
    """One model's graph, its nodes where `positions` has them, and assignment."""
    theme, key = inspection.theme, (*inspection.key, *other.key, which)
    st.markdown(f"**{for_markdown(name, 40)}** · the candidate: {for_markdown(likely_words(record))}")
    view = results.figure(
        ("versus graph", *key),
        lambda: interest_graph.interest_graph(record, "kept edge", 60, theme, styles=styles, positions=positions),
    )
    graph_component(view, theme, f"versus_graph_{which}", HEIGHT, linked=False)
    chart(
        results.figure(
            ("versus assignment", *key),
            # without the rectangles of the selection, which counts the items of the first model's history
            lambda: drawing(assignment_matrix.assignment_matrix(record, theme, styles=styles).update_layout(meta=None)),
        ),
        f"versus assignment {which}",
        f"The assignment under the {which} checkpoint.",
        theme,
    )


def _about_models(first: Checkpoint, second: Checkpoint, names: tuple[str, str]) -> str:
    """Which of the two predicts better, and in which settings they differ."""
    measured = [
        (one.description.get("dataset"), config.test_instances, config.evaluation_negatives)
        for one, config in ((first, first.evaluation_config), (second, second.evaluation_config))
    ]
    better = metrics_sentence(first.metrics, second.metrics, names, same_data=measured[0] == measured[1])
    settings = settings_sentence(
        (to_dict(first.model_config), to_dict(second.model_config)),
        (
            to_dict(first.training_config) | to_dict(first.evaluation_config),
            to_dict(second.training_config) | to_dict(second.evaluation_config),
        ),
        names,
    )
    return f"{better} {settings}"


def _links(inspection: Inspection, record: Explanation, match: Match, names: tuple[str, str]) -> None:
    """Which links only one of the two keeps, in numbers, and the strongest of them in a table."""
    told = comparison.edge_sentence(inspection.record, record, match, names)
    if told is None:
        return
    st.markdown(for_markdown(f"{told} Items that both models read stand in the same place in both graphs below."))
    difference = comparison.edge_difference(inspection.record, record, match)
    if difference.empty:
        return
    with st.popover("The same as a table", type="tertiary", icon=":material/table:", key="versus_links"):
        st.markdown("**The strongest links that only one of the two keeps**")
        links = comparison.edge_table(difference, names)
        number_table(links, columns.LINKS, "Links that only one of the two keeps.", width=LINKS_WIDTH)


def _subject(inspection: Inspection, library: Library, name: str) -> subjects.Subject:
    """The same history, edits included, as the second checkpoint reads it."""
    checkpoint = open_checkpoint(library.checkpoints[name])
    user = state.current().user
    if state.current().made_up or user is None:
        return subjects.edited(subjects.made_up(checkpoint), inspection.plan)
    base = subjects.subject(checkpoint, inspection.dataset, user)
    if inspection.subject is inspection.base:
        return base
    if base.history.items != inspection.base.history.items:
        raise SurgeError(
            f"Checkpoint {name!r} reads other items of this user, so the edits don't fit it; reset them to compare."
        )
    return subjects.edited(base, inspection.plan)
