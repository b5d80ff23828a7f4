"""The entries of the views: complete, and what reports and notebooks are made of."""

from __future__ import annotations

from dataclasses import fields, replace

import plotly.graph_objects as go
import pytest

from surge.explanation.story import Story
from surge.pictures import report, report_sections, views
from surge.pictures.edit_context import Staged
from surge.pictures.interest_graph import GraphView
from surge.pictures.views import CONTROLS, GRAPH, MEASURED, VIEWS, Scene, View, asked, drawn
from tests.pictures.measured import make_effects
from tests.records import make_explanation


@pytest.fixture(scope="module")
def scene() -> Scene:
    record = make_explanation(items=9, clusters=3, seed=2)
    return Scene(record, effects=make_effects(record))


def test_names_and_keys_are_each_ones_own() -> None:
    for one in ("name", "key", "title"):
        assert len({getattr(view, one) for view in VIEWS}) == len(VIEWS)
    assert len({view.table.name for view in VIEWS}) == len({view.table.of for view in VIEWS}) == len(VIEWS)


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_every_view_has_its_words(view: View) -> None:
    assert view.title and view.alt.endswith(".") and len(view.about) > 80
    assert view.about != view.alt


def test_a_scene_shows_what_was_computed_and_nothing_else(scene: Scene) -> None:
    shown = drawn(scene)
    assert [view.name for view in shown] == ["history", "graph", "assignment", "sequence", "attention"]
    for view in shown:
        assert isinstance(view.figure(scene), {"chart": go.Figure, "graph": GraphView}[view.kind])
        assert len(view.table.frame(scene)) > 0
        assert view.lead(scene).endswith(".") and len(view.caption(scene)) > 20
    for view in set(VIEWS) - set(shown):
        for make in (view.figure, view.table.frame):
            with pytest.raises(ValueError, match="lacks what this view draws"):
                make(scene)


@pytest.mark.parametrize("view", [view for view in VIEWS if not view.needs], ids=lambda view: view.name)
def test_a_view_names_all_that_it_draws_besides_the_record(view: View) -> None:
    """The page keeps a picture under these, and so draws no other one in its place, and none anew for nothing."""
    record = make_explanation(items=30, clusters=3, heads=2, seed=2)
    others = {"staged": Staged(removed=frozenset({1})), "head": 1, "layer": "attention", "edges": 3}
    scenes = [Scene(record), *(replace(Scene(record), **{name: other}) for name, other in others.items())]
    first, *figures = [getattr(figure, "to_json", figure.__repr__)() for figure in map(view.figure, scenes)]
    changed = [name for name, figure in zip(others, figures, strict=True) if figure != first]
    assert changed == list(view.controls) and set(others) == set(CONTROLS)


def test_what_is_measured_when_it_is_asked_for_has_its_question() -> None:
    assert {view.needs for view in asked()} == set(MEASURED) <= {field.name for field in fields(Scene)}
    assert all(view.question.endswith("?") for view in asked())
    assert [view.kind for view in VIEWS].count("graph") == 1


def test_a_new_entry_is_in_the_figures_of_a_record(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    added = replace(views.HISTORY, name="own", title="Own", figure=lambda scene: go.Figure(go.Scatter(x=[1], y=[2])))
    monkeypatch.setattr(views, "VIEWS", (*VIEWS, added))
    assert report.record_figures(scene.record)["own"].data[0].y == (2,)


def test_a_report_has_a_part_for_each_view(scene: Scene) -> None:
    parts = {part.name: part for part in report_sections.sections(Story(scene.record, effects=scene.effects))}
    for view in drawn(scene):
        part = parts[view.name]
        assert (part.title, part.about, part.caption) == (view.title, view.about, view.caption(scene))


def test_the_graph_follows_the_layer_and_the_number_of_edges(scene: Scene) -> None:
    assert GRAPH.figure(scene).caption.startswith("Similarity M")
    assert GRAPH.caption(replace(scene, layer="attention")).startswith("Attention")
    few = GRAPH.figure(replace(scene, edges=3))
    assert (few.drawn, len(few.edges), few.total) == (3, 3, 36)
    assert "graph" not in report.record_figures(scene.record)


def test_a_new_entry_is_in_the_report_and_the_page_of_a_record(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    added = replace(views.HISTORY, name="own", title="My own view")
    monkeypatch.setattr(views, "VIEWS", (*VIEWS, added))
    for page in (report.report(Story(scene.record)), report.record_page(scene.record)):
        assert page.count("<h2>My own view</h2>") == 1 and 'id="picture-own"' in page
