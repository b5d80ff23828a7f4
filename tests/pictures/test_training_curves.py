"""Training curves: which series, from what a file may hold, the best epoch, and words for weights of 0."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from surge.pictures.model_words import training_caption
from surge.pictures.training_curves import (
    MOST_PANELS,
    curve_table,
    loss_curves,
    loss_series,
    metric_curves,
    metric_series,
    points,
)
from tests.pictures.hostile import HOSTILE

DEMO = json.loads((Path(__file__).parents[2] / "checkpoints" / "demo" / "history.json").read_text(encoding="utf-8"))
HISTORY = [
    {"epoch": 1, "seconds": 30.0, "step": 10, "log_loss": 0.6, "balance": 0.1, "total": 0.7, "valid_auc": 0.6},
    {"epoch": 2, "seconds": 40.0, "step": 20, "log_loss": 0.5, "balance": 0.2, "total": 0.6, "valid_auc": 0.8},
]


def test_series_are_told_apart():
    assert loss_series(HISTORY) == ["total", "log_loss", "balance"]
    assert metric_series(HISTORY) == ["valid_auc"]
    assert metric_series(DEMO)[0] == "valid_gauc"  # the one that chose the best epoch
    assert len(loss_series(DEMO)) == 7 and len(metric_series(DEMO)) == 7


def test_a_panel_holds_its_curve_and_its_best_epoch():
    figure = loss_curves(HISTORY, "light", best_epoch=2, weights={"balance_weight": 0.3})
    named = {trace.name: trace for trace in figure.data}
    assert list(named["log_loss"].x) == [1, 2] and list(named["log_loss"].y) == [0.6, 0.5]
    assert list(named["log_loss best"].x) == [2] and list(named["log_loss best"].y) == [0.5]
    titles = [note.text for note in figure.layout.annotations]
    assert titles == ["Total loss", "Prediction error (log loss)", "Uneven use of clusters (L_B), weight 0.3"]
    scales = {trace.yaxis for trace in figure.data}
    assert len(scales) == 3  # one y scale a panel


def test_each_panel_says_which_end_is_better():
    for figure, word in ((loss_curves(HISTORY, "light"), "lower"), (metric_curves(HISTORY, "light"), "higher")):
        assert all(f"{word} is better" in trace.hovertemplate for trace in figure.data) and figure.data


def test_no_best_epoch_is_marked_where_none_is_known():
    for best in (None, 9):
        figure = metric_curves(HISTORY, "dark", best_epoch=best)
        assert [len(trace.x) for trace in figure.data if trace.name.endswith("best")] == [0]


@pytest.mark.parametrize(
    "value", [None, True, "0.5", [1], {"a": 1}, float("nan"), float("inf"), 10**400, -(10**400)], ids=repr
)
def test_what_is_no_number_is_left_out(value: Any):
    history = [{"epoch": 1, "log_loss": value}, {"epoch": 2, "log_loss": 0.4}]
    assert points(history, "log_loss") == ([2], [0.4])
    assert curve_table(history) == [{"epoch": 1}, {"epoch": 2, "log_loss": 0.4}]
    assert len(loss_curves(history, "light").data) == 2


def test_records_that_are_none_and_epochs_without_a_number():
    history: list[Any] = ["x", None, {"log_loss": 0.5}, {"epoch": "four", "log_loss": 0.4}]
    assert points(history, "log_loss") == ([3, 4], [0.5, 0.4])
    assert loss_series([]) == [] and metric_series([]) == []
    assert loss_curves([], "light").data == ()


def test_hostile_names_are_text():
    history = [{"epoch": 1, **dict.fromkeys(HOSTILE, 0.5)}]
    figure = loss_curves(history, "light")
    for text in [note.text for note in figure.layout.annotations] + [trace.hovertemplate for trace in figure.data]:
        bare = text.replace("<b>", "").replace("</b>", "").replace("<br>", "").replace("<extra></extra>", "")
        assert "<" not in bare


def test_a_file_with_very_many_series_is_cut():
    history = [{f"s{number}": 1.0 for number in range(500)}]
    assert len(loss_series(history)) == MOST_PANELS


def test_the_caption_says_what_was_only_watched():
    epochs = [HISTORY[0] | {"epoch": number, "seconds": 70.0} for number in range(1, 13)]
    epochs = [epoch | {"same_mapping": 0.4, "relative_position": 0.3} for epoch in epochs]
    said = training_caption(
        epochs, best_epoch=11, weights={"same_mapping_weight": 0.0, "relative_position_weight": 0.0}
    )
    assert said.startswith("12 epochs in 14 minutes. The diamond marks epoch 11")
    assert "neighbours kept apart (L_M) and clusters out of time order (L_P) were only watched" in said
    assert "watched" not in training_caption(DEMO, weights={"same_mapping_weight": 0.1})
    assert training_caption(HISTORY) == "2 epochs in 70 seconds."


def test_the_caption_of_a_training_that_did_not_better_its_start():
    assert "No epoch was better on validation (GAUC) than the checkpoint" in training_caption(HISTORY, best_epoch=0)
    assert "diamond" not in training_caption(HISTORY, best_epoch=0)
