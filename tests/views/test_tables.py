"""The tables behind the pictures hold the record's numbers; text helpers and health figures."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from app.views import health, tables, text
from app.views.palette import cluster_styles, item_clusters
from surge.explanation.record import Item
from tests.records import make_explanation
from tests.views.hostile import HOSTILE


@pytest.mark.parametrize("items", [1, 12, 250])
def test_item_table_is_the_record(items: int) -> None:
    record = make_explanation(items=items, clusters=4, heads=2, seed=1, titles=HOSTILE)
    table = tables.item_table(record, ["camping"] * items)
    assert list(table.columns) == [
        *("position", "title", "category", "date", "cluster", "share", "alpha", "beta", "gamma", "degree"),
        *("weighted degree", "true interest", "item"),
    ]
    assert table["title"].tolist() == [item.title for item in record.history]
    np.testing.assert_allclose(table["alpha"], record.interest_fusion.cluster_score.mean(0))
    np.testing.assert_allclose(table["beta"], record.interest_fusion.query_score.mean(0))
    np.testing.assert_array_equal(table["gamma"], record.interest_extraction.importance)
    graph = record.graph_construction
    np.testing.assert_array_equal(table["degree"], graph.adjacency.sum(1) - 1)
    off = graph.adjacency * graph.similarity * (1 - np.eye(items))
    np.testing.assert_allclose(table["weighted degree"], off.sum(1), atol=1e-12)
    styles = cluster_styles(record)
    assert table["cluster"].tolist() == [styles[c].letter for c in item_clusters(record)]
    assert table["date"][0] == pd.Timestamp(record.history[0].timestamp, unit="s")


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
    predicted = [
        SimpleNamespace(rank=k, row=k, item=f"i{k}", title=HOSTILE[k], category=None, logit=-k, probability=0.5)
        for k in (1, 2, 3)
    ]
    table = tables.prediction_table(predicted, Item("i2", "x", None), "i2")
    assert table["note"].tolist() == ["", "next item, candidate", ""]
    assert table["title"].tolist() == list(HOSTILE[1:4])
    assert tables.prediction_table(predicted, None, None)["note"].tolist() == ["", "", ""]
    assert len(tables.prediction_table([], None, "i1")) == 0


def test_health_reads_what_is_there() -> None:
    metrics = {
        "test": {"auc": 0.9},
        "explanation": {"effective_clusters": 1.2, "assignment_entropy": 0.04, "nmi": float("nan")},
    }
    figures = health.health(metrics)
    assert [(label, value) for label, value, _ in figures] == [
        ("Effective clusters", "1.2"),
        ("Blur of the clusters (entropy of S / log m)", "0.04"),
    ]
    assert "collapsed" in figures[0][2] and "crisp" in figures[1][2]
    assert health.health({}) == [] and health.health({"nmi": "high", "x": [1]}) == []


def test_text() -> None:
    assert text.shorten("a" * 30) == "a" * 23 + "…" and len(text.shorten("word " * 9)) <= 24
    assert text.shorten("two\nlines") == "two lines"
    assert "href" not in text.plain("HREF href Href".replace("HREF", "hrefhref")).lower()
    assert text.plain("a href b").replace("\u200b", "") == "a href b"
    assert text.count(1, "edge") == "1 edge" and text.count(1175, "edge") == "1,175 edges"
    assert text.listed(["a"]) == "a" and text.listed(["a", "b", "c"]) == "a, b and c"
    assert text.escape('<b> & "x"') == '&lt;b&gt; &amp; "x"'
