"""The pooled sequence with its clusters in numbers, the attention matrix, and every item in numbers."""

from __future__ import annotations

import numpy as np
import streamlit as st

from app import state
from app.components.inspection import Inspection, caption, heading, view_heading, view_panel, view_picture
from app.components.linked_table import selecting_table
from surge.pictures import assignment_matrix, columns, tables
from surge.pictures.views import ATTENTION, SEQUENCE


def sequence_panel(inspection: Inspection) -> None:
    """The clusters as the recurrent layer reads them."""
    view_panel(SEQUENCE, inspection)
    _cluster_table(inspection)


def _cluster_table(inspection: Inspection) -> None:
    """The pooled sequence in numbers, down to the clusters that are drawn; a click selects the cluster."""
    record, styles, effects = inspection.record, inspection.styles, inspection.effects
    frame = tables.cluster_table(record, effects=effects, styles=styles)
    frame = frame[frame["index"].isin(assignment_matrix.shown_clusters(record))]
    clusters = frame["index"].tolist()
    selecting_table(
        frame,
        columns.with_ranks(columns.CLUSTERS, effects.clusters_exact),
        "clusters",
        "cluster",
        clusters,
        inspection.theme,
        inspection.history.digest,
        height=int(np.clip(record.length * 9 - 40, 180, 330)),
        alt="Clusters in the order they are read.",
        colours={"cluster": [styles[cluster].key for cluster in clusters]},
    )


def item_panel(inspection: Inspection) -> None:
    """Every item with what the model computed for it."""
    record, styles, effects = inspection.record, inspection.styles, inspection.effects
    heading(
        "Items in numbers",
        "The values behind the pictures. A click on a row selects the item, with Shift it adds one; a click on a head "
        "sorts.",
    )
    interests = inspection.history.interests
    selecting_table(
        tables.item_table(record, interests, effects=effects, before=inspection.before, styles=styles),
        columns.with_ranks(columns.ITEMS, effects.exact),
        "items",
        "item",
        list(range(record.length)),
        inspection.theme,
        inspection.history.digest,
        height=320,
        alt="Items of the history with the values the model computed.",
        colours={"cluster": [styles[cluster].key for cluster in inspection.clusters()]},
    )
    caption(tables.caption(record, effects=effects, before=inspection.before), "items")


def attention_panel(inspection: Inspection) -> None:
    """The attention between items."""
    heads = len(inspection.record.interest_fusion.attention)
    view_heading(ATTENTION, inspection.scene())
    head = state.current().head
    head = head if head is not None and head < heads and heads > 1 else None
    if heads > 1:
        st.segmented_control(
            "Head",
            [None, *range(heads)],
            required=True,
            format_func=lambda value: "mean" if value is None else f"{value + 1}",
            help="The model attends in several ways at once, called heads.",
            **state.shows("head", head),
        )
    scene = inspection.scene(head)
    view_picture(ATTENTION, inspection, scene)
    caption(ATTENTION.caption(scene), ATTENTION.name)
