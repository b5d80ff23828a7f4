"""The finder, run without a browser: questions, filters, opening a user, and surveys absent, stale and damaged."""

from __future__ import annotations

import json
import shutil
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from app.components.finder_filters import ladder
from app.screens.finder import FORMATS, _chosen, _clicked_row, table_key
from app.surveys import find_survey, survey_command
from surge.checkpoint import load_checkpoint
from surge.data.dataset import Dataset
from surge.explanation.survey_file import survey_path
from surge.folders import ROOTS_VARIABLE
from surge.vocabulary import METRICS
from surge.vocabulary.writing import metric_text
from tests.app.conftest import World
from tests.app.drawn import said
from tests.serving import ROOT
from tests.surveys import make_survey, write_file

HOSTILE_USER = "repeats <b>"


def _script() -> None:
    import streamlit as st

    from app import state
    from app.components.bar import PAGES_KEY
    from app.screens import finder

    def user() -> None:
        state.arrive()
        st.text(f"opened {state.current().user}")
        state.mirror()

    pages = {
        "user": st.Page(user, url_path="user"),
        "finder": st.Page(finder.page, url_path="finder", default=True),
        "model": st.Page(user, url_path="model"),
    }
    st.session_state[PAGES_KEY] = pages
    st.navigation(list(pages.values()), position="hidden").run()


