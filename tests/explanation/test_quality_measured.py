"""Purity of categories, areas of faithfulness, and what a whole checkpoint is graded on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from surge.explanation.explain import explain_history
from surge.explanation.faithfulness import measure_faithfulness
from surge.explanation.history import read_history
from surge.explanation.leave_one_out import measure_effects
from surge.explanation.measurements import Faithfulness
from surge.explanation.quality import category_purity, explanation_quality, faithfulness_areas
from surge.explanation.record import Embeddings, Explanation
from tests.explanation.worlds import make_checkpoint, make_dataset
from tests.records import make_explanation

NAMES = ("leave_one_out", "importance", "attention", "integrated_gradients")


def shelved(clusters: list[int], categories: list[str | None], embedded: list[list[float]]) -> Explanation:
    record = make_explanation(items=len(clusters), clusters=3, categories=categories)
    extraction = replace(record.interest_extraction, assignment=np.eye(3)[clusters])
    history = np.zeros_like(record.embeddings.history)
    history[:, :2] = embedded
    return replace(
        record, interest_extraction=extraction, embeddings=Embeddings(history, record.embeddings.target), model={}
    )


NEAR, FAR = [0.0, 1.0], [9.0, 0.0]


def test_purity_counts_the_commonest_category_of_each_cluster() -> None:
    record = shelved([0, 0, 0, 2, 2], ["Action|Comedy", "Action", "Drama", "Drama", None], [NEAR, NEAR, FAR, FAR, NEAR])
    figures = category_purity(record)
    assert figures["category_purity"] == pytest.approx(3 / 4)  # 2 of Action, 1 of Drama, of 4 that have one
    assert figures["category_purity_kmeans"] == pytest.approx(1)


def test_k_means_has_as_many_clusters_as_the_history_uses() -> None:
    collapsed = category_purity(shelved([1] * 4, ["a", "a", "a", "b"], [NEAR, NEAR, NEAR, FAR]))
    assert collapsed == {"category_purity": 3 / 4, "category_purity_kmeans": 3 / 4}
    repeated = category_purity(shelved([0, 1, 2, 2], ["a", "a", "b", "b"], [NEAR] * 4))  # one item, four times
    assert repeated == {"category_purity": 1, "category_purity_kmeans": 1 / 2}


def test_without_the_categorys_embedding_k_means_sees_the_items_own_numbers_alone() -> None:
    record = shelved([0, 0, 2, 2], ["a", "b", "a", "b"], [NEAR, FAR, NEAR, FAR])
    kinds = {size: category_purity(replace(record, model={"item_size": size})) for size in (1, 2, 99)}
    assert kinds[2]["category_purity_kmeans_own"] == kinds[2]["category_purity_kmeans"] == 1
    history = record.embeddings.history.copy()
    history[:, 0] = [0.0, 0.0, 9.0, 9.0]  # the first number alone tells other groups
    other = replace(record, embeddings=Embeddings(history, record.embeddings.target), model={"item_size": 1})
    assert category_purity(other)["category_purity_kmeans_own"] == 1 / 2
    assert "category_purity_kmeans_own" not in kinds[99]


def test_purity_needs_categories_and_clusters() -> None:
    assert category_purity(shelved([0, 1], [None, None], [NEAR, FAR])) == {}
    record = shelved([0, 1], ["a", "b"], [NEAR, FAR])
    assert category_purity(replace(record, model={"extraction": "none"})) == {}


def test_areas_gain_on_the_mean_of_the_random_orders() -> None:
    curve = {"leave-one-out": np.array([0.8, 0.2, 0.2]), "integrated gradients": np.array([0.8, 0.6, 0.2])}
    rising = {"leave-one-out": np.array([0.7, 0.7, 0.8]), "integrated gradients": np.array([0.1, 0.5, 0.8])}
    measured = Faithfulness(
        attributions={"leave-one-out": np.zeros(3), "integrated gradients": np.zeros(3)},
        deleted=np.arange(3),
        deletion=curve,
        insertion=rising,
        random_deletion=np.array([[0.8, 0.6, 0.2], [0.8, 0.4, 0.4]]),
        random_insertion=np.array([[0.2, 0.2, 0.8], [0.4, 0.6, 0.8]]),
    )
    areas = faithfulness_areas(measured, ["leave-one-out", "integrated gradients"])
    assert areas == pytest.approx(
        {
            "deletion_area_random": 0.525,  # trapezoids of (0.8, 0.5, 0.3)
            "insertion_area_random": 0.475,  # of (0.3, 0.4, 0.8)
            "deletion_area_leave_one_out": 0.35,
            "deletion_gain_leave_one_out": 0.175,
            "insertion_area_leave_one_out": 0.725,
            "insertion_gain_leave_one_out": 0.25,
            "deletion_area_integrated_gradients": 0.55,
            "deletion_gain_integrated_gradients": -0.025,
            "insertion_area_integrated_gradients": 0.475,
            "insertion_gain_integrated_gradients": 0,
        }
    )
    assert set(faithfulness_areas(measured, [])) == {"deletion_area_random", "insertion_area_random"}


LONG = [f"i{row}" for row in (1, 2, 3, 5, 7, 8, 10, 12, 13, 16, 18, 20, 21, 22)]
HISTORIES = {"ann": LONG, "bob": ["i9", "i7"], "cyd": ["i3"]}


def quality(histories: dict[str, list[str]] = HISTORIES, **settings: Any) -> dict[str, float]:
    checkpoint = make_checkpoint(seed=1, **({"sparsity": 0.4} | settings))
    return explanation_quality(checkpoint, make_dataset(histories, checkpoint.items))


def test_faithfulness_is_that_of_the_top_item() -> None:
    checkpoint = make_checkpoint(seed=1, sparsity=0.4)
    dataset = make_dataset({"ann": HISTORIES["ann"]}, checkpoint.items)
    figures = explanation_quality(checkpoint, dataset, seed=3)
    history = read_history(checkpoint, dataset, "ann")
    record = explain_history(checkpoint, history)
    effects = measure_effects(checkpoint, history, record)
    measured = measure_faithfulness(checkpoint, history, record, effects, seed=3)
    assert figures["deletion_area_importance"] == pytest.approx(measured.area(measured.deletion["importance"]))
    assert figures["insertion_area_attention"] == pytest.approx(measured.area(measured.insertion["attention"]))
    assert figures["deletion_area_random"] == pytest.approx(measured.area(measured.random_deletion.mean(0)))
    for name in NAMES:
        gain = figures["deletion_area_random"] - figures[f"deletion_area_{name}"]
        assert figures[f"deletion_gain_{name}"] == pytest.approx(gain)
    share = figures["deletion_gain_importance"] / figures["deletion_gain_leave_one_out"]
    assert figures["importance_share_of_leave_one_out"] == pytest.approx(share)
    assert all(isinstance(value, float) and np.isfinite(value) for value in figures.values())


def test_faithfulness_is_measured_on_the_first_users_that_have_two_items() -> None:
    checkpoint = make_checkpoint(seed=1, sparsity=0.4)
    histories = {f"u{n}": [f"i{(n * k) % 30}" for k in range(1, 4 + n % 3)] for n in range(1, 6)}
    dataset = make_dataset(histories | {"cyd": ["i3"]}, checkpoint.items)
    shares: list[float] = []
    figures = explanation_quality(checkpoint, dataset, faithfulness_users=2, progress=shares.append)
    assert figures["users"] == 6 and figures["faithfulness_users"] == 2
    assert shares == sorted(shares) and shares[-1] == 1
    none = explanation_quality(checkpoint, dataset, faithfulness_users=0)
    assert not [name for name in none if "deletion" in name or "insertion" in name or "leave_one_out" in name]
    assert "faithfulness_users" not in none
    assert {name: figures[name] for name in none} == none
    assert explanation_quality(checkpoint, dataset)["faithfulness_users"] == 5


def test_histories_of_one_and_two_items_give_what_they_can() -> None:
    one = quality({"cyd": ["i3"]})
    assert one["users"] == 1 and one["effective_clusters"] >= 1
    assert not [name for name in one if name.startswith(("attention", "deletion", "insertion"))]
    two = quality({"ann": ["i1", "i2", "i3"]})
    assert two["faithfulness_users"] == 1
    assert np.isfinite(list(two.values())).all()


@pytest.mark.parametrize(
    ("settings", "absent"),
    [
        (
            {"fusion": "none"},
            {"attention_distance_from_uniform", "deletion_area_attention", "deletion_area_importance"},
        ),
        ({"fusion": "without_query"}, {"deletion_area_importance", "importance_share_of_leave_one_out"}),
        ({"extraction": "none"}, {"effective_clusters", "order_time_correlation", "category_purity"}),
    ],
)
def test_a_model_without_a_part_is_not_graded_on_it(settings: dict[str, str], absent: set[str]) -> None:
    whole, figures = quality(), quality(**settings)
    assert absent <= set(whole)
    assert not absent & set(figures)
    assert {"edges_per_item", "deletion_gain_leave_one_out", "insertion_gain_integrated_gradients"} <= set(figures)
    assert np.isfinite(list(figures.values())).all()


def test_clusters_read_by_time_follow_it() -> None:
    assert quality()["order_time_correlation"] == pytest.approx(1)


def test_quality_of_data_without_categories_has_no_purity() -> None:
    assert not [name for name in quality({"ann": ["i4", "i9", "i14", "i19"]}) if "purity" in name]
