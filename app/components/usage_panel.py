"""The model page's panel of the clusters in use over many users, measured when it is asked for."""

from __future__ import annotations

import streamlit as st

from app.cluster_usage import USERS, known_usage, measure_usage, seconds_needed
from app.components.charts import chart
from app.components.inspection import caption, heading, progress_bar
from app.components.tables import number_table
from app.components.theme import current_theme
from surge.checkpoint import Checkpoint
from surge.data.dataset import Dataset
from surge.errors import SurgeError
from surge.escapes import for_markdown
from surge.pictures import cluster_usage, columns, model_words

AT_ONCE = 1.0  # seconds; what takes no longer needs no button


def usage_panel(checkpoint: Checkpoint, dataset: Dataset) -> None:
    heading(
        "Use of the clusters",
        "Which interest clusters the model uses over many users, and for what.",
        model_words.ABOUT_USAGE,
    )
    usage = known_usage(checkpoint, dataset)
    if usage is None:
        try:
            seconds = seconds_needed(checkpoint, dataset)
            users = min(USERS, len(dataset.users))
            words = f"Measure cluster usage on {users} users (about {max(1, round(seconds))} s)"
            if seconds > AT_ONCE and not st.button(words, key="measure_usage", icon=":material/monitoring:"):
                caption("Reads the histories of users drawn at random; nothing is written.", "usage")
                return
            with progress_bar("Reading histories …") as progress:
                usage = measure_usage(checkpoint, dataset, progress)
        except SurgeError as error:
            st.error(for_markdown(str(error)))
            return
    chart(
        cluster_usage.usage_figure(usage.mass, usage.categories, current_theme()),
        "cluster_usage",
        "Use of the clusters; the table under the bars holds the numbers.",
        current_theme(),
    )
    caption(model_words.usage_caption(usage.mass, usage.users, usage.items), "usage")
    with st.popover("The numbers", type="tertiary", icon=":material/table:", key="usage_numbers"):
        frame = cluster_usage.usage_table(usage.mass, usage.first_choices, usage.categories)
        number_table(frame, columns.USAGE, "Use of the clusters in numbers.", width=760)
