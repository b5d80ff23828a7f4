"""Where each view stands on the page of a user, and which of them have a panel of their own."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import streamlit as st

from app.components.edit_panel import edit_panel
from app.components.history_panels import graph_panel, prediction_panel, strip_panel
from app.components.inspection import Inspection, view_panel
from app.components.sequence_panels import attention_panel, item_panel, sequence_panel
from surge.pictures.views import ASSIGNMENT, ATTENTION, GRAPH, HISTORY, SEQUENCE, drawn

Panel = Callable[[Inspection], None]
OWN: dict[str, Panel] = {  # views with a control, a note or a table of their own; all others are drawn alike
    HISTORY.name: strip_panel,
    GRAPH.name: graph_panel,
    SEQUENCE.name: sequence_panel,
    ATTENTION.name: attention_panel,
}
MORE: dict[str, Panel] = {  # what is no view
    "edit": lambda inspection: edit_panel(inspection.base, inspection.dataset, inspection),
    "predictions": prediction_panel,
    "items": item_panel,
}
ROWS = (  # panels side by side, and their widths; views without a place follow, each in a row of its own
    {HISTORY.name: 1},
    {"edit": 1},
    {GRAPH.name: 19, ASSIGNMENT.name: 10, "predictions": 14},
    {SEQUENCE.name: 3, ATTENTION.name: 2},
)
LAST = {"items": 1}


def panels(inspection: Inspection) -> None:
    """Every view that there is something to show for; what is measured when it is asked for stands in the drawers."""
    shown = drawn(inspection.scene())
    known = MORE | {view.name: OWN.get(view.name, lambda each, view=view: view_panel(view, each)) for view in shown}
    placed = {name for row in ROWS for name in row}
    rest = [{view.name: 1} for view in shown if view.name not in placed]
    for row in (*ROWS, *rest, LAST):
        widths = {name: width for name, width in row.items() if name in known}
        columns: Any = st.columns(list(widths.values()), gap="medium") if len(widths) > 1 else [nullcontext()]
        for name, column in zip(widths, columns, strict=False):
            with column, st.container(key=f"panel_{name}"):
                known[name](inspection)
