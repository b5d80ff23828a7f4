"""The plotly views: read back from the figure, the drawn values are the record's arrays."""

from __future__ import annotations

import html
import json
from collections.abc import Callable

import numpy as np
import plotly.graph_objects as go
import pytest

from app.views import assignment_matrix as assignment
from app.views import attention_matrix as attention
from app.views import history_strip as strip
from app.views import pooled_sequence as pooled
from app.views.measures import attention_lift, mean_update_gate
from app.views.palette import Theme, cluster_mass, cluster_styles, item_clusters
from app.views.selection import Selection
from surge.explanation.record import Explanation
from tests.records import make_explanation
from tests.views.hostile import HOSTILE

View = Callable[[Explanation, Selection, Theme | str], go.Figure]
VIEWS: tuple[View, ...] = (
    strip.history_strip,
    assignment.assignment_matrix,
    attention.attention_matrix,
    pooled.pooled_sequence,
)
CAPTIONS = (strip.caption, assignment.caption, attention.caption, pooled.caption)
NOTHING = Selection()


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("items", [1, 2, 12, 250])
@pytest.mark.parametrize("theme", list(Theme))
def test_every_view_draws_every_size(view: View, items: int, theme: Theme) -> None:
    record = make_explanation(items=items, clusters=12, heads=2, seed=items)
    figure = view(record, Selection(frozenset({0}), int(item_clusters(record)[0])), theme)
    assert json.loads(figure.to_json())["layout"]["paper_bgcolor"] == "rgba(0,0,0,0)"
    assert len(figure.to_json()) < 400_000


@pytest.mark.parametrize("view", VIEWS)
def test_hierarchies_and_any_selection_are_drawn(view: View) -> None:
    record = make_explanation(items=40, clusters=12, layers=(6, 3), seed=1)
    view(record, Selection(frozenset({0, 39, 40, -1, 10**6}), 2), "light")
    view(record, Selection(frozenset(), 99), "dark")
    for caption in CAPTIONS:
        assert caption(record).endswith(".")


@pytest.mark.parametrize("view", VIEWS)
def test_a_selection_changes_marks_and_no_values(view: View) -> None:
    record = make_explanation(items=30, clusters=4, seed=1)
    before = view(record, NOTHING, "light")
    after = view(record, Selection(frozenset({3}), int(item_clusters(record)[5])), "light")
    assert before.to_json() != after.to_json()
    for one, other in zip(before.data, after.data, strict=True):
        np.testing.assert_array_equal(one.x, other.x)
        np.testing.assert_array_equal(one.y, other.y)


def test_strip_bars_are_the_importance() -> None:
    record = make_explanation(items=30, clusters=4, seed=1)
    bars, tiles = strip.history_strip(record, NOTHING, "light").data
    np.testing.assert_array_equal(bars.y, record.interest_extraction.importance)
    np.testing.assert_array_equal(bars.x, np.arange(1, 31))
    styles = cluster_styles(record)
    for trace in (bars, tiles):
        assert [entry[0] for entry in trace.customdata] == list(range(30))
        assert list(trace.marker.color) == [styles[c].colour for c in item_clusters(record)]
    assert list(tiles.text) == [styles[c].letter for c in item_clusters(record)]


@pytest.mark.parametrize("layers", [(), (5,)])
def test_assignment_cells_are_the_matrix(layers: tuple[int, ...]) -> None:
    record = make_explanation(items=40, clusters=9, layers=layers, seed=3, temperature=1.0)
    total = record.interest_extraction.total_assignment()
    figure = assignment.assignment_matrix(record, NOTHING, "light")
    cells, rows, heads = figure.data
    columns = assignment.shown_clusters(record)
    drawn = np.zeros((40, total.shape[1]))
    for (item, cluster), x, y, value in zip(cells.customdata, cells.x, cells.y, cells.marker.color, strict=True):
        assert y == item and columns[x] == cluster
        drawn[item, cluster] = value
    expected = np.where(total >= assignment.LEAST_SHARE, total, 0)
    expected[:, [c for c in range(total.shape[1]) if c not in columns]] = 0
    np.testing.assert_array_equal(drawn, expected)
    assert [item for item, _ in rows.customdata] == list(range(40))
    assert [cluster for _, cluster in heads.customdata] == columns
    assert columns == [c for c in record.prediction.order if c in columns]
    assert list(figure.layout.yaxis.ticktext) == [html.escape(i.title, quote=False) for i in record.history]


