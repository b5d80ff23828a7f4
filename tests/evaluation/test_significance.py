"""The test of a difference: by hand, invariances, and how often it calls a model different from itself."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.stats import t as student
from scipy.stats import ttest_ind, ttest_rel

from surge.evaluation.significance import LEAST, Difference, by_user, difference

# -- what a user adds ---------------------------------------------------------------------------------


@given(
    st.integers(1, 12).flatmap(
        lambda count: st.tuples(
            arrays.arrays(np.float64, count, elements=st.floats(0, 1)),
            arrays.arrays(np.int64, count, elements=st.integers(0, 4)),
        )
    )
)
def test_the_weighted_mean_over_users_is_the_mean_over_lists(case: tuple[np.ndarray, np.ndarray]) -> None:
    values, user = case
    means, weight = by_user(values, user)
    assert np.average(means, weights=weight) == pytest.approx(values.mean())
    assert weight.tolist() == [int((user == one).sum()) for one in np.unique(user)]


def test_users_by_hand() -> None:
    means, weight = by_user(np.array([1.0, 1 / 3, 1 / 2]), np.array([7, 4, 7]))
    assert means.tolist() == pytest.approx([1 / 3, 3 / 4])
    assert weight.tolist() == [1, 2]


# -- by hand ------------------------------------------------------------------------------------------


def test_a_difference_by_hand() -> None:
    # two seeds, two users alike in weight. Means by seed: 5, 7 and 2, 2; the residuals of the first are -1, 1; 1, -1
    one, other = np.array([[3.0, 7.0], [7.0, 7.0]]), np.array([[2.0, 2.0], [1.0, 3.0]])
    found = difference(one, other, np.array([5, 5]))
    assert found.difference == 4
    # between seeds: (2, 0) / 2 = 1, 0; users' gaps are 3.5, 4.5, so 0.5 * (0.5^2 + 0.5^2) = 0.25, and seed times
    # user is (4 * 1) * 0.5 / 2 = 1 and (4 * 0.25) * 0.5 / 2 = 0.25: more than that, so nothing is left of the users
    assert found.high == pytest.approx(4 + student.isf(0.025, 1))
    assert found.low == pytest.approx(4 - student.isf(0.025, 1))
    assert found.p == pytest.approx(2 * student.sf(4, 1))


def test_what_seeds_do_to_single_users_is_counted_once() -> None:
    # all means by seed are 2, so nothing is between seeds. The users' gaps are 2, -2: 0.5 * (4 + 4) = 4 over users, of
    # which seed times user is (4 * 1) * 0.5 / 1 / 2 = 1 of two seeds and (4 * 1) * 0.5 / 2 / 3 = 1 / 3 of three
    one, other = np.array([[3.0, 1.0], [1.0, 3.0]]), np.array([[1.0, 3.0], [-1.0, 5.0], [0.0, 4.0]])
    found = difference(one, other, np.array([5, 5]))
    assert found.difference == 0 and found.p == 1
    assert found.high == pytest.approx(student.isf(0.025, 1) * np.sqrt(4 - 1 - 1 / 3))
    assert found.low == -found.high


def test_a_training_that_is_better_for_everybody_takes_nothing_from_the_users() -> None:
    # the means by seed are 5 and 7, all users alike: (2 / 2) between seeds, nothing of seed times user. The users'
    # gaps are 2 and 6: 0.5 * (4 + 4) = 4
    found = difference(np.array([[3.0, 7.0], [5.0, 9.0]]), np.full((2, 2), 2.0), np.array([5, 5]))
    half = student.isf(0.025, 1) * np.sqrt(1 + 4)
    assert (found.low, found.high) == pytest.approx((4 - half, 4 + half))


def test_seeds_alone_are_welchs_test() -> None:
    """Where all users agree, it is the t test of the seeds' means."""
    one, other = np.array([0.5, 0.55, 0.51]), np.array([0.4, 0.49, 0.41])
    found = difference(np.tile(one[:, None], 9), np.tile(other[:, None], 9), np.ones(9))
    welch = ttest_ind(one, other, equal_var=False)
    assert found.p == pytest.approx(welch.pvalue, rel=1e-5)
    interval = welch.confidence_interval()
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))


