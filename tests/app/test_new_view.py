"""A view is one entry of VIEWS: with it the page, the downloads, the report and the address have it, without it not."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pandas as pd
import plotly.graph_objects as go
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from surge.folders import ROOTS_VARIABLE
from surge.pictures import views
from surge.pictures.html_parts import Column
from surge.pictures.views import VIEWS, Scene, Table, View
from tests.app.conftest import World
from tests.app.drawn import charts, said

OWN = View(
    name="own",
    key="own_chart",
    title="My own view",
    lead=lambda scene: "It counts the items.",
    about="What it is.",
    alt="A bar.",
    figure=lambda scene: go.Figure(go.Bar(y=[scene.record.length])),
    caption=lambda scene: f"{scene.record.length} items, whose history: {scene.whose}.",
    table=Table(
        "counted",
        "what was counted",
        lambda scene: pd.DataFrame({"count": [scene.record.length]}),
        columns=lambda frame: {"count": Column("How many", number=True)},
    ),
    shows="a bar",
    finding=lambda scene: "There are items.",
)
MEASURED = replace(OWN, needs="drift", question="How many steps?", figure=lambda scene: steps(scene))


def steps(scene: Scene) -> go.Figure:
    assert scene.drift is not None
    return go.Figure(go.Bar(y=[len(scene.drift.lengths)]))


def _script() -> None:
    from app.screens.user import page

    page()


@pytest.fixture
def opened(world: World, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[AppTest, dict[str, bytes]]]:
    """The page of a user while these are the views, and what can be downloaded from it, by file name."""
    monkeypatch.setenv(ROOTS_VARIABLE, str(world.root))

    def opened_with(*shown: View, **parameters: str) -> tuple[AppTest, dict[str, bytes]]:
        made: dict[str, Callable[[], bytes]] = {}

        def download(label: str, make: Callable[[], bytes], name: str, *_: object, **__: object) -> bool:
            made[name.partition("-item-")[2].partition("-")[2] or name.rpartition(".")[2]] = make
            return False

        monkeypatch.setattr(st, "download_button", download)
        monkeypatch.setattr(views, "VIEWS", shown)
        page = AppTest.from_function(_script, default_timeout=120)
        for key, value in {"checkpoint": "tiny model", "dataset": "tiny", "user": "u0003", **parameters}.items():
            page.query_params[key] = value
        page.run()
        assert not page.exception and not page.error
        wanted = ("counted.csv", "html")
        return page, {name: make() if name in wanted else b"" for name, make in made.items()}

    return opened_with


def test_a_new_view_is_on_the_page_in_the_report_and_in_the_downloads(opened) -> None:
    page, files = opened(*VIEWS, OWN)
    length = charts(page)["own_chart"]["data"][0]["y"][0]
    for words in ("My own view", "It counts the items.", "What it is.", "There are items."):
        assert words in said(page)
    assert f"{length} items, whose history: user." in said(page)
    assert "How many" in [column for frame in page.dataframe for column in _heads(frame)]
    assert files["counted.csv"].decode("utf-8-sig").split() == ['"count"', str(length)]
    report = files["html"].decode()
    assert report.count("<h2>My own view</h2>") == 1 and 'id="picture-own"' in report
    assert "Table of what was counted" in report and "How many" in report


def _heads(frame: object) -> list[str]:
    return [head.get("label") for head in json.loads(frame.proto.columns).values() if isinstance(head, dict)]


def test_a_view_of_what_is_measured_is_a_drawer_that_a_link_can_open(opened) -> None:
    page, _ = opened(*VIEWS, MEASURED)
    assert "own_chart" not in charts(page)
    assert [drawer.label for drawer in page.expander if drawer.label == "How many steps?"]
    page, files = opened(*VIEWS, MEASURED, open="own")
    count = charts(page)["own_chart"]["data"][0]["y"][0]
    assert count > 1 and "There are items." in said(page) and "What it is." in said(page)
    assert page.query_params["open"] in ("own", ["own"])
    assert files["html"].decode().count("<h2>My own view</h2>") == 1


def test_a_view_that_is_taken_out_is_gone(opened) -> None:
    kept = [view for view in VIEWS if view.name in ("graph", "sequence", "drift")]
    page, files = opened(*kept, open="drift,faithfulness")
    assert set(charts(page)) == {"pooled_sequence", "drift"} and "Interest clusters" not in said(page)
    assert b"<h2>Attention</h2>" not in files["html"] and "assignment.csv" not in files and "links.csv" in files
