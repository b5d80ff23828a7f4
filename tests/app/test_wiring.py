"""What joins the page's parts: plans to pictures, edits to letters and outlines, long histories, ranges to users."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from app import state, subjects
from app.address import Place
from app.cache import CACHE
from app.components import bar, drawers, edit_panel
from app.components.finder_filters import Search, narrow
from app.opening import open_checkpoint
from surge.data.dataset import Dataset
from surge.explanation.edit_plan import Plan
from surge.folders import ROOTS_VARIABLE
from surge.pictures.palette import Theme
from tests.app.conftest import World
from tests.app.drawn import charts, said, tables
from tests.surveys import as_pandas, make_survey

TINY = {"checkpoint": "tiny model", "dataset": "tiny"}
LONG = "u0003"  # a user with more items than the 50 that the model reads


def _script() -> None:
    from app.screens.user import page

    page()


@pytest.fixture
def open_page(world: World, monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    """Opens the page of that user with what a link says."""
    monkeypatch.setenv(ROOTS_VARIABLE, str(world.root))

    def open_at(**link: str) -> AppTest:
        page = AppTest.from_function(_script, default_timeout=120)
        for name, value in {**TINY, "user": LONG, **link}.items():
            page.query_params[name] = value
        page.run()
        assert not page.exception
        return page

    return open_at


def _link(page: AppTest) -> dict[str, str]:
    return {name: value[0] if isinstance(value, list) else value for name, value in page.query_params.items()}


def _numbers(values: Any) -> list[float]:
    if isinstance(values, dict):
        return np.frombuffer(b64decode(values["bdata"]), dtype=values["dtype"]).tolist()
    return list(values)


def _strip(page: AppTest, name: str) -> dict[int, float]:
    """The heights of a trace of the strip, by the place from 1."""
    trace = next((each for each in charts(page)["history_strip"]["data"] if each.get("name") == name), None)
    return {} if trace is None else dict(zip(map(int, _numbers(trace["x"])), _numbers(trace["y"]), strict=True))


def _letters(page: AppTest) -> dict[int, str]:
    """The letter of each cluster by its number."""
    parts = [part.proto for part in page.get("bidi_component") if part.proto.component_name == "surge_linked_table"]
    table = next(data for data in (json.loads(part.json) for part in parts) if data["key"] == "clusters")
    heads = [head[0] for head in table["heads"]]
    return {number: row[heads.index("cluster")] for number, row in zip(table["ids"], table["rows"], strict=True)}


# -- plans ----------------------------------------------------------------------------------------------


def test_the_strip_marks_what_is_staged_now(open_page: Callable[..., AppTest]):
    page = open_page(items="1")
    assert not _strip(page, "marks")
    page.button(key="edit delete").click().run()
    assert set(_strip(page, "marks")) == {2}
    page.button(key="undo_edit").click().run()
    assert not _strip(page, "marks")
    assert set(_strip(open_page(staged="0-3,5-49"), "marks")) == {5}
    assert 1 in _strip(open_page(staged="0-49,+i0290"), "marks")  # of 51 items the model reads the last 50


def test_outlines_stand_where_their_items_went(open_page: Callable[..., AppTest]):
    plain = open_page()
    own = list(_strip(plain, "bars").values())
    order = [*range(5), 40, *range(5, 40), *range(41, 50)]
    page = open_page(edits="0-4,40,5-39,41-49", candidate=_link(plain)["candidate"])
    moved = _strip(page, "before")
    changed = {row["item"]: row["rank before"] for row in tables(page)["predictions"]}
    known = {row["item"]: row["rank"] for row in tables(plain)["predictions"]}
    assert {item: changed.get(item, rank) for item, rank in known.items()} == known and changed != known
    assert len(moved) > 10 and moved == pytest.approx({place: own[order[place - 1]] for place in moved})


def test_of_more_than_the_model_reads_the_last_are_on_the_screen(open_page: Callable[..., AppTest], world: World):
    new = "+i0290,+i1733"
    plain = open_page()
    titles = [row["title"] for row in tables(plain)["items"]]
    page = open_page(edits=f"{new},0-49", items="0", candidate=_link(plain)["candidate"])
    assert [row["title"] for row in tables(page)["items"]] == titles and len(titles) == 50
    assert not _strip(page, "before") and not _strip(page, "marks")  # all is as it was
    page.button(key="edit delete").click().run()
    assert _link(page)["staged"] == f"{new},1-49"
    page = open_page(edits=f"{new},0-49", items="5")
    page.button(key="edit delete").click().run()
    assert _link(page)["staged"] == f"{new},0-4,6-49" and 6 in _strip(page, "marks")
    assert not {4, 7, 8} & _strip(page, "marks").keys()


def test_letters_stay_with_their_clusters_after_edits(open_page: Callable[..., AppTest]):
    page = open_page()
    letters = _letters(page)
    for edits in ("20-29", "40-49"):  # clusters that come first there are not the first of the whole history
        changed = open_page(edits=edits)
        assert _link(changed)["candidate"] == _link(page)["candidate"]  # that of the user's own history
        edited = _letters(changed)
        assert len(edited) >= 6 and edited == {number: letters[number] for number in edited}
    assert "A" not in list(edited.values())[:3]


# -- links and the log ----------------------------------------------------------------------------------


def test_a_link_says_in_which_history_it_counts(open_page: Callable[..., AppTest], world: World):
    page = open_page(items="1,3", edits="0-40", staged="0-3", step="4", open="drift")
    link = _link(page)
    assert len(link["history"]) == 8 and not page.warning
    assert _link(open_page(**link)) == link
    other = open_page(**link | {"history": "0" * 8})
    words = "another one than when the link was made, so what the link selects, edits or replays in it was left out."
    assert said(other).count(words) == 1 and len(other.warning) == 1
    assert not {"items", "edits", "staged", "step", "history"} & _link(other).keys()
    assert "Nothing is selected" in said(other)
    old = open_page(**{name: value for name, value in link.items() if name != "history"})  # of before
    assert _link(old) == link and not old.warning
    assert "history" not in _link(open_page(history="0" * 8))  # nothing in the link counts items


def test_a_link_selects_up_to_the_last_item_and_the_last_cluster(open_page: Callable[..., AppTest]):
    last = {"items": "49", "cluster": "7"}
    for asked, warnings in ((last, 0), ({"items": "49,50", "cluster": "7"}, 1), ({"items": "49", "cluster": "8"}, 1)):
        page = open_page(**asked, head="2")  # of two heads, which count from 0
        kept = last if asked["cluster"] == "7" else {"items": "49"}
        assert len(page.warning) == warnings and {name: _link(page).get(name) for name in kept} == kept
        assert ("cluster" in _link(page)) == ("cluster" in kept)


def test_another_time_or_item_is_another_history(world: World):
    checkpoint = open_checkpoint(world.root / "tiny model")
    dataset = Dataset.load(world.root / "tiny")
    digests = {user: subjects.subject(checkpoint, dataset, user).history.digest for user in dataset.users[-20:]}
    assert len(set(digests.values())) == 20 and {len(digest) for digest in digests.values()} == {8}


# -- the session ----------------------------------------------------------------------------------------


def test_a_press_on_what_another_user_left_does_nothing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(state.st, "session_state", {})
    done: list[str] = []
    state.change(user="a")
    press = state.here(done.append)
    press("for a")
    for other in ({"user": "b"}, {"checkpoint": "c"}, {"dataset": "d"}, {"made_up": True}, {"edits": "0-3"}):
        state.change(user="a")
        state.settle(checkpoint=None, dataset=None, made_up=False, edits=None)
        assert state.current().whose == Place(user="a").whose
        state.change(**other)
        press(str(other))
    state.change(user="a")
    state.settle(checkpoint=None, dataset=None, edits=None)
    state.change(candidate="i", items=frozenset({2}), staged="0")
    press("for a again")
    assert done == ["for a", "for a again"]


def test_what_ends_with_another_choice(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(state.st, "session_state", {})
    full = Place(
        "c", "d", "u", "h", "i", "j", "v", False, "0-3", "0-2", frozenset({1}), 2, "attention", 5, 1, 3,
        frozenset({"drift"}), 2, "q", "f", "n", "s", "o", 7,
    )  # fmt: skip

    def after(place: Place, choose: Callable[[], object]) -> Place:
        state.settle(**vars(place))
        state.add_note("of the link")
        choose()
        assert state.notes() == []
        return state.current()

    counted = {"items": frozenset(), "cluster": None, "step": None}
    ended = counted | dict.fromkeys(("history", "candidate", "second", "head", "edits", "staged"))
    for chosen in ({"user": "b"}, {"checkpoint": "b"}, {"made_up": True, "user": None}):
        assert after(full, lambda chosen=chosen: state.change(**chosen)) == replace(full, **ended | chosen)
    assert after(full, lambda: state.change(dataset="b")) == replace(full, dataset="b", user=None, **ended)
    assert after(full, lambda: state.change(candidate="b")) == replace(full, candidate="b")
    run = after(full, lambda: state.run_edits("0-2"))
    assert run == replace(full, edits="0-2", staged=None, **counted)
    assert after(replace(run, items=frozenset({2}), cluster=1, step=2), state.undo) == replace(full, **counted)
    invented = replace(full, made_up=True, user=None)
    kept = {name: vars(full)[name] for name in ("edits", "staged")}
    assert after(invented, lambda: state.change(checkpoint="b")) == replace(invented, checkpoint="b", **ended | kept)
    assert after(invented, lambda: state.change(dataset="b")) == replace(full, dataset="b", user=None, **ended)


def test_undo_is_that_of_the_place_and_of_its_history(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(state.st, "session_state", {})

    def here() -> tuple[str | None, str | None]:
        return state.current().edits, state.current().staged

    state.change(user="a")
    state.settle(history="h")
    assert not state.can_undo()
    state.stage("0-3")
    state.run_edits("0-3")
    state.stage("0-2")
    there = state.current()
    state.change(user="b")
    assert not state.can_undo() and state.current().history is None
    state.settle(**vars(there))
    for expected in (("0-3", None), (None, "0-3"), (None, None)):
        assert state.can_undo()
        state.undo()
        assert here() == expected
    assert not state.can_undo()
    state.undo()
    assert here() == (None, None)
    state.settle(**vars(there) | {"history": "grown"})  # a link: no more is known than what it says
    for expected in (("0-3", None), (None, None)):
        state.undo()
        assert here() == expected
    assert not state.can_undo()


def test_another_page_opens_at_the_place(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(state.st, "session_state", {bar.PAGES_KEY: {"user": "the user page"}})
    opened: list[Any] = []
    monkeypatch.setattr(bar.st, "switch_page", lambda page, query_params: opened.append((page, dict(query_params))))
    state.change(user="b")
    bar.go_to("user")
    assert opened == [("the user page", {"user": "b"})]


def test_the_population_is_asked_about_the_user_whose_history_it_is(monkeypatch: pytest.MonkeyPatch):
    frame = as_pandas(make_survey(["a", "b"])).assign(length=[10.0, 20.0])
    told: list[Any] = []
    monkeypatch.setattr(state.st, "session_state", {})
    monkeypatch.setattr(drawers, "survey_here", lambda *given: SimpleNamespace(frame=frame))
    monkeypatch.setattr(drawers.survey_words, "percentile_sentence", lambda *given: told.append(given) or "")
    for name in ("chart", "words_table", "caption", "about"):
        monkeypatch.setattr(drawers, name, lambda *given, **named: None)
    base = SimpleNamespace(history=SimpleNamespace(user="b"))
    subject, theme = SimpleNamespace(checkpoint=None), Theme.LIGHT
    drawers._population(SimpleNamespace(subject=subject, dataset=None, base=base, theme=theme, before=None))
    ((values, population),) = told
    assert values["length"] == 20.0 and population["length"].tolist() == [10.0, 20.0]


def test_as_many_items_as_can_be_read_are_staged(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(state.st, "session_state", {})
    monkeypatch.setattr(edit_panel, "MOST_ENTRIES", 3)
    edit_panel._stage(Plan.whole(2), Plan((0, 1, "i")))
    assert state.current().staged == Plan((0, 1, "i")).to_text()
    edit_panel._stage(Plan.whole(2), Plan((0, 1, "i", "j")))
    assert state.current().staged == Plan((0, 1, "i")).to_text() and "4 items" in state.st.session_state["edit refused"]


def test_how_a_dataset_changed_is_told_of_that_dataset_and_checkpoint(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bar, "dataset_change", lambda checkpoint, dataset: f"{checkpoint.digest} {dataset.digest}")
    for one, other in ("ab", "ac", "bc", "ab"):
        told = bar._change(SimpleNamespace(digest=one), SimpleNamespace(digest=other))
        assert told == f"{one} {other}"
    CACHE.forget("dataset change")


# -- ranges of the finder -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "values", "edges", "kept"),
    [
        ("length", [9, 10, 20, 21], (10, 20), [1, 2]),
        ("drift", [0.28, 0.29, 0.57, 0.58], (0.29, 0.57), [1, 2]),
        ("effective_clusters", [1.14, 1.15, 2.3, 2.31], (1.15, 2.3), [1, 2]),
        ("top_lift", [6.9, 7.0, 15.0, 15.1], (7, 15), [1, 2]),
        ("top_probability", [0.0099, 0.01, 0.05, 0.051], (0.01, 0.05), [1, 2]),
    ],
)
def test_both_ends_of_a_range_are_inside(column: str, values: list[float], edges: tuple[float, float], kept: list[int]):
    frame = as_pandas(make_survey([f"u{row}" for row in range(6)]))
    frame[column] = [*values, values[0] / 4, values[-1] * 1.5]

    def page() -> None:
        import streamlit as st

        st.session_state["rows"] = st.session_state["narrow"](st.session_state["frame"], st.session_state["search"])

    run = AppTest.from_function(page)
    run.session_state["narrow"], run.session_state["frame"] = narrow, frame
    run.session_state["search"] = Search(ranges={column: edges})
    run.run()
    assert not run.exception
    assert run.session_state["rows"].tolist() == kept
