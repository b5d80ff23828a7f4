"""The page for one user, run without a browser: what it shows, and that bad input costs one sentence, not the page."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app import loading
from tests.app.conftest import World

ROOT = Path(__file__).parents[2]
TINY = {"checkpoint": "tiny model", "dataset": "tiny"}


def _script() -> None:
    from app.pages.user import page

    page()


@pytest.fixture
def open_page(world: World, monkeypatch: pytest.MonkeyPatch):
    """Opens the page at some URL parameters, the world's folders beside the project's own."""
    monkeypatch.setenv(loading.ROOTS_VARIABLE, str(world.root))

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
    return len(page.dataframe) >= 3 and bool(page.get("plotly_chart"))


def _sentences(page: AppTest) -> str:
    return " ".join(element.value for element in [*page.warning, *page.error]).replace("\\", "")


def test_the_entry_point_opens_the_demo(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(loading.ROOTS_VARIABLE, raising=False)
    page = AppTest.from_file(str(ROOT / "app" / "main.py"), default_timeout=120).run()
    assert not page.exception and not page.error and not page.warning
    assert _drawn(page)
    parameters = _parameters(page)
    assert (parameters["checkpoint"], parameters["dataset"]) == ("demo", "sample_data")
    assert any("ranks" in text.value and "pooled importance" in text.value for text in page.markdown)


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


def test_random_user_and_empty_searches(open_page):
    page = open_page(**TINY)
    page.button(key="random_user").click().run()
    assert not page.exception
    page.text_input(key="user_search_text").set_value("zzz*").run()
    page.text_input(key="item_search_text").set_value("zzz*").run()
    said = " ".join(text.value for text in page.markdown)
    assert "No user has" in said and "No item has" in said
    assert not page.exception


def test_a_selection_in_the_url_is_shown_and_cleared(open_page):
    page = open_page(**TINY, user="u0001", items="0,2", cluster="1", layer="attention", edges="7")
    assert _parameters(page) | {"candidate": ""} == {
        **TINY, "user": "u0001", "candidate": "", "items": "0,2", "cluster": "1", "layer": "attention", "edges": "7"
    }  # fmt: skip
    assert page.session_state["layer"] == "attention" and page.session_state["edges"] == 7
    page.button(key="clear_selection").click().run()
    assert "items" not in _parameters(page) and "cluster" not in _parameters(page)
    assert _parameters(page)["layer"] == "attention"


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
        assert any(words in text.value.replace("\\", "") for text in page.caption), user
        assert _drawn(page) and not page.error
    page = open_page(**TINY, user=world.lost)
    assert "knows none of the 2 items" in _sentences(page)


def test_without_any_checkpoint(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv(loading.ROOTS_VARIABLE, str(tmp_path / "missing"))
    monkeypatch.setattr(loading, "PROJECT", tmp_path)
    page = AppTest.from_function(_script, default_timeout=60).run()
    assert not page.exception
    assert "No checkpoint was found" in _sentences(page) and "No dataset was found" in _sentences(page)


def test_roots_after_two_dashes(monkeypatch: pytest.MonkeyPatch, world: World, tmp_path: Path):
    monkeypatch.setenv(loading.ROOTS_VARIABLE, "")
    assert loading.given_roots() == []
    monkeypatch.setattr(sys, "argv", [str(ROOT / "app" / "main.py"), str(world.root / "tiny model")])
    assert "tiny model" in loading.find_library().checkpoints
    shutil.copytree(world.root / "tiny model", tmp_path / "tiny model")
    monkeypatch.setattr(sys, "argv", [*sys.argv, str(tmp_path)])
    assert f"tiny model ({tmp_path.name})" in loading.find_library().checkpoints
