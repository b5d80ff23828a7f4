"""The order of the clusters and the noise score, with values worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from surge.explanation.quality import structure
from surge.explanation.record import Explanation
from surge.explanation.structure import noise_score, order_time_correlation
from tests.records import make_explanation


def changed(record: Explanation, part: str, **values: Any) -> Explanation:
    return replace(record, **{part: replace(getattr(record, part), **values)})


def read_in(order: list[int], assignment: list[list[float]]) -> Explanation:
    record = make_explanation(items=len(assignment), clusters=len(order))
    record = changed(record, "interest_extraction", assignment=np.array(assignment))
    return changed(record, "prediction", order=np.array(order))


CRISP = np.eye(4)[[2, 2, 0, 1, 1]].tolist()  # cluster 2 at 0.2, 0 at 0.5, 1 at 0.8, and 3 holds nothing


def test_order_follows_time_where_clusters_are_read_by_their_mean_position() -> None:
    assert order_time_correlation(read_in([2, 0, 1, 3], CRISP)) == pytest.approx(1)
    assert order_time_correlation(read_in([1, 3, 0, 2], CRISP)) == pytest.approx(-1)
    # steps (1, 2, 3) read positions of rank (2, 3, 1): 1 - 6 * (1 + 1 + 4) / (3 * 8)
    assert order_time_correlation(read_in([0, 1, 3, 2], CRISP)) == pytest.approx(-1 / 2)


def test_a_cluster_that_holds_less_than_half_an_item_has_no_say() -> None:
    crumbs = [[0, 0.6, 0.4], [0, 1, 0], [1, 0, 0]]
    assert order_time_correlation(read_in([1, 0, 2], crumbs)) is None  # two are left
    held = [[0.0, 0.5, 0.5], [0, 1, 0], [1, 0, 0]]  # cluster 2 first, 1 then, 0 last
    assert order_time_correlation(read_in([2, 1, 0], held)) == pytest.approx(1)


def test_clusters_at_one_position_have_no_order() -> None:
    even = [[1 / 3] * 3] * 4
    assert order_time_correlation(read_in([0, 1, 2], even)) is None
    nudged = np.array([[1.0, 0, 0], [0, 0.5, 0.5], [0, 0.5 + 1e-8, 0.5 - 1e-8], [0, 0, 1]])
    nudged[3] = [0, 0.5 - 1e-8, 0.5 + 1e-8]  # 1 and 2 differ by rounding alone: a tie, ranks 1, 2.5, 2.5
    assert order_time_correlation(read_in([0, 2, 1], nudged.tolist())) == pytest.approx(np.sqrt(3) / 2)


def test_the_order_of_deeper_pooling_is_that_of_the_last_clusters() -> None:
    record = make_explanation(items=4, clusters=4, layers=(3,))
    layer = replace(record.interest_extraction.layers[0], assignment=np.eye(3)[[2, 1, 0, 0]])
    record = changed(record, "interest_extraction", assignment=np.eye(4), layers=(layer,))
    assert order_time_correlation(changed(record, "prediction", order=np.array([2, 1, 0]))) == pytest.approx(1)
    assert order_time_correlation(changed(record, "prediction", order=np.array([0, 1, 2]))) == pytest.approx(-1)


def alike(similarity: list[list[float]]) -> Explanation:
    record = make_explanation(items=len(similarity))
    return changed(record, "graph_construction", similarity=np.array(similarity))


def test_noise_score_asks_for_two_similar_items_near_by() -> None:
    record = alike([[1, 0.8, 0.4, -0.5], [0.8, 1, 0.2, 0.1], [0.4, 0.2, 1, -0.3], [-0.5, 0.1, -0.3, 1]])
    # nearness 3/4, 2/4, 1/4 at a distance of 1, 2, 3 of 4 items; below 0 nothing vouches
    assert noise_score(record).tolist() == pytest.approx(
        [
            1 - (0.8 * 0.75 + 0.4 * 0.5) / 2,
            1 - (0.8 * 0.75 + 0.2 * 0.75) / 2,
            1 - (0.4 * 0.5 + 0.2 * 0.75) / 2,
            1 - (0.1 * 0.5 + 0) / 2,
        ]
    )


def test_noise_score_leaves_the_record_as_it_is() -> None:
    record = make_explanation(items=6)
    before = record.graph_construction.similarity.copy()
    score = noise_score(record)
    assert np.array_equal(record.graph_construction.similarity, before)
    assert score.shape == (6,) and (score >= 0).all() and (score <= 1).all()


def test_noise_score_of_one_and_of_two_items() -> None:
    assert noise_score(alike([[1]])).tolist() == [1]
    assert noise_score(alike([[1, 0.6], [0.6, 1]])).tolist() == pytest.approx([0.7, 0.7])


def test_structure_leaves_out_what_a_model_or_a_history_does_not_have() -> None:
    record = make_explanation(items=8, sparsity=0.4)
    everything = {
        "edges_per_item",
        "attention_distance_from_uniform",
        "attention_change_between_candidates",
        "effective_clusters",
        "assignment_entropy",
        "assignment_change_between_candidates",
        "order_time_correlation",
    }
    attention = {name for name in everything if name.startswith("attention")}
    assert set(structure(record, record)) == everything
    silent = replace(record, model={"fusion": "none"})
    assert set(structure(silent, silent)) == everything - attention
    unpooled = replace(record, model={"extraction": "none"})
    assert set(structure(unpooled, unpooled)) == attention | {"edges_per_item"}
    alone = make_explanation(items=1)
    assert structure(alone, alone)["edges_per_item"] == 0
    assert not attention & set(structure(alone, alone))
