"""The history strip, and the row under it: interest graph, assignment of items to clusters, predicted items."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from app import state
from app.components.chart_clicks import clickable_chart
from app.components.inspection import Inspection, caption, heading
from app.components.interest_graph import graph_component, last_click
from app.components.linked_table import linked_table
from app.views import assignment_matrix, history_strip, interest_graph, tables
from surge.explanation.catalogue import Ranking
from surge.explanation.measured import Predicted

GRAPH_KEY = "interest_graph"
LEAST_HEIGHT = 480  # pixels of the graph's row


def strip_panel(inspection: Inspection) -> None:
    """The history in time order."""
    heading("History", "What the user did, oldest first. These are the items that the model read.")
    clickable_chart(
        history_strip.history_strip(inspection.record, inspection.selection, inspection.theme),
        "history_strip",
        alt="History in time order; the table of items holds the same values.",
    )
    caption(" ".join([history_strip.caption(inspection.record), *inspection.history.notes]), "strip")


def graph_panel(inspection: Inspection) -> None:
    """The learned interest graph."""
    record = inspection.record
    heading(
        "Interest graph",
        "The model connects history items that it finds alike. Drag a node, scroll to zoom, click to select.",
    )
    place = state.current()
    total = interest_graph.interest_graph(record, place.layer, 1, inspection.theme).total
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.session_state["layer"] = place.layer
        st.segmented_control(
            "Edges show",
            interest_graph.LAYERS,
            key="layer",
            required=True,
            on_change=lambda: state.change(layer=st.session_state["layer"]),
            help="Similarity: how alike two items are. Kept edge: the pairs that the model keeps, the strongest ones. "
            "Attention: how much an item listens to another for this candidate; 1× is as much as to any neighbour.",
        )
        most = max(1, min(total, interest_graph.MOST_EDGES))
        st.session_state["edges"] = min(place.edges, most)
        if most > 1:
            st.slider(
                "Edges drawn",
                1,
                most,
                key="edges",
                width="stretch",
                on_change=lambda: state.change(edges=st.session_state["edges"]),
                help="The strongest edges of each item come first; all of them would be a hairball.",
            )
    view = interest_graph.interest_graph(record, place.layer, min(place.edges, most), inspection.theme)
    graph_component(
        view,
        inspection.selection.items,
        inspection.members(),
        inspection.theme,
        GRAPH_KEY,
        _height(inspection),
        _node_click,
    )
    caption(view.caption, "graph")


def _node_click() -> None:
    click = last_click(GRAPH_KEY)
    if click is not None:
        state.click_item(click.node, click.add)


def _height(inspection: Inspection) -> int:
    """The graph is as high as the matrix beside it, which grows with the history."""
    return max(LEAST_HEIGHT, int(np.clip(inspection.record.length * 11 + 60, 240, 560)))


def assignment_panel(inspection: Inspection) -> None:
    """The soft assignment of items to clusters."""
    heading(
        "Interest clusters",
        "The model spreads every item over a few clusters. A column is a cluster, a row an item; the strongest "
        "colour means that the cluster holds all of the item.",
    )
    clickable_chart(
        assignment_matrix.assignment_matrix(inspection.record, inspection.selection, inspection.theme),
        "assignment_matrix",
        alt="Assignment of items to clusters; the table of items holds each item's cluster and share.",
    )
    caption(assignment_matrix.caption(inspection.record), "assignment")


def prediction_panel(inspection: Inspection, top: Sequence[Predicted]) -> None:
    """The predicted items, with the true next item and the candidate added where they rank lower."""
    ranking, next_item, candidate = inspection.ranking, inspection.history.next_item, inspection.record.target.item
    heading("Predicted items", "What the model would recommend now. A click on a row explains that item instead.")
    shown = list(top)
    for item in dict.fromkeys([next_item.item if next_item else candidate, candidate]):
        if all(entry.item != item for entry in shown) and (extra := _ranked(ranking, item)) is not None:
            shown.append(extra)
    frame = tables.prediction_table(shown, next_item, None, inspection.record.history)  # the candidate's row is ticked
    linked_table(
        frame,
        "predictions",
        [row for row, entry in enumerate(shown) if entry.item == candidate],
        on_rows=lambda rows, ticked: state.change(candidate=shown[min(rows)].item) if rows else None,
        mode="single-row",
        height=_height(inspection),
        columns={
            "rank": st.column_config.NumberColumn("#", width=40, help="Rank among all items that can be recommended."),
            "title": st.column_config.TextColumn("Item", width=170),
            "probability": st.column_config.NumberColumn(
                "Score",
                format="percent",
                width=75,
                help="Sigmoid of the logit. Compare it between items; it is no purchase rate, as training weighs every "
                "click against a few drawn negatives.",
            ),
            "note": st.column_config.TextColumn(
                "Note", width=90, help="Marks the item that really came next, and items that the history holds already."
            ),
            "category": st.column_config.TextColumn("Category", width="small"),
            "logit": st.column_config.NumberColumn(
                "Logit", format="%.3f", width="small", help="The score before the sigmoid."
            ),
        },
        alt="Predicted items, best first.",
    )
    caption(_next_sentence(inspection), "predictions")


def _ranked(ranking: Ranking, item: str) -> Predicted | None:
    """An item with its rank, however low; None where it has none."""
    row = ranking.checkpoint.rows.get(item)
    rank = ranking.rank_of(row) if row is not None else None
    return ranking.top(rank)[-1] if rank is not None else None


def _next_sentence(inspection: Inspection) -> str:
    ranking, next_item = inspection.ranking, inspection.history.next_item
    first = f"The 20 best of {len(ranking.order):,} items."
    if next_item is None:
        return f"{first} What came next is not known."
    entry = _ranked(ranking, next_item.item)
    if entry is None:
        return f"{first} The true next item is not among those that can be recommended."
    seen = {
        "train": " It lies in the training period: the model has learned from it.",
        "valid": " It lies in the validation period, which decided when training stopped.",
    }.get(inspection.history.next_period or "", "")
    return f"{first} The item that really came next, which is not read here, ranks #{entry.rank:,}.{seen}"
