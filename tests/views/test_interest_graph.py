"""The interest graph: what is drawn is what the record holds, where it stands, and that titles stay text."""

from __future__ import annotations

import json

import numpy as np
import pytest

from app.views.graph_layout import SPACING, graph_positions
from app.views.interest_graph import DEFAULT_EDGES, LABELLED, LAYERS, MOST_EDGES, interest_graph
from app.views.measures import attention_lift
from app.views.palette import Theme, cluster_styles, item_clusters
from tests.records import make_explanation
from tests.views.hostile import HOSTILE


@pytest.mark.parametrize("items", [1, 2, 12, 50, 250])
@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("theme", list(Theme))
def test_is_plain_json_at_every_size(items: int, layer: str, theme: Theme) -> None:
    record = make_explanation(items=items, clusters=8, seed=items)
    view = interest_graph(record, layer, DEFAULT_EDGES, theme)
    assert json.loads(json.dumps([view.nodes, view.edges, view.options], allow_nan=False))
    assert [node["id"] for node in view.nodes] == list(range(items))
    assert all(type(node["id"]) is int and type(node["x"]) is float for node in view.nodes)
    assert view.drawn == len(view.edges) == min(view.total, DEFAULT_EDGES)
    assert view.options["physics"]["enabled"] is False and view.options["edges"]["smooth"] is False


def test_nodes_show_cluster_and_importance() -> None:
    record = make_explanation(items=40, clusters=5, seed=2)
    view = interest_graph(record)
    styles, clusters = cluster_styles(record), item_clusters(record)
    importance = record.interest_extraction.importance
    assert [node["letter"] for node in view.nodes] == [styles[c].letter for c in clusters]
    assert [node["color"]["background"] for node in view.nodes] == [styles[c].colour for c in clusters]
    np.testing.assert_allclose([node["importance"] for node in view.nodes], importance)
    sizes = np.array([node["size"] for node in view.nodes])
    inner = (sizes > sizes.min()) & (sizes < sizes.max())
    assert np.corrcoef(sizes[inner] ** 2, importance[inner])[0, 1] > 0.999  # area, within the limits
    named = [node["id"] for node in view.nodes if node["label"] != " "]
    assert sorted(named) == sorted(np.argsort(-importance)[:LABELLED].tolist())
    assert all(len(node["name"]) <= 24 for node in view.nodes)


def test_similarity_edges_are_the_matrix() -> None:
    record = make_explanation(items=30, seed=4)
    view = interest_graph(record, "similarity", 10_000)
    assert view.drawn == view.total == 30 * 29 // 2
    for edge in view.edges:
        assert edge["weight"] == record.graph_construction.similarity[edge["from"], edge["to"]]
        assert "arrows" not in edge


def test_kept_edges_are_the_adjacency() -> None:
    record = make_explanation(items=30, seed=4)
    view = interest_graph(record, "kept edge", MOST_EDGES)
    drawn = np.eye(30)
    for edge in view.edges:
        drawn[edge["from"], edge["to"]] = drawn[edge["to"], edge["from"]] = 1
    np.testing.assert_array_equal(drawn, record.graph_construction.adjacency)


@pytest.mark.parametrize("head", [None, 0, 1])
def test_attention_edges_are_the_lift_from_source_to_target(head: int | None) -> None:
    record = make_explanation(items=30, heads=2, seed=4)
    view = interest_graph(record, "attention", MOST_EDGES, head=head)
    lift = attention_lift(record, head)
    assert view.total == int(record.graph_construction.adjacency.sum()) - 30
    for edge in view.edges:
        assert edge["weight"] == pytest.approx(lift[edge["to"], edge["from"]])
        assert edge["arrows"] == "to"


