"""A table whose rows select: a click on a cell chooses its row, a tick in the first column adds it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any, Literal

import pandas as pd
import streamlit as st

Mode = Literal["single-row", "multi-row"]


def linked_table(
    frame: pd.DataFrame,
    key: str,
    selected: Collection[int],
    on_rows: Callable[[frozenset[int], bool], object],
    *,
    mode: Mode,
    height: int,
    columns: Mapping[str, Any],
    alt: str,
) -> None:
    """Draws the frame; `on_rows(rows, ticked)` gets the rows that are chosen now.

    `selected` rows are ticked. A table keeps its own ticks, so when the selection was made elsewhere it is a new
    table; while it was made here it stays as it is, scrolled and sorted.
    """
    wanted = sorted(selected)
    memory = st.session_state.setdefault(f"{key} memory", {"shown": wanted, "number": 0})
    if memory["shown"] != wanted:
        memory["shown"], memory["number"] = wanted, memory["number"] + 1
    name = f"{key} {memory['number']}"
    st.dataframe(
        frame,
        key=name,
        height=height,
        hide_index=True,
        column_order=list(columns),
        column_config=dict(columns),
        on_select=partial(_report, key, name, on_rows),
        selection_mode=[mode, "single-cell"],
        selection_default={"selection": {"rows": wanted}},
        alt=alt,
    )


def _report(key: str, name: str, on_rows: Callable[[frozenset[int], bool], object]) -> None:
    selection = st.session_state[name]["selection"]
    rows, cells = frozenset(selection["rows"]), selection["cells"]
    memory = st.session_state[f"{key} memory"]
    if cells and cells != memory.get("cells"):
        memory["cells"] = cells
        on_rows(frozenset({int(cells[0][0])}), False)
        return
    memory["cells"] = cells
    memory["shown"] = sorted(rows)
    on_rows(rows, True)
