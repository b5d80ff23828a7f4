"""The plotly views: read back from the figure, the drawn values are the record's arrays."""

from __future__ import annotations

import html
import json
from dataclasses import replace
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

from surge.explanation.record import Explanation
from surge.pictures import assignment_matrix as assignment
from surge.pictures import attention_matrix as attention
from surge.pictures import pooled_sequence as pooled
from surge.pictures.measures import attention_lift, mean_update_gate
from surge.pictures.palette import Theme, cluster_mass, cluster_styles, item_clusters
from surge.pictures.view_words import assignment_caption, attention_caption
from surge.pictures.views import VIEWS, Scene, View
from surge.vocabulary.amounts import factor, lift
from tests.pictures.hostile import HOSTILE
from tests.pictures.measured import make_before, make_effects
from tests.records import make_explanation

CHARTS = [view for view in VIEWS if view.kind == "chart" and not view.needs]  # of a record alone
every_view = pytest.mark.parametrize("view", CHARTS, ids=lambda view: view.name)


def fullest(view: View[go.Figure], record: Explanation, theme: str = "light", **more: Any) -> go.Figure:
    """The fullest picture of a record; `more` are parts of the scene."""
    return view.figure(Scene(record, theme, **{"effects": make_effects(record), **more}))


def trace(figure: go.Figure, name: str) -> Any:
    """The trace with a name."""
    (found,) = [each for each in figure.data if each.name == name]
    return found


@every_view
@pytest.mark.parametrize("items", [1, 3, 50, 250])
@pytest.mark.parametrize("theme", list(Theme))
def test_every_view_draws_every_size_and_plotly_takes_it(view: View[go.Figure], items: int, theme: Theme) -> None:
    record = make_explanation(items=items, clusters=12, heads=2, seed=items)
    figure = fullest(view, record, theme)
    assert go.Figure(figure.to_dict()).layout.paper_bgcolor == "rgba(0,0,0,0)"  # raises on a property that isn't one
    assert len(figure.to_json()) < 550_000
    assert json.loads(figure.to_json())["layout"]["clickmode"] == "event"


@every_view
@pytest.mark.parametrize("items", [4, 30, 120])
def test_every_view_draws_what_was_before(view: View[go.Figure], items: int) -> None:
    record, before = make_before(items)
    figure = fullest(view, record, "dark", before=before)
    assert len(go.Figure(figure.to_dict()).data) > len(fullest(view, record, "dark").data)
    assert len(figure.layout.meta["items"]) == record.length


@every_view
def test_hierarchies_are_drawn_and_say_what_they_are(view: View[go.Figure]) -> None:
    record = make_explanation(items=40, clusters=12, layers=(6, 3), seed=1)
    assert set(fullest(view, record).layout.meta["clusters"]) <= {"0", "1", "2"}
    assert view.caption(Scene(record)).endswith(".")
    assert 30 <= len(view.about.split()) <= 90 and "Eq. " in view.about


@every_view
def test_styles_can_be_those_of_another_record(view: View[go.Figure]) -> None:
    record = make_explanation(items=30, clusters=4, seed=1)
    styles = cluster_styles(record)[::-1]
    other = tuple(style.__class__(c, style.letter, "#123456", "Other") for c, style in enumerate(styles))
    assert "#123456" in fullest(view, record, styles=other).to_json()
    assert "#123456" not in fullest(view, record).to_json()


# -- where the browser frames what is selected -----------------------------------------------------------


def test_frames_of_the_assignment_hold_the_cells() -> None:
    record, before = make_before(20)
    figure = assignment.assignment_matrix(record, "light", before=before)
    meta, cells, heads = figure.layout.meta, trace(figure, "cells"), trace(figure, "columns")
    rows = trace(figure, "rows")
    timeline = [index for index, _ in before.timeline()]
    for item, y in enumerate(rows.y):
        assert timeline[int(y)] == item
        ((x0, x1, y0, y1),) = meta["items"][item]
        assert (y0, y1) == (y - 0.5, y + 0.5) and x0 < rows.x[item] and x1 > max(cells.x)
    for (_, cluster, _), x, y in zip(heads.customdata, heads.x, heads.y, strict=True):
        ((x0, x1, y0, y1),) = meta["clusters"][str(cluster)]
        assert (x0, x1) == (x - 0.5, x + 0.5) and y0 < y and y1 == len(timeline) - 0.5
    for (item, cluster), x, y in zip(cells.customdata, cells.x, cells.y, strict=True):
        assert meta["items"][item][0][2] < y < meta["items"][item][0][3]
        assert meta["clusters"][str(cluster)][0][0] < x < meta["clusters"][str(cluster)][0][1]


