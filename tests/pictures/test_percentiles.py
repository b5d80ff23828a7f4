"""One user among all: shares, medians and marks against populations written by hand."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

from surge.pictures.metric_words import short_text, whole_percent
from surge.pictures.palette import Theme
from surge.pictures.percentiles import percentile_figure, percentile_table
from surge.pictures.survey_words import ABOUT_PERCENTILES, percentile_caption, percentile_sentence
from surge.vocabulary.survey import USER
from surge.vocabulary.writing import metric_text

LENGTHS = np.array([2, 4, 4, 6, 8, 10, 12, 14, 16, 18])
NOISE = np.array([0.1, np.nan, 0.2, 0.3, 0.4, np.nan, 0.5, 0.6, 0.7, 0.8])
POPULATION: dict[str, Any] = {"noise_share": NOISE, "length": LENGTHS}
VALUES: dict[str, float | None] = {"length": 4, "noise_share": 0.45}


def test_table_has_shares_of_known_users_and_medians() -> None:
    table = percentile_table(VALUES, POPULATION)
    assert table["metric"].tolist() == ["length", "noise_share"]  # in the order of the vocabulary
    assert table["users below"].tolist() == [10.0, 50.0]  # 1 of 10; 4 of the 8 that are known
    assert table["users alike"].tolist() == [20.0, 0.0]
    assert table["median"].tolist() == pytest.approx([9.0, 0.45]) and table["users"].tolist() == [10, 8]
    assert table["this user"].tolist() == ["4", "45 %"] and table["median of all"].tolist() == ["9", "45 %"]
    assert table["among all users"].tolist() == ["lower than 70 %", "higher than 50 %"]
    assert table["figure"].tolist() == [USER["length"].name, USER["noise_share"].name]
    assert table["what it says"].tolist() == [USER["length"].says, USER["noise_share"].says]


def test_values_at_and_beyond_the_ends() -> None:
    assert percentile_table({"length": 1}, POPULATION)["users below"].tolist() == [0]
    assert percentile_table({"length": 99}, POPULATION)["users below"].tolist() == [100]
    marks = percentile_figure({"length": 99}, POPULATION, "light").data[2]
    assert list(marks.x) == [1.0]


def test_what_is_unknown_has_an_outcome() -> None:
    unknown = percentile_table({"length": None, "noise_share": float("nan"), "drift": 0.5}, POPULATION | {"drift": []})
    assert unknown["users below"].isna().all() and unknown["this user"].tolist() == ["–", "–", "50 %"]
    assert unknown["among all users"].tolist() == ["–"] * 3
    assert unknown["median of all"].tolist()[2] == "–"
    figure = percentile_figure({"length": None, "noise_share": 0.45}, POPULATION, "light")
    assert [entry[5] for entry in figure.data[2].customdata] == ["noise_share"]
    empty = percentile_figure({}, POPULATION, "dark")
    assert len(percentile_table({}, POPULATION)) == 0 and len(empty.data[2].x) == 0
    assert percentile_caption({}, POPULATION).startswith("There is no figure")
    objects = np.array([1, None, 3], dtype=object)
    assert percentile_table({"next_rank": 2}, {"next_rank": objects})["users below"].tolist() == [50]


def test_columns_that_are_no_metric_are_left_out() -> None:
    table = percentile_table({**VALUES, "x": 1.0, "user": None}, {**POPULATION, "x": np.ones(3)})
    assert table["metric"].tolist() == ["length", "noise_share"]


def hills(figure: go.Figure) -> list[tuple[np.ndarray, np.ndarray]]:
    """The outlines, one a metric."""
    x, y = (np.array(side, dtype=np.float64) for side in (figure.data[0].x, figure.data[0].y))
    ends = np.flatnonzero(np.isnan(x))
    return [(x[a:b], y[a:b]) for a, b in zip([0, *(ends[:-1] + 1)], ends, strict=True)]


def test_hills_are_histograms_and_marks_stand_on_the_same_scale() -> None:
    population = {"clusters_in_use": np.array([1, 1, 1, 1, 2, 2, 4] * 20)}
    figure = percentile_figure({"clusters_in_use": 2}, population, "light")
    ((x, y),) = hills(figure)
    # whole numbers 1 to 4: four bins, heights 4 : 2 : 0 : 1, edges at the halves
    ground = y[0]
    steps = (ground - y[1:9:2]) / (ground - y[1:9:2]).max()
    np.testing.assert_allclose(steps, [1, 0.5, 0, 0.25], atol=1e-12)
    np.testing.assert_allclose(x[1:9], [0, 0.25, 0.25, 0.5, 0.5, 0.75, 0.75, 1])
    assert (x[0], y[0]) == (x[-1], y[-1])
    assert list(figure.data[2].x) == [0.375]  # 2 lies in the middle of the second bin
    assert figure.data[1].x[0] == 0.125  # the median is 1


def test_large_counts_are_drawn_by_logarithm() -> None:
    ranks = np.repeat([1, 10, 100, 1000], 25)
    figure = percentile_figure({"next_rank": 10}, {"next_rank": ranks}, "light")
    assert list(figure.data[2].x) == pytest.approx([1 / 3])
    shares = percentile_figure({"drift": 0.25}, {"drift": np.linspace(0, 1, 101)}, "light")
    assert list(shares.data[2].x) == pytest.approx([0.24 / 0.98])  # from the 1st to the 99th percentile


def test_chances_and_lifts_are_drawn_by_logarithm() -> None:
    for name in ("next_probability", "top_probability", "next_lift", "top_lift"):
        everyone = np.repeat([0.001, 0.01, 0.1, 1.0], 25)
        figure = percentile_figure({name: 0.01}, {name: everyone}, "light")
        assert list(figure.data[2].x) == pytest.approx([1 / 3])
        assert "Each row has its own scale, chances and lifts a logarithmic one, from the 1st" in percentile_caption(
            {name: 0.01}, {name: everyone}
        )
        lowest = percentile_figure({name: 0.0}, {name: np.append(everyone, 0.0)}, "light")
        assert list(lowest.data[2].x) == [0.0]
    assert "logarithmic" not in percentile_caption(VALUES, POPULATION)
    nothing = percentile_figure({"next_lift": 1.0}, {"next_lift": np.array([0.0] * 50 + [2.0] * 50)}, "light")
    assert list(nothing.data[2].x) == [0.5]  # 0 has no logarithm


def test_chances_and_lifts_that_stand_out_are_told_in_words() -> None:
    told = percentile_sentence(user(next_probability=97, top_lift=4), spread())
    assert told.endswith(
        "Unusual: the true next item is likelier than for 97 % of users; the top prediction has a lower lift than for "
        "95 % of users."
    )


def test_a_population_all_alike_is_drawn_in_the_middle() -> None:
    for name in ("length", "drift"):
        figure = percentile_figure({name: 1.0}, {name: np.ones(5)}, "light")
        assert list(figure.data[2].x) == [0.5] and len(hills(figure)) == 1


@pytest.mark.parametrize("theme", list(Theme))
def test_every_metric_has_a_row_with_its_words(theme: Theme) -> None:
    rng = np.random.default_rng(0)
    population = {name: rng.random(50) for name in USER}
    values: dict[str, float | None] = {name: float(population[name][3]) for name in USER}
    figure = percentile_figure(values, population, theme)
    assert list(figure.layout.yaxis.ticktext) == [metric.name for metric in USER.values()]
    assert [entry[1] for entry in figure.data[2].customdata] == [short_text(name, values[name]) for name in USER]
    shares = percentile_table(values, population)["users below"]
    notes = [note.text for note in figure.layout.annotations[1:]]
    assert [note.split(" · ")[1] for note in notes] == [whole_percent(share / 100) for share in shares]
    assert len(json.dumps(json.loads(figure.to_json()))) < 100_000


def test_values_as_text() -> None:
    assert metric_text("length", 1200) == "1,200" and metric_text("length", 9.5) == "9.5"
    assert metric_text("faithfulness", -0.25) == "−0.25" and metric_text("drift", 0.0004) == "under 0.1 %"
    assert metric_text("next_probability", 0.0361) == short_text("next_probability", 0.0361) == "3.6 %"
    assert metric_text("next_probability", 0.00003) == "under 0.01 %" and metric_text("top_probability", 1) == "100 %"
    assert metric_text("next_lift", 9.14) == short_text("top_lift", 9.14) == "9.1×"
    assert metric_text("top_lift", 0.4) == "0.40×" and metric_text("top_lift", 1234.5) == "1,200×"
    assert metric_text("next_rank", None) == metric_text("next_rank", float("nan")) == "–"


def test_about_is_short_and_caption_counts_users() -> None:
    assert len(ABOUT_PERCENTILES.split()) <= 90
    assert "up to 10 users" in percentile_caption(VALUES, POPULATION)


HUNDRED = np.arange(100)  # the value is also the number of users below
FIGURES = (
    "length", "clusters_in_use", "noise_share", "drift", "faithfulness", "top_lift", "next_rank", "next_probability",
)  # fmt: skip


def spread(names: tuple[str, ...] = FIGURES) -> dict[str, Any]:
    return dict.fromkeys(names, HUNDRED)


def user(**values: float | None) -> dict[str, float | None]:
    return dict.fromkeys(FIGURES, 50.0) | values


def test_the_sentence_of_an_ordinary_user_names_what_stands_out() -> None:
    assert percentile_sentence(user(faithfulness=98, clusters_in_use=5), spread()) == (
        "An ordinary user: 6 of 8 figures lie in the middle 80 % of all users. Unusual: importance γ agrees with the "
        "effects better than for 98 % of users; fewer clusters in use than 94 % of users."
    )


def test_the_sentence_where_nothing_stands_out() -> None:
    assert percentile_sentence(user(length=10, drift=89), spread()) == (
        "An ordinary user: 8 of 8 figures lie in the middle 80 % of all users; nothing stands out."
    )


def test_the_sentence_names_three_at_most_and_calls_the_user_unusual() -> None:
    told = percentile_sentence(user(length=95, clusters_in_use=96, noise_share=0, drift=99, next_rank=91), spread())
    assert told == (
        "An unusual user: 3 of 8 figures lie in the middle 80 % of all users. Most unusual: less noise than all "
        "others; more drift than all others; more clusters in use than 96 % of users."
    )
    assert percentile_sentence(user(length=95, noise_share=3, drift=2), spread()).startswith(
        "A somewhat unusual user: 5 of 8"
    )


def test_the_sentence_counts_what_is_known() -> None:
    assert percentile_sentence(user(next_rank=None, next_probability=float("nan")), spread()).startswith(
        "An ordinary user: 6 of 6"
    )
    assert percentile_sentence({"length": 95}, spread()) == (
        "The only figure that is known lies in the outer 20 % of all users. Unusual: a longer history than 95 % of "
        "users."
    )
    none = "No figure of this user can be compared with those of the other users."
    assert percentile_sentence({}, spread()) == percentile_sentence({"length": None}, spread()) == none


def test_users_alike_are_no_extreme_and_ends_are_never_rounded_to_all() -> None:
    alike = {"clusters_in_use": np.array([1] * 60 + [2] * 40)}
    assert percentile_sentence({"clusters_in_use": 1}, alike).endswith(
        "in the middle 80 % of all users; nothing stands out."
    )
    assert percentile_table({"clusters_in_use": 1}, alike)["among all users"].tolist() == ["the same as 60 %"]
    two = {"length": np.array([*range(998), 998, 998])}
    assert percentile_sentence({"length": 998}, two).endswith("Unusual: a longer history than over 99 % of users.")


def test_short_values_and_whole_per_cent() -> None:
    assert [whole_percent(share) for share in (0, 0.004, 0.034, 0.486667, 0.996, 1)] == [
        "0 %", "under 1 %", "3 %", "49 %", "over 99 %", "100 %",
    ]  # fmt: skip
    assert short_text("noise_share", 0.0333) == "3 %" and short_text("dominant_interest", 0.998) == "99.8 %"
    assert short_text("length", 12) == "12" and short_text("drift", None) == "–"
