"""The tables behind the graph and the two matrices, read back from their CSV: the record's own numbers."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pandas as pd
import pytest

from surge.explanation.record import Explanation
from surge.pictures.exports import csv_bytes
from surge.pictures.palette import cluster_styles
from surge.pictures.tables import assignment_table, attention_table, link_table
from tests.pictures.hostile import HOSTILE
from tests.records import make_explanation


def read_back(table: pd.DataFrame) -> pd.DataFrame:
    return pd.read_csv(BytesIO(csv_bytes(table)))


def records() -> list[Explanation]:
    return [
        make_explanation(items=1),
        make_explanation(items=2, seed=3),
        make_explanation(items=30, heads=2, seed=4),
        make_explanation(items=12, clusters=6, layers=(3,), seed=5),
    ]


@pytest.mark.parametrize("record", records(), ids=lambda record: f"{record.length} items")
def test_links_are_similarity_edges_and_attention(record: Explanation) -> None:
    n, graph = record.length, record.graph_construction
    table = read_back(link_table(record))
    assert len(table) == n * (n - 1) // 2
    one, other = table["position"].to_numpy(int) - 1, table["other position"].to_numpy(int) - 1
    assert (one < other).all() and len(set(zip(one, other, strict=True))) == len(table)
    np.testing.assert_array_equal(table["similarity"], graph.similarity[one, other])
    np.testing.assert_array_equal(table["kept"].to_numpy(bool), graph.adjacency[one, other] > 0)
    weights = record.interest_fusion.attention.mean(axis=0)
    for name, own in (("attention to other", weights[one, other]), ("attention from other", weights[other, one])):
        held = table[name].to_numpy(float)
        np.testing.assert_array_equal(held, np.where(graph.adjacency[one, other] > 0, own, np.nan))
    assert table["item"].tolist() == [record.history[i].item for i in one]
    assert table["other title"].tolist() == [record.history[i].title for i in other]


@pytest.mark.parametrize("record", records(), ids=lambda record: f"{record.length} items")
def test_the_assignment_is_wide_in_the_order_read(record: Explanation) -> None:
    styles, order = cluster_styles(record), record.prediction.order.tolist()
    table = read_back(assignment_table(record, styles=styles))
    columns = [name for name in table if "cluster" in name]
    assert [int(name.rstrip(")").split()[-1]) for name in columns] == order
    assert [name.startswith(f"{styles[c].letter} (") for name, c in zip(columns, order, strict=True)] == [
        styles[c].lettered for c in order
    ]
    np.testing.assert_array_equal(table[columns], record.interest_extraction.total_assignment()[:, order])
    assert table["position"].tolist() == list(range(1, record.length + 1))
    assert table["item"].tolist() == [item.item for item in record.history]


@pytest.mark.parametrize("record", records(), ids=lambda record: f"{record.length} items")
def test_attention_has_a_row_for_each_entry_that_exists(record: Explanation) -> None:
    table, n = read_back(attention_table(record)), record.length
    heads = record.interest_fusion.attention
    listener, source = table["listener position"].to_numpy(int) - 1, table["listens to position"].to_numpy(int) - 1
    there = np.zeros((n, n))
    there[listener, source] = 1
    np.testing.assert_array_equal(there, record.graph_construction.adjacency)
    assert len(table) == int(there.sum())
    full = np.zeros((n, n))
    full[listener, source] = table["attention"]
    np.testing.assert_array_equal(full, heads.mean(axis=0))
    np.testing.assert_allclose(table["times even"], table["attention"] * there.sum(axis=1)[listener])
    assert [name for name in table if "head" in name] == [
        f"attention, head {head + 1}" for head in range(len(heads)) if len(heads) > 1
    ]
    for head, weights in enumerate(heads if len(heads) > 1 else []):
        np.testing.assert_array_equal(table[f"attention, head {head + 1}"], weights[listener, source])
    assert table["listens to item"].tolist() == [record.history[j].item for j in source]


def test_hostile_titles_are_whole_in_the_tables() -> None:
    titles = (*HOSTILE, "tent;=1+1")
    record = make_explanation(items=len(titles), titles=titles, seed=1)
    assert assignment_table(record)["title"].tolist() == list(titles)
    assert set(link_table(record)["title"]) | set(link_table(record)["other title"]) == set(titles)
    assert set(attention_table(record)["listener"]) == set(titles)
    assert read_back(assignment_table(record))["title"].tolist()[-1] == "tent;'=1+1"
