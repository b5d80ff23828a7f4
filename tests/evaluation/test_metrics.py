"""Metrics against fractions worked out by hand, and against scikit-learn."""

from __future__ import annotations

from fractions import Fraction as F
from math import log2

import numpy as np
import pytest
from sklearn.metrics import ndcg_score, roc_auc_score

from surge.evaluation.metrics import (
    auc,
    grouped_auc,
    hit_rate,
    list_metrics,
    ndcg,
    positive_ranks,
    reciprocal_rank,
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


def test_ranks_by_hand() -> None:
    # 3 comes after 4; 5 is first; 1 shares the first two places with the other 1
    assert positive_ranks(SCORES).tolist() == [2, 1, 1.5]


def test_all_metrics_by_hand() -> None:
    metrics = list_metrics(SCORES, USER)
    # positives 3, 5, 1 against the nine negatives 0, 1/2, 1, 1, 1, 2, 2, 3, 4: 7 + 1/2, 9, and 2 + 3/2 pairs
    assert metrics["auc"] == pytest.approx(float(F(20, 27)))
    # user 7: 3 and 1 against 0, 1/2, 1, 1, 2, 4: 5 and 2 + 2/2 of 12 pairs, two clicks; user 2: all right, one click
    assert metrics["gauc"] == pytest.approx(float((2 * F(8, 12) + 1 * F(1)) / 3))
    assert metrics["list_auc"] == pytest.approx(float((F(2, 3) + 1 + F(5, 6)) / 3))
    assert metrics["mrr"] == pytest.approx(float((F(1, 2) + 1 + F(2, 3)) / 3))
    assert metrics["ndcg@2"] == pytest.approx((1 / log2(3) + 1 + 1 / log2(2.5)) / 3)
    assert metrics["ndcg@10"] == metrics["ndcg@2"]
    assert metrics["hr@10"] == 1


def test_cuts_by_hand() -> None:
    ranks = np.array([1, 2, 3, 10, 10.5, 11])
    assert hit_rate(ranks, 1) == pytest.approx(float(F(1, 6)))
    assert hit_rate(ranks, 10) == pytest.approx(float(F(4, 6)))  # 10.5: half of the ties are beyond the cut
    assert ndcg(ranks, 2) == pytest.approx((1 + 1 / log2(3)) / 6)
    assert ndcg(ranks, 10) == pytest.approx((1 + 1 / log2(3) + 1 / 2 + 1 / log2(11)) / 6)
    assert reciprocal_rank(np.array([1, 2, 4])) == pytest.approx(float(F(7, 12)))


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
def test_a_constant_scorer_is_a_coin(constant: float) -> None:
    metrics = list_metrics(np.full((30, 100), constant), np.arange(30) // 4)
    assert metrics["auc"] == metrics["gauc"] == metrics["list_auc"] == 0.5
    assert metrics["mrr"] == pytest.approx(1 / 50.5)
    assert metrics["hr@10"] == metrics["ndcg@2"] == metrics["ndcg@10"] == 0


def test_the_best_and_the_worst() -> None:
    best = np.tile([1.0, 0, 0, 0], (5, 1))
    assert set(list_metrics(best, np.arange(5)).values()) == {1.0}
    worst = list_metrics(-best, np.arange(5))
    assert worst["auc"] == worst["gauc"] == worst["list_auc"] == worst["ndcg@2"] == 0
    assert worst["mrr"] == 1 / 4


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
    assert ndcg(positive_ranks(scores), cut) == pytest.approx(ndcg_score(relevance(scores), scores, k=cut), abs=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_ndcg_with_ties_is_never_above_scikit_learn(seed: int) -> None:
    # scikit-learn takes the mean gain over all orders of the ties, this project the gain of the mean rank: the gain
    # is convex in the rank, so ours is a little lower; and both agree on every list whose positive is in no tie
    scores, _ = random_lists(seed, ties=True)
    labels, tied = relevance(scores), (scores[:, 1:] == scores[:, :1]).any(1)
    ours, theirs = ndcg(positive_ranks(scores), 12), ndcg_score(labels, scores)
    assert tied.any()
    assert theirs - 0.05 < ours < theirs
    assert ndcg(positive_ranks(scores[~tied]), 12) == pytest.approx(ndcg_score(labels[~tied], scores[~tied]), abs=1e-12)


def test_auc_of_unequal_sides_with_ties() -> None:
    rng = np.random.default_rng(9)
    positive, negative = rng.integers(0, 5, 17).astype(float), rng.integers(-2, 4, 200).astype(float)
    labels = np.repeat([1, 0], [17, 200])
    assert auc(positive, negative) == pytest.approx(roc_auc_score(labels, np.concatenate([positive, negative])))
