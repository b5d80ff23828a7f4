"""The model page: how the checkpoint was trained, how well it predicts, and what its clusters and metric became."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from app.components.bar import bar, page_notes
from app.components.charts import chart, load_plotly
from app.components.inspection import caption, heading
from app.components.survey_offer import survey_here
from app.components.tables import number_table, words_table
from app.components.theme import current_theme
from app.components.usage_panel import usage_panel
from app.surveys import command_folder, evaluate_command, find_comparison
from surge.checkpoint import Checkpoint
from surge.config import to_dict
from surge.data.dataset import Dataset
from surge.errors import SurgeError
from surge.escapes import for_markdown
from surge.pictures import (
    columns,
    length_table,
    metric_weights,
    metrics_tables,
    model_words,
    reliability,
    training_curves,
)
from surge.pictures.settings_table import settings_table

COMPARISON_WORDS = {
    "ablations.json": (
        "With parts switched off",
        "Ablations: the same model trained without one of its parts, from ablations.json of the checkpoint.",
    ),
    "baselines.json": (
        "Beside other models",
        "Other recommenders on the same data, from baselines.json of the checkpoint.",
    ),
}


def page() -> None:
    """The bar, and everything about the chosen checkpoint."""
    load_plotly()
    here = bar("model")
    with page_notes(here.messages):
        if here.checkpoint is not None:
            _show(here.checkpoint, here.dataset)


def _show(checkpoint: Checkpoint, dataset: Dataset | None) -> None:
    _unmeasured(checkpoint, dataset)
    left, right = st.columns(2, gap="large")
    with left:
        _health(checkpoint)
        if dataset is not None:
            _lengths(checkpoint, dataset)
        for name, (title, help_text) in COMPARISON_WORDS.items():
            _comparison(checkpoint, name, title, help_text)
    with right:
        _settings(checkpoint)
    _training(checkpoint)
    left, right = st.columns(2, gap="large")
    with left:
        _metrics(checkpoint)
    with right:
        _reliability(checkpoint)
        _weights(checkpoint)
        if dataset is not None:
            usage_panel(checkpoint, dataset)


def _unmeasured(checkpoint: Checkpoint, dataset: Dataset | None) -> None:
    """What training leaves to a command of its own, where that was not run yet."""
    missing = metrics_tables.unmeasured(checkpoint.metrics, command_folder())
    if missing:
        st.info(missing)
        st.code(evaluate_command(checkpoint, dataset), language="bash", wrap_lines=True)


def _health(checkpoint: Checkpoint) -> None:
    heading(
        "Do the explanations say anything?", "Clusters that collapsed or attention that is flat would explain nothing."
    )
    figures = metrics_tables.health(checkpoint.metrics)
    if figures.empty:
        st.info("The explanations have not been measured yet; the command at the top of the page does it.")
        return
    words_table(figures, columns.HEALTH, "Figures about the explanations.")
    caption(metrics_tables.HEALTH_CAPTION, "health")


def _settings(checkpoint: Checkpoint) -> None:
    heading("What it is", "The settings of the model and of its training, from config.json, in plain words.")
    words_table(
        settings_table(to_dict(checkpoint.model_config), to_dict(checkpoint.training_config), checkpoint.description),
        columns.SETTINGS,
        "Settings of the checkpoint.",
    )
    caption("Equation numbers are those of the SURGE paper (Chang et al., SIGIR 2021).", "settings")


def _training(checkpoint: Checkpoint) -> None:
    history, theme = checkpoint.history, current_theme()
    best = checkpoint.description.get("best_epoch")
    best = best if isinstance(best, int) and not isinstance(best, bool) else None
    weights = {name: value for name, value in to_dict(checkpoint.training_config).items() if name.endswith("_weight")}
    losses, metrics = training_curves.loss_series(history), training_curves.metric_series(history)
    if not losses and not metrics:
        heading("Training", "How the errors fell from epoch to epoch.")
        st.info("This checkpoint's history.json holds no training curves.")
        return
    if losses:
        heading(
            "Training: errors",
            "What training minimises, and what it is made of. Lower is better.",
            model_words.ABOUT_TRAINING,
        )
        chart(
            training_curves.loss_curves(history, theme, best_epoch=best, weights=weights),
            "loss_curves",
            "Loss terms over the epochs; the table under the curves holds the numbers.",
            current_theme(),
        )
    if metrics:
        heading("Training: validation", "How well the model ranked items that it did not learn from. Higher is better.")
        chart(
            training_curves.metric_curves(history, theme, best_epoch=best),
            "metric_curves",
            "Validation metrics over the epochs; the table under the curves holds the numbers.",
            current_theme(),
        )
    caption(model_words.training_caption(history, best_epoch=best, weights=weights), "training")
    with st.popover("The numbers", type="tertiary", icon=":material/table:", key="curve_numbers"):
        frame = pd.DataFrame(training_curves.curve_table(history))
        alt = "Losses and validation metrics, one row an epoch."
        number_table(frame, columns.curve_columns(frame), alt, pinned="epoch", width=900, height=320)


def _metrics(checkpoint: Checkpoint) -> None:
    heading("All metrics", "As they stand in metrics.json.", metrics_tables.ABOUT)
    items = checkpoint.model_config.item_count
    tables = metrics_tables.metrics_tables(
        checkpoint.metrics,
        items=items,
        negatives=min(checkpoint.evaluation_config.evaluation_negatives, items - 1),
        seen_left_out=checkpoint.exclude_seen,
        successive=checkpoint.evaluation_config.catalogue_targets == "successive",
    )
    if not tables:
        st.info("This checkpoint's metrics.json holds no metrics.")
        return
    for table in tables:
        heading(table.title, table.says)
        words_table(table.frame, columns.metrics_columns(table.frame), f"Metrics: {table.title}.")
    caption(metrics_tables.left_out(checkpoint.metrics), "metrics")


def _reliability(checkpoint: Checkpoint) -> None:
    heading(
        "Can the chances be believed?",
        "The chances that the model gave its ten best items, against how often these really came next.",
        model_words.ABOUT_RELIABILITY,
    )
    try:
        bins = reliability.find_bins(checkpoint.metrics, checkpoint.catalogue.temperature)
    except SurgeError as error:
        st.warning(for_markdown(str(error)))
        return
    if bins is None:
        st.info("This checkpoint's metrics.json doesn't say how often the predicted items came next; "
                "`python -m surge evaluate` measures it.")  # fmt: skip
        return
    st.markdown(model_words.reliability_sentence(bins))
    chart(
        reliability.reliability_figure(bins, current_theme()),
        "reliability",
        "Chances that the model gave against the share that came next; the sentence above sums them up.",
        current_theme(),
    )
    caption(model_words.reliability_caption(bins), "reliability")


def _lengths(checkpoint: Checkpoint, dataset: Dataset) -> None:
    heading("By length of the history", "Whether the model does better for users whom it knows longer.")
    survey = survey_here(checkpoint, dataset, "The survey of all users says this, and there is none yet.")
    if survey is None:
        return
    frame = length_table.length_table(survey.frame)
    if frame.empty:
        st.info("The survey has no user whose next item was ranked.")
        return
    words_table(frame, columns.LENGTHS, "How well the next item ranks by length of the history.")
    caption(length_table.length_caption(survey.frame), "lengths")


def _comparison(checkpoint: Checkpoint, name: str, title: str, help_text: str) -> None:
    """A table from a file beside the checkpoint; nothing where there is no such file."""
    try:
        frame = find_comparison(checkpoint, name)
    except SurgeError as error:
        heading(title, help_text)
        st.warning(for_markdown(str(error)))
        return
    if frame is None:
        return
    heading(title, help_text)
    number_table(frame, columns.variant_columns(frame), f"Metrics of variants, from {name}.", pinned="name")
    caption(f"{len(frame)} variants, as written in {name}; nothing is measured here.", name.removesuffix(".json"))


def _weights(checkpoint: Checkpoint) -> None:
    heading(
        "What makes items alike",
        "The learned weights of the similarity that the interest graph is made of.",
        model_words.ABOUT_WEIGHTS,
    )
    weights = checkpoint.model.construct.weight.detach().cpu().numpy()
    item_size = checkpoint.model_config.item_size
    st.markdown(for_markdown(model_words.weights_sentence(weights, item_size)))
    chart(
        metric_weights.metric_weights_figure(weights, item_size, current_theme()),
        "metric_weights",
        "Learned weights of the similarity; the sentence above sums them up.",
        current_theme(),
    )
    caption(model_words.weights_caption(weights), "metric_weights")
