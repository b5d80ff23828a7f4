"""The page for one user, run without a browser: what it shows, and that bad input costs one sentence, not the page."""

from __future__ import annotations

import re
import shutil
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from app import results, subjects
from app.jobs import Jobs
from app.library import find_library, given_roots
from surge.checkpoint import load_checkpoint
from surge.data.layout import INTERACTIONS_FILE
from surge.errors import SurgeError
from surge.folders import ROOTS_VARIABLE
from surge.native.fall_back import fall_back
from tests.app.conftest import World
from tests.app.drawn import charts, said, tables

ROOT = Path(__file__).parents[2]
TINY = {"checkpoint": "tiny model", "dataset": "tiny"}


def _script() -> None:
    from app.screens.user import page

    page()


@pytest.fixture
def open_page(world: World, monkeypatch: pytest.MonkeyPatch):
    """Opens the page at some URL parameters, the world's folders beside the project's own."""
    monkeypatch.setenv(ROOTS_VARIABLE, str(world.root))

    def open_at(**parameters: str) -> AppTest:
        page = AppTest.from_function(_script, default_timeout=120)
        for name, value in parameters.items():
            page.query_params[name] = value
        page.run()
        assert not page.exception
        return page

    return open_at


def _parameters(page: AppTest) -> dict[str, str]:
    return {name: value[0] if isinstance(value, list) else value for name, value in page.query_params.items()}


def _drawn(page: AppTest) -> bool:
    """Whether the views are there."""
    return set(tables(page)) == {"predictions", "clusters", "items"} and len(charts(page)) >= 4


def _sentences(page: AppTest) -> str:
    return " ".join(element.value for element in [*page.warning, *page.error]).replace("\\", "")