@pytest.mark.parametrize("head", [None, 1])
@pytest.mark.parametrize("arrange", attention.ARRANGEMENTS)
def test_attention_cells_are_the_lift(head: int | None, arrange: str) -> None:
    record = make_explanation(items=25, clusters=4, heads=2, seed=3)
    figure = attention.attention_matrix(record, NOTHING, "dark", head, arrange)
    cells = figure.data[0]
    order, lift = attention.arrangement(record, arrange), attention_lift(record, head)
    drawn = np.zeros((25, 25))
    for (target, source, weight), x, y, value in zip(
        cells.customdata, cells.x, cells.y, cells.marker.color, strict=True
    ):
        assert order[y] == target and order[x] == source
        drawn[int(target), int(source)] = value
        every = record.interest_fusion.attention
        exact = every.mean(0) if head is None else every[head]
        assert weight == pytest.approx(exact[int(target), int(source)], rel=1e-5)
    np.testing.assert_allclose(drawn, lift, rtol=1e-6)
    assert sorted(order.tolist()) == list(range(25))
    for heads in figure.data[1:]:
        assert [item for item, _, _ in heads.customdata] == order.tolist()


def test_uniform_attention_has_lift_one() -> None:
    record = make_explanation(items=20, seed=1)
    adjacency = record.graph_construction.adjacency
    record.interest_fusion.attention[0] = adjacency / adjacency.sum(1, keepdims=True)
    np.testing.assert_allclose(attention_lift(record), adjacency)


@pytest.mark.parametrize("layers", [(), (5,)])
def test_pooled_blocks_are_mass_gate_and_importance_in_the_order_read(layers: tuple[int, ...]) -> None:
    record = make_explanation(items=60, clusters=9, layers=layers, seed=3, temperature=0.6)
    blocks, dots, whole = pooled.pooled_sequence(record, NOTHING, "light").data
    columns = [entry[0] for entry in blocks.customdata]
    assert columns == assignment.shown_clusters(record)
    mass = cluster_mass(record)[columns]
    np.testing.assert_allclose(blocks.width, mass)
    np.testing.assert_allclose(np.asarray(blocks.x) - mass / 2, np.cumsum(mass) - mass)
    np.testing.assert_allclose(blocks.y, mean_update_gate(record)[columns])
    np.testing.assert_allclose(dots.y, record.interest_extraction.final_importance()[columns])
    np.testing.assert_allclose(whole.y, 1)
    step = list(record.prediction.order).index(columns[0])
    assert blocks.y[0] == pytest.approx(record.prediction.update_gate[step].mean())


def test_strongest_items_weigh_most() -> None:
    record = make_explanation(items=40, clusters=4, seed=3)
    extraction = record.interest_extraction
    weight = extraction.assignment[:, 2] * extraction.importance
    assert pooled.strongest_items(record, 2, 2) == np.argsort(-weight)[:2].tolist()


@pytest.mark.parametrize("view", VIEWS)
def test_titles_are_escaped_and_never_part_of_a_template(view: View) -> None:
    record = make_explanation(
        items=3 * len(HOSTILE), titles=HOSTILE, categories=HOSTILE, clusters=3, seed=1, temperature=1.0
    )
    figure = json.loads(view(record, NOTHING, "light").to_json())
    texts = [text for text in _texts(figure) if isinstance(text, str)]
    assert not any(tag in text for text in texts for tag in ("<img", "<script", "</script", "<a "))
    assert any("&lt;" in text for text in texts)
    for trace in figure["data"]:
        assert "alert" not in trace["hovertemplate"] and "&lt;" not in trace["hovertemplate"]


def _texts(value: object) -> list[object]:
    if isinstance(value, dict):
        return [text for part in value.values() for text in _texts(part)]
    if isinstance(value, list):
        return [text for part in value for text in _texts(part)]
    return [value]
