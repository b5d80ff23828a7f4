"""Whether the chances hold: bins written by hand, read back from the figure, and what is no such list."""

from __future__ import annotations

import json
from math import log10, nan
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

from surge.errors import SurgeError
from surge.pictures.model_words import ABOUT_RELIABILITY, reliability_caption, reliability_sentence
from surge.pictures.palette import Theme
from surge.pictures.reliability import Bins, find_bins, reliability_figure, within_luck

BINS = Bins((0.002, 0.01, 0.04), (0.0, 0.012, 0.05), (1000, 1000, 1000), users=300, error_first=0.0213)


def metrics(split: str = "test", **changes: Any) -> dict[str, Any]:
    part: dict[str, Any] = {
        "reliability_probability": [0.002, 0.01, 0.04],
        "reliability_share": [0.0, 0.012, 0.05],
        "reliability_count": [1000, 1000, 1000],
        "calibration_error_first": 0.0213,
        "catalogue_instances": 300,
    }
    return {split: {name: value for name, value in (part | changes).items() if value is not None}}


def trace(figure: go.Figure, name: str) -> Any:
    (found,) = [each for each in figure.data if each.name == name]
    return found


def test_the_test_split_is_drawn_where_it_is_measured() -> None:
    assert find_bins(metrics()) == BINS
    both = metrics("validation", reliability_probability=[0.5, 0.5, 0.5]) | metrics()
    assert find_bins(both) == BINS
    validation = find_bins(metrics("validation") | {"test": {"auc": 0.5}}, 1.2)
    assert validation is not None and (validation.split, validation.temperature) == ("validation", 1.2)
    for none in ({}, {"test": {}}, {"test": 5, "validation": [1]}, {"explanation": metrics()["test"]}):
        assert find_bins(none) is None


def test_empty_bins_are_left_out() -> None:
    found = find_bins(metrics(reliability_count=[0, 1000, 1000.0]))
    assert found is not None and (found.probability, found.number) == ((0.01, 0.04), (1000, 1000))


@pytest.mark.parametrize(
    "changes",
    [
        {"reliability_share": None},
        {"reliability_share": [0.1, 0.2]},
        {"reliability_share": [0.1, 0.2, nan]},
        {"reliability_share": [0.1, 0.2, True]},
        {"reliability_share": [0.1, 0.2, "0.3"]},
        {"reliability_share": [0.1, 0.2, None]},
        {"reliability_share": [0.1, 0.2, [0.3]]},
        {"reliability_share": "abc"},
        {"reliability_share": {"0": 0.1, "1": 0.1, "2": 0.1}},
        {"reliability_probability": [0.1, 0.2, 1.1]},
        {"reliability_probability": [0.1, 0.2, -0.1]},
        {"reliability_probability": [0.1, 0.2, float("inf")]},
        {"reliability_count": [1, 2, 3.5]},
        {"reliability_count": [1, 2, -3]},
        {"reliability_count": [1, 2, 10**400]},
        {"reliability_count": [0, 0, 0]},
        {"reliability_probability": [], "reliability_share": [], "reliability_count": []},
        {"reliability_probability": [0.1] * 101, "reliability_share": [0.1] * 101, "reliability_count": [1] * 101},
    ],
    ids=lambda changes: str(changes)[:70],
)
def test_what_does_not_fit_together_is_one_sentence(changes: dict[str, Any]) -> None:
    with pytest.raises(SurgeError) as refusal:
        find_bins(metrics(**changes))
    assert str(refusal.value) == (
        "The chances of the test split in metrics.json are damaged, so they are not drawn; measure again with "
        "`python -m surge evaluate`."
    )


@pytest.mark.parametrize("odd", [nan, -1, True, "x", [1], 1e300, 0])
def test_odd_numbers_beside_the_bins_are_not_told(odd: Any) -> None:
    found = find_bins(metrics(catalogue_instances=odd, calibration_error_first=odd))
    assert found is not None and found.users is None and found.error_first in (None, 0)


def test_dots_stand_at_what_was_given_and_what_came() -> None:
    figure = reliability_figure(BINS, "light")
    dots = trace(figure, "bins")
    assert list(dots.x) == [0.002, 0.01, 0.04]
    assert list(dots.y) == [0.001, 0.012, 0.05]  # none came: at the foot, half of the least that is above 0
    assert list(dots.marker.symbol) == ["triangle-down-open", "circle", "circle"]
    assert [list(row) for row in dots.customdata] == [
        ["0.20 %", "0 %", "0 of 1,000", "0 % and 0.38 %"],
        ["1.0 %", "1.2 %", "12 of 1,000", "0.69 % and 2.1 %"],
        ["4.0 %", "5.0 %", "50 of 1,000", "3.8 % and 6.5 %"],
    ]
    low, high = within_luck(0.05, 1000)
    assert dots.y[2] + dots.error_y.array[2] == pytest.approx(high)
    assert dots.y[2] - dots.error_y.arrayminus[2] == pytest.approx(low)
    assert dots.error_y.arrayminus[0] == 0