def test_frames_of_the_attention_are_row_and_column() -> None:
    record = make_explanation(items=25, clusters=4, seed=3)
    figure = attention.attention_matrix(record, "light")
    meta, cells = figure.layout.meta, trace(figure, "cells")
    for (target, source, _), x, y in zip(cells.customdata, cells.x, cells.y, strict=True):
        row, _ = meta["items"][int(target)]
        _, column = meta["items"][int(source)]
        assert row[2] < y < row[3] and row[0] < x < row[1]
        assert column[0] < x < column[1] and column[2] < y < column[3]
    assert meta["rows"] == attention.arrangement(record).tolist()
    assert set(meta["clusters"]) == {str(c) for c in set(item_clusters(record).tolist())}
    frames = [frame for group in meta["clusters"].values() for frame in group]
    assert len(frames) == 2 * len(meta["clusters"])  # one row band and one column band a cluster


def test_frames_of_the_pooled_sequence_are_the_blocks() -> None:
    record = make_explanation(items=40, clusters=6, seed=2)
    figure = pooled.pooled_sequence(record, "light")
    blocks = trace(figure, "blocks")
    for (nothing, cluster, *_), x, width in zip(blocks.customdata, blocks.x, blocks.width, strict=True):
        ((x0, x1, y0, y1),) = figure.layout.meta["clusters"][str(cluster)]
        assert nothing == -1 and (x0, x1) == pytest.approx((x - width / 2, x + width / 2)) and (y0, y1) == (0, 1)
    assert figure.layout.meta["items"] == [[]] * 40


# -- values ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layers", [(), (5,)])
def test_assignment_cells_are_the_matrix(layers: tuple[int, ...]) -> None:
    record = make_explanation(items=40, clusters=9, layers=layers, seed=3, temperature=1.0)
    total = record.interest_extraction.total_assignment()
    figure = assignment.assignment_matrix(record, "light")
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
    assert [cluster for _, cluster, _ in heads.customdata] == columns
    assert columns == [c for c in record.prediction.order if c in columns]
    assert list(figure.layout.yaxis.ticktext) == [html.escape(i.title, quote=False) for i in record.history]


@pytest.mark.parametrize("head", [None, 1])
def test_attention_cells_are_the_lift(head: int | None) -> None:
    record = make_explanation(items=25, clusters=4, heads=2, seed=3)
    figure = attention.attention_matrix(record, "dark", head=head)
    cells = figure.data[0]
    order, lift = attention.arrangement(record), attention_lift(record, head)
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
        assert [item for item, _ in heads.customdata] == order.tolist()


def test_a_large_attention_is_one_picture_of_the_lift() -> None:
    record = make_explanation(items=150, clusters=4, seed=3)
    figure = attention.attention_matrix(record, "dark")
    cells, order = figure.data[0], figure.layout.meta["rows"]
    assert cells.type == "heatmap" and record.graph_construction.adjacency.sum() > attention.MOST_SQUARES
    drawn = np.zeros((150, 150))
    drawn[np.ix_(order, order)] = cells.z  # row y, column x hold the items at these places
    np.testing.assert_allclose(np.nan_to_num(drawn), attention_lift(record), rtol=1e-6)
    kept = record.graph_construction.adjacency > 0
    np.testing.assert_array_equal(np.isfinite(drawn), kept)


def test_uniform_attention_has_lift_one() -> None:
    record = make_explanation(items=20, seed=1)
    adjacency = record.graph_construction.adjacency
    record.interest_fusion.attention[0] = adjacency / adjacency.sum(1, keepdims=True)
    np.testing.assert_allclose(attention_lift(record), adjacency)


@pytest.mark.parametrize("layers", [(), (5,)])
def test_pooled_blocks_are_mass_gate_and_importance_in_the_order_read(layers: tuple[int, ...]) -> None:
    record = make_explanation(items=60, clusters=9, layers=layers, seed=3, temperature=0.6)
    whole, blocks, dots = pooled.pooled_sequence(record, "light").data
    columns = [entry[1] for entry in blocks.customdata]
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


# -- before and measured ---------------------------------------------------------------------------------


def test_shares_before_are_outlined_where_they_differ() -> None:
    record, before = make_before(12, clusters=3, seed=4)
    figure = assignment.assignment_matrix(record, "light", before=before)
    now, then = (each.interest_extraction.total_assignment() for each in (record, before.record))
    columns = [int(entry[1]) for entry in trace(figure, "columns").customdata]
    timeline = before.timeline()
    expected = {
        (row, columns.index(c)): then[old, c]
        for row, (new, old) in enumerate(timeline)
        if old is not None
        for c in columns
        if abs(then[old, c] - (0 if new is None else now[new, c])) > 0.05
    }
    outlines = trace(figure, "before")
    drawn = zip(outlines.y.tolist(), outlines.x.tolist(), strict=True)
    assert dict(zip(drawn, outlines.marker.color, strict=True)) == pytest.approx(expected)
    gone = [row for row, (new, _) in enumerate(timeline) if new is None]
    assert trace(figure, "gone").y.tolist() == gone == [1, 12]  # each after the item that it followed
    for (item, _, words), y in zip(outlines.customdata, outlines.y, strict=True):
        assert item == (-1 if timeline[y][0] is None else timeline[y][0]) and words.startswith("before ")
    assert figure.layout.yaxis.ticktext[1].endswith("(taken out)")
    assert "Hollow squares" in assignment_caption(record, before=before)


