"""The finder's questions: whom each keeps, in which order, and what it says of its threshold."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from surge.pictures.finder_questions import PRESETS, Preset, caption, matching, preset_named, threshold
from surge.vocabulary.survey import USER

HIGH, LOW = Preset("High", "drift", says="x"), Preset("Low", "drift", highest=False, says="x")


def frame(values: list[float | None]) -> pd.DataFrame:
    return pd.DataFrame({"drift": pd.Series(values, dtype=np.float64)})


def test_the_tenth_that_stands_out_the_most_telling_first():
    values = frame([0.1 * (place % 10) + 0.01 * (place // 10) for place in range(20)])  # 0.0 ... 0.9 and 0.01 ... 0.91
    assert matching(values, HIGH).tolist() == [19, 9]
    assert matching(values, LOW).tolist() == [0, 10]
    assert threshold(values, HIGH) == pytest.approx(0.9)


def test_all_keeps_everybody_in_order():
    values = frame([0.3, None, 0.1])
    assert matching(values, PRESETS[0]).tolist() == [0, 1, 2]
    assert caption(values, PRESETS[0]) == "3 users, in the order of the dataset."


def test_unknown_values_never_stand_out():
    values = frame([None, 0.2, None, 0.5, 0.4])
    assert matching(values, HIGH).tolist() == [3]
    assert matching(values, LOW).tolist() == [1]


def test_where_most_are_alike_those_that_differ_stand_out():
    values = frame([0.0] * 18 + [0.2, 0.3])
    assert matching(values, HIGH).tolist() == [19, 18]
    assert matching(frame([0.0] * 19 + [0.3]), HIGH).tolist() == [19]


@pytest.mark.parametrize("values", [[], [None, None], [0.5, 0.5, 0.5]])
def test_nobody_stands_out(values: list[float | None]):
    assert matching(frame(values), HIGH).tolist() == []
    assert threshold(frame(values), HIGH) is None
    assert "no user stands out" in caption(frame(values), HIGH)


def test_users_alike_keep_their_order():
    assert matching(frame([0.9, 0.1, 0.9, 0.9]), HIGH).tolist() == [0, 2, 3]


def test_the_caption_states_the_threshold_of_this_population():
    assert caption(frame([0.1, 0.2, 0.85]), HIGH).endswith("“Drift” here, at least 85.0 %.")
    ranks = pd.DataFrame({"next_rank": [1.0, 20.0, 1234.0]})
    assert caption(ranks, preset_named("Model wrong")).endswith("at least 1,234.")
    assert "at most" in caption(frame([0.1, 0.2]), LOW)


def test_users_alike_are_counted_as_they_are_kept():
    values = frame([0.9, 0.1, 0.9, 0.9])  # three of four, not a tenth
    assert "the 3 of 4 users with the highest value" in caption(values, HIGH)
    mostly_alike = frame([0.0] * 97 + [0.2, 0.3, 0.4])
    assert len(matching(mostly_alike, HIGH)) == 3
    assert "the 3 of 100 users with the highest value of “Drift” here, at least 20.0 %." in caption(mostly_alike, HIGH)


def test_the_caption_says_what_text_and_ranges_leave():
    values = frame([0.1 * place for place in range(10)] * 2)
    assert caption(values, HIGH, 2) == caption(values, HIGH)
    assert caption(values, HIGH, 1).endswith(" The text and the ranges leave 1 of them.")
    assert caption(values, PRESETS[0], 20) == caption(values, PRESETS[0]) == "20 users, in the order of the dataset."
    assert caption(values, PRESETS[0], 0) == "0 of 20 users, in the order of the dataset."


def test_the_caption_says_by_what_they_are_sorted():
    values = frame([0.1 * place for place in range(10)] * 2)
    by = "drift, highest first"
    assert caption(values, PRESETS[0], sort=by) == "20 users. Sorted: drift, highest first."
    assert caption(values, PRESETS[0], 3, sort=by) == "3 of 20 users. Sorted: drift, highest first."
    assert caption(values, HIGH, 1, sort=by) == f"{caption(values, HIGH, 1)} Sorted: {by}."
    assert caption(frame([]), HIGH, sort=by).endswith("the same for everybody. Sorted: drift, highest first.")


def test_every_preset_reads_a_metric_of_the_survey():
    assert [preset.name for preset in PRESETS if preset.column is None] == ["All"]
    assert {preset.column for preset in PRESETS[1:]} <= USER.keys()
    assert preset_named("no such question") is PRESETS[0]
    assert preset_named("Noise").column == "noise_share"


def test_lifts_stand_out_at_both_ends():
    lifts = pd.DataFrame({"top_lift": [1.2, 40.0, 9.14]})
    personal, popular = preset_named("Personal prediction"), preset_named("Predicted by popularity")
    assert matching(lifts, personal).tolist() == [1] and matching(lifts, popular).tolist() == [0]
    assert caption(lifts, personal) == (
        "Personal prediction: their top prediction is far likelier for them than by popularity alone. Kept by this "
        "question: the 1 of 3 users with the highest value of “Lift of the top prediction” here, at least 40×."
    )
    assert caption(lifts, popular) == (
        "Predicted by popularity: their top prediction owes more to its popularity than that of others. Kept by this "
        "question: the 1 of 3 users with the lowest value of “Lift of the top prediction” here, at most 1.2×."
    )
