"""The history strip, and the row under it: interest graph, assignment of items to clusters, predicted items."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import streamlit as st

from app import results, state, subjects
from app.components.inspection import Inspection, caption, heading, view_heading, view_panel
from app.components.interest_graph import graph_component
from app.components.linked_table import choosing_table
from app.scoring import scoring, start_scoring, stop_scoring, watches
from surge.errors import SurgeError
from surge.escapes import for_markdown
from surge.explanation.compose import shown_predictions
from surge.explanation.measurements import Predicted
from surge.explanation.ranking import Ranking
from surge.pictures import columns, interest_graph, tables
from surge.pictures.next_item import ABOUT as PREDICTIONS_ABOUT
from surge.pictures.next_item import found_sentence, next_sentence
from surge.pictures.views import GRAPH, HISTORY

LEAST_HEIGHT = 480  # pixels of the graph's row
BEST = 20  # predicted items shown


def strip_panel(inspection: Inspection) -> None:
    """The history in time order: how much more likely each item makes the candidate."""
    view_panel(HISTORY, inspection, " ".join(inspection.history.notes))


def graph_panel(inspection: Inspection) -> None:
    """The learned interest graph."""
    place = state.current()
    most = max(1, min(interest_graph.edge_total(inspection.record, place.layer), interest_graph.MOST_EDGES))
    scene = replace(inspection.scene(), layer=place.layer, edges=min(place.edges, most))
    view_heading(GRAPH, scene)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.segmented_control(
            "Edges show",
            interest_graph.LAYERS,
            required=True,
            help="Similarity: how alike two items are. Kept edge: the pairs that the model keeps, the strongest ones. "
            "Attention: how much an item listens to another for this candidate; 1× is as much as to any neighbour.",
            **state.shows("layer", place.layer),
        )
        if most > 1:
            st.slider(
                "Edges drawn",
                1,
                most,
                width="stretch",
                help="The strongest edges of each item come first; all of them at once can't be read.",
                **state.shows("edges", scene.edges),
            )
    view = results.figure((GRAPH.name, *inspection.key, scene.layer, scene.edges), lambda: GRAPH.figure(scene))
    graph_component(view, inspection.theme, GRAPH.key, _height(inspection), inspection.history.digest)
    caption(view.caption, GRAPH.name)


def _height(inspection: Inspection) -> int:
    """The graph is as high as the matrix beside it, which grows with the history."""
    return max(LEAST_HEIGHT, int(np.clip(inspection.record.length * 11 + 60, 240, 560)))


def prediction_panel(inspection: Inspection) -> None:
    """The predicted items, with the true next item and the candidate added where they rank lower.

    Of a catalogue that is too large to be scored while one waits, those that a search finds, until it is scored.
    """
    heading(
        "Predicted items",
        "What the model would recommend now, by the chance of being the next item. A click on a row explains that item "
        "instead.",
        PREDICTIONS_ABOUT,
    )
    best = results.best(inspection.subject)
    if best is None:
        _background(inspection.subject)
        return
    next_item, candidate = inspection.history.next_item, inspection.candidate
    if isinstance(best, Ranking):
        shown = shown_predictions(best, next_item.item if next_item else None, candidate, best=BEST)
        ranks_before = _ranks_before(inspection, shown)
        next_row = best.catalogue.rows.get(next_item.item) if next_item is not None else None
        words = next_sentence(
            BEST,
            len(best.order),
            next_item is not None,
            best.rank_of(next_row) if next_row is not None else None,
            inspection.history.next_period,
        )
    else:
        shown, ranks_before = tuple(best.top(BEST)), None
        words = found_sentence(len(shown), best.read, best.size)
    # the candidate's row stands out, so the note needn't say it
    frame = tables.prediction_table(shown, next_item, None, inspection.record.history, ranks_before=ranks_before)
    choosing_table(
        frame,
        columns.with_chances(columns.PREDICTIONS, any(entry.about for entry in shown)),
        "predictions",
        [entry.item for entry in shown],
        candidate,
        state.here(lambda item: state.change(candidate=item)),
        inspection.theme,
        inspection.history.digest,
        height=_height(inspection),
        alt="Predicted items, best first.",
    )
    caption(words, "predictions")
    if inspection.ranking is None:
        _background(inspection.subject)


def _ranks_before(inspection: Inspection, shown: tuple[Predicted, ...]) -> dict[str, int] | None:
    """Ranks of the shown items before the edits; None where nothing was edited."""
    earlier = results.ranking(inspection.base) if inspection.before is not None else None
    if earlier is None:
        return None
    ranks = {entry.item: earlier.rank_of(entry.row) for entry in shown}
    return {item: rank for item, rank in ranks.items() if rank is not None}


def _background(subject: subjects.Subject) -> None:
    """Scoring a large catalogue goes on in the background while the page is used, and can be left.

    The page looks after it only while there is something to wait for.
    """
    size, n = subject.checkpoint.model_config.item_count, len(subject.history)

    @st.fragment(run_every=1.0)
    def look() -> None:
        standing = scoring(subject)
        if standing.state == "running":
            words = f"Scoring {size:,} items: {standing.share:.0%}. The page can be used meanwhile."
            st.progress(standing.share, text=words)
        elif standing.state == "waiting":
            others = "another catalogue is scored" if standing.ahead == 1 else f"{standing.ahead} others are scored"
            st.progress(0.0, text=f"Scoring {size:,} items begins when {others}. The page can be used meanwhile.")
        stopped = st.button("Stop", key="stop_scoring", on_click=stop_scoring, args=(subject,))
        if stopped or not standing.under_way:
            st.rerun()  # the whole page: that ends the looking

    standing = scoring(subject)
    if standing.under_way and watches(subject):
        look()
        return
    if standing.under_way:
        st.markdown("Another page still waits for the scoring that you stopped, so it goes on for that one.")
    elif standing.state == "failed":
        st.error(for_markdown(f"Scoring the catalogue failed ({standing.error})."))
    else:
        st.markdown(
            f"Scoring {size:,} items for a history of {n} takes a while, so it starts only when you press the button."
        )
    label = "Try again" if standing.state == "failed" else "Score the catalogue"
    if st.button(label, key="start_scoring"):
        try:
            start_scoring(subject)
        except SurgeError as error:
            st.warning(for_markdown(str(error)))
        else:
            st.rerun()
