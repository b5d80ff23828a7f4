"""Metrics against fractions worked out by hand, and against scikit-learn."""

from __future__ import annotations

from fractions import Fraction as F
from itertools import permutations
from math import log2

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score, roc_auc_score

from surge.errors import SurgeError
from surge.evaluation.metrics import (
    auc,
    gains,
    grouped_auc,
    hit_rate,
    hits,
    list_metrics,
    ndcg,
    places,
    reciprocal_rank,
    reciprocals,
    user_auc,
)

# Three lists, the positive first; the users' lists do not stand together.
SCORES = np.array([[3.0, 1, 2, 4], [5, 1, 2, 3], [1, 1, 0, 0.5]])
USER = np.array([7, 2, 7])


def random_lists(seed: int, ties: bool) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 8, (60, 12)).astype(float) if ties else rng.permutation(720).reshape(60, 12) / 7
    return scores, rng.integers(0, 9, 60) ** 2


def relevance(scores: np.ndarray) -> np.ndarray:
    """1 for the positive of each list, 0 for its negatives."""
    return np.eye(1, scores.shape[1], dtype=int).repeat(len(scores), axis=0)


# -- by hand ------------------------------------------------------------------------------------------


def test_places_by_hand() -> None:
    # 3 comes after 4; 5 is first; 1 shares the first two places with the other 1
    above, tied = places(SCORES)
    assert (above.tolist(), tied.tolist()) == ([1, 0, 0], [0, 0, 1])


def test_all_metrics_by_hand() -> None:
    metrics = list_metrics(SCORES, USER)
    # positives 3, 5, 1 against the nine negatives 0, 1/2, 1, 1, 1, 2, 2, 3, 4: 7 + 1/2, 9, and 2 + 3/2 pairs
    assert metrics["auc"] == pytest.approx(float(F(20, 27)))
    # user 7: 3 and 1 against 0, 1/2, 1, 1, 2, 4: 5 and 2 + 2/2 of 12 pairs, two clicks; user 2: all right, one click
    assert metrics["gauc"] == pytest.approx(float((2 * F(8, 12) + 1 * F(1)) / 3))
    assert metrics["list_auc"] == pytest.approx(float((F(2, 3) + 1 + F(5, 6)) / 3))
    assert metrics["mrr"] == pytest.approx(float((F(1, 2) + 1 + F(3, 4)) / 3))  # 1 is first or second
    assert metrics["ndcg@2"] == pytest.approx((1 / log2(3) + 1 + (1 + 1 / log2(3)) / 2) / 3)
    assert metrics["ndcg@10"] == metrics["ndcg@2"]
    assert metrics["hr@10"] == 1


def test_cuts_by_hand() -> None:
    above, tied = np.array([0, 1, 2, 9, 9, 10]), np.array([0, 0, 0, 0, 1, 0])
    assert hits(above, tied, 10).tolist() == [1, 1, 1, 1, 0.5, 0]  # place 10 or 11: half of the time within the cut
    assert hit_rate(above, tied, 1) == pytest.approx(float(F(1, 6)))
    assert hit_rate(above, tied, 10) == pytest.approx(float(F(9, 12)))
    assert ndcg(above, tied, 2) == pytest.approx((1 + 1 / log2(3)) / 6)
    assert ndcg(above, tied, 10) == pytest.approx((1 + 1 / log2(3) + 1 / 2 + 1.5 / log2(11)) / 6)
    assert reciprocal_rank(np.array([0, 1, 3]), np.zeros(3, dtype=int)) == pytest.approx(float(F(7, 12)))
    # places 2, 3 and 4
    assert reciprocals(np.array([1]), np.array([2])).tolist() == pytest.approx([float(F(13, 36))])
    assert hits(np.array([1]), np.array([2]), 3).tolist() == pytest.approx([2 / 3])


def test_gauc_weighs_users_by_clicks() -> None:
    # user 0: one list, all wrong; user 1: three lists, all right
    scores = np.array([[0.0, 1, 1], [2, 1, 1], [2, 1, 1], [2, 1, 1]])
    assert grouped_auc(scores, np.array([0, 1, 1, 1])) == pytest.approx(3 / 4)


