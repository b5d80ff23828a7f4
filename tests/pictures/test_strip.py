"""The history strip: measured effects, importance, what was before, what is to come, and where each item stands."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

from surge.explanation.measurements import Effects
from surge.pictures.edit_context import Before, Staged
from surge.pictures.factor_axis import LEAST_SPAN
from surge.pictures.history_strip import history_strip
from surge.pictures.palette import cluster_styles, item_clusters
from surge.pictures.strip_columns import columns_of
from surge.pictures.strip_words import caption
from tests.pictures.hostile import HOSTILE
from tests.pictures.measured import make_before, make_effects
from tests.records import make_explanation


def trace(figure: go.Figure, name: str) -> Any:
    """The trace with a name."""
    (found,) = [each for each in figure.data if each.name == name]
    return found


def names(figure: go.Figure) -> list[str]:
    """What the traces are called."""
    return [each.name for each in figure.data]


def test_without_effects_the_bars_are_the_importance() -> None:
    record = make_explanation(items=30, clusters=4, seed=1)
    figure = history_strip(record, "light")
    assert names(figure) == ["columns", "bars", "tiles"]
    np.testing.assert_array_equal(trace(figure, "bars").y, record.interest_extraction.importance)
    styles = cluster_styles(record)
    for drawn in figure.data:
        np.testing.assert_array_equal(drawn.x, np.arange(1, 31))
    for name in ("bars", "tiles"):
        assert list(trace(figure, name).marker.color) == [styles[c].colour for c in item_clusters(record)]
    assert list(trace(figure, "tiles").text) == [styles[c].letter for c in item_clusters(record)]
    assert [entry[0] for entry in trace(figure, "columns").customdata] == list(range(30))
    assert figure.layout.annotations[0].text == "equal share" and figure.layout.annotations[0].y == 1 / 30
    assert "importance γ, its share" in caption(record)


@pytest.mark.parametrize("items", [3, 50, 250])
def test_with_effects_the_bars_are_the_effect_and_importance_has_its_row(items: int) -> None:
    record = make_explanation(items=items, clusters=4, seed=1)
    effects = make_effects(record)
    figure = history_strip(record, "dark", effects=effects)
    np.testing.assert_array_equal(trace(figure, "bars").y, effects.item_effect)
    importance = trace(figure, "importance")
    np.testing.assert_array_equal(importance.y, record.interest_extraction.importance)
    assert importance.yaxis == "y2" and figure.layout.yaxis2.overlaying == "y"
    low, high = figure.layout.yaxis.range
    tiles, columns = trace(figure, "tiles"), trace(figure, "columns")
    assert tiles.base + tiles.y[0] < min(effects.item_effect.min(), 0)  # the tiles lie below every bar
    share = importance.y.max() / figure.layout.yaxis2.range[1]  # of the picture's height
    assert share < (tiles.base - low) / (high - low)  # and above the row of importance
    assert columns.base == pytest.approx(low) and columns.base + columns.y[0] == pytest.approx(high)
    assert high > effects.item_effect.max()


def test_the_hover_box_says_what_leaving_the_item_out_does() -> None:
    record = make_explanation(items=3, clusters=2, seed=1)
    # lifts: 3 with everything, 1, 3 and 6 without the items
    log3 = float(np.log(3))
    effects = Effects(log3, np.log([1.0, 3.0, 6.0]), np.full(2, np.nan), 1, np.array([4.0, 1.0, np.nan]))
    figure = history_strip(record, "light", effects=effects)
    np.testing.assert_allclose(trace(figure, "bars").y, np.log([3, 1, 0.5]))
    words = [entry[2] for entry in trace(figure, "columns").customdata]
    assert "effect ×3.0: without it lift 3.0× → 1.0×, rank #1 → #4<br>importance γ " in words[0]
    assert "effect ×1.0: without it lift 3.0× → 3.0×, rank #1 → #1" in words[1]
    assert "effect ÷2.0: without it lift 3.0× → 6.0×<br>" in words[2]  # a rank that isn't known isn't said
    about = history_strip(record, "light", effects=replace(effects, exact=False))
    assert "rank #1 → about #4" in trace(about, "columns").customdata[0][2]
    ticks = figure.layout.yaxis.ticktext
    assert list(ticks) == ["÷2", "÷1.5", "×1", "×1.5", "×2", "×3"]
    np.testing.assert_allclose(figure.layout.yaxis.tickvals, np.log([1 / 2, 1 / 1.5, 1, 1.5, 2, 3]), atol=1e-12)
    assert [note.text for note in figure.layout.annotations][1:] == [
        "▲ likelier<br>with it",
        "▼ less likely<br>with it",
    ]


def test_small_effects_are_drawn_small_and_said_to_be() -> None:
    record = make_explanation(items=12, clusters=2, seed=1)
    effects = make_effects(record, size=1e-5)
    figure = history_strip(record, "light", effects=effects)
    low, high = figure.layout.yaxis.range
    assert high - low > LEAST_SPAN > 50 * np.abs(effects.item_effect).max()
    assert list(figure.layout.yaxis.ticktext) == ["÷1.02", "×1", "×1.02", "×1.05"]
    assert caption(record, effects=effects).count("All effects are small: below a factor of 1.01.") == 1
    assert "All effects" not in caption(record, effects=make_effects(record))


def test_a_single_item_has_no_bar_and_the_caption_says_so() -> None:
    record = make_explanation(items=1, clusters=3, seed=1)
    effects = make_effects(record)
    figure = history_strip(record, "light", effects=effects)
    assert np.isnan(trace(figure, "bars").y).all() and trace(figure, "importance").y.tolist() == [1.0]
    assert np.isfinite(figure.layout.yaxis.range).all() and list(figure.layout.yaxis.ticktext) == ["×1"]
    assert "without it nothing would be left to read" in trace(figure, "columns").customdata[0][2]
    assert "No bar: without its only item" in caption(record, effects=effects)


# -- before ---------------------------------------------------------------------------------------------


def test_the_timeline_keeps_what_is_gone_in_its_place() -> None:
    record, before = make_before(12)  # before: 0-11; now 1, 0, 3, 4, new, 5, ... 10
    columns = columns_of(record, before)
    kinds = [(column.kind, column.index) for column in columns]
    # 2 followed 1, which stands first now
    assert kinds[:5] == [("item", 0), ("gone", 2), ("item", 1), ("item", 2), ("item", 3)]
    assert kinds[-1] == ("gone", 11) and len(kinds) == 13
    figure = history_strip(record, "light", effects=make_effects(record), before=before)
    place = [spot for spot, (kind, _) in enumerate(kinds, start=1) if kind == "item"]
    for name in ("columns", "bars", "tiles", "importance"):
        assert trace(figure, name).x.tolist() == place
    for spot, (frame,) in zip(place, figure.layout.meta["items"], strict=True):
        assert frame[:2] == [spot - 0.5, spot + 0.5] and frame[2:] == pytest.approx(figure.layout.yaxis.range)
    signs = dict(zip(trace(figure, "marks").x.tolist(), trace(figure, "marks").text, strict=True))
    gone = [spot for spot, (kind, _) in enumerate(kinds, start=1) if kind == "gone"]
    assert signs == {place[4]: "+", **dict.fromkeys(gone, "×")}
    hollow = [shape for shape in figure.layout.shapes if shape.type == "rect"]
    assert [(shape.x0 + shape.x1) / 2 for shape in hollow] == pytest.approx(gone)
    assert {shape.line.dash for shape in hollow} == {"dot"}
    others = trace(figure, "others")
    assert others.x.tolist() == gone and [entry[0] for entry in others.customdata] == [-1, -1]
    assert "taken out of this history<br>before: " in others.customdata[0][2]
    words = [entry[2] for entry in trace(figure, "columns").customdata]
    assert "new in this history" in words[4] and "before: " in words[3]
    said = caption(record, effects=make_effects(record), before=before)
    assert "Outlines: the bars before the change; × 2 items taken out; + 1 item added." in said


@pytest.mark.parametrize("measured", [True, False])
def test_ghosts_are_what_the_bars_were(measured: bool) -> None:
    record, before = make_before(12)
    effects = make_effects(record) if measured else None
    figure = history_strip(record, "light", effects=effects, before=before)
    assert before.effects is not None
    values = before.effects.item_effect if measured else before.record.interest_extraction.importance
    ghosts, bars = trace(figure, "before"), trace(figure, "bars")
    now = dict(zip(bars.x.tolist(), bars.y, strict=True))
    drawn = dict(zip(ghosts.x.tolist(), ghosts.y, strict=True))
    for spot, column in enumerate(columns_of(record, before), start=1):
        earlier = before.origin[column.index] if column.kind == "item" else column.index
        if earlier is None:
            assert spot not in drawn
        elif spot in drawn:
            assert drawn[spot] == values[earlier]
        else:  # left out only where it could not be told from the bar
            low, high = figure.layout.yaxis.range
            assert column.kind == "item" and abs(values[earlier] - now[spot]) < 0.01 * (high - low)
    assert ghosts.marker.color == "rgba(0,0,0,0)"


def test_no_ghosts_where_the_effects_before_are_not_known() -> None:
    record, before = make_before(12)
    blind = Before(before.record, before.origin)
    figure = history_strip(record, "light", effects=make_effects(record), before=blind)
    assert "before" not in names(figure) and "others" in names(figure)
    assert "Outlines" not in caption(record, effects=make_effects(record), before=blind)
    same = Before(record, tuple(range(record.length)))
    assert "marks" not in names(history_strip(record, "light", before=same))
    assert len(trace(history_strip(record, "light", before=same), "before").x) == 0


# -- staged ---------------------------------------------------------------------------------------------


def test_staged_edits_are_marked_and_new_items_stand_where_they_will() -> None:
    record = make_explanation(items=6, clusters=2, seed=1)
    staged = Staged(frozenset({1}), frozenset({3}), ((-1, "first"), (2, HOSTILE[0]), (2, "second")))
    figure = history_strip(record, "light", staged=staged)
    # first, 0, 1, 2, <img...>, second, 3, 4, 5
    assert trace(figure, "columns").x.tolist() == [2, 3, 4, 7, 8, 9]
    assert trace(figure, "others").x.tolist() == [1, 5, 6]
    assert [entry[1] for entry in trace(figure, "others").customdata] == [
        "first",
        "&lt;img src=x onerror=alert(1)&gt;",
        "second",
    ]
    signs = dict(zip(trace(figure, "marks").x.tolist(), trace(figure, "marks").text, strict=True))
    assert signs == {1: "+", 5: "+", 6: "+", 3: "×", 7: "↔"}
    assert list(trace(figure, "bars").marker.opacity) == [1, 0.45, 1, 1, 1, 1]
    assert list(trace(figure, "tiles").marker.pattern.shape) == ["", "x", "", "", "", ""]
    go.Figure(figure.to_dict())  # raises on a property that isn't one
    assert caption(record, staged=staged).endswith("Not run yet: × 1 to take out, ↔ 1 to move and + 3 to add.")
    assert "Not run yet" not in caption(record, staged=Staged())
    assert names(history_strip(record, "light", staged=Staged())) == ["columns", "bars", "tiles"]


def test_edits_and_staged_edits_are_drawn_together() -> None:
    record, before = make_before(12)
    figure = history_strip(record, "dark", before=before, staged=Staged(added=((0, "new"),)))
    kinds = [column.kind for column in columns_of(record, before, Staged(added=((0, "new"),)))]
    assert kinds.count("coming") == 1 and kinds[1] == "coming" and kinds.count("gone") == 2
    assert len(figure.layout.meta["items"]) == record.length == kinds.count("item")


def test_frames_of_a_cluster_are_those_of_its_items() -> None:
    record = make_explanation(items=20, clusters=3, seed=2)
    meta = history_strip(record, "light").layout.meta
    assert meta["fades"] is True
    for cluster, frames in meta["clusters"].items():
        members = np.flatnonzero(item_clusters(record) == int(cluster))
        assert frames == [meta["items"][i][0] for i in members]
    assert sum(len(frames) for frames in meta["clusters"].values()) == 20