def test_edges_are_limited_and_every_item_keeps_its_strongest() -> None:
    record = make_explanation(items=250, clusters=12, seed=1)
    view = interest_graph(record, "similarity", 10**6)
    assert view.drawn == MOST_EDGES and f"{MOST_EDGES:,} of 31,125 edges" in view.caption
    view = interest_graph(record, "similarity", 250)
    similarity = record.graph_construction.similarity - 2 * np.eye(250)
    drawn = {frozenset((edge["from"], edge["to"])) for edge in view.edges}
    assert all(frozenset((i, int(similarity[i].argmax()))) in drawn for i in range(250))
    assert interest_graph(record, "similarity", 0).edges == []
    assert interest_graph(record, "similarity", -3).edges == []


def test_wider_and_darker_means_stronger() -> None:
    record = make_explanation(items=30, seed=4)
    edges = sorted(interest_graph(record, "similarity", 400).edges, key=lambda edge: edge["weight"])
    assert [edge["width"] for edge in edges] == sorted(edge["width"] for edge in edges)
    opacities = [edge["color"]["opacity"] for edge in edges]
    assert opacities == sorted(opacities)


def test_positions_depend_on_the_history_alone() -> None:
    first = make_explanation(items=50, seed=5, candidate_seed=1)
    second = make_explanation(items=50, seed=5, candidate_seed=2)
    assert not np.allclose(first.interest_extraction.importance, second.interest_extraction.importance)
    np.testing.assert_array_equal(graph_positions(first), graph_positions(second))
    for layer in LAYERS:
        places = [(node["x"], node["y"]) for node in interest_graph(second, layer).nodes]
        np.testing.assert_allclose(places, graph_positions(first), atol=0.01)


@pytest.mark.parametrize("items", [2, 12, 50, 250])
def test_no_two_nodes_cover_each_other(items: int) -> None:
    places = graph_positions(make_explanation(items=items, clusters=6, seed=items))
    apart = np.sqrt(((places[:, None] - places[None]) ** 2).sum(-1)) + 1e9 * np.eye(items)
    assert np.isfinite(places).all() and apart.min() > 0.8 * SPACING


def test_interests_stand_apart() -> None:
    record = make_explanation(items=50, clusters=5, seed=3, noise=0.0)
    places, clusters = graph_positions(record), item_clusters(record)
    apart = np.sqrt(((places[:, None] - places[None]) ** 2).sum(-1))
    same = clusters[:, None] == clusters[None]
    assert apart[~same].mean() > 2 * apart[same].mean()


def test_a_history_without_edges_is_placed() -> None:
    record = make_explanation(items=9, sparsity=0.0, seed=1)
    np.testing.assert_array_equal(record.graph_construction.adjacency, np.eye(9))
    assert len({tuple(place) for place in graph_positions(record).tolist()}) == 9
    for layer in ("kept edge", "attention"):
        view = interest_graph(record, layer)
        assert view.edges == [] and "there is no edge between two items" in view.caption
    assert "there is no edge" in interest_graph(make_explanation(items=1)).caption


def test_repeated_items_are_placed_apart() -> None:
    record = make_explanation(items=9, seed=1)
    record.graph_construction.similarity[:] = 1
    record.graph_construction.adjacency[:] = 1
    assert len({tuple(place) for place in np.round(graph_positions(record)).tolist()}) == 9


def test_titles_are_text_and_never_say_href() -> None:
    record = make_explanation(items=len(HOSTILE), titles=HOSTILE, seed=1)
    view = interest_graph(record, "attention")
    for node, title in zip(view.nodes, HOSTILE, strict=True):
        assert node["title"].replace("\u200b", "").split("\n")[0] == " ".join(title.split())
    texts = [str(node[key]) for node in view.nodes for key in ("title", "name", "label")]
    assert not any("href" in text.lower() for text in texts + [edge["title"] for edge in view.edges])


def test_an_unknown_layer_is_refused() -> None:
    with pytest.raises(ValueError, match="similarity, kept edge, attention"):
        interest_graph(make_explanation(), "attack")
