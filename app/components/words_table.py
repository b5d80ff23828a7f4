"""A table of words that wraps its cells: for facts that are read, not sorted."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pandas as pd
import streamlit as st

from surge.pictures.html_parts import Column, table

STYLE = """
.surge-words .table { overflow-x: auto; }
.surge-words table { width: 100%; border-collapse: collapse; font-size: 0.875rem; line-height: 1.35; }
.surge-words caption { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.surge-words th, .surge-words td { padding: 0.34rem 0.8rem 0.34rem 0; border-bottom: 1px solid var(--surge-line);
  text-align: left; vertical-align: top; }
.surge-words th { font-weight: 600; color: var(--surge-muted); }
.surge-words td:last-child { color: var(--surge-muted); }
.surge-words .number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
"""


def words_table(frame: pd.DataFrame, heads: Mapping[str, str], *, alt: str, numbers: Collection[str] = ()) -> None:
    """Draws the columns named in `heads`; the last holds remarks, those in `numbers` are aligned right."""
    columns = {name: Column(head, number=name in numbers) for name, head in heads.items()}
    st.html(f'<style>{STYLE}</style><div class="surge-words">{table(frame, columns, alt)}</div>')