def test_the_entry_point_opens_the_demo(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(ROOTS_VARIABLE, raising=False)
    page = AppTest.from_file(str(ROOT / "app" / "main.py"), default_timeout=120).run()
    assert not page.exception and not page.error and not page.warning
    assert _drawn(page)
    parameters = _parameters(page)
    assert (parameters["checkpoint"], parameters["dataset"]) == ("demo", "sample_data")
    assert any("ranks" in text.value and "as likely as by popularity alone" in text.value for text in page.markdown)


def test_choosing_user_and_candidate(open_page, world: World):
    page = open_page(**TINY)
    page.text_input(key="user_search_text").set_value("U000").run()
    page.button(key="user u0007").click().run()
    assert _parameters(page)["user"] == "u0007"
    first = _parameters(page)["candidate"]
    page.text_input(key="item_search_text").set_value("coffee").run()
    offered = [button.key for button in page.button if (button.key or "").startswith("item ")]
    assert offered
    page.button(key=offered[-1]).click().run()
    assert f"item {_parameters(page)['candidate']}" == offered[-1]
    page.button(key="top_prediction").click().run()
    assert _parameters(page)["candidate"] == first
    assert _drawn(page)


def test_random_user_and_empty_searches(open_page, monkeypatch: pytest.MonkeyPatch):
    page = open_page(**TINY)
    monkeypatch.setattr("app.components.user_search.random.choice", lambda users: users[users.index("u0007")])
    page.button(key="random_user").click().run()
    assert not page.exception and _parameters(page)["user"] == "u0007"
    page.text_input(key="user_search_text").set_value("zzz*").run()
    page.text_input(key="item_search_text").set_value("zzz*").run()
    said = " ".join(text.value for text in page.markdown)
    assert "No user has" in said and "No item has" in said
    assert not page.exception


def test_a_selection_in_the_url_is_shown_and_cleared(open_page):
    page = open_page(**TINY, user="u0001", items="0,2", cluster="1", layer="attention", edges="7")
    assert _parameters(page) | {"candidate": "", "history": ""} == {
        **TINY, "user": "u0001", "candidate": "", "history": "", "items": "0,2", "cluster": "1", "layer": "attention",
        "edges": "7",
    }  # fmt: skip
    assert page.session_state["layer"] == "attention" and page.session_state["edges"] == 7
    page.button(key="clear_selection").click().run()
    assert "items" not in _parameters(page) and "cluster" not in _parameters(page)
    assert _parameters(page)["layer"] == "attention"


def _history_length(page: AppTest) -> int:
    return len(tables(page)["items"])


def test_an_edit_is_staged_then_run_then_undone(open_page):
    page = open_page(**TINY, user="u0003", items="1")
    before = _history_length(page)
    page.button(key="edit delete").click().run()
    assert _parameters(page)["staged"] == f"0,2-{before - 1}" and "edits" not in _parameters(page)
    assert _history_length(page) == before  # nothing has run
    page.button(key="run_edits").click().run()
    parameters = _parameters(page)
    assert parameters["edits"] == f"0,2-{before - 1}" and "staged" not in parameters and "items" not in parameters
    assert _history_length(page) == before - 1
    assert "rank before" in tables(page)["predictions"][0]
    page.button(key="undo_edit").click().run()
    assert _parameters(page)["staged"] and "edits" not in _parameters(page)
    page.button(key="reset_edits").click().run()
    assert not {"staged", "edits"} & _parameters(page).keys() and _history_length(page) == before
    assert not page.exception


def test_items_are_inserted_moved_cut_and_kept(open_page):
    page = open_page(**TINY, user="u0003", items="1")
    length = _history_length(page)
    page.button(key="edit arrow_forward").click().run()
    assert _parameters(page)["staged"].startswith("0,2,1,3")
    page.text_input(key="insert_search_text").set_value("coffee").run()
    offered = [button.key for button in page.button if (button.key or "").startswith("insert i")]
    page.button(key=offered[0]).click().run()
    assert _parameters(page)["staged"].startswith(f"0,2,1,+{offered[0].removeprefix('insert ')},3")
    page.button(key="run_edits").click().run()
    assert _history_length(page) == min(length + 1, 50) and not page.exception  # the model reads 50
    page = open_page(**TINY, user="u0003", items="2")
    page.button(key="edit content_cut").click().run()
    assert _parameters(page)["staged"] == "0-2"
    cluster, items = (
        charts(page)["pooled_sequence"]["data"][0]["customdata"][0][1],
        tables(page)["clusters"][0]["items"],
    )
    page = open_page(**TINY, user="u0003", cluster=str(cluster))
    page.button(key="edit filter_center_focus").click().run()
    assert _parameters(page)["staged"].count(",") + 1 <= length
    page.button(key="run_edits").click().run()
    assert _history_length(page) == int(items) and not page.exception


@pytest.mark.parametrize("edits", ["0-9999", "0,0", "x", "+nothing at all", "-1", "none", "3-1"])
def test_edits_in_the_url_that_make_no_sense(open_page, edits: str):
    page = open_page(**TINY, user="u0003", edits=edits)
    assert len(page.warning) + len(page.error) <= 1 and not page.exception
    assert "left out" in _sentences(page) or "as it was" in _sentences(page)
    assert _drawn(page) and "edits" not in _parameters(page)


def test_a_made_up_user(open_page, monkeypatch: pytest.MonkeyPatch):
    # one user of this dataset has no item that the checkpoint knows, and nothing to draw
    monkeypatch.setattr("app.components.user_search.random.choice", lambda users: "u0003")
    page = open_page(**TINY)
    page.button(key="open edit").click().run()
    page.button(key="made_up").click().run()
    assert _parameters(page)["made_up"] == "1" and "user" not in _parameters(page)
    assert not page.exception and not _drawn(page)
    page.text_input(key="insert_search_text").set_value("coffee").run()
    offered = [button.key for button in page.button if (button.key or "").startswith("insert i")]
    page.button(key=offered[0]).click().run()
    page.button(key="run_edits").click().run()
    assert _drawn(page) and _history_length(page) == 1 and not page.exception
    page.button(key="random_user").click().run()
    assert "made_up" not in _parameters(page) and "edits" not in _parameters(page) and _drawn(page)


def test_drawers_compute_when_opened(open_page):
    page = open_page(**TINY, user="u0003")
    closed = len(charts(page)) + len(page.get("plotly_chart"))
    for name, more in (("compare", 7), ("versus", 2), ("faithfulness", 1), ("drift", 1)):
        opened = open_page(**TINY, user="u0003", open=name)
        assert len(charts(opened)) + len(opened.get("plotly_chart")) == closed + more, name
        assert not opened.error and not opened.exception
    opened = open_page(**TINY, user="u0003", open="population")
    assert "There is no survey of all users" in said(opened) and opened.code[0].value.startswith(
        "python -m surge survey"
    )


def test_the_second_candidate(open_page):
    page = open_page(**TINY, user="u0003", open="compare", second="nothing <i>")
    assert "knows no item" in _sentences(page) and not page.exception
    first = _parameters(page)["candidate"]
    second = page.selectbox(key="second").value
    page.button(key="swap_candidates").click().run()
    assert (_parameters(page)["candidate"], _parameters(page)["second"]) == (second, first)


def test_the_second_candidate_stands_in_the_link(open_page):
    page = open_page(**TINY, user="u0003")
    assert "second" not in _parameters(page)
    page = open_page(**TINY, user="u0003", open="compare")
    first, second = (_parameters(page)[name] for name in ("candidate", "second"))
    assert page.selectbox(key="second").value == second != first
    other = open_page(**_parameters(page) | {"candidate": second})  # the same item twice is no comparison
    assert _parameters(other)["second"] == first
    page.text_input(key="item_search_text").set_value("coffee").run()
    offered = [button.key or "" for button in page.button if (button.key or "").startswith("item ")]
    page.button(key=offered[-1]).click().run()
    assert _parameters(page)["candidate"] not in (first, second)
    assert _parameters(page)["second"] == first  # the best item that isn't the first
    again = open_page(**_parameters(page) | {"second": second})  # a link that names another keeps it
    assert _parameters(again)["second"] == second


def test_the_tour_is_offered_once_and_walks(open_page):
    page = open_page()
    page.button(key="tour_start").click().run()
    for step in range(1, 6):
        assert _parameters(page)["tour"] == str(step)
        assert any(text.value.startswith(f"**{step} of 5") for text in page.markdown)
        page.button(key="tour_next").click().run()
    assert "tour" not in _parameters(page) and not any("New here" in text.value for text in page.markdown)
    assert not any("New here" in text.value for text in open_page(**TINY).markdown)


@pytest.fixture
def scorings(monkeypatch: pytest.MonkeyPatch) -> Jobs:
    """Every catalogue is large, and nothing has been scored yet."""
    jobs = Jobs(at_once=1, kept=2)
    monkeypatch.setattr(subjects, "MOST_CELLS_AT_ONCE", 1000)
    for place in ("app.results.SCORINGS", "app.scoring.SCORINGS"):
        monkeypatch.setattr(place, jobs)
    return jobs


def _ended(page: AppTest, jobs: Jobs) -> AppTest:
    """Looks again until nothing is under way."""
    for _ in range(1000):
        if not jobs._running and not jobs._waiting:
            return page.run()
        threading.Event().wait(0.01)
    raise AssertionError("the scoring did not end")


def test_a_large_catalogue_waits_for_a_word(open_page, scorings: Jobs):
    page = open_page(**TINY, user="u0005", open="drift")
    assert set(charts(page)) >= {"history_strip", "attention_matrix"} and not page.exception
    assert "starts only when you press the button" in said(page) and "Its rank is not known" in said(page)
    page.button(key="start_scoring").click().run()
    page = _ended(page, scorings)
    assert _drawn(page) and "ranks #" in said(page) and "Its rank is not known" not in said(page)


def test_what_a_search_finds_in_a_large_catalogue_is_shown_until_it_is_scored(
    open_page, scorings: Jobs, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(subjects, "MOST_CELLS_AT_ONCE", 5000)
    monkeypatch.setattr(subjects, "KERNEL_GAIN", 1)
    monkeypatch.setattr(results, "TYPICAL", 1)
    page = open_page(**TINY, user="u0005")
    assert not page.exception and "best that a search found, which scored" in said(page)
    assert "starts only when you press the button" in said(page) and "its rank is not known yet" in said(page)
    told = said(page).replace("*", "")
    assert re.search(
        "has for user u0005 a [0-9.]+ % chance of being the next item, [0-9.]+ times as likely as by popularity", told
    )
    found = _parameters(page)["candidate"]
    page.button(key="start_scoring").click().run()
    page = _ended(page, scorings)
    assert "best that a search found" not in said(page) and "best of" in said(page)
    assert _parameters(page)["candidate"] == found and "ranks **#1" in said(page).replace("ranks #1", "ranks **#1")


def test_a_large_catalogue_waits_in_line_and_can_be_left(open_page, scorings: Jobs):
    let_go = threading.Event()
    scorings.ask("another", lambda progress: let_go.wait(60), "somebody else")
    page = open_page(**TINY, user="u0005")
    page.button(key="start_scoring").click().run()
    assert scorings.standing("another").state == "running"
    assert [job.state for job in map(scorings.standing, scorings._waiting)] == ["waiting"]
    page.button(key="stop_scoring").click().run()
    assert "starts only when you press the button" in said(page) and not scorings._waiting
    assert scorings.standing("another").state == "running"
    let_go.set()


def test_scoring_that_failed_can_be_tried_again(open_page, scorings: Jobs, monkeypatch: pytest.MonkeyPatch):
    def fail(*_: object) -> None:
        raise ValueError("out of <memory>")

    with monkeypatch.context() as patch:
        patch.setattr("app.scoring.rank_catalogue", fail)
        page = open_page(**TINY, user="u0005")
        page.button(key="start_scoring").click().run()
        page = _ended(page, scorings)
    assert "Scoring the catalogue failed (ValueError: out of <memory>)." in said(page)
    assert page.button(key="start_scoring").label == "Try again"
    page.button(key="start_scoring").click().run()
    assert _drawn(_ended(page, scorings))


def test_without_memory_to_score_with_the_page_says_so(open_page, monkeypatch: pytest.MonkeyPatch):
    def fail(*_: object) -> None:
        raise SurgeError("There is not enough free memory.")

    monkeypatch.setattr(results, "ranking", fail)
    page = open_page(**TINY, user="u0005")
    assert "There is not enough free memory" in page.error[0].value and not page.exception


def test_another_checkpoint_keeps_the_user_and_ends_the_selection(open_page):
    page = open_page(checkpoint="tiny model", dataset="sample_data", user="u0001", items="0")
    assert "trained on another dataset" not in _sentences(page)  # this checkpoint does not say on which
    page.selectbox(key="checkpoint").select("demo").run()
    parameters = _parameters(page)
    assert (parameters["checkpoint"], parameters["user"]) == ("demo", "u0001") and "items" not in parameters


def test_another_checkpoint_brings_the_dataset_that_it_was_trained_on(open_page):
    page = open_page(**TINY, user="u0001")
    page.selectbox(key="checkpoint").select("demo").run()
    assert _parameters(page)["dataset"] == "sample_data"
    page.selectbox(key="dataset").select("tiny").run()
    assert (_parameters(page)["checkpoint"], _parameters(page)["dataset"]) == ("demo", "tiny")
    assert any("trained on another dataset" in info.value.replace("\u2060", "") for info in page.info)
    assert _drawn(page)


def _finder() -> None:
    from app.screens.finder import page

    page()


@pytest.mark.parametrize("script", [_script, _finder])
def test_a_dataset_that_is_newer_than_the_checkpoint_says_so_on_both_pages(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: Callable[[], None]
):
    shutil.copytree(world.root / "tiny", tmp_path / "later")
    log = pl.read_parquet(tmp_path / "later" / INTERACTIONS_FILE)
    log.with_columns(pl.col("timestamp") + 40 * 86_400).write_parquet(tmp_path / "later" / INTERACTIONS_FILE)
    monkeypatch.setenv(ROOTS_VARIABLE, str(tmp_path))
    page = AppTest.from_function(script, default_timeout=120)
    page.query_params["checkpoint"], page.query_params["dataset"] = "demo", "later"
    page.run()
    assert not page.exception
    ends = datetime.fromtimestamp(log["timestamp"].max() + 40 * 86_400, UTC)
    infos = " ".join(info.value for info in page.info).replace("\u2060", "").replace("\\", "")
    assert f"'later' is newer than checkpoint 'demo': it goes on to {ends:%Y-%m-%d}, and what" in infos
    unknown = log.filter(~pl.col("item").is_in(load_checkpoint("checkpoints/demo").items["item"].implode()))
    assert f"The model doesn't know {unknown['item'].n_unique():,} of its" in infos
    assert f"the interactions with them ({100 * len(unknown) / len(log):.1f} %) are left out" in infos


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"user": "nobody <b>"}, "has no user 'nobody <b>'"),
        ({"candidate": "nothing"}, "knows no item 'nothing'"),
        ({"checkpoint": "../../etc"}, "There is no checkpoint '../../etc' here"),
        ({"dataset": "/etc/passwd"}, "There is no dataset '/etc/passwd' here"),
        ({"layer": "x", "edges": "no"}, "layer 'x'"),
        ({"user": "u0001", "items": "0,999", "cluster": "77"}, "were left out"),
    ],
)
def test_nonsense_in_the_url(open_page, parameters: dict[str, str], words: str):
    page = open_page(**{**TINY, **parameters})
    assert words in _sentences(page).replace("\u2060", "")
    assert _drawn(page)


