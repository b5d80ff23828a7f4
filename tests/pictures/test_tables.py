"""The tables behind the pictures hold the record's numbers; text helpers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from surge.explanation.measurements import Predicted
from surge.explanation.record import Item
from surge.pictures import tables, text
from surge.pictures.palette import cluster_styles, item_clusters
from tests.pictures.hostile import HOSTILE
from tests.pictures.measured import make_before, make_effects
from tests.records import make_explanation


@pytest.mark.parametrize("items", [1, 12, 250])
def test_item_table_is_the_record(items: int) -> None:
    record = make_explanation(items=items, clusters=4, heads=2, seed=1, titles=HOSTILE)
    table = tables.item_table(record, ["camping"] * items)
    assert list(table.columns) == [
        *("position", "title", "category", "date", "cluster", "share", "alpha", "beta", "gamma", "attention"),
        *("degree", "weighted degree", "true interest", "item"),
    ]
    assert table["title"].tolist() == [item.title for item in record.history]
    np.testing.assert_allclose(table["alpha"], record.interest_fusion.cluster_score.mean(0))
    np.testing.assert_allclose(table["beta"], record.interest_fusion.query_score.mean(0))
    np.testing.assert_array_equal(table["gamma"], record.interest_extraction.importance)
    np.testing.assert_array_equal(table["attention"], record.attention_received())
    graph = record.graph_construction
    np.testing.assert_array_equal(table["degree"], graph.adjacency.sum(1) - 1)
    off = graph.adjacency * graph.similarity * (1 - np.eye(items))
    np.testing.assert_allclose(table["weighted degree"], off.sum(1), atol=1e-12)
    styles = cluster_styles(record)
    assert table["cluster"].tolist() == [styles[c].letter for c in item_clusters(record)]
    assert table["date"][0] == pd.Timestamp(record.history[0].timestamp, unit="s")


def test_item_table_holds_the_long_term_weights_where_the_model_has_them() -> None:
    record = make_explanation(items=4)
    longer = replace(record, prediction=replace(record.prediction, long_weight=np.array([0.1, 0.2, 0.3, 0.4])))
    assert tables.item_table(longer)["lambda"].tolist() == [0.1, 0.2, 0.3, 0.4]
    assert "λ" in tables.caption(longer) and "λ" not in tables.caption(record)


def test_item_table_holds_the_measured_effects_and_what_was_before() -> None:
    record, before = make_before(12)
    effects = replace(make_effects(record), offset=np.log(4))
    table = tables.item_table(record, effects=effects, before=before)
    np.testing.assert_array_equal(table["log effect"], effects.item_effect)
    np.testing.assert_allclose(table["effect factor"], np.exp(effects.logit - effects.item_logit))
    np.testing.assert_allclose(table["lift without"], 4 * np.exp(effects.item_logit))
    assert table["rank without"].tolist() == list(range(3, 14))
    earlier = before.record.interest_extraction.importance
    assert before.effects is not None
    for row, origin in enumerate(before.origin):
        if origin is None:
            assert table.loc[row, ["gamma before", "log effect before"]].isna().all()
        else:
            assert table["gamma before"][row] == earlier[origin]
            assert table["log effect before"][row] == before.effects.item_effect[origin]
    assert list(before.origin).count(None) == 1 and len(table) == record.length == 11
    styles = tuple(replace(style, letter="Q") for style in cluster_styles(record))
    assert set(tables.item_table(record, styles=styles)["cluster"]) == {"Q"}
    assert "2 items taken out are not listed." in tables.caption(record, effects=effects, before=before)
    assert "estimated" in tables.caption(record, effects=replace(effects, exact=False))


def test_what_could_not_be_measured_is_empty() -> None:
    record = make_explanation(items=1, clusters=2)
    table = tables.item_table(record, effects=make_effects(record))
    assert table[["effect factor", "log effect", "lift without", "rank without"]].isna().all(axis=None)
    record = make_explanation(items=5, clusters=2)
    effects = replace(make_effects(record), rank=None, item_rank=np.empty(0), cluster_rank=np.empty(0))
    assert tables.item_table(record, effects=effects)["rank without"].isna().all()
    assert tables.cluster_table(record, effects=effects)["rank without"].isna().all()


def test_cluster_table_holds_the_measured_effects() -> None:
    record = make_explanation(items=20, clusters=12, interests=2, seed=1)
    effects = make_effects(record)
    table = tables.cluster_table(record, effects=effects).set_index("index")
    holding = set(item_clusters(record).tolist())
    assert 0 < len(holding) < 12
    for cluster in range(12):
        row = table.loc[cluster]
        if cluster in holding:
            assert row["log effect"] == effects.cluster_effect[cluster]
            assert row["effect factor"] == pytest.approx(np.exp(effects.cluster_effect[cluster]))
            assert row["lift without"] == pytest.approx(np.exp(effects.cluster_logit[cluster]))
            assert row["rank without"] == cluster + 10
        else:
            assert row[["log effect", "lift without", "rank without"]].isna().all()


def test_unknown_times_and_missing_titles_have_an_outcome() -> None:
    record = make_explanation(items=3)
    record = replace(record, history=tuple(Item(f"i{i}", " ", None, None) for i in range(3)))
    table = tables.item_table(record)
    assert table["date"].isna().all() and table["category"].tolist() == [""] * 3
    assert table["title"].tolist() == ["i0", "i1", "i2"] and "true interest" not in table.columns


def test_cluster_table_is_in_the_order_read() -> None:
    record = make_explanation(items=40, clusters=9, layers=(6,), seed=1)
    table = tables.cluster_table(record)
    assert table["index"].tolist() == record.prediction.order.tolist()
    np.testing.assert_allclose(table["update gate"], record.prediction.update_gate.mean(1))
    np.testing.assert_allclose(
        table["importance"], record.interest_extraction.final_importance()[record.prediction.order]
    )
    assert table["mass"].sum() == pytest.approx(40) and table["items"].sum() == 40


def test_prediction_table_marks_the_next_item_and_the_candidate() -> None:
    predicted = [Predicted(k, k, f"i{k}", HOSTILE[k], None, -k, 4 / k, 0.5 / k) for k in (1, 2, 3)]
    table = tables.prediction_table(predicted, Item("i2", "x", None), "i2")
    assert table["note"].tolist() == ["", "next item, candidate", ""]
    assert table["title"].tolist() == list(HOSTILE[1:4])
    assert table["lift"].tolist() == [4, 2, 4 / 3] and table["chance"].tolist() == [0.5, 0.25, 0.5 / 3]
    assert list(table.columns) == ["rank", "title", "chance", "lift", "note", "category", "logit", "item"]
    assert tables.prediction_table(predicted, None, None)["note"].tolist() == ["", "", ""]
    assert len(tables.prediction_table([], None, "i1")) == 0


def test_prediction_table_says_how_ranks_have_changed() -> None:
    predicted = [Predicted(k, k, f"i{k}", "t", None, -k, 4.0, 0.5) for k in (1, 2, 3, 4)]
    table = tables.prediction_table(predicted, None, None, ranks_before={"i1": 4, "i2": 1, "i3": 3})
    assert table["change"].tolist() == ["▲ 3", "▼ 1", "=", "new"]
    assert table["rank before"].tolist()[:3] == [4, 1, 3] and table["rank before"].isna()[3]
    assert str(table["rank before"].dtype) == "Int64"
    empty = tables.prediction_table([], None, None, ranks_before={})
    assert len(empty) == 0 and {"rank before", "change"} <= set(empty.columns)
    assert "change" not in tables.prediction_table(predicted, None, None).columns


def test_text() -> None:
    assert text.shorten("a" * 30) == "a" * 23 + "…" and len(text.shorten("word " * 9)) <= 24
    assert text.shorten("two\nlines") == "two lines"
    assert text.count(1, "edge") == "1 edge" and text.count(1175, "edge") == "1,175 edges"
    assert text.listed(["a"]) == "a" and text.listed(["a", "b", "c"]) == "a, b and c"
