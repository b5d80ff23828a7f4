"""Tables of the page whose rows can be chosen: an HTML table that the browser sorts, marks and scrolls by itself.

Streamlit's own table reports a click after a fifth of a second and forgets its ticks when it is drawn anew; here the
browser marks the row at once, and rows that stand for an item or a cluster share the selection of all views by the
window's event "surge:selection" (see app.components.page_selection, which hears of such clicks by "surge:choose").
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import streamlit as st

from surge.pictures.assets import script
from surge.pictures.html_parts import Column, cells_of
from surge.pictures.palette import Theme

Kind = Literal["item", "cluster", "choice"]
_HERE = Path(__file__).parent
_component = st.components.v2.component(
    "surge_linked_table",
    html='<div class="scroller"></div>',
    css=(_HERE / "table.css").read_text(encoding="utf-8"),
    js=script(_HERE / "table.js"),
)


def selecting_table(
    frame: pd.DataFrame,
    columns: Mapping[str, Column],
    key: str,
    kind: Literal["item", "cluster"],
    numbers: Sequence[int],
    theme: Theme,
    history: str,
    *,
    height: int,
    alt: str,
    colours: Mapping[str, Sequence[tuple[str, str]]] | None = None,
) -> None:
    """Draws the named columns of the frame; a click on a row selects the item or cluster that it stands for.

    `numbers` holds, row by row, the index of that item or cluster in the record, whose items `history` is the digest
    of; `height` is in pixels; `colours` are those of `html_parts.table`.
    """
    data = _data(frame, columns, kind, list(numbers), theme, height, alt, colours)
    _component(key=key, data=data | {"key": key, "history": history}, on_chosen_change=_nothing)


def choosing_table(
    frame: pd.DataFrame,
    columns: Mapping[str, Column],
    key: str,
    ids: Sequence[str],
    chosen: str | None,
    on_choose: Callable[[str], object],
    theme: Theme,
    history: str,
    *,
    height: int,
    alt: str,
) -> None:
    """Draws the named columns of the frame; a click on a row calls `on_choose` with the id that it stands for.

    It runs before the script does, as a widget's callback. `chosen` is the id of the row that stands out; a click in
    a table of another `history` that the browser still shows chooses nothing.
    """

    def answer() -> None:
        state: Any = st.session_state.get(key)
        value = state.get("chosen") if state is not None else None
        if isinstance(value, dict) and value.get("id") in ids and value.get("history") == history:
            on_choose(value["id"])

    data = _data(frame, columns, "choice", list(ids), theme, height, alt, None)
    _component(key=key, data=data | {"key": key, "history": history, "chosen": chosen}, on_chosen_change=answer)


def _data(
    frame: pd.DataFrame,
    columns: Mapping[str, Column],
    kind: Kind,
    ids: list[Any],
    theme: Theme,
    height: int,
    alt: str,
    colours: Mapping[str, Sequence[tuple[str, str]]] | None,
) -> dict[str, Any]:
    return {
        **cells_of(frame, columns, colours),
        "kind": kind,
        "ids": ids,
        "height": height,
        "alt": alt,
        "colours": {"surface": theme.surface, "line": theme.grid, "muted": theme.muted, "ground": theme.background},
    }


def _nothing() -> None:
    """Streamlit only reports events that have a callback."""
