"""The quality figures, with values worked out by hand."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from surge.errors import SurgeError
from surge.explanation.explain import explain_history
from surge.explanation.ground_truth import truth
from surge.explanation.history import read_history
from surge.explanation.quality import explanation_quality, structure
from surge.explanation.record import Explanation
from surge.explanation.structure import assignment_entropy, attention_distance, effective_clusters
from tests.explanation.worlds import catalogue, make_checkpoint, make_dataset
from tests.records import make_explanation


def changed(record: Explanation, part: str, **values: Any) -> Explanation:
    return replace(record, **{part: replace(getattr(record, part), **values)})


def assigned(rows: list[list[float]]) -> Explanation:
    """A record with this S."""
    record = make_explanation(items=len(rows), clusters=len(rows[0]))
    return changed(record, "interest_extraction", assignment=np.array(rows, dtype=np.float32))


def one_hot(clusters: list[int], m: int) -> list[list[float]]:
    return np.eye(m)[clusters].tolist()


def test_effective_clusters_counts_evenly_used_clusters() -> None:
    assert effective_clusters(assigned(one_hot([0, 0, 0, 0], 4))) == pytest.approx(1)
    assert effective_clusters(assigned(one_hot([0, 3, 3, 0], 4))) == pytest.approx(2)
    assert effective_clusters(assigned(one_hot([0, 1, 2, 3], 4))) == pytest.approx(4)
    assert effective_clusters(assigned([[0.25] * 4] * 3)) == pytest.approx(4)
    shares = [3 / 4, 1 / 4]
    expected = math.exp(-sum(share * math.log(share) for share in shares))
    assert effective_clusters(assigned(one_hot([0, 0, 1, 0], 3))) == pytest.approx(expected)


def test_effective_clusters_of_deeper_pooling_are_those_of_the_last_layer() -> None:
    record = make_explanation(items=4, clusters=4, layers=(2,))
    extraction = record.interest_extraction
    layer = replace(extraction.layers[0], assignment=np.array(one_hot([0, 0, 1, 1], 2)))
    spread = changed(record, "interest_extraction", assignment=np.eye(4), layers=(layer,))
    assert effective_clusters(spread) == pytest.approx(2)


def test_assignment_entropy_is_zero_when_crisp_and_one_when_even() -> None:
    assert assignment_entropy(assigned(one_hot([0, 2, 1], 3))) == pytest.approx(0, abs=1e-12)
    assert assignment_entropy(assigned([[1 / 3] * 3] * 2)) == pytest.approx(1, abs=1e-6)
    assert assignment_entropy(assigned([[0.5, 0.5, 0, 0], [1, 0, 0, 0]])) == pytest.approx(0.25)  # (log 2 + 0)/2/log 4
    assert assignment_entropy(assigned([[1.0]])) == 0


CHAIN = np.array([[1, 1, 0], [1, 1, 1], [0, 1, 1]])


def attending(rows: list[list[float]], adjacency: np.ndarray = CHAIN) -> Explanation:
    record = changed(make_explanation(items=len(rows)), "graph_construction", adjacency=adjacency)
    return changed(record, "interest_fusion", attention=np.array([rows]))


def test_attention_distance_is_zero_where_attention_is_even() -> None:
    third = 1 / 3
    assert attention_distance(attending([[0.5, 0.5, 0], [third] * 3, [0, 0.5, 0.5]])) == pytest.approx(0, abs=1e-12)


def test_attention_distance_of_peaked_rows() -> None:
    # total variation from even: 1/2 with two neighbours, 2/3 with three
    peaked = attending([[1, 0, 0], [0, 0, 1], [0, 1, 0]])
    assert attention_distance(peaked) == pytest.approx((1 / 2 + 2 / 3 + 1 / 2) / 3)


def test_attention_distance_skips_items_that_have_only_themselves() -> None:
    adjacency = np.array([[1, 1, 0], [1, 1, 0], [0, 0, 1]])
    record = attending([[0.75, 0.25, 0], [0.5, 0.5, 0], [0, 0, 1]], adjacency)
    assert attention_distance(record) == pytest.approx(0.25 / 2)
    assert attention_distance(attending(np.eye(3).tolist(), np.eye(3))) == 0


def test_weighted_degree_sums_the_kept_edges_to_others() -> None:
    similarity = np.array([[1, 0.8, 0.3], [0.8, 1, 0.5], [0.3, 0.5, 1]])
    record = changed(make_explanation(items=3), "graph_construction", similarity=similarity, adjacency=CHAIN)
    assert record.graph_construction.weighted_degree().tolist() == pytest.approx([0.8, 1.3, 0.5])


def test_structure_compares_two_candidates() -> None:
    first = attending([[1, 0, 0], [0, 1, 0], [0, 0, 1]])
    second = attending([[0.5, 0.5, 0], [0, 1, 0], [0, 0.25, 0.75]])
    crisp = np.array(one_hot([0, 1, 1], 4))
    first = changed(first, "interest_extraction", assignment=crisp)
    second = changed(second, "interest_extraction", assignment=np.array(one_hot([0, 1, 2], 4)))
    figures = structure(first, second)
    assert figures["attention_change_between_candidates"] == pytest.approx((0.5 + 0 + 0.25) / 3)
    assert figures["assignment_change_between_candidates"] == pytest.approx(1 / 3)
    assert figures["edges_per_item"] == pytest.approx(4 / 3)
    assert figures["effective_clusters"] == pytest.approx(effective_clusters(first))
    assert figures["assignment_entropy"] == pytest.approx(0, abs=1e-12)
    assert figures["attention_distance_from_uniform"] == attention_distance(first)


INTERESTS = ["camping", "camping", "noise", "jazz", "jazz"]


def graded(clusters: list[int], importance: list[float], similarity: np.ndarray | None = None) -> Explanation:
    record = assigned(one_hot(clusters, 3))
    record = changed(record, "interest_extraction", importance=np.array(importance))
    whole = np.ones((5, 5))
    similar = np.full((5, 5), 0.5) if similarity is None else similarity
    return changed(record, "graph_construction", similarity=similar, adjacency=whole)


def test_nmi_is_one_where_clusters_are_the_interests_and_zero_where_there_is_one_cluster() -> None:
    even = [0.2] * 5
    figures = truth(graded([2, 2, 0, 1, 1], even), INTERESTS, "jazz")
    assert figures["nmi"] == pytest.approx(1)
    assert figures["nmi_with_noise"] == pytest.approx(1)
    assert figures["true_interests"] == 2
    collapsed = truth(graded([1] * 5, even), INTERESTS, "jazz")
    assert collapsed["nmi"] == pytest.approx(0, abs=1e-9)
    # the noise click in the cluster of camping: harmless for nmi, not for nmi_with_noise
    mixed = truth(graded([2, 2, 2, 1, 1], even), INTERESTS, "jazz")
    assert mixed["nmi"] == pytest.approx(1)
    assert 0.5 < mixed["nmi_with_noise"] < 0.95
    assert truth(graded([0, 1, 2, 0, 1], even), INTERESTS, "jazz")["nmi"] == pytest.approx(0, abs=1e-9)


def test_ari_is_adjusted_for_chance() -> None:
    even, interests = [0.2] * 5, ["camping", "camping", "noise", "jazz", "jazz"]
    assert truth(graded([2, 2, 0, 1, 1], even), interests, None)["ari"] == pytest.approx(1)
    assert truth(graded([1] * 5, even), interests, None)["ari"] == pytest.approx(0)
    # of 4 items' 6 pairs: 0 in both, 2 in one, 2 in the other; expected 2*2/6, so (0 - 2/3) / (2 - 2/3)
    assert truth(graded([0, 1, 2, 0, 1], even), interests, None)["ari"] == pytest.approx(-1 / 2)


def test_effective_clusters_are_counted_against_the_interests_of_the_history() -> None:
    figures = truth(graded([0, 0, 0, 0, 0], [0.2] * 5), INTERESTS, None)
    assert figures["effective_clusters_ratio"] == pytest.approx(1 / 2)


def test_attention_inside_the_interest_of_the_target_beside_that_of_the_graph() -> None:
    half = [[0.5, 0.5, 0.0], [0.2, 0.2, 0.6], [0.0, 1.0, 0.0]]
    record = attending(half)
    figures = truth(record, ["jazz", "jazz", "tea"], "jazz")
    assert figures["attention_inside_interest"] == pytest.approx((1 + 0.4) / 2)
    assert figures["uniform_inside_interest"] == pytest.approx((1 + 2 / 3) / 2)
    two_heads = changed(record, "interest_fusion", attention=np.stack([half, np.eye(3)]), **same_scores(record, 2))
    assert truth(two_heads, ["jazz", "jazz", "tea"], "jazz")["attention_inside_interest"] == pytest.approx(
        (1 + (0.4 + 1) / 2) / 2
    )
    alone = truth(record, ["jazz", "jazz", "noise"], "noise")
    assert "attention_inside_interest" not in alone and "uniform_inside_interest" not in alone


def same_scores(record: Explanation, heads: int) -> dict[str, np.ndarray]:
    fusion = record.interest_fusion
    return {name: np.repeat(getattr(fusion, name)[:1], heads, axis=0) for name in ("cluster_score", "query_score")}


def test_a_model_without_candidate_attention_or_pooling_is_not_graded_on_them() -> None:
    record = graded([0, 0, 1, 1, 1], [0.2] * 5)
    even = changed(record, "interest_fusion", query_score=np.zeros((1, 5)))
    figures = truth(even, INTERESTS, "jazz")
    assert not {"importance_noise_auc", "importance_interest_auc"} & set(figures)
    assert {"noise_score_auc", "attention_inside_interest", "nmi"} <= set(figures)
    silent = truth(replace(record, model={"fusion": "none"}), INTERESTS, "jazz")
    assert not {"attention_inside_interest", "uniform_inside_interest"} & set(silent)
    unpooled = truth(replace(record, model={"extraction": "none"}), INTERESTS, "jazz")
    assert not {"nmi", "ari", "nmi_with_noise", "effective_clusters_ratio"} & set(unpooled)
    assert {"importance_noise_auc", "noise_score_auc", "attention_inside_interest"} <= set(unpooled)


def test_noise_aucs_reward_low_importance_and_low_degree_of_noise() -> None:
    lonely = np.full((5, 5), 0.5)
    lonely[2] = lonely[:, 2] = 0.1
    low = truth(graded([0] * 5, [0.3, 0.2, 0.1, 0.2, 0.2], lonely), INTERESTS, None)
    assert low["importance_noise_auc"] == 1
    assert low["degree_noise_auc"] == 1
    assert low["noise_score_auc"] == 1
    high = truth(graded([0] * 5, [0.1, 0.15, 0.45, 0.15, 0.15], 0.6 - lonely), INTERESTS, None)
    assert high["importance_noise_auc"] == 0
    assert high["degree_noise_auc"] == 0
    assert high["noise_score_auc"] == 0
    # lower than one of four, level with another, above two: (1 + 1/2) / 4
    between = truth(graded([0] * 5, [0.4, 0.2, 0.2, 0.1, 0.1]), INTERESTS, None)
    assert between["importance_noise_auc"] == pytest.approx(1.5 / 4)
    assert between["degree_noise_auc"] == pytest.approx(0.5)


def test_importance_is_graded_against_the_interest_of_the_target() -> None:
    importance = [0.05, 0.3, 0.05, 0.35, 0.25]
    figures = truth(graded([0] * 5, importance), INTERESTS, "jazz")
    # of the 2 x 3 pairs of jazz and other items only (0.25, 0.3) is the wrong way round
    assert figures["importance_interest_auc"] == pytest.approx(5 / 6)


def test_figures_that_a_history_can_not_show_are_absent() -> None:
    record = graded([0, 1, 2, 0, 1], [0.2] * 5)
    assert set(truth(record, ["noise"] * 5, "jazz")) == {"true_interests"}
    assert set(truth(record, ["jazz"] * 5, "jazz")) == {"true_interests", "effective_clusters_ratio"}
    clean = truth(record, ["jazz", "jazz", "tea", "tea", "tea"], "noise")
    assert set(clean) == {"true_interests", "effective_clusters_ratio", "nmi", "nmi_with_noise", "ari"}
    assert "importance_interest_auc" not in truth(record, INTERESTS, "gardening")


def test_quality_is_the_mean_over_the_users_that_have_an_explanation() -> None:
    checkpoint = make_checkpoint(seed=1, sparsity=0.4)
    histories = {"ann": ["i1", "i2", "i3", "i4", "i5"], "bob": ["i9", "i7", "i9"], "cyd": ["i99", "i98"]}
    items = catalogue(100)
    shares: list[float] = []
    both = explanation_quality(checkpoint, make_dataset(histories, items), progress=shares.append)
    alone = [explanation_quality(checkpoint, make_dataset({user: histories[user]}, items)) for user in ("ann", "bob")]
    assert both["users"] == 2  # of cyd's items the model knows none
    for name in ("effective_clusters", "assignment_entropy", "edges_per_item"):
        assert both[name] == pytest.approx((alone[0][name] + alone[1][name]) / 2), name
    assert alone[0]["attention_change_between_candidates"] > 0
    assert "nmi" not in both
    assert shares == sorted(shares)


def test_quality_grades_the_reading_of_the_true_next_item() -> None:
    checkpoint = make_checkpoint(seed=1)
    interests = {"ann": ["tea", "jazz", "noise", "tea", "jazz"]}
    dataset = make_dataset({"ann": ["i1", "i2", "i3", "i4", "i5"]}, checkpoint.items, interests)
    figures = explanation_quality(checkpoint, dataset)
    history = read_history(checkpoint, dataset, "ann")
    followed, top = (
        truth(explain_history(checkpoint, history, item), interests["ann"][:4], "jazz") for item in ("i5", None)
    )
    assert set(followed) == {
        "true_interests",
        "nmi",
        "nmi_with_noise",
        "ari",
        "effective_clusters_ratio",
        "importance_noise_auc",
        "degree_noise_auc",
        "noise_score_auc",
        "importance_interest_auc",
        "attention_inside_interest",
        "uniform_inside_interest",
    }
    assert {name: figures[name] for name in followed} == followed
    assert followed != top


def test_quality_draws_users_by_its_seed() -> None:
    checkpoint = make_checkpoint(seed=1)
    histories = {f"u{n}": [f"i{(n * k) % 30}" for k in range(1, 4 + n % 5)] for n in range(1, 12)}
    dataset = make_dataset(histories, checkpoint.items)

    def measured(seed: int) -> dict[str, float]:
        return explanation_quality(checkpoint, dataset, users=3, seed=seed)

    assert measured(0) == measured(0)
    assert measured(0) != measured(1)
    assert measured(0)["users"] == 3


def test_quality_of_a_dataset_that_does_not_fit_is_refused() -> None:
    checkpoint = make_checkpoint(count=5)
    dataset = make_dataset({"ann": ["i20", "i21"]}, catalogue(30))
    with pytest.raises(SurgeError, match="dataset it fits"):
        explanation_quality(checkpoint, dataset)
