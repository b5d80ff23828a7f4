"""Deletion and insertion: curves, areas and the sentence are what was measured."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from surge.explanation.measurements import Faithfulness
from surge.pictures.faithfulness import faithfulness_figure, faithfulness_table
from surge.pictures.faithfulness_words import ABOUT, OTHER_TEST, caption, faithfulness_sentence
from surge.pictures.palette import Theme
from surge.vocabulary.amounts import lift
from surge.vocabulary.explanation import ORDERS
from tests.pictures.hostile import HOSTILE

FALLING = np.array([0.8, 0.4, 0.2, 0.1, 0.1])
EVEN = np.array([0.8, 0.7, 0.6, 0.4, 0.2])
RISING = np.array([0.6, 0.7, 0.8, 0.8, 0.8])
LATE = np.array([0.1, 0.2, 0.3, 0.6, 0.8])
RANDOM = np.array([[0.8, 0.75, 0.6, 0.5, 0.1], [0.8, 0.65, 0.5, 0.2, 0.1]])
RANDOM_KEPT = np.array([[0.1, 0.3, 0.5, 0.7, 0.8], [0.3, 0.4, 0.6, 0.6, 0.8]])


def measured(**changes: Any) -> Faithfulness:
    values: dict[str, Any] = {
        "attributions": dict.fromkeys(("leave-one-out", "importance"), np.arange(5.0)),
        "deleted": np.arange(5),
        "deletion": {"leave-one-out": FALLING, "importance": EVEN},
        "insertion": {"leave-one-out": RISING, "importance": LATE},
        "random_deletion": RANDOM,
        "random_insertion": RANDOM_KEPT,
    }
    return Faithfulness(**(values | changes))


def single() -> Faithfulness:
    one = np.array([0.7])
    return measured(
        attributions={"leave-one-out": np.array([np.nan]), "importance": np.array([1.0])},
        deleted=np.array([0]),
        deletion={"leave-one-out": one, "importance": one},
        insertion={"leave-one-out": one, "importance": one},
        random_deletion=np.full((3, 1), 0.7),
        random_insertion=np.full((3, 1), 0.7),
    )


def traces(faithfulness: Faithfulness, axis: str, theme: str = "light") -> dict[str, Any]:
    return {t.name: t for t in faithfulness_figure(faithfulness, theme).data if (t.xaxis or "x") == axis}


@pytest.mark.parametrize(("axis", "shares"), [("x", [0, 0.2, 0.4, 0.6, 0.8]), ("x2", [0.2, 0.4, 0.6, 0.8, 1])])
def test_lines_are_the_curves(axis: str, shares: list[float]) -> None:
    drawn, told = traces(measured(), axis), measured()
    for name, curve in (told.deletion if axis == "x" else told.insertion).items():
        trace = drawn[ORDERS[name]]
        np.testing.assert_allclose(trace.x, shares)
        np.testing.assert_array_equal(trace.y, curve)
        told_lifts = [lift(value) for value in np.exp(curve)]
        assert [tuple(entry) for entry in trace.customdata] == list(
            zip([round(5 * share) for share in shares], told_lifts, strict=True)
        )


def test_band_is_the_range_of_the_random_orders() -> None:
    for axis, random in (("x", RANDOM), ("x2", RANDOM_KEPT)):
        drawn = traces(measured(), axis)
        np.testing.assert_array_equal(drawn["band"].y[:5], random.max(axis=0))
        np.testing.assert_array_equal(drawn["band"].y[5:][::-1], random.min(axis=0))
        np.testing.assert_allclose(drawn["mean"].y, random.mean(axis=0))


def test_many_random_orders_make_a_band_without_the_outer_tenths() -> None:
    many = np.linspace(0, 1, 41)[:, None] * np.ones(5)
    drawn = traces(measured(random_deletion=many, random_insertion=many), "x")
    np.testing.assert_allclose(drawn["band"].y, [0.9] * 5 + [0.1] * 5)
    assert "the middle 80 % of 41 random orders" in caption(measured(random_deletion=many))


@pytest.mark.parametrize("theme", list(Theme))
def test_lines_differ_in_colour_and_in_dash_and_are_named_once(theme: Theme) -> None:
    names = ("leave-one-out", "importance", "attention", "integrated gradients")
    told = measured(
        attributions=dict.fromkeys(names, np.arange(5.0)),
        deletion=dict.fromkeys(names, EVEN),
        insertion=dict.fromkeys(names, LATE),
    )
    figure = faithfulness_figure(told, theme)
    lines = [trace for trace in figure.data if trace.name in ORDERS.values()]
    assert len({line.line.color for line in lines}) == len({line.line.dash for line in lines}) == 4
    shown = [trace.name for trace in figure.data if trace.showlegend is not False]
    assert shown == [*ORDERS.values(), "random orders"]
    assert figure.layout.yaxis.range == figure.layout.yaxis2.range


def test_table_has_the_mean_lifts() -> None:
    table = faithfulness_table(measured()).set_index("order")
    log = np.log(table[["lift, deleting", "lift, keeping"]])
    # trapezoids of a quarter each: ends count half
    assert log.loc["importance γ", "lift, deleting"] == pytest.approx((0.4 + 0.7 + 0.6 + 0.4 + 0.1) / 4)
    assert log.loc[ORDERS["leave-one-out"], "lift, deleting"] == pytest.approx((0.4 + 0.4 + 0.2 + 0.1 + 0.05) / 4)
    assert log.loc["importance γ", "lift, keeping"] == pytest.approx((0.05 + 0.2 + 0.3 + 0.6 + 0.4) / 4)
    areas = [(0.4 + 0.75 + 0.6 + 0.5 + 0.05) / 4, (0.4 + 0.65 + 0.5 + 0.2 + 0.05) / 4]
    assert log.loc["random orders, mean", "lift, deleting"] == pytest.approx(np.mean(areas))
    assert log.loc["random orders, lowest", "lift, deleting"] == pytest.approx(areas[1])
    assert log.loc["random orders, highest", "lift, deleting"] == pytest.approx(areas[0])
    assert table["deleting beats"].tolist()[:2] == [100, 50] and table["deleting beats"][2:].isna().all()
    assert table["keeping beats"].tolist()[:2] == [100, 0]


def test_sentence_of_an_order_inside_the_random_range() -> None:
    assert faithfulness_sentence(measured()) == (
        "The verdict compares each item's weight with the effect of leaving out that item alone. This is another test: "
        "here items are deleted one after another and stay deleted. Deleting items in the order of importance γ "
        "lowers the lift "
        "no faster than random orders (mean lift ×1.04 against theirs; single random orders reach from ÷1.06 to "
        "×1.06): γ is not a faithful account for this user; the measured effect does better (÷1.3)."
    )


def test_sentence_of_a_faithful_order() -> None:
    both = ("leave-one-out", "importance")
    text = faithfulness_sentence(measured(deletion=dict.fromkeys(both, FALLING), insertion=dict.fromkeys(both, RISING)))
    assert text == OTHER_TEST + (
        "Deleting items in the order of importance γ lowers the lift faster than the 2 random orders "
        "(mean lift ÷1.3 against theirs; single random orders reach from ÷1.06 to ×1.06), and keeping only its first "
        "items restores it faster than chance (×1.3; single random orders reach from ÷1.03 to ×1.03): γ is a faithful "
        "account for this user."
    )


def test_sentence_of_half_a_success_and_of_worse_than_chance() -> None:
    half = faithfulness_sentence(measured(deletion={"leave-one-out": FALLING, "importance": FALLING}))
    assert "lowers the lift faster than" in half and "but keeping only its first items does not restore it" in half
    assert half.endswith("γ is a faithful account only in part.")
    other = faithfulness_sentence(measured(insertion={"leave-one-out": RISING, "importance": RISING}))
    assert "no faster than random orders" in other and "but keeping only its first items restores it faster" in other
    worse = faithfulness_sentence(measured(deletion={"leave-one-out": EVEN, "importance": np.full(5, 0.8)}))
    assert "more slowly than the 2 random orders" in worse and "γ is not a faithful account for this user. " in worse


def test_a_measured_order_no_better_than_chance_is_explained() -> None:
    told = measured(
        deletion={"leave-one-out": EVEN, "importance": FALLING},
        insertion=dict.fromkeys(("leave-one-out", "importance"), RISING),
    )
    assert faithfulness_sentence(told) == OTHER_TEST + (
        "Deleting items in the order of importance γ lowers the lift faster than the 2 random orders (mean lift "
        "÷1.3 against theirs; single random orders reach from ÷1.06 to ×1.06), and keeping only its first items "
        "restores it faster than chance (×1.3; single random orders reach from ÷1.03 to ×1.03): γ is a faithful "
        "account for this user. Deleting in the "
        "order of the measured effect is no faster than chance (×1.04): leaving out one item at a time undervalues "
        "items that can replace one another, so look at complete interests."
    )
    assert "complete interests" not in faithfulness_sentence(measured())


def test_an_order_that_ties_with_the_best_random_one_beats_nothing() -> None:
    text = faithfulness_sentence(measured(deletion={"leave-one-out": RANDOM[1], "importance": RANDOM[1]}))
    assert "no faster than random orders (mean lift ÷1.06 against theirs; single" in text and "does better" not in text


def test_a_lift_that_hardly_moves_tells_no_order_from_another() -> None:
    flat = {name: np.array([0.8, 0.8, 0.796, 0.8, 0.8]) for name in ("leave-one-out", "importance")}
    level = np.full((2, 5), 0.8)
    told = measured(deletion=flat, insertion=flat, random_deletion=level, random_insertion=level)
    assert faithfulness_sentence(told) == (
        "The candidate's lift stays within a factor of 1.01 whatever is deleted, so no order can be called better "
        "than another."
    )


def test_a_single_item() -> None:
    figure = faithfulness_figure(single(), "dark")
    assert faithfulness_sentence(single()) == "The history holds a single item: there is no order to test."
    assert [list(t.y) for t in figure.data if t.name == "importance γ"] == [[0.7], [0.7]]
    assert "single item" in caption(single())
    assert np.log(faithfulness_table(single())["lift, deleting"]).tolist() == pytest.approx([0.7] * 5)


def test_without_random_orders_nothing_is_claimed() -> None:
    none = np.empty((0, 5))
    told = measured(random_deletion=none, random_insertion=none)
    assert "nothing to compare" in faithfulness_sentence(told)
    assert not {"band", "mean", "random orders"} & {trace.name for trace in faithfulness_figure(told, "light").data}
    assert len(faithfulness_table(told)) == 2 and "Grey" not in caption(told)


def test_caption_says_where_it_was_measured() -> None:
    assert caption(measured()).startswith(
        "The candidate's lift, how many times as likely it is as by popularity alone (with all items 2.2×), measured "
        "after each item;"
    )
    sparse = measured(attributions=dict.fromkeys(("leave-one-out", "importance"), np.arange(1200.0)))
    assert "measured at 5 of 1,200 numbers of items" in caption(sparse)


def test_other_attributions_and_hostile_names() -> None:
    for name in HOSTILE:
        told = measured(attributions={name: np.arange(5.0)}, deletion={name: EVEN}, insertion={name: LATE})
        text = json.loads(faithfulness_figure(told, "light").to_json())
        drawn = json.dumps(text, ensure_ascii=False)
        assert not any(part in drawn for part in ("<img", "<script", "<a "))
        assert faithfulness_table(told)["order"][0] == name


def test_about_is_short() -> None:
    assert len(ABOUT.split()) <= 90