def test_a_cluster_that_is_no_items_first_choice_is_explained() -> None:
    record = make_explanation(items=2, clusters=3)
    dot = "A dot in place of a letter: a cluster that is no item's first choice."
    for rows, explained in (([[0.6, 0.4, 0.0], [0.6, 0.4, 0.0]], True), ([[0.9, 0.1, 0.0], [0.1, 0.9, 0.0]], False)):
        extraction = replace(record.interest_extraction, assignment=np.array(rows))
        assert (dot in assignment_caption(replace(record, interest_extraction=extraction))) is explained


def test_new_items_are_marked_at_both_heads() -> None:
    record, before = make_before(12)
    figure = attention.attention_matrix(record, "light", before=before)
    marks = trace(figure, "new")
    assert list(marks.text) == ["+", "+"]
    place = attention.arrangement(record).tolist().index(4)  # of the item that was added
    assert (marks.y[0], marks.x[1]) == (place, place)
    assert "+ marks items that were added. 2 items taken out have no row" in attention_caption(record, before=before)


def test_pooled_before_is_the_record_before() -> None:
    record, before = make_before(30, clusters=4)
    figure = pooled.pooled_sequence(record, "light", before=before)
    columns = [entry[1] for entry in trace(figure, "blocks").customdata]
    importance = before.record.interest_extraction.final_importance()
    np.testing.assert_array_equal(trace(figure, "importance before").y, importance[columns])
    row = trace(figure, "mass before")
    read = [entry[1] for entry in row.customdata]
    assert read == [c for c in before.record.prediction.order if c in columns]
    np.testing.assert_allclose(row.width, cluster_mass(before.record)[read])
    assert figure.layout.xaxis.range[1] >= row.width.sum() - 1e-9


def test_effects_of_clusters_are_said() -> None:
    record = make_explanation(items=40, clusters=3, seed=1)
    effects = make_effects(record)
    cluster = int(item_clusters(record)[0])
    effect, without = factor(effects.cluster_effect[cluster]), lift(effects.cluster_lift[cluster])
    words = f"effect {effect}: without it lift {lift(effects.lift)} → {without}, rank #3"
    heads = trace(assignment.assignment_matrix(record, "light", effects=effects), "columns").customdata
    assert words in next(said for _, c, said in heads if c == cluster)
    figure = pooled.pooled_sequence(record, "light", effects=effects)
    assert words in next(said for _, c, _, said in trace(figure, "blocks").customdata if c == cluster)
    headings = [note.text for note in figure.layout.annotations]
    assert any(f"effect {effect}" in text for text in headings)
    assert not any("effect" in text for text in _strings(pooled.pooled_sequence(record, "light")))


# -- text -----------------------------------------------------------------------------------------------


@every_view
@pytest.mark.parametrize("compared", [False, True])
def test_titles_are_escaped_and_never_part_of_a_template(view: View[go.Figure], compared: bool) -> None:
    titles = {"titles": HOSTILE, "categories": HOSTILE}
    record = make_explanation(items=3 * len(HOSTILE), clusters=3, seed=1, temperature=1.0, **titles)
    more: dict[str, Any] = {}
    if compared:
        _, before = make_before(3 * len(HOSTILE) + 1, clusters=3, **titles)
        more["before"] = before
    figure = fullest(view, record, **more)
    texts = _strings(figure)
    assert not any(tag in text for text in texts for tag in ("<img", "<script", "</script", "<a "))
    assert any("&lt;" in text for text in texts)
    filled = [note.text for note in figure.layout.annotations or ()]  # plotly fills in %{...} here
    assert not any("%{" in text for text in filled)
    for drawn in json.loads(figure.to_json())["data"]:
        assert "alert" not in drawn.get("hovertemplate", "") and "&lt;" not in drawn.get("hovertemplate", "")


def _strings(figure: go.Figure) -> list[str]:
    return [text for text in _texts(json.loads(figure.to_json())) if isinstance(text, str)]


def _texts(value: object) -> list[object]:
    if isinstance(value, dict):
        return [text for part in value.values() for text in _texts(part)]
    if isinstance(value, list):
        return [text for part in value for text in _texts(part)]
    return [value]