def test_users_alone_are_a_paired_test() -> None:
    """Where all seeds agree, it is the paired t test of the users."""
    rng = np.random.default_rng(0)
    one, other = rng.random(20), rng.random(20) - 0.1
    paired = ttest_rel(one, other)
    for seeds in (2, 5):
        found = difference(np.tile(one, (seeds, 1)), np.tile(other, (seeds, 1)), np.full(20, 3))
        assert found.p == pytest.approx(paired.pvalue, rel=1e-5)
        interval = paired.confidence_interval()
        assert (found.low, found.high) == pytest.approx((interval.low, interval.high))


def test_one_seed_knows_nothing_about_seeds() -> None:
    rng = np.random.default_rng(0)
    one, other = rng.random((1, 20)), rng.random((3, 20))
    for first, second in ((one, other), (other, one), (one, other[:1])):
        found = difference(first, second, np.ones(20))
        assert found.p is None
        interval = ttest_rel(first.mean(0), second.mean(0)).confidence_interval()
        assert (found.low, found.high) == pytest.approx((interval.low, interval.high))  # over users alone


def test_one_user_and_equal_models() -> None:
    two = np.array([[0.75], [0.25]])
    assert difference(two, two - 0.25, np.array([3])) == Difference(0.25, None, None, None)
    same = np.array([[0.25, 0.5, 0.75]])
    for seeds, p in ((1, None), (2, 1.0)):
        values = np.tile(same, (seeds, 1))
        assert difference(values, values, np.array([1, 2, 3])) == Difference(0.0, 0.0, 0.0, p)
        certain = difference(values, values - 0.25, np.array([1, 2, 3]))  # all users and seeds agree
        assert certain == Difference(0.25, 0.25, 0.25, p and LEAST)


def test_a_model_without_chance_adds_no_variance() -> None:
    """Popularity is the same with every seed: then the other model's seeds and the users are what is uncertain."""
    one = np.array([0.5, 0.6, 0.55])
    found = difference(np.tile(one[:, None], 4), np.full((3, 4), 0.5), np.ones(4))
    half = student.isf(0.025, 2) * one.std(ddof=1) / 3**0.5
    assert (found.low, found.high) == pytest.approx((0.05 - half, 0.05 + half))


# -- invariances --------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_the_interval_agrees_with_p_and_turns_round_with_the_models(seed: int) -> None:
    rng = np.random.default_rng(seed)
    one, other, weight = rng.random((3, 40)) + 0.1, rng.random((2, 40)), rng.integers(1, 9, 40)
    found, turned = difference(one, other, weight), difference(other, one, weight)
    assert found.difference == pytest.approx(np.average(one.mean(0) - other.mean(0), weights=weight))
    assert found.low < found.difference < found.high
    assert (found.p < 0.05) == (found.low > 0 or found.high < 0)
    assert (turned.low, turned.high) == pytest.approx((-found.high, -found.low))
    assert turned.p == pytest.approx(found.p)
    # neither the order of users and seeds, nor the unit of weights and metric
    order = rng.permutation(40)
    again = difference(one[::-1, order] * 7, other[::-1, order] * 7, weight[order] * 2)
    assert (again.low, again.high, again.p) == pytest.approx((found.low * 7, found.high * 7, found.p))


def test_pairs_count_not_the_two_spreads() -> None:
    """Users differ by far more than the models do, but all in the same direction."""
    base = np.tile(np.random.default_rng(1).random(50), (2, 1))
    assert difference(base + 1e-3 * (1 + base), base, np.ones(50)).low > 0


def test_a_user_of_most_lists_is_not_many_users() -> None:
    gap = np.tile(np.random.default_rng(2).standard_normal(30), (3, 1))
    weight = np.ones(30)
    spread = difference(gap, np.zeros((3, 30)), weight)
    weight[0] = 1000
    heavy = difference(gap, np.zeros((3, 30)), weight)
    assert heavy.high - heavy.low > 5 * (spread.high - spread.low)