def test_the_diagonal_runs_from_end_to_end_of_both_axes() -> None:
    figure = reliability_figure(BINS, "dark")
    line = trace(figure, "as promised")
    assert list(line.x) == list(line.y) == pytest.approx([0.001, within_luck(0.05, 1000)[1] * 1.3])
    for axis in (figure.layout.xaxis, figure.layout.yaxis):
        assert axis.type == "log" and list(axis.range) == pytest.approx([log10(value) for value in line.x])
        assert list(axis.ticktext) == ["0.1 %", "0.2 %", "0.5 %", "1 %", "2 %", "5 %"]


def test_luck_leaves_wilsons_interval() -> None:
    # 10 of 100: (0.1 + z²/200 ± z sqrt(0.09/100 + z²/40000)) / (1 + z²/100), z = 1.96
    assert within_luck(0.1, 100) == pytest.approx((0.05523, 0.17437), abs=1e-5)
    assert within_luck(0.0, 10)[0] == 0 and within_luck(1.0, 10)[1] == 1
    assert within_luck(0.0, 10)[1] == pytest.approx(1.96**2 / (10 + 1.96**2))


@pytest.mark.parametrize("theme", list(Theme))
@pytest.mark.parametrize(
    "bins",
    [
        BINS,
        Bins((0.0,), (0.0,), (1,)),
        Bins((1.0,), (1.0,), (5,)),
        Bins((1e-12, 1.0), (0.0, 1.0), (1, 1)),
        Bins(tuple(np.geomspace(1e-6, 0.9, 10)), tuple(np.geomspace(1e-5, 0.8, 10)), (100,) * 10),
    ],
    ids=str,
)
def test_every_kind_of_bins_is_drawn(bins: Bins, theme: Theme) -> None:
    figure = go.Figure(reliability_figure(bins, theme).to_dict())
    dots, (low, high) = trace(figure, "bins"), figure.layout.yaxis.range
    assert low < high <= 0 and figure.layout.paper_bgcolor == "rgba(0,0,0,0)"
    assert all(low <= log10(value) <= high for value in (*dots.x, *dots.y))
    assert "NaN" not in json.dumps(json.loads(figure.to_json()))
    assert reliability_sentence(bins) and reliability_caption(bins)


def test_the_sentence_gives_both_means_and_the_error() -> None:
    # chances: (0.2 + 1 + 4) / 3; shares: (0 + 1.2 + 5) / 3; distances: (0.2 + 0.2 + 1) / 3
    assert BINS.error == pytest.approx(0.014 / 3)
    assert reliability_sentence(BINS) == (
        "The ten best items of a user were given a chance of 1.7 % each, on average, and 2.1 % of them came next. "
        "Within a group the two differ by 0.47 percentage points on average (the expected calibration error); for the "
        "best item alone, 2.1 percentage points."
    )
    assert reliability_sentence(Bins((0.02,), (0.02,), (100,))) == (
        "The ten best items of a user were given a chance of 2.0 % each, on average, and 2.0 % of them came next. "
        "Within a group the two differ by 0 percentage points on average (the expected calibration error)."
    )


@pytest.mark.parametrize(("temperature", "made"), [(1.2, "softened"), (0.87, "sharpened")])
def test_a_temperature_is_told(temperature: float, made: str) -> None:
    told = reliability_sentence(Bins((0.02,), (0.02,), (100,), temperature=temperature))
    number = {1.2: "1.2", 0.87: "0.87"}[temperature]
    assert told.endswith(
        f"The chances are {made}: scores are divided by a temperature of {number}, chosen on the validation split."
    )


def test_the_caption_counts_and_says_what_is_drawn() -> None:
    drawn = (
        "Dashed: as promised. Both scales are logarithmic. The line through a dot: where its share may lie by luck "
        "alone, in 19 of 20 cases."
    )
    assert reliability_caption(BINS) == (
        f"Test split: 3,000 predictions of 300 users in 3 groups of 1,000. {drawn} Open triangles: none of the group "
        "came next."
    )
    assert reliability_caption(Bins((0.02, 0.1), (0.02, 0.1), (101, 100), "validation")) == (
        f"Validation split: 201 predictions in 2 groups of 100 to 101. {drawn} The validation split also decided when "
        "training stopped, and the temperature."
    )


def test_about_is_short() -> None:
    assert 30 <= len(ABOUT_RELIABILITY.split()) <= 90
