"""Users' shares of a metric add up to it, and the bootstrap knows a difference from none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from surge.errors import SurgeError
from surge.evaluation.metrics import list_metrics
from surge.evaluation.significance import RESAMPLES, TESTED, Difference, paired_difference, user_values

# -- what a user adds ---------------------------------------------------------------------------------


@given(
    st.integers(1, 12).flatmap(
        lambda count: st.tuples(
            # few different scores, so that there are ties
            arrays.arrays(np.float32, (count, 5), elements=st.integers(-2, 2).map(float)),
            arrays.arrays(np.int64, count, elements=st.integers(0, 4)),
        )
    )
)
def test_the_weighted_mean_over_users_is_the_metric(case: tuple[np.ndarray, np.ndarray]) -> None:
    scores, user = case
    metrics = list_metrics(scores, user)
    for name in (*TESTED, "ndcg@10"):
        values, weight = user_values(scores, user, name)
        assert np.average(values, weights=weight) == pytest.approx(metrics[name], abs=1e-12)
        assert weight.tolist() == [int((user == one).sum()) for one in np.unique(user)]


def test_by_hand() -> None:
    scores = np.array([[3.0, 1, 2], [1.0, 2, 3], [2.0, 3, 1]])  # ranks 1, 3, 2
    user = np.array([7, 4, 7])
    for metric, of_four, of_seven in (
        ("mrr", 1 / 3, (1 + 1 / 2) / 2),
        ("hr@1", 0, 1 / 2),
        ("ndcg@2", 0, (1 + 1 / np.log2(3)) / 2),
        # user 7 has positives 3 and 2, negatives 1, 2, 3, 1: (3.5 + 2.5) of 8 pairs
        ("gauc", 0, 6 / 8),
    ):
        values, weight = user_values(scores, user, metric)
        assert values.tolist() == pytest.approx([of_four, of_seven])
        assert weight.tolist() == [1, 2]


@pytest.mark.parametrize("metric", ["auc", "ndcg", "ndcg@", "ndcg@two", "mrr@5", "recall@2", ""])
def test_a_metric_that_no_user_has(metric: str) -> None:
    with pytest.raises(SurgeError, match=r"no metric .* by user; the metrics are gauc"):
        user_values(np.zeros((1, 2)), np.array([0]), metric)


# -- the difference of two models ---------------------------------------------------------------------


def test_the_difference_is_the_weighted_mean_of_the_gaps() -> None:
    one, other, weight = np.array([0.9, 0.5, 0.7]), np.array([0.4, 0.6, 0.7]), np.array([1, 3, 2])
    found = paired_difference(one, other, weight)
    assert found.difference == pytest.approx((0.5 - 0.3 + 0.0) / 6)
    assert found.low < found.difference < found.high


def test_the_share_of_resamples_by_hand() -> None:
    # two users, gaps 1/4 and 0: a quarter of the draws takes the second twice
    found = paired_difference(np.array([0.5, 0.5]), np.array([0.25, 0.5]), np.array([1, 1]))
    assert (found.low, found.difference, found.high) == (0.0, 0.125, 0.25)
    assert found.p == pytest.approx(2 / 4, abs=0.05)  # four standard deviations of 2,000 draws


def test_weights_are_drawn_with_their_users() -> None:
    # gaps 1 and -1, the first with three times the weight: its user twice, both, the other twice
    found = paired_difference(np.array([1.0, 0.0]), np.array([0.0, 1.0]), np.array([3, 1]))
    assert (found.low, found.difference, found.high) == (-1.0, 0.5, 1.0)


@pytest.mark.parametrize("seed", range(5))
def test_the_interval_holds_the_difference_and_turns_round_with_the_models(seed: int) -> None:
    rng = np.random.default_rng(seed)
    one, other, weight = rng.random(40), rng.random(40), rng.integers(1, 9, 40)
    found, turned = paired_difference(one, other, weight), paired_difference(other, one, weight)
    assert found.low < found.difference < found.high
    assert turned.difference == pytest.approx(-found.difference)
    assert (turned.low, turned.high) == pytest.approx((-found.high, -found.low))
    assert turned.p == found.p


def test_a_clear_difference_and_none() -> None:
    rng = np.random.default_rng(0)
    base = rng.random(200)
    clear = paired_difference(base + 0.1 + 0.05 * rng.standard_normal(200), base, np.ones(200))
    assert clear.p == 1 / RESAMPLES
    assert 0.08 < clear.low < 0.1 < clear.high < 0.12
    gap = np.repeat([0.3, -0.3], 100)  # as often better as worse, by as much
    none = paired_difference(base + gap, base, np.ones(200))
    assert none.p > 0.9
    assert none.low < 0 < none.high


def test_what_all_users_share_is_certain() -> None:
    found = paired_difference(np.array([0.5, 0.75, 1.0]), np.array([0.25, 0.5, 0.75]), np.array([1, 5, 2]))
    assert found == Difference(0.25, 0.25, 0.25, 1 / RESAMPLES)


def test_pairs_count_not_the_two_spreads() -> None:
    """Users differ by far more than the models do, but all in the same direction."""
    base = np.random.default_rng(1).random(50)
    assert paired_difference(base + 1e-3 * (1 + base), base, np.ones(50)).low > 0


def test_one_seed_one_result() -> None:
    rng = np.random.default_rng(3)
    one, other = rng.random(30), rng.random(30)
    assert paired_difference(one, other, np.ones(30), seed=4) == paired_difference(one, other, np.ones(30), seed=4)
    assert paired_difference(one, other, np.ones(30), seed=4) != paired_difference(one, other, np.ones(30), seed=5)


def test_one_user_and_equal_models_have_no_interval() -> None:
    assert paired_difference(np.array([0.75]), np.array([0.5]), np.array([3])) == Difference(0.25, 0.25, 0.25, 1.0)
    same = np.array([0.25, 0.5, 0.75])
    assert paired_difference(same, same, np.array([1, 2, 3])) == Difference(0.0, 0.0, 0.0, 1.0)
