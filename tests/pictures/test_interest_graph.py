"""The interest graph: what is drawn is what the record holds, where it stands, and that titles stay text."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from surge.explanation.measurements import Effects
from surge.explanation.record import Explanation
from surge.pictures.assets import asset
from surge.pictures.edit_context import Before
from surge.pictures.graph_layout import SPACING, edited_positions, graph_positions, shared_positions
from surge.pictures.graph_nodes import LABELLED, LARGEST, SMALLEST
from surge.pictures.interest_graph import (
    DEFAULT_EDGES,
    LAYERS,
    MOST_EDGES,
    edge_total,
    graph_assets,
    graph_data,
    interest_graph,
)
from surge.pictures.measures import attention_lift
from surge.pictures.palette import Theme, cluster_styles, item_clusters
from surge.pictures.view_words import ABOUT_GRAPH
from tests.pictures.hostile import HOSTILE
from tests.records import make_explanation

ROOT = Path(__file__).parents[2]


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
    np.testing.assert_allclose([node["weight"] for node in view.nodes], importance)
    assert not any(node["sign"] or node["ghost"] for node in view.nodes)
    sizes = np.array([node["size"] for node in view.nodes])
    inner = (sizes > sizes.min()) & (sizes < sizes.max())
    assert np.corrcoef(sizes[inner] ** 2, importance[inner])[0, 1] > 0.999  # area, within the limits
    named = [node["id"] for node in view.nodes if node["label"] != " "]
    assert sorted(named) == sorted(np.argsort(-importance)[:LABELLED].tolist())
    assert all(len(node["name"]) <= 24 for node in view.nodes)


def effects_of(values: list[float], logit: float = 4.0, **more: object) -> Effects:
    """Log effects of each item, given as such."""
    return Effects(logit, logit - np.array(values), np.full(4, np.nan), **more)  # type: ignore[arg-type]


def test_nodes_show_the_measured_effect() -> None:
    record = make_explanation(items=8, seed=2)
    values = [2.0, -1.0, 0.5, -0.004, 0.0, np.nan, 0.25, -0.3]
    view = interest_graph(record, effects=effects_of(values))
    sizes = np.array([node["size"] for node in view.nodes])
    known = np.abs(np.nan_to_num(values))
    np.testing.assert_allclose(sizes, np.clip(14 * np.sqrt(known / known.mean()), SMALLEST, LARGEST), atol=0.01)
    assert sizes[0] == LARGEST and set(sizes[[3, 4, 5]]) == {SMALLEST}
    assert [node["sign"] for node in view.nodes] == ["+", "−", "+", "", "", "", "+", "−"]
    assert {node["id"] for node in view.nodes if node["label"] != " "} == {0, 1, 2, 6, 7}
    assert "measured effect" in view.caption and "importance" not in view.caption
    assert "importance γ" in interest_graph(record).caption


def test_tooltips_tell_the_lift_without_the_item() -> None:
    record = make_explanation(items=4, seed=2)
    # lifts: 9.1 with everything, 3.8 and 18 without the first and the second item
    values = [np.log(9.1 / 3.8), -np.log(2), np.nan, 0.0]
    effects = effects_of(values, np.log(9.1), rank=3, item_rank=np.array([12.0, 1.0, np.nan, 3.0]))
    lines = [node["title"].split("\n") for node in interest_graph(record, effects=effects).nodes]
    assert lines[0][-2:] == [
        "effect ×2.4: without it lift 9.1× → 3.8×, rank #3 → #12",
        "it speaks for the candidate (+)",
    ]
    assert lines[1][-2].startswith("effect ÷2.0: without it lift 9.1× → 18×")
    assert lines[1][-1] == "it speaks against the candidate (−)"
    assert lines[2][-1] == "without it: nothing would be left to read"
    assert lines[3][-1].startswith("effect ×1.0: without it lift 9.1× → 9.1×") and "speaks" not in lines[3][-1]


def test_no_effect_at_all_is_drawn_small() -> None:
    view = interest_graph(make_explanation(items=1), effects=effects_of([np.nan]))
    assert [node["size"] for node in view.nodes] == [SMALLEST]
    assert view.nodes[0]["title"].endswith("without it: nothing would be left to read")


def test_a_repeated_item_is_named_once() -> None:
    record = make_explanation(items=8, seed=2)
    history = tuple(replace(record.history[0], timestamp=item.timestamp) for item in record.history[:6])
    record = replace(record, history=history + record.history[6:])
    view = interest_graph(record, effects=effects_of([9, 8, 7, 6, 5, 4, 2, 1]))
    assert [node["id"] for node in view.nodes if node["label"] != " "] == [0, 6, 7]


def test_given_styles_are_used() -> None:
    record = make_explanation(items=12, clusters=4, seed=2)
    styles = cluster_styles(record, like=cluster_styles(record)[::-1], partner=range(4))
    view = interest_graph(record, styles=styles)
    assert [node["letter"] for node in view.nodes] == [styles[c].letter for c in item_clusters(record)]
    assert styles != cluster_styles(record)


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("items", [1, 9, 40])
def test_the_number_of_edges_is_known_without_drawing(layer: str, items: int) -> None:
    record = make_explanation(items=items, seed=4)
    assert edge_total(record, layer) == interest_graph(record, layer, MOST_EDGES).total


# -- edits ------------------------------------------------------------------------------------------------


def edited(items: int = 30, removed: tuple[int, ...] = (0, 4, 5), new: int = 2) -> tuple[Explanation, Before]:
    """A record after edits that took items away and put new ones at its start and its end."""
    base = make_explanation(items=items, clusters=5, seed=6)
    kept = [i for i in range(items) if i not in removed]
    origin = (*[None] * (new // 2), *kept, *[None] * (new - new // 2))
    return make_explanation(items=len(origin), clusters=5, seed=7), Before(base, origin)


def test_items_that_were_there_stand_where_they_stood() -> None:
    record, before = edited()
    old = graph_positions(before.record)
    for layer in LAYERS:
        view = interest_graph(record, layer, before=before)
        places = np.array([(node["x"], node["y"]) for node in view.nodes])
        for i, origin in enumerate(before.origin):
            if origin is not None:
                np.testing.assert_allclose(places[i], old[origin], atol=0.01)
        np.testing.assert_allclose(places[record.length :], old[list(before.removed)], atol=0.01)
    ghosts = view.nodes[record.length :]
    assert [node["id"] for node in ghosts] == [29, 30, 31] and all(node["ghost"] for node in ghosts)
    assert [node["name"] for node in ghosts] == [before.record.history[i].title for i in (0, 4, 5)]
    assert all(node["shapeProperties"]["borderDashes"] and node["label"] == " " for node in ghosts)
    assert all(edge["from"] < record.length and edge["to"] < record.length for edge in view.edges)
    assert [node["shape"] for node in view.nodes].count("square") == 2
    assert "Dashed: 3 items that the edits removed. Squares: 2 new items." in view.caption


@pytest.mark.parametrize(("items", "new"), [(30, 8), (120, 40), (3, 12)])
def test_new_items_stand_free_beside_the_most_similar_one(items: int, new: int) -> None:
    record, before = edited(items, removed=(0,), new=new)
    positions, gone = edited_positions(record, before)
    places = np.concatenate([positions, gone])
    apart = np.sqrt(((places[:, None] - places[None]) ** 2).sum(-1)) + 1e9 * np.eye(len(places))
    added = [i for i, origin in enumerate(before.origin) if origin is None]
    assert apart[added].min() >= SPACING - 1e-6
    kept = [i for i, origin in enumerate(before.origin) if origin is not None]
    first = added[0]
    beside = kept[int(np.argmax(record.graph_construction.similarity[first, kept]))]
    reach = np.sqrt(((positions[first] - positions[beside]) ** 2).sum())
    assert reach < 2.6 * SPACING or items > 100  # where there is a crowd, a little further off


def test_a_history_of_new_items_alone_is_placed() -> None:
    base = make_explanation(items=4, seed=1)
    record = make_explanation(items=5, seed=2)
    positions, gone = edited_positions(record, Before(base, (None,) * 5))
    places = np.concatenate([positions, gone])
    apart = np.sqrt(((places[:, None] - places[None]) ** 2).sum(-1)) + 1e9 * np.eye(9)
    assert gone.shape == (4, 2) and apart.min() >= 0.8 * SPACING


def test_what_is_gone_tells_what_it_did() -> None:
    record, before = edited()
    effects = effects_of(np.linspace(-1, 1, 30).tolist())
    view = interest_graph(record, before=Before(before.record, before.origin, effects))
    lines = view.nodes[record.length]["title"].split("\n")
    assert "no longer in the history" in lines
    assert any(line.startswith("before: effect ÷2.7: without it lift 55×") for line in lines)


# -- what the page is sent --------------------------------------------------------------------------------


def test_the_data_are_plain_and_hold_no_selection() -> None:
    record = make_explanation(items=20, seed=2)
    view = interest_graph(record, effects=effects_of(np.linspace(-1, 1, 20).tolist()))
    data = graph_data(view, "dark", 480)
    again = graph_data(interest_graph(record, effects=effects_of(np.linspace(-1, 1, 20).tolist())), "dark", 480)
    assert json.dumps(data, allow_nan=False) == json.dumps(again)
    assert not {"selected", "members", "items", "cluster"} & data.keys()
    assert data["label"].startswith("Interest graph: 20 items, 60 of 190 edges.")
    assert graph_data(view, "dark", 480, linked=False)["linked"] is False


def test_only_a_new_history_is_laid_out_anew() -> None:
    record, before = edited()
    drawn = {
        "base": interest_graph(before.record),
        "other layer": interest_graph(before.record, "attention", 20, "dark"),
        "edited": interest_graph(record, before=before),
        "another": interest_graph(make_explanation(items=30, clusters=5, seed=8)),
    }
    data = {name: graph_data(view, "light", 480) for name, view in drawn.items()}
    assert data["base"]["places"] == data["other layer"]["places"] == data["edited"]["places"]
    assert data["base"]["places"] != data["another"]["places"]
    assert len({part["digest"] for part in data.values()}) == 4
    assert data["edited"]["label"].startswith("Interest graph: 29 items,")


def test_the_files_ask_nobody_for_anything() -> None:
    assets = graph_assets()
    assert "vis" in assets.library and "sourceMappingURL" not in assets.library
    for text in (assets.html, assets.css, assets.script):
        assert "http" not in text and "url(" not in text and "@import" not in text
    assert "innerHTML" not in assets.script
    assert "</script" not in assets.script + assets.library  # a report may hold them


def test_the_words_about_the_picture_are_few() -> None:
    assert len(ABOUT_GRAPH.split()) <= 90


# -- edges and places -------------------------------------------------------------------------------------


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


def test_attention_edges_are_the_lift_from_source_to_target() -> None:
    record = make_explanation(items=30, heads=2, seed=4)
    view = interest_graph(record, "attention", MOST_EDGES)
    lift = attention_lift(record)
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


def test_titles_are_the_text_that_they_are() -> None:
    record = make_explanation(items=len(HOSTILE), titles=HOSTILE, seed=1)
    view = interest_graph(record, "attention")
    for node, title in zip(view.nodes, HOSTILE, strict=True):
        assert node["title"].split("\n")[0] == " ".join(title.split())


def test_nobody_asks_pyvis_for_its_own_page() -> None:
    """It makes HTML of every title where one says "href"; graph.js writes them as text, whatever they say."""
    sources = [path.read_text(encoding="utf-8") for part in ("surge", "app") for path in (ROOT / part).rglob("*.py")]
    assert len(sources) > 100
    assert not any(
        word in text for text in sources for word in ("generate_html", "write_html(", "save_graph", ".show(")
    )
    for name in ("graph.js", "graph_keys.js", "graph_ink.js"):
        assert not any(word in asset(name) for word in ("innerHTML", "insertAdjacentHTML", "title:"))


def test_an_unknown_layer_is_refused() -> None:
    with pytest.raises(ValueError, match="similarity, kept edge, attention"):
        interest_graph(make_explanation(), "attack")


# -- another model's graph of the same items --------------------------------------------------------------


def test_common_items_stand_where_the_first_model_has_them() -> None:
    first = make_explanation(items=30, seed=1)
    second = make_explanation(items=28, seed=9)
    places = np.array([(i + 5, i) for i in range(25)])  # the second lost the beginning and has three more at the end
    positions = shared_positions(second, first, places)
    assert positions.shape == (28, 2)
    np.testing.assert_array_equal(positions[:25], graph_positions(first)[5:])
    apart = np.sqrt(((positions[:, None] - positions[None]) ** 2).sum(-1)) + 1e9 * np.eye(28)
    assert apart[25:].min() >= SPACING - 1e-6
    alone = graph_positions(first)[:5]  # where only the first has items nothing of the second stands
    assert np.sqrt(((positions[25:, None] - alone[None]) ** 2).sum(-1)).min() >= SPACING - 1e-6
    view = interest_graph(second, "kept edge", positions=positions)
    np.testing.assert_allclose([[node["x"], node["y"]] for node in view.nodes], positions, atol=0.005)
    assert "Bottom row" not in view.caption


def test_without_a_common_item_a_graph_stands_as_alone() -> None:
    first, second = make_explanation(items=6, seed=1), make_explanation(items=8, seed=2)
    none = np.empty((0, 2), dtype=np.int64)
    np.testing.assert_array_equal(shared_positions(second, first, none), graph_positions(second))