@pytest.fixture(scope="module")
def root(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of its own with the small checkpoint and dataset: surveys lie beside the checkpoint."""
    root = tmp_path_factory.mktemp("finder")
    for name in ("tiny model", "tiny"):
        shutil.copytree(world.root / name, root / name)
    return root


@pytest.fixture
def survey(root: Path) -> Iterator[Path]:
    """A survey of all users of the small dataset that fits; the users of two items have no next item."""
    checkpoint, dataset = load_checkpoint(root / "tiny model"), Dataset.load(root / "tiny")
    path = survey_path(root / "tiny model")
    frame = make_survey(dataset.users, item=checkpoint.items["item"][0])
    write_file(path, frame, checkpoint.digest, dataset.digest)
    yield path
    path.unlink(missing_ok=True)


@pytest.fixture
def open_page(root: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    """Opens the finder on the small checkpoint, with what a link says beside that."""
    monkeypatch.setenv(ROOTS_VARIABLE, str(root))

    def open_at(**link: str) -> AppTest:
        page = AppTest.from_function(_script, default_timeout=120)
        for name, value in {"checkpoint": "tiny model", "dataset": "tiny", "colour": "drift", **link}.items():
            page.query_params[name] = value
        page.run()
        assert not page.exception
        return page

    return open_at


def users(page: AppTest) -> list[str]:
    return page.dataframe[0].value["user"].tolist() if page.dataframe else []


def link(page: AppTest) -> dict[str, str]:
    """The parameters of the address."""
    return {name: value[0] if isinstance(value, list) else value for name, value in page.query_params.items()}


def opened(page: AppTest) -> str | None:
    return page.text[0].value.removeprefix("opened ") if page.text else None


def test_all_users_are_listed_and_mapped(open_page, root: Path, survey: Path, monkeypatch: pytest.MonkeyPatch):
    left: list[str] = []
    monkeypatch.setattr("app.components.bar.look_away", lambda: left.append("what the user page waited for"))
    page = open_page()
    assert users(page) == Dataset.load(root / "tiny").users and len(left) == 1
    assert len(page.get("plotly_chart")) == 1
    assert not page.error and not page.warning
    assert page.query_params["checkpoint"] == ["tiny model"] or page.query_params["checkpoint"] == "tiny model"


def test_a_question_keeps_its_tenth_and_says_the_threshold(open_page, root: Path, survey: Path):
    page = open_page(question="Interests drifted")
    frame = make_survey(Dataset.load(root / "tiny").users).sort("drift", descending=True)
    found = users(page)
    assert 0 < len(found) <= frame.height / 10 + 1
    assert found == frame["user"].to_list()[: len(found)]
    assert f"at least {frame['drift'][len(found) - 1]:.1%}".replace("%", " %") in said(page)
    assert next(iter(page.dataframe[0].value)) == "user"


def test_text_and_ranges_narrow_further(open_page, root: Path, survey: Path):
    frame = make_survey(Dataset.load(root / "tiny").users)
    page = open_page(find=" U000", narrow="length:10:30,next_rank")
    wanted = frame.filter(
        frame["user"].str.contains("u000") & frame["length"].is_between(10, 30)
    )  # the rank's slider is at its ends: users without one stay
    assert users(page) == wanted["user"].to_list() != []
    page.slider(key="finder_range_next_rank").set_range(1, 100).run()
    wanted = wanted.filter(wanted["next_rank"].is_between(1, 100))
    assert users(page) == wanted["user"].to_list()
    page.button(key="finder_clear").click().run()
    assert len(users(page)) == frame.height and not page.slider


def test_chances_and_lifts_are_narrowed_by_round_steps(open_page, root: Path, survey: Path):
    frame = make_survey(Dataset.load(root / "tiny").users)
    page = open_page(narrow="next_probability:0.005:0.02,top_lift")
    assert [slider.label for slider in page.select_slider] == [
        "Chance of the true next item",
        "Lift of the top prediction",
    ]
    wanted = frame.filter(frame["next_probability"].is_between(0.005, 0.02))
    assert page.select_slider(key="finder_range_next_probability").value == (0.005, 0.02)
    assert users(page) == wanted["user"].to_list() != []
    page.select_slider(key="finder_range_top_lift").set_range(7.0, 15.0).run()
    assert users(page) == wanted.filter(wanted["top_lift"].is_between(7, 15))["user"].to_list() != []
    assert link(page)["narrow"] == "next_probability:0.005:0.02,top_lift:7:15"
    again = open_page(**link(page))
    assert users(again) == users(page) and not again.warning
    page.button(key="finder_clear").click().run()
    assert len(users(page)) == frame.height and not page.select_slider


def test_a_range_between_the_steps_takes_those_around_it(open_page, survey: Path):
    page = open_page(narrow="top_lift:7.5:12,next_lift:900:9000,top_probability:0:1")
    assert page.select_slider(key="finder_range_top_lift").value == (7.0, 15.0)
    assert not page.exception and not page.warning


def test_the_steps_are_round_and_hold_every_value():
    assert ladder(0.0021, 0.049, 1e-4) == [0.002, 0.003, 0.005, 0.007, 0.01, 0.015, 0.02, 0.03, 0.05]
    assert ladder(0.00003, 0.0002, 1e-4) == [0.0, 0.0001, 0.00015, 0.0002]
    assert ladder(0.0, 1.0, 1e-4)[-3:] == [0.5, 0.7, 1.0]
    assert ladder(8.0, 9.0, 1e-2) == [7.0, 10.0] and ladder(0.0, 0.0001, 1e-2) == [0.0, 0.01]
    for low, high, foot, name in ((0.0, 1.0, 1e-4, "next_probability"), (0.0, 90_000.0, 1e-2, "top_lift")):
        words = [metric_text(name, rung) for rung in ladder(low, high, foot)]
        assert len(set(words)) == len(words)


def test_chances_and_lifts_are_columns_in_their_unit(open_page, root: Path, survey: Path):
    frame = make_survey(Dataset.load(root / "tiny").users)
    table = open_page().dataframe[0]
    shown, heads = table.value, json.loads(table.proto.columns)
    assert shown["top_probability"].tolist() == pytest.approx((frame["top_probability"] * 100).to_list())
    assert shown["top_lift"].tolist() == pytest.approx(frame["top_lift"].to_list())
    for name in ("length", "noise_share", "top_probability", "top_lift", "faithfulness"):
        assert (heads[name]["label"], heads[name]["help"]) == (METRICS[name].name, METRICS[name].says)
        assert heads[name]["type_config"]["format"] == FORMATS.get(METRICS[name].format, "%.2f")


def test_a_survey_of_scores_is_to_be_made_again(open_page, survey: Path):
    pl.read_parquet(survey).write_parquet(survey, metadata={"surge.survey_version": "1"})
    page = open_page()
    assert [error.value.replace("\\", "") for error in page.error] == [
        "'tiny model.survey.parquet' is a survey of version '1', this program reads version 2; make it again."
    ]
    assert "Make it again with this command, in the project's folder:" in said(page) and len(page.code) == 1


def test_a_question_brings_its_colour(open_page, survey: Path):
    page = open_page()
    page.pills(key="finder_preset").select("Model wrong").run()
    assert link(page)["question"] == "Model wrong"
    assert page.selectbox(key="finder_colour").value == "next_rank"
    assert 0 < len(users(page)) < 12
    page.pills(key="finder_preset").select("All").run()
    assert page.selectbox(key="finder_colour").value == "next_rank"


def test_choosing_figures_and_colour_is_kept(open_page, survey: Path):
    page = open_page()
    page.multiselect(key="finder_metrics").select("noise_share").run()
    assert [slider.label for slider in page.slider] == ["Noise"]
    page.selectbox(key="finder_colour").select("next_rank").run()
    page.text_input(key="finder_text").set_value("zzz").run()
    assert "No user is left" in said(page) and not page.exception
    assert page.button(key="finder_open").disabled
    kept = link(page)
    assert (kept["narrow"], kept["colour"], kept["find"]) == ("noise_share", "next_rank", "zzz")


def test_a_copied_link_reopens_the_finder_as_it_is(open_page, root: Path, survey: Path):
    page = open_page()
    page.pills(key="finder_preset").select("Noise").run()
    page.multiselect(key="finder_metrics").select("length").run()
    page.slider(key="finder_range_length").set_range(5, 40).run()
    page.selectbox(key="finder_sort").select("-length").run()
    page.selectbox(key="finder_colour").select("next_rank").run()
    page.text_input(key="finder_text").set_value("u00").run()
    expected = {"question": "Noise", "narrow": "length:5:40", "sort": "-length", "colour": "next_rank", "find": "u00"}
    assert link(page).items() >= expected.items()
    again = open_page(**link(page))
    assert users(again) == users(page) != [] and link(again) == link(page) and not again.warning
    assert again.slider(key="finder_range_length").value == (5, 40)
    assert again.selectbox(key="finder_colour").value == "next_rank"
    assert "Sorted: history length, highest first." in said(again)
    again.button(key="finder_clear").click().run()
    assert link(again).keys() & expected.keys() == {"colour"} and len(users(again)) == len(
        Dataset.load(root / "tiny").users
    )


def test_another_search_begins_at_the_first_page(open_page, root: Path, survey: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("app.screens.finder.ROWS", 25)
    made: list[Callable[[], bytes]] = []
    monkeypatch.setattr("app.screens.finder.st.download_button", lambda label, make, *rest, **named: made.append(make))
    every = users(open_page(page="1"))
    page = open_page(page="2")
    assert len(every) == 25 and users(page)[0] not in every and "shows 26 to 50 of them" in said(page)
    assert len(made[-1]().splitlines()) == 1 + len(Dataset.load(root / "tiny").users)  # the file holds all of them
    page.selectbox(key="finder_colour").select("next_rank").run()
    assert link(page)["page"] == "2"
    page.selectbox(key="finder_sort").select("-length").run()
    assert "page" not in link(page) and "shows 1 to 25 of them" in said(page)
    last = open_page(page="99")
    assert users(last) and users(last) != every and not last.warning
    page.text_input(key="finder_text").set_value(every[0]).run()
    assert users(page) == [every[0]] and "The table shows" not in said(page)


def test_a_page_that_the_place_sets_is_no_warning_in_the_log():
    settings = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    assert settings["global"] == {"disableWidgetStateDuplicationWarning": True}


def test_users_are_sorted_and_those_without_a_value_come_last(open_page, root: Path, survey: Path):
    frame = make_survey(Dataset.load(root / "tiny").users)
    for sort, descending in (("next_rank", False), ("-next_rank", True)):
        page = open_page(sort=sort)
        wanted = frame.sort("next_rank", descending=descending, nulls_last=True, maintain_order=True)
        assert frame["next_rank"].null_count() and users(page) == wanted["user"].to_list()
        order = "highest" if descending else "lowest"
        assert f"{frame.height} users. Sorted: rank of the true next item, {order} first." in said(page)
        assert "in the order of the dataset" not in said(page)
        assert list(page.dataframe[0].value)[:1] == ["user"]


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ({"question": "<b>"}, "question '<b>'"),
        ({"sort": "-user"}, "sort '-user'"),
        ({"colour": "x" * 90}, f"colour '{'x' * 40}'"),
        ({"narrow": "length:1:2:3"}, "range 'length:1:2:3'"),
        ({"narrow": "length:nan:2"}, "range 'length:nan:2'"),
        ({"narrow": "length:1_0:2"}, "range 'length:1_0:2'"),
        ({"narrow": "x:1:2"}, "range 'x:1:2'"),
        ({"narrow": "length,drift,next_rank,noise_share"}, "range 'noise_share'"),
        ({"question": "x", "sort": "y", "narrow": "z"}, "question 'x', range 'z' and sort 'y'"),
    ],
)
def test_nonsense_in_the_link_is_left_out_with_one_note(open_page, survey: Path, bad: dict[str, str], words: str):
    page = open_page(find="u00", **bad)
    assert len(page.warning) == 1 and words in said(page) and not page.error
    kept = link(page)
    assert kept["find"] == "u00" and not {"question", "sort"} & kept.keys() and users(page)
    assert kept.get("narrow") == ("length,drift,next_rank" if "noise_share" in str(bad) else None)


def test_ranges_of_another_survey_cost_nothing(open_page, survey: Path):
    page = open_page(narrow="length:900:9000,faithfulness,drift:-5:5")
    assert len(page.slider) == 3 and not page.exception and not page.warning


def test_the_button_a_tick_and_a_point_open_a_user(open_page, root: Path, survey: Path):
    every = Dataset.load(root / "tiny").users
    page = open_page()
    page.button(key="finder_open").click().run()
    assert opened(page) == every[0]
    clicks: list[tuple[str, dict[str, Any], str]] = [
        (table_key(every), {"rows": [2], "columns": [], "cells": []}, every[2]),
        ("finder_map", {"points": [{"customdata": 7}], "point_indices": [0]}, every[7]),
    ]
    for key, selection, user in clicks:
        page = open_page()
        page.session_state[key] = {"selection": {"box": [], "lasso": [], **selection}}
        page.run()
        assert opened(page) == user
        assert page.query_params["user"] in (user, [user])


def test_a_cell_only_puts_the_user_on_the_button(open_page, survey: Path):
    page = open_page(question="Noise")
    user = users(page)[1]
    page.session_state[table_key(users(page))] = {"selection": {"rows": [], "columns": [], "cells": [[1, "length"]]}}
    page.run()
    assert opened(page) is None
    assert page.button(key="finder_open").label.replace("\\", "") == f"Open {user}"
    page.session_state[table_key(users(page))] = {"selection": {"rows": [], "columns": [], "cells": [[1, "length"]]}}
    page.button(key="finder_open").click().run()
    assert opened(page) == user


def test_a_picked_cell_is_forgotten_with_another_filter(open_page, survey: Path):
    page = open_page()
    before = users(page)
    page.session_state[table_key(before)] = {"selection": {"rows": [], "columns": [], "cells": [[3, "length"]]}}
    page.pills(key="finder_preset").select("Noise").run()
    after = users(page)
    assert after[:4] != before[:4] and len(after) > 3
    assert page.button(key="finder_open").label.replace("\\", "") == f"Open {after[0]}"
    page.text_input(key="finder_text").set_value(after[2]).run()
    assert page.button(key="finder_open").label.replace("\\", "") == f"Open {after[2]}"


def test_the_caption_counts_the_rows_that_are_left(open_page, root: Path, survey: Path):
    total = len(Dataset.load(root / "tiny").users)
    page = open_page(question="Noise")
    kept = len(users(page))
    assert f"the {kept} of {total} users with the highest value" in said(page) and "leave" not in said(page)
    page.text_input(key="finder_text").set_value(users(page)[0]).run()
    assert len(users(page)) == 1 and "The text and the ranges leave 1 of them." in said(page)
    page.pills(key="finder_preset").select("All").run()
    assert f"1 of {total} users, in the order of the dataset." in said(page)


def test_a_tick_in_a_filtered_list_opens_who_was_clicked(open_page, survey: Path):
    page = open_page(question="Noise")
    user = users(page)[1]
    page.session_state[table_key(users(page))] = {"selection": {"rows": [1], "columns": [], "cells": []}}
    page.run()
    assert opened(page) == user


def test_hostile_ids_stay_text(open_page, survey: Path):
    page = open_page(find="repeats")
    assert users(page) == [HOSTILE_USER]
    label = page.button(key="finder_open").label
    assert label.replace("\\", "") == f"Open {HOSTILE_USER}" and "\\<b\\>" in label


@pytest.mark.parametrize(
    "selection",
    [
        {},
        {"points": []},
        {"points": [{}]},
        {"points": [{"customdata": None}]},
        {"points": [{"customdata": []}]},
        {"points": [{"customdata": "x"}]},
        {"points": [{"customdata": -1}]},
        {"points": [{"customdata": True}]},
    ],
    ids=str,
)
def test_what_is_no_click_opens_nobody(selection: dict[str, Any]):
    assert _clicked_row(selection) is None


@pytest.mark.parametrize("selection", [{}, {"rows": [], "cells": []}, {"rows": [9], "cells": [[-1, "user"]]}], ids=str)
def test_what_is_no_row_of_the_list_chooses_nobody(selection: dict[str, Any]):
    assert _chosen(["a", "b"], selection, "rows") is None
    assert _chosen(["a", "b"], selection, "cells") is None


def test_without_a_survey_the_command_is_there(open_page, root: Path):
    page = open_page()
    assert "There is no survey of checkpoint 'tiny model' yet" in said(page)
    assert page.code[0].value == survey_command(load_checkpoint(root / "tiny model"), Dataset.load(root / "tiny"))
    assert page.code[0].value == f"python -m surge survey '{root / 'tiny model'}' {root / 'tiny'}"
    assert not page.dataframe and not page.error


def test_a_stale_survey_is_shown_with_a_warning(open_page, root: Path, survey: Path):
    write_file(survey, make_survey(["gone", "u0001"]), "0" * 64, "1" * 64)
    page = open_page()
    assert "made with another checkpoint than 'tiny model'" in said(page)
    assert "made with another dataset than 'tiny'" in said(page)
    assert page.code and users(page) == ["gone", "u0001"]


def test_a_partial_survey_says_so(open_page, root: Path, survey: Path):
    checkpoint, dataset = load_checkpoint(root / "tiny model"), Dataset.load(root / "tiny")
    write_file(survey, make_survey(dataset.users[:5]), checkpoint.digest, dataset.digest)
    assert f"The survey holds 5 of the {len(dataset.users)} users." in said(open_page())


@pytest.mark.parametrize("damage", ["cut", "nonsense", "empty", "link", "folder"])
def test_a_damaged_survey_costs_one_sentence(open_page, survey: Path, tmp_path: Path, damage: str):
    content = survey.read_bytes()
    survey.unlink()
    if damage == "link":
        (tmp_path / "elsewhere.parquet").write_bytes(content)
        survey.symlink_to(tmp_path / "elsewhere.parquet")
    elif damage == "folder":
        survey.mkdir()
    else:
        survey.write_bytes({"cut": content[:-200], "nonsense": b"PAR1" + b"\xff" * 99, "empty": b""}[damage])
    try:
        page = open_page()
        assert len(page.error) == 1 and "survey" in said(page)
        assert not page.dataframe and page.code
        assert "Remove the file, then make it again with this command" in said(page)
    finally:
        if damage == "folder":
            survey.rmdir()


def test_a_survey_is_read_anew_when_it_changes(root: Path, survey: Path):
    checkpoint, dataset = load_checkpoint(root / "tiny model"), Dataset.load(root / "tiny")
    first = find_survey(checkpoint, dataset)
    assert first is not None and find_survey(checkpoint, dataset).frame is first.frame  # kept, not read again
    write_file(survey, make_survey(["only one"]), checkpoint.digest, dataset.digest)
    again = find_survey(checkpoint, dataset)
    assert again is not None and again.frame["user"].tolist() == ["only one"]
    assert again.made == "pca" and again.stale == ()
    survey.unlink()
    assert find_survey(checkpoint, dataset) is None
