"""What the deletion and insertion curves say, in words: whether an explanation's order of the items matters."""

from __future__ import annotations

import numpy as np

from surge.explanation.measurements import Faithfulness
from surge.pictures.text import count
from surge.vocabulary.amounts import bound, factor, lift
from surge.vocabulary.explanation import ORDERS

Array = np.ndarray

MANY_ORDERS = 20  # from here on the band leaves out the outer tenths
LEAST_MOVED = 0.05  # of the log of the lift: with less no order can be told from another
TIE = 1e-9
OTHER_TEST = (
    "The verdict compares each item's weight with the effect of leaving out that item alone. This is another test: "
    "here items are deleted one after another and stay deleted. "
)

ABOUT = (
    "A test of the explanation itself. Left: items are deleted, those said to matter most first; the better the order, "
    "the faster the candidate's lift falls. Right: only the items said to matter most are kept; the better the order, "
    "the sooner the lift is restored. Each line is one way to order the items, the grey band is what random orders "
    "reach: an order inside it explains nothing. The measured effect sees what one item does alone, not two together."
)


def faithfulness_sentence(faithfulness: Faithfulness) -> str:
    """Whether the order of importance γ is a faithful account for this user, as plain text."""
    if items_of(faithfulness) == 1:
        return "The history holds a single item: there is no order to test."
    random = random_areas(faithfulness)
    if not len(random[0]):
        return "No random order was measured, so there is nothing to compare the orders with."
    moved = [
        float(np.ptp(curve))
        for curve in (
            *faithfulness.deletion.values(),
            *faithfulness.insertion.values(),
            faithfulness.random_deletion,
            faithfulness.random_insertion,
        )
    ]
    if max(moved) < LEAST_MOVED:
        return (
            f"The candidate's lift stays within a factor of {bound(max(moved))} whatever is deleted, so no order can "
            "be called better than another."
        )
    areas = areas_of(faithfulness, "importance")
    good, bad = areas[0] < random[0].min() - TIE, areas[0] > random[0].max() + TIE
    kept_good = areas[1] > random[1].max() + TIE
    order = f"Deleting items in the order of {ORDERS['importance']} lowers the lift "
    orders = f"the {len(random[0])} random orders" if len(random[0]) > 1 else "the random order"
    order += (
        f"faster than {orders}" if good else f"more slowly than {orders}" if bad else "no faster than random orders"
    )
    order += f" (mean lift {_against(areas[0], random[0], ' against theirs')})"
    keeping = f"keeping only its first items {{}} faster than chance ({_against(areas[1], random[1])})"
    alone = _measured_alone(faithfulness, random[0])
    if good and kept_good:
        kept = keeping.format("restores it")
        return f"{OTHER_TEST}{order}, and {kept}: γ is a faithful account for this user.{alone}"
    if good or kept_good:
        but = f"but {keeping.format('restores it' if kept_good else 'does not restore it')}"
        return f"{OTHER_TEST}{order}, {but}: γ is a faithful account only in part.{alone}"
    rest = ""
    if "leave-one-out" in faithfulness.attributions:
        measured = areas_of(faithfulness, "leave-one-out")[0]
        better = factor(measured - float(random[0].mean()))
        rest = f"; the measured effect does better ({better})" if measured < random[0].min() - TIE else ""
    return f"{OTHER_TEST}{order}: γ is not a faithful account for this user{rest}.{alone}"


def _measured_alone(faithfulness: Faithfulness, random: Array) -> str:
    """Why the measured order, which elsewhere counts as the truth, may delete no better than chance; empty where it
    does better."""
    if "leave-one-out" not in faithfulness.attributions:
        return ""
    area = areas_of(faithfulness, "leave-one-out")[0]
    if area < random.min() - TIE:
        return ""
    against = factor(area - float(random.mean()))
    return (
        f" Deleting in the order of the measured effect is no faster than chance ({against}): "
        "leaving out one item at a time undervalues items that can replace one another, so look at complete interests."
    )


def caption(faithfulness: Faithfulness) -> str:
    """What the curves are, in which unit, and what they leave out."""
    n, orders = items_of(faithfulness), len(faithfulness.random_deletion)
    if n == 1:
        return "A single item: nothing can be deleted, so each curve is one point."
    points = len(faithfulness.deleted)
    every = "after each item" if points == n else f"at {points} of {n:,} numbers of items"
    start = lift(float(np.exp(next(iter(faithfulness.deletion.values()))[0])))
    band = ""
    if orders:
        reach = "the middle 80 % of" if orders >= MANY_ORDERS else "lowest to highest of"
        band = f" Grey: {reach} {count(orders, 'random order')}, the thin line their mean."
    return (
        f"The candidate's lift, how many times as likely it is as by popularity alone (with all items {start}), "
        f"measured {every}; items stay in time order.{band}"
    )


# -- areas under the curves -------------------------------------------------------------------------------


def items_of(faithfulness: Faithfulness) -> int:
    return len(next(iter(faithfulness.attributions.values())))


def areas_of(faithfulness: Faithfulness, name: str) -> tuple[float, float]:
    return faithfulness.area(faithfulness.deletion[name]), faithfulness.area(faithfulness.insertion[name])


def random_areas(faithfulness: Faithfulness) -> tuple[Array, Array]:
    """The area of each random order (r), deletion and insertion."""
    deletion = [faithfulness.area(curve) for curve in faithfulness.random_deletion]
    insertion = [faithfulness.area(curve) for curve in faithfulness.random_insertion]
    return np.array(deletion, dtype=np.float64), np.array(insertion, dtype=np.float64)


def _against(area: float, random: Array, against: str = "") -> str:
    """A mean log lift against those of random orders (r): "÷2.1; single random orders reach from ÷1.3 to ×1.4"."""
    mean = float(random.mean())
    low, high = factor(float(random.min()) - mean), factor(float(random.max()) - mean)
    return f"{factor(area - mean)}{against}" + (
        f"; single random orders reach from {low} to {high}" if low != high else ""
    )
