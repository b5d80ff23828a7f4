"""What the checkpoint says of itself: whether its explanations are worth looking at, and how well it predicts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from app.components.labels import as_text
from app.views import health
from surge.checkpoint import Checkpoint


def model_health(checkpoint: Checkpoint) -> None:
    """A button that opens the figures of metrics.json."""
    with st.popover("Model health", icon=":material/monitor_heart:", key="model_health"):
        figures = health.health(checkpoint.metrics)
        if figures:
            st.markdown("**Are the explanations alive?**")
            st.dataframe(pd.DataFrame(figures, columns=["figure", "value", "meaning"]), hide_index=True, width=640)
            st.caption(as_text(health.caption()))
        else:
            st.markdown("This checkpoint's metrics.json holds no figures about its explanations.")
        rows = list(_flat(checkpoint.metrics))
        if rows:
            st.markdown("**All metrics of the checkpoint**")
            st.dataframe(
                pd.DataFrame(rows, columns=["part", "metric", "value"]), hide_index=True, width=640, height=260
            )
        config = checkpoint.model_config
        st.caption(
            f"{config.item_count:,} items, reads the last {config.max_length} interactions, keeps the strongest "
            f"{config.sparsity:.0%} of item pairs as edges, {' then '.join(map(str, config.clusters))} clusters, "
            f"{config.heads} attention head{'s' if config.heads > 1 else ''}."
        )


def _flat(metrics: Mapping[str, Any], part: str = "") -> list[tuple[str, str, str]]:
    """(part, metric, value) of every number or word, at whatever depth."""
    rows: list[tuple[str, str, str]] = []
    for name, value in metrics.items():
        if isinstance(value, Mapping):
            rows += _flat(value, f"{part} {name}".strip())
        elif isinstance(value, int | float | str):
            rows.append((part, str(name), f"{value:.4f}" if isinstance(value, float) else str(value)))
    return rows
