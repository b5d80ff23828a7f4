"""Tables that are only read: of words, as HTML that wraps its cells, and of numbers, as a grid that sorts them.

Three kinds, of one form of data (a frame and its columns): no grid of Streamlit's wraps words, and only its grid sorts
and scrolls many rows. Those whose rows stand for items, clusters or candidates are in app.components.linked_table, as
they share the page's selection with the charts in the browser.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from surge.pictures.html_parts import Column, table

MOST_WRITTEN = 50_000
STYLE = """
.surge-words .table { overflow-x: auto; }
.surge-words table { width: 100%; border-collapse: collapse; font-size: 0.875rem; line-height: 1.35; }
.surge-words caption { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.surge-words th, .surge-words td { padding: 0.34rem 0.8rem 0.34rem 0; border-bottom: 1px solid var(--surge-line);
  text-align: left; vertical-align: top; }
.surge-words th { font-weight: 600; color: var(--surge-muted); }
.surge-words td:last-child:not(.number) { color: var(--surge-muted); }
.surge-words .number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.surge-words th.number { white-space: normal; vertical-align: bottom; }
"""


def words_table(frame: pd.DataFrame, columns: Mapping[str, Column], alt: str) -> None:
    """Draws the named columns of a frame, a few rows; a last one of words holds remarks."""
    st.html(f'<style>{STYLE}</style><div class="surge-words">{table(frame, columns, alt)}</div>')


def number_table(
    frame: pd.DataFrame,
    columns: Mapping[str, Column],
    alt: str,
    *,
    pinned: str | None = None,
    formats: Mapping[str, str] | None = None,
    **settings: Any,
) -> Any:
    """Draws the named columns of a frame that it has; sorted and saved are the values, shown is what the columns write.

    `pinned` stays in sight; `settings` are those of `st.dataframe`, whose answer it gives. `formats`, of numbers by the
    browser, stand in place of the texts, which make a table of many rows three times as large on its way; of more than
    MOST_WRITTEN cells the bare values are shown.
    """
    shown = {name: column for name, column in columns.items() if name in frame}
    heads: dict[str, Any] = {}
    for name, column in shown.items():
        head: dict[str, Any] = {
            "help": column.meaning or None,
            "pinned": name == pinned,
            "width": "medium" if column.long else None,
        }
        if formats is not None and column.number:
            heads[name] = st.column_config.NumberColumn(column.label, format=formats.get(name), **head)
        else:
            heads[name] = st.column_config.Column(column.label, **head)
    data: Any = frame[list(shown)]
    if formats is None and data.size <= MOST_WRITTEN:
        data = data.style.format({name: column.write for name, column in shown.items() if column.number}, na_rep="–")
    return st.dataframe(data, hide_index=True, placeholder="–", column_config=heads, alt=alt, **settings)
