"""The pooled sequence with its clusters in numbers, the attention matrix, and every item in numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from app import loading, state
from app.components.chart_clicks import clickable_chart
from app.components.inspection import Inspection, caption, heading
from app.components.linked_table import linked_table
from app.views import assignment_matrix, attention_matrix, pooled_sequence, tables

EFFECT = "Score minus the score without it, in points: above 0 it speaks for the candidate."
RANK_WITHOUT = "The candidate's rank without it; with ~ estimated from a part of the catalogue."


def rank_format(inspection: Inspection) -> str:
    """How a rank without something is written: "#4", or "~#4" where it is estimated."""
    return "#%d" if inspection.effects.exact else "~#%d"


def in_points(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with its effects in percentage points, as the page writes them."""
    return frame.assign(effect=100 * frame["effect"])


def sequence_panel(inspection: Inspection) -> None:
    """The clusters as the recurrent layer reads them."""
    heading(
        "Pooled sequence",
        "The clusters in the order in which the model reads them, the oldest interest first. The update gate is "
        "how much of the cluster enters the model's memory.",
        pooled_sequence.ABOUT,
    )
    clickable_chart(
        loading.figure(
            ("sequence", *inspection.key),
            lambda: pooled_sequence.pooled_sequence(
                inspection.record,
                inspection.theme,
                before=inspection.before,
                styles=inspection.styles,
                effects=inspection.effects,
            ),
        ),
        "pooled_sequence",
        alt="Clusters in the order they are read; the same values are in the table of clusters.",
    )
    caption(
        pooled_sequence.caption(inspection.record, before=inspection.before, effects=inspection.effects), "sequence"
    )
    _cluster_table(inspection)


def _cluster_table(inspection: Inspection) -> None:
    """The pooled sequence in numbers, down to the clusters that are drawn; a click selects the cluster."""
    frame = in_points(tables.cluster_table(inspection.record, effects=inspection.effects, styles=inspection.styles))
    drawn = assignment_matrix.shown_clusters(inspection.record)
    frame = frame[frame["index"].isin(drawn)].reset_index(drop=True)
    clusters = frame["index"].tolist()
    number = st.column_config.NumberColumn
    linked_table(
        frame,
        "clusters",
        [row for row, cluster in enumerate(clusters) if cluster == inspection.selection.cluster],
        on_rows=lambda rows, ticked: state.change(cluster=clusters[min(rows)] if rows else None),
        mode="single-row",
        height=int(np.clip(inspection.record.length * 9 - 120, 180, 250)),
        columns={
            "read": number("#", width=40, help="The place of the cluster in the sequence."),
            "cluster": st.column_config.TextColumn("Cluster", width=60),
            "name": st.column_config.TextColumn("Categories", width=170),
            "effect": number("Effect, points", format="%+.1f", width=95, help=EFFECT),
            "rank without": number("Rank without", format=rank_format(inspection), width=90, help=RANK_WITHOUT),
            "mass": number("Mass", format="%.1f", width=60, help="How many items the cluster holds, parts added up."),
            "items": number("Items", width=55, help="Items whose first choice is this cluster."),
            "update gate": number("Update gate", format="percent", width=90, help="How much of it enters the memory."),
            "importance": number("Importance γ*", format="percent", width=100, help="Its share of the importance."),
            "strongest items": st.column_config.TextColumn("Strongest items", width="large"),
        },
        alt="Clusters in the order they are read.",
    )


def item_panel(inspection: Inspection) -> None:
    """Every item with what the model computed for it."""
    record, interests = inspection.record, inspection.history.interests
    heading(
        "Items in numbers", "The values behind the pictures. A click on a row selects the item; ticks select several."
    )
    number = st.column_config.NumberColumn
    columns = {
        "position": number("#", width=40),
        "title": st.column_config.TextColumn("Item", width="medium"),
        "cluster": st.column_config.TextColumn("Cluster", width=60),
        "effect": number("Effect, points", format="%+.1f", width=95, help=EFFECT),
        "rank without": number("Rank without", format=rank_format(inspection), width=90, help=RANK_WITHOUT),
        "attention": number(
            "Attention",
            format="%.2f×",
            width=75,
            help="How much the other items listen to this one; 1× is what the graph alone would give it.",
        ),
        "gamma": number(
            "Importance γ", format="percent", width=95, help="The item's share of what the model reads out."
        ),
        "beta": number("β", format="%.3f", width=65, help="How well the item suits the candidate."),
        "alpha": number("α", format="%.3f", width=65, help="How well the item suits its neighbourhood."),
        "share": number("In cluster", format="percent", width=75, help="The part of the item that its cluster holds."),
        "degree": number("Degree", width=70, help="Kept edges of the item, without the one to itself."),
        "weighted degree": number(
            "Similarity", format="%.2f", width=85, help="Sum of the similarities of those edges."
        ),
        "category": st.column_config.TextColumn("Category", width="small"),
        "date": st.column_config.DateColumn("Date", width=90),
    }
    if interests is not None:
        columns["true interest"] = st.column_config.TextColumn(
            "True interest", width="small", help="Simulated truth; the model never sees it."
        )
    linked_table(
        in_points(
            tables.item_table(
                record, interests, effects=inspection.effects, before=inspection.before, styles=inspection.styles
            )
        ),
        "items",
        inspection.selection.items,
        on_rows=_row_click,
        mode="multi-row",
        height=300,
        columns=columns,
        alt="Items of the history with the values the model computed.",
    )
    caption(tables.caption(record, effects=inspection.effects, before=inspection.before), "items")


def _row_click(rows: frozenset[int], ticked: bool) -> None:
    if ticked:
        state.change(items=rows)
    else:
        state.click_item(min(rows), False)


def attention_panel(inspection: Inspection) -> None:
    """The attention between items."""
    record = inspection.record
    heads = len(record.interest_fusion.attention)
    heading(
        "Attention",
        "How much an item listens to each of its neighbours for this candidate. 1× is what it would be if it "
        "listened to all of them alike.",
        attention_matrix.ABOUT,
    )
    head = state.current().head
    if heads > 1:
        head = head if head is not None and head < heads else None
        st.session_state["head"] = head
        st.segmented_control(
            "Head",
            [None, *range(heads)],
            key="head",
            required=True,
            on_change=lambda: state.change(head=st.session_state["head"]),
            format_func=lambda value: "mean" if value is None else f"{value + 1}",
            help="The model attends in several ways at once, called heads.",
        )
    else:
        head = None
    clickable_chart(
        loading.figure(
            ("attention", *inspection.key, head),
            lambda: attention_matrix.attention_matrix(
                record, inspection.theme, head=head, before=inspection.before, styles=inspection.styles
            ),
        ),
        "attention_matrix",
        alt="Attention between items; the layer Attention of the interest graph shows the same.",
    )
    caption(attention_matrix.caption(record, head=head, before=inspection.before), "attention")
