"""The same user under a second checkpoint: graph, assignment and predictions side by side, clusters matched."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app import loading, state
from app.components.chart_clicks import STATIC
from app.components.inspection import Inspection, about, caption
from app.components.interest_graph import graph_component
from app.components.labels import as_text
from app.views import assignment_matrix, comparison, interest_graph
from app.views.amounts import percent
from app.views.palette import ClusterStyle, cluster_styles
from surge.errors import SurgeError
from surge.explanation.matching import match_records
from surge.explanation.record import Explanation

HEIGHT = 420


def checkpoints_drawer(inspection: Inspection, library: loading.Library) -> None:
    """Choose the second checkpoint; then what differs."""
    others = [name for name in library.checkpoints if name != state.current().checkpoint]
    if not others:
        st.markdown("There is only one checkpoint here. Train another, for example without positions:")
        st.code("python -m surge train sample_data --output checkpoints/other --set position=none", language="shell")
        return
    name = state.current().versus
    if name not in others:
        if name is not None:
            st.warning(as_text(f"There is no other checkpoint {name!r} here; {others[0]!r} is compared."))
        name = others[0]
    st.session_state["versus"] = name
    st.selectbox(
        "Compare with checkpoint",
        others,
        key="versus",
        width=320,
        filter_mode=None,
        on_change=lambda: state.change(versus=st.session_state["versus"]),
        help="The second model reads the same history for the same candidate.",
    )
    try:
        other = _subject(inspection, library, str(name))
        record = loading.explanation(other, inspection.candidate)
    except SurgeError as error:
        st.error(as_text(str(error)))
        return
    match = match_records(inspection.record, record)
    styles = cluster_styles(record, inspection.theme, like=inspection.styles, partner=match.partner.tolist())
    ranking = loading.ranking(other)
    top = inspection.ranking.top(10) if inspection.ranking is not None else []
    other_top = ranking.top(10) if ranking is not None else []
    row = other.checkpoint.rows[inspection.candidate]
    words = comparison.difference_sentence(
        inspection.record,
        record,
        match,
        top,
        other_top,
        rank_first=inspection.rank,
        rank_second=ranking.rank_of(row) if ranking is not None else None,
        names=(str(state.current().checkpoint), str(name)),
    )
    st.markdown(as_text(words))
    first_column, second_column = st.columns(2, gap="medium")
    with first_column:
        _model(inspection, "first", str(state.current().checkpoint), inspection.record, inspection.styles, other)
    with second_column:
        _model(inspection, "second", str(name), record, styles, other)
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown("**Predicted by either**")
        st.dataframe(comparison.comparison_table(inspection.record, record, match, top, other_top), hide_index=True)
    with right:
        st.markdown("**Clusters that are matched**")
        st.dataframe(
            comparison.cluster_pairs_table(inspection.record, record, match, inspection.styles, styles), hide_index=True
        )
    caption(comparison.caption(inspection.record, record, match), "versus")
    about(comparison.ABOUT, "versus")


def _model(
    inspection: Inspection,
    which: str,
    name: str,
    record: Explanation,
    styles: Sequence[ClusterStyle],
    other: loading.Subject,
) -> None:
    """One model's graph and assignment."""
    theme, key = inspection.theme, (*inspection.key, *other.key, which)
    score = percent(record.prediction.probability)
    st.markdown(f"**{as_text(name, 40)}** · score of the candidate {score}")
    view = loading.figure(
        ("versus graph", *key),
        lambda: interest_graph.interest_graph(record, "kept edge", 60, theme, styles=styles),
    )
    graph_component(view, theme, f"versus_graph_{which}", HEIGHT, linked=False)
    st.plotly_chart(
        loading.figure(
            ("versus assignment", *key),
            # without the rectangles of the selection, which counts the items of the first model's history
            lambda: assignment_matrix.assignment_matrix(record, theme, styles=styles).update_layout(meta=None),
        ),
        theme=None,
        key=f"versus assignment {which}",
        config=STATIC,
        alt=f"The assignment under the {which} checkpoint.",
    )


def _subject(inspection: Inspection, library: loading.Library, name: str) -> loading.Subject:
    """The same history, edits included, as the second checkpoint reads it."""
    checkpoint = loading.open_checkpoint(library.checkpoints[name])
    user = state.current().user
    if state.current().made_up or user is None:
        return loading.edited(loading.made_up(checkpoint), inspection.plan)
    base = loading.subject(checkpoint, inspection.dataset, user)
    if inspection.subject is inspection.base:
        return base
    if base.history.items != inspection.base.history.items:
        raise SurgeError(
            f"Checkpoint {name!r} reads other items of this user, so the edits don't fit it; reset them to compare."
        )
    return loading.edited(base, inspection.plan)
