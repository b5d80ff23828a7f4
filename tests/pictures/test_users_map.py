"""The map of users: who is drawn how, colours on one scale, hostile ids as text, and an honest caption."""

from __future__ import annotations

import json
from base64 import b64decode
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

from surge.pictures.survey_words import map_caption
from surge.pictures.users_map import MOST_SVG, users_map
from tests.pictures.hostile import HOSTILE
from tests.surveys import as_pandas, make_survey

USERS = [f"u{number}" for number in range(12)]


def traces(figure: go.Figure) -> dict[str, Any]:
    """The traces by name, as the browser gets them."""
    return {trace["name"]: trace for trace in json.loads(figure.to_json())["data"]}


def rows(trace: dict[str, Any]) -> list[int]:
    numbers = trace["customdata"]
    return np.frombuffer(b64decode(numbers["bdata"]), dtype=numbers["dtype"]).tolist()


def test_every_user_is_drawn_once():
    frame = as_pandas(make_survey(USERS, without_next=3))
    drawn = traces(users_map(frame, "next_rank", "light", emphasised=[0, 1, 4, 5, 6]))
    assert rows(drawn["outside"]) == [2, 3, 7, 8, 9, 10, 11]
    assert rows(drawn["unknown"]) == [0, 1]
    assert rows(drawn["known"]) == [4, 5, 6]
    everybody = traces(users_map(frame, "next_rank", "light"))
    assert rows(everybody["unknown"]) == [0, 1, 2] and len(rows(everybody["known"])) == 9
    assert "outside" not in everybody


def test_points_stand_where_the_survey_puts_them():
    figure = users_map(as_pandas(make_survey(USERS)), "drift", "light")
    frame = as_pandas(make_survey(USERS))
    assert figure.data[0].x == pytest.approx(frame["x"].to_numpy())
    assert figure.data[0].y == pytest.approx(frame["y"].to_numpy())


def test_a_filter_changes_no_colour():
    frame = as_pandas(make_survey(USERS))
    whole, part = (
        users_map(frame, "drift", "light", emphasised=some).data[-1].marker for some in (None, [0, 1])
    )  # fmt: skip
    assert (part.cmin, part.cmax) == (whole.cmin, whole.cmax) == (frame["drift"].min(), frame["drift"].max())
    assert part.color == pytest.approx(whole.color[:2])


def test_ranks_are_coloured_by_their_logarithm():
    frame = as_pandas(make_survey(USERS, without_next=0))
    frame["next_rank"] = np.geomspace(1, 1000, 12).round()
    marker = users_map(frame, "next_rank", "light").data[0].marker
    assert (marker.cmin, marker.cmax) == (0, 3)
    assert list(marker.colorbar.ticktext) == ["1", "10", "100", "1,000"]
    frame["next_rank"] = np.arange(5.0, 17.0)  # no powers of ten: as they are
    marker = users_map(frame, "next_rank", "light").data[0].marker
    assert (marker.cmin, marker.cmax) == (5, 16)
    assert list(marker.colorbar.ticktext) == ["5", "8", "10", "13", "16"]


def test_chances_and_lifts_are_coloured_by_their_logarithm():
    frame = as_pandas(make_survey(USERS, without_next=0))
    frame["top_lift"] = np.geomspace(0.1, 1000, 12)
    marker = users_map(frame, "top_lift", "light").data[0].marker
    assert (marker.cmin, marker.cmax) == pytest.approx((-1, 3))
    assert list(marker.colorbar.ticktext) == ["0.10×", "1.0×", "10×", "100×", "1,000×"]
    frame["next_probability"] = np.geomspace(0.001, 0.1, 12)
    marker = users_map(frame, "next_probability", "light").data[0].marker
    assert list(marker.colorbar.ticktext) == ["0.10 %", "0.32 %", "1.0 %", "3.2 %", "10 %"]
    frame["next_probability"] = [0.0, 0.000_001, *np.geomspace(0.001, 1, 10)]  # what has no name: at the low end
    marker = users_map(frame, "next_probability", "light").data[0].marker
    assert (marker.cmin, marker.cmax) == pytest.approx((-4, 0)) and marker.color[0] == marker.color[1] == marker.cmin
    assert list(marker.colorbar.ticktext) == ["0.010 % or less", "0.10 %", "1.0 %", "10 %", "100 %"]
    for value in (0.0, 0.2):
        frame["next_probability"] = value
        marker = users_map(frame, "next_probability", "light").data[0].marker
        assert marker.cmin < marker.cmax


def test_one_value_for_everybody_still_has_a_scale():
    frame = as_pandas(make_survey(USERS))
    frame["drift"] = 0.25
    marker = users_map(frame, "drift", "light").data[0].marker
    assert marker.cmin < marker.cmax
    assert list(marker.colorbar.ticktext) == ["25.0 %"]


def test_many_users_are_drawn_by_webgl():
    frame = as_pandas(make_survey(["u"] * (MOST_SVG + 1)))
    assert {trace.type for trace in users_map(frame, "drift", "light").data} == {"scattergl"}
    assert {trace.type for trace in users_map(frame.head(MOST_SVG), "drift", "light").data} == {"scatter"}


def test_users_without_a_place_are_counted_and_not_drawn():
    frame = as_pandas(make_survey(USERS))
    frame.loc[[2, 3], "x"] = np.nan
    assert rows(traces(users_map(frame, "drift", "light"))["known"]) == [0, 1, 4, 5, 6, 7, 8, 9, 10, 11]
    assert "2 users have no place on the map" in map_caption(frame, "drift")


def test_hostile_ids_are_text_and_stay_out_of_the_template():
    frame = as_pandas(make_survey(list(HOSTILE)))
    figure = users_map(frame, "drift", "light")
    for trace in traces(figure).values():
        for words in trace["text"]:
            assert "<" not in words and ">" not in words
    assert "alert" not in " ".join(trace.hovertemplate for trace in figure.data)


def test_the_caption_counts():
    frame = as_pandas(make_survey(USERS, without_next=3))
    said = map_caption(frame, "next_rank", emphasised=[0, 1, 4], method="umap")
    assert said.startswith("3 users of 12 in colour, placed by UMAP. Colour: rank of the true next item.")
    assert "Grey: 2 users without a value" in said
    assert map_caption(frame, "drift").startswith("12 users, placed by principal components (PCA).")
    assert "not known" in map_caption(frame, "drift", method="<b>")


def test_both_themes_differ_and_nothing_is_opaque_white():
    frame = as_pandas(make_survey(USERS))
    light, dark = (users_map(frame, "drift", theme, emphasised=[1]) for theme in ("light", "dark"))
    assert light.data[0].marker.color != dark.data[0].marker.color
    assert light.data[1].marker.colorscale != dark.data[1].marker.colorscale
    assert light.layout.paper_bgcolor == "rgba(0,0,0,0)"