def test_gauc_compares_across_the_lists_of_a_user() -> None:
    # each list is right in itself; taken together 1 of the 4 pairs is wrong
    scores = np.array([[10.0, 9], [2, 1]])
    assert grouped_auc(scores, np.array([4, 4])) == pytest.approx(3 / 4)
    assert grouped_auc(scores, np.array([4, 5])) == 1
    assert list_metrics(scores, np.array([4, 4]))["list_auc"] == 1


@pytest.mark.parametrize("constant", [0.0, -3.5, 1e30])
def test_a_constant_scorer_has_what_chance_has(constant: float) -> None:
    metrics = list_metrics(np.full((30, 100), constant), np.arange(30) // 4)
    assert metrics["auc"] == metrics["gauc"] == metrics["list_auc"] == 0.5
    harmonic = float(sum(F(1, rank) for rank in range(1, 101)))
    assert metrics["mrr"] == pytest.approx(harmonic / 100)
    assert round(metrics["mrr"], 4) == 0.0519
    assert metrics["hr@10"] == pytest.approx(0.10)
    for cut in (2, 10):
        assert metrics[f"ndcg@{cut}"] == pytest.approx(sum(1 / log2(1 + rank) for rank in range(1, cut + 1)) / 100)


def test_a_random_scorer_has_the_same() -> None:
    rng = np.random.default_rng(0)
    scores, user = rng.random((40_000, 20)), np.arange(40_000) // 4
    random, constant = list_metrics(scores, user), list_metrics(np.zeros((40, 20)), np.arange(40) // 4)
    for name, value in constant.items():
        assert random[name] == pytest.approx(value, abs=0.01), name  # five standard deviations of the widest


def test_the_best_and_the_worst() -> None:
    best = np.tile([1.0, 0, 0, 0], (5, 1))
    assert set(list_metrics(best, np.arange(5)).values()) == {1.0}
    worst = list_metrics(-best, np.arange(5))
    assert worst["auc"] == worst["gauc"] == worst["list_auc"] == worst["ndcg@2"] == 0
    assert worst["mrr"] == pytest.approx(1 / 4)


# -- against scikit-learn -----------------------------------------------------------------------------


@pytest.mark.parametrize("ties", [True, False])
@pytest.mark.parametrize("seed", range(4))
def test_auc_against_scikit_learn(seed: int, ties: bool) -> None:
    scores, user = random_lists(seed, ties)
    metrics, labels = list_metrics(scores, user), relevance(scores)
    assert metrics["auc"] == pytest.approx(roc_auc_score(labels.ravel(), scores.ravel()), abs=1e-12)
    assert metrics["list_auc"] == pytest.approx(
        np.mean([roc_auc_score(label, row) for label, row in zip(labels, scores, strict=True)]), abs=1e-12
    )
    of_users = [
        (user == one).sum() * roc_auc_score(labels[user == one].ravel(), scores[user == one].ravel())
        for one in np.unique(user)
    ]
    assert metrics["gauc"] == pytest.approx(sum(of_users) / len(user), abs=1e-12)


@pytest.mark.parametrize("cut", [1, 2, 5, 10])
def test_ndcg_against_scikit_learn_without_ties(cut: int) -> None:
    scores, _ = random_lists(cut, ties=False)
    assert ndcg(*places(scores), cut) == pytest.approx(ndcg_score(relevance(scores), scores, k=cut), abs=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_ndcg_with_ties_against_scikit_learn(seed: int) -> None:
    scores, _ = random_lists(seed, ties=True)
    assert places(scores)[1].any()
    assert ndcg(*places(scores), 12) == pytest.approx(ndcg_score(relevance(scores), scores), abs=1e-12)


def test_auc_of_unequal_sides_with_ties() -> None:
    rng = np.random.default_rng(9)
    positive, negative = rng.integers(0, 5, 17).astype(float), rng.integers(-2, 4, 200).astype(float)
    labels = np.repeat([1, 0], [17, 200])
    assert auc(positive, negative) == pytest.approx(roc_auc_score(labels, np.concatenate([positive, negative])))


# -- ties, against every order that they could have -----------------------------------------------------


@given(st.lists(st.integers(0, 2), min_size=2, max_size=6), st.integers(1, 7))
def test_a_tie_is_worth_its_mean_over_all_orders(scores: list[int], cut: int) -> None:
    ranks = []
    for order in permutations(range(len(scores))):  # of equal scores the one that stands before in `order` is better
        ranked = sorted(order, key=lambda candidate: -scores[candidate])
        ranks.append(ranked.index(0) + 1)
    found = places(np.array([scores], dtype=np.float32))
    assert reciprocals(*found)[0] == pytest.approx(np.mean([1 / rank for rank in ranks]))
    assert hits(*found, cut)[0] == pytest.approx(np.mean([rank <= cut for rank in ranks]))
    expected = np.mean([1 / log2(1 + rank) if rank <= cut else 0 for rank in ranks])
    assert gains(*found, cut)[0] == pytest.approx(expected)


@given(st.integers(0, 200_000), st.integers(0, 200_000), st.integers(1, 50))
def test_counts_of_a_whole_catalogue(above: int, tied: int, cut: int) -> None:
    one = np.array([float(above)]), np.array([float(tied)])  # whatever type they are counted in
    within = max(0, min(cut, above + tied + 1) - above)
    assert hits(*one, cut)[0] == pytest.approx(within / (tied + 1))
    # between 1 / the last place and 1 / the first
    assert 1 / (above + tied + 1) - 1e-9 <= reciprocals(*one)[0] <= 1 / (above + 1) + 1e-9
    assert hits(*one, cut)[0] / log2(1 + cut) - 1e-9 <= gains(*one, cut)[0] <= hits(*one, cut)[0] + 1e-9


# -- what can't be ranked -------------------------------------------------------------------------------


@pytest.mark.parametrize("call", [places, lambda scores: user_auc(scores, USER), lambda s: list_metrics(s, USER)])
@pytest.mark.parametrize("wrong", [np.nan, np.inf])
@pytest.mark.parametrize("where", [(0, 0), (2, 3), (slice(None), slice(None)), (slice(None), 0)])
def test_scores_that_are_no_numbers_are_refused(call, wrong: float, where: tuple) -> None:
    scores = SCORES.copy()
    scores[where] = wrong
    count = f"{np.sum(scores == wrong if np.isinf(wrong) else np.isnan(scores))} of 12"
    with pytest.raises(SurgeError, match=f"^{count} scores are no finite numbers, so nothing can be ranked by them; "):
        call(scores)


def test_a_negative_of_minus_infinity_is_no_candidate_and_a_positive_of_it_is_refused() -> None:
    scores = np.array([[2.0, 1, 3, -np.inf], [2.0, 2, -np.inf, -np.inf]])
    metrics = list_metrics(scores, np.array([0, 1]))
    assert metrics["list_auc"] == pytest.approx((1 / 2 + 1 / 2) / 2)
    assert metrics["gauc"] == pytest.approx(1 / 2)
    assert metrics["auc"] == pytest.approx((1 + 0 + 1 / 2 + 1 + 0 + 1 / 2) / 6)
    assert metrics["mrr"] == pytest.approx((1 / 2 + 3 / 4) / 2)
    scores[1, 0] = -np.inf
    with pytest.raises(SurgeError, match="1 of 8 scores are no finite numbers"):
        list_metrics(scores, np.array([0, 1]))


@pytest.mark.parametrize("scores", [np.empty((0, 3)), np.ones((2, 1)), np.array([[1.0, -np.inf], [1.0, 0.0]])])
def test_nothing_to_rank_is_said(scores: np.ndarray) -> None:
    with pytest.raises(SurgeError, match="A positive can only be ranked among negatives, and there is none"):
        list_metrics(scores, np.arange(len(scores)))
