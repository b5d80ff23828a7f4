"""Is one model better than another: a test over the seeds of their training and over users together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import stdtrit

LEVEL = 0.05
LEAST = 1e-6  # further out the means of a few seeds say nothing about how they are distributed


@dataclass(frozen=True)
class Difference:
    """Mean difference of a metric with its 95 % interval, and the two-sided `p` of no difference, at least LEAST.

    With one seed of a model `p` is None and the interval is over users alone: it holds for these very weights, and
    says nothing about another training. With fewer than two users there is no interval either.
    """

    difference: float
    low: float | None
    high: float | None
    p: float | None


def by_user(values: np.ndarray, user: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each user's mean of values (k) over their lists, and how many those are; users in order of their rows."""
    _, group, count = np.unique(user, return_inverse=True, return_counts=True)
    return np.bincount(group, values) / count, count


def difference(one: np.ndarray, other: np.ndarray, weight: np.ndarray) -> Difference:
    """`one` minus `other`: what each user's lists give with each seed, (s, u) and (s', u); users weigh `weight` (u).

    A value of model m, seed i and user u is taken as

        x_miu = mu_m + a_mi + b_u + c_mu + e_miu,

    all but mu drawn at random: a training is better or worse for everybody (a), a user is hard for all models (b) or
    for one (c), and every training does some users well (e). M_mi is the weighted mean over users, D the difference
    of the means over seeds. With Var_i the variance between seeds and V_* that of a weighted mean over users,

        Var D = A_1 + A_2 + C,   A_m = Var_i(M_mi) / s_m = (sigma_a^2 + V_e) / s_m,
        C = V_c = V(x_1.u - x_2.u) - V_e1 / s_1 - V_e2 / s_2, at least 0:

    b drops out of a pair, and e, which both variances see, is counted once. A few seeds know A badly and many users
    know C well, so there is no one t distribution: the half width is h^2 = t^2(nu) (A_1 + A_2) + t^2(k) C, the
    squares of the two parts' own half widths (Howe, JASA 69, 1974; Zou & Donner's MOVER, Stat. Med. 27, 2008), with
    Welch's nu for the seeds, and p is the level at which h = |D|. Satterthwaite's one nu for the sum would give too
    small an interval where a variance of one degree of freedom comes out low by chance. What Welch's test errs by is
    left: up to 7 % in place of 5 % where the seeds of one model differ many times as much as those of the other.

    Resampling seeds instead would see (s - 1) / s of their variance, and a t distribution is what that leaves out.
    V is sum q_u r_u^2 of the residuals r from the weighted mean, q_u = h_u^2 / (1 - 2 h_u + sum h^2) with
    h = weight / sum: unbiased where users differ alike. k, its degrees of freedom, is (sum h^2)^2 / sum h^4 - 1; with
    equal weights that is u - 1, and few where a few users have most of the lists.
    """
    share = np.asarray(weight, dtype=np.float64) / np.sum(weight)
    if len(share) < 2:
        return Difference(float((one.mean(0) - other.mean(0)) @ share), None, None, None)
    square = share**2 / (1 - 2 * share + (share**2).sum())
    degrees = max(1.0, (share**2).sum() ** 2 / (share**4).sum() - 1)
    gap = one.mean(0) - other.mean(0)
    found = float(gap @ share)
    over_users = float(square @ (gap - found) ** 2)
    if min(len(one), len(other)) < 2:
        half = _half(LEVEL, 0.0, 1.0, over_users, degrees)
        return Difference(found, found - half, found + half, None)
    (between, noise), (between_other, noise_other) = (_seeds(values, share, square) for values in (one, other))
    over_seeds = between + between_other
    over_users = max(0.0, over_users - noise - noise_other)
    freedom = 1.0  # Welch's, where there is anything to know
    if over_seeds:
        freedom = over_seeds**2 / (between**2 / (len(one) - 1) + between_other**2 / (len(other) - 1))

    def half_width(level: float) -> float:
        return _half(level, over_seeds, freedom, over_users, degrees)

    if found == 0:
        p = 1.0
    elif half_width(LEAST) <= abs(found):
        p = LEAST
    else:
        p = float(brentq(lambda level: half_width(level) - abs(found), LEAST, 1.0, xtol=1e-9))
    return Difference(found, found - half_width(LEVEL), found + half_width(LEVEL), p)


def _seeds(values: np.ndarray, share: np.ndarray, square: np.ndarray) -> tuple[float, float]:
    """The variance between seeds of their mean (A_m), and the part of it that is seed times user (V_e / s)."""
    means = values @ share
    residuals = values - values.mean(0) - (means - means.mean())[:, None]
    count = len(values)
    return float(means.var(ddof=1)) / count, float((residuals**2 @ square).sum()) / (count - 1) / count


def _half(level: float, over_seeds: float, freedom: float, over_users: float, degrees: float) -> float:
    """The half width h of the interval that leaves out `level`."""
    seeds, users = stdtrit(freedom, level / 2), stdtrit(degrees, level / 2)
    return float(np.sqrt(seeds**2 * over_seeds + users**2 * over_users))