@pytest.mark.parametrize(("name", "words"), [("cut model", "was cut or changed"), ("edited model", "config.json")])
def test_a_broken_checkpoint(open_page, name: str, words: str):
    page = open_page(checkpoint=name, dataset="tiny")
    assert len(page.error) == 1 and words in _sentences(page)
    page.selectbox(key="checkpoint").select("tiny model").run()
    assert not page.error and _drawn(page)


def test_pickles_and_links_are_refused_with_a_sentence(open_page):
    page = open_page(**TINY)
    said = " ".join(text.value for text in page.markdown).replace("\\", "")
    assert "'weights.pt' looks like a pickle" in said and "'linked model' is a symbolic link" in said
    assert "linked model" not in page.selectbox(key="checkpoint").options


def test_a_dataset_that_does_not_match(open_page):
    page = open_page(checkpoint="tiny model", dataset="foreign")
    assert "knows none of the" in _sentences(page)
    page.selectbox(key="dataset").select("tiny").run()
    assert not page.error and _drawn(page)


def test_odd_histories(open_page, world: World):
    for user, words in (
        (world.single, "single interaction"),
        (world.repeating, "repeats of another one"),
        (world.stranger, "3 of 18 history items are unknown"),
    ):
        page = open_page(**TINY, user=user)
        assert words in said(page), user
        assert _drawn(page) and not page.error
    page = open_page(**TINY, user=world.lost)
    assert "knows none of the 2 items" in _sentences(page)


