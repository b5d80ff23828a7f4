"""The entries of the views: complete, and what reports and notebooks are made of."""

from __future__ import annotations

from dataclasses import replace

import plotly.graph_objects as go
import pytest

from surge.explanation.story import Story
from surge.pictures import report, report_sections, views
from surge.pictures.views import VIEWS, Scene, View, drawn
from tests.pictures.measured import make_effects
from tests.records import make_explanation


@pytest.fixture(scope="module")
def scene() -> Scene:
    record = make_explanation(items=9, clusters=3, seed=2)
    return Scene(record, effects=make_effects(record))


def test_names_and_keys_are_each_ones_own() -> None:
    for one in ("name", "key", "title"):
        assert len({getattr(view, one) for view in VIEWS}) == len(VIEWS)


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_every_view_has_its_words(view: View) -> None:
    assert view.title and view.alt.endswith(".") and len(view.about) > 80
    assert view.about != view.alt


def test_a_scene_shows_what_was_computed_and_nothing_else(scene: Scene) -> None:
    shown = drawn(scene)
    assert [view.name for view in shown] == ["history", "assignment", "sequence", "attention"]
    for view in shown:
        assert isinstance(view.figure(scene), go.Figure)
        assert view.lead(scene).endswith(".") and len(view.caption(scene)) > 20
    for view in set(VIEWS) - set(shown):
        with pytest.raises(ValueError, match="lacks what this view draws"):
            view.figure(scene)


def test_a_new_entry_is_in_the_figures_of_a_record(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    added = replace(views.HISTORY, name="own", title="Own", figure=lambda scene: go.Figure(go.Scatter(x=[1], y=[2])))
    monkeypatch.setattr(views, "VIEWS", (*VIEWS, added))
    assert report.record_figures(scene.record)["own"].data[0].y == (2,)


def test_a_report_has_a_part_for_each_view(scene: Scene) -> None:
    parts = {part.name: part for part in report_sections.sections(Story(scene.record, effects=scene.effects))}
    for view in drawn(scene):
        part = parts[view.name]
        assert (part.title, part.about, part.caption) == (view.title, view.about, view.caption(scene))