@pytest.mark.parametrize("largest", [1, 3, 10])
def test_the_variance_over_users_is_unbiased_for_any_weights(largest: int) -> None:
    rng = np.random.default_rng(largest)
    weight = np.concatenate([[largest], np.ones(5)])
    true = ((weight / weight.sum()) ** 2).sum()
    k = max(1.0, (weight**2).sum() ** 2 / (weight**4).sum() - 1)
    halves = []
    for _ in range(3_000):
        gap = np.tile(rng.standard_normal(6), (2, 1))
        found = difference(gap, np.zeros((2, 6)), weight)
        halves.append(((found.high - found.low) / 2 / student.isf(0.025, k)) ** 2)
    assert np.mean(halves) == pytest.approx(true, rel=0.1)


# -- how often it errs, and what it finds ---------------------------------------------------------------

USERS, DRAWS = 60, 400
SMALL = USERS**-0.5  # of a seed: as much as seed times user noise of 1 does to a mean over users


def drawn(
    rng: np.random.Generator, seeds: int, *, seed: float, noise: float = 1.0, taste: float = 0.0, gap: float = 0.0
) -> np.ndarray:
    """Values (2, seeds, users) of two models: b_u + c_mu + a_mi + e_miu of `difference`, the first `gap` better."""
    values = rng.standard_normal(USERS) + taste * rng.standard_normal((2, 1, USERS))
    values = values + seed * rng.standard_normal((2, seeds, 1)) + noise * rng.standard_normal((2, seeds, USERS))
    values[0] += gap
    return values


def reciprocal(values: np.ndarray) -> np.ndarray:
    """Reciprocal ranks of a logarithmic latent value: half of them under 0.05, one in six 1."""
    return 1 / np.ceil(np.exp(np.clip(3 - 1.5 * values, 0, 5)))


def averaged(one: np.ndarray, other: np.ndarray) -> bool:
    """What was done before: seeds averaged and users resampled, here by the normal limit of that bootstrap."""
    gap = one.mean(0) - other.mean(0)
    return abs(gap.mean()) > 1.96 * gap.std() / len(gap) ** 0.5


ITSELF = {
    "user noise": {"seed": 0.0},
    "both alike": {"seed": SMALL},
    "seed noise": {"seed": 8 * SMALL},
    "another's taste": {"seed": SMALL, "noise": 0.5, "taste": 1.0},  # no longer itself, but as good on average
}


@pytest.mark.parametrize("heavy_tailed", [False, True])
@pytest.mark.parametrize("setting", ITSELF)
@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_a_model_is_rarely_different_from_itself(seeds: int, setting: str, heavy_tailed: bool) -> None:
    """At most 5 % of draws, within three binomial deviations; without the seeds' variance it is up to 80 %."""
    rng = np.random.default_rng([seeds, *setting.encode(), heavy_tailed])
    found, before = 0, 0
    for _ in range(DRAWS):
        one, other = drawn(rng, seeds, **ITSELF[setting])
        if heavy_tailed:
            one, other = reciprocal(one), reciprocal(other)
        p = difference(one, other, np.ones(USERS)).p
        found += p is not None and p < 0.05
        before += averaged(one, other)
    most = 0.05 + 3 * (0.05 * 0.95 / DRAWS) ** 0.5
    assert found / DRAWS <= most
    if setting in ("both alike", "seed noise"):
        assert before / DRAWS > most


@pytest.mark.parametrize(("seeds", "gap", "least"), [(2, 8, 0.5), (3, 4, 0.7), (5, 4, 0.98)])
def test_a_difference_is_found(seeds: int, gap: float, least: float) -> None:
    """A gap of so many deviations of one seed's mean."""
    rng = np.random.default_rng(seeds)
    values = [drawn(rng, seeds, seed=0.0, gap=gap * SMALL) for _ in range(DRAWS)]
    found = [difference(one, other, np.ones(USERS)) for one, other in values]
    assert np.mean([one.p < 0.05 and one.difference > 0 for one in found]) > least
    held = np.mean([one.low <= gap * SMALL <= one.high for one in found])
    assert held >= 0.95 - 3 * (0.05 * 0.95 / DRAWS) ** 0.5