def test_without_any_checkpoint(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv(ROOTS_VARIABLE, str(tmp_path / "missing"))
    monkeypatch.setattr("app.library.PROJECT", tmp_path)
    page = AppTest.from_function(_script, default_timeout=60).run()
    assert not page.exception
    assert "No checkpoint was found" in _sentences(page) and "No dataset was found" in _sentences(page)


def test_roots_after_two_dashes(monkeypatch: pytest.MonkeyPatch, world: World, tmp_path: Path):
    monkeypatch.setenv(ROOTS_VARIABLE, "")
    assert given_roots() == []
    monkeypatch.setattr(sys, "argv", [str(ROOT / "app" / "main.py"), str(world.root / "tiny model")])
    assert "tiny model" in find_library().checkpoints
    shutil.copytree(world.root / "tiny model", tmp_path / "tiny model")
    monkeypatch.setattr(sys, "argv", [*sys.argv, str(tmp_path)])
    assert f"tiny model ({tmp_path.name})" in find_library().checkpoints


def test_the_page_says_once_why_torch_computes(open_page, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("surge.native.fall_back.told", told := [])
    monkeypatch.setattr("app.screens.user.told", told)
    before = open_page(**TINY)
    fall_back("There is no C++ compiler", "install one")
    sentence = (
        "There is no C++ compiler, so torch computes in place of the compiled kernels, which is slower; install one."
    )
    assert sentence not in said(before) and said(open_page(**TINY)).count(sentence) == 1
