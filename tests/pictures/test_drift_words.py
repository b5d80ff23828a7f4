"""The drift in a sentence: what came when, from masses, lifts and ranks written by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from surge.explanation.measurements import Drift
from surge.pictures.drift import drift_figure
from surge.pictures.drift_words import sentence
from surge.pictures.palette import NO_LETTER, ClusterStyle
from tests.pictures.hostile import HOSTILE
from tests.records import make_explanation

RECORD = make_explanation(items=5, titles=["Tin", "Tray", "Bag", "Bell", "Lamp"])
STYLES = (
    ClusterStyle(0, "B", "#000000", "bakeware"),
    ClusterStyle(1, "G", "#000000", "bags"),
    ClusterStyle(2, NO_LETTER, "#000000", "garden"),
)
MASS = [[1, 0, 0], [1.9, 0.1, 0], [2, 1, 0], [1.8, 2.2, 0], [2, 3, 0]]
LIFTS = (0.5, 0.5, 1.0, 4.2, 6.0)


def drift(
    mass: Any = MASS,
    lifts: tuple[float, ...] = LIFTS,
    rank: tuple[float, ...] = (900, 800, 700, 1, 1),
    lengths: tuple[int, ...] = (1, 2, 3, 4, 5),
    firsts: tuple[tuple[int, ...], ...] = ((0,), (0, 0), (0, 0, 1), (0, 0, 1, 1), (0, 0, 1, 1, 1)),
    exact: bool = True,
) -> Drift:
    none = tuple(np.empty((0, 2), dtype=np.int64) for _ in lengths)
    return Drift(
        lengths=np.array(lengths),
        logit=np.log(np.array(lifts) / 4),
        rank=np.array(rank, dtype=np.float64),
        exact=exact,
        cluster_mass=np.array(mass, dtype=np.float64),
        clusters=tuple(np.array(row) for row in firsts),
        importance=tuple(np.full(length, 1 / length) for length in lengths),
        edges=none,
        edge_similarity=tuple(np.empty(0) for _ in lengths),
        offset=np.log(4),
    )


def test_what_came_when_and_when_the_lift_was_there() -> None:
    assert sentence(RECORD, drift(), styles=STYLES) == (
        "It began with interest B (bakeware); interest G (bags) came with item 3 and holds the most items since item "
        "4. Today the candidate is 6.0 times as likely as by popularity alone; it passed half of that after 4 of 5 "
        "items, and "
        "it ranks #1 since then; the largest step (×4.2) came with item 4, “Bell”."
    )


@pytest.mark.parametrize(
    ("mass", "firsts", "words"),
    [
        (
            [[1, 0, 0], [2, 0, 0], [3, 0, 0], [3, 1, 0], [4, 1, 0]],
            None,
            "bakeware), which holds the most items ever since.",
        ),
        (
            [[1, 0, 0], [0.5, 1.5, 0], [0.5, 2.5, 0], [3, 1, 0], [4, 1, 0]],
            None,
            "bakeware), which holds the most items again since item 4.",
        ),
        (
            [[0.6, 0.4, 0], *MASS[1:]],
            None,
            "interest B (bakeware) and interest G (bags), of which G holds the most items since item 4.",
        ),
        (
            [[0, 0, 1], *MASS[1:]],
            None,
            "an interest without a letter (garden); interest G (bags) came with item 3 and holds the most items since "
            "item 4.",
        ),
        (
            [*MASS[:3], [1, 1, 2], [1, 1, 3]],
            ((0,), (0, 0), (0, 0, 1), (0, 1, 2, 2), (0, 1, 2, 2, 2)),
            "(bakeware); an interest without a letter (garden) came with item 4 and holds the most items since then.",
        ),
        (
            [*MASS[:3], [1, 1, 2], [1, 1, 3]],
            None,
            "an interest without a letter (garden), though no item's first choice, holds the most items since item 4.",
        ),
    ],
)
def test_interests(mass: Any, firsts: Any, words: str) -> None:
    told = drift(mass) if firsts is None else drift(mass, firsts=firsts)
    assert words in sentence(RECORD, told, styles=STYLES)


@pytest.mark.parametrize(
    ("lifts", "words"),
    [
        ((5, 4, 5, 6, 6), "was at least half as likely as today from the first item on"),
        ((5, 1, 5, 6, 6), "passed half of that for good after 3 of 5 items"),
        ((5, 1, 2, 2, 6), "passed half of that only with the last step"),
    ],
)
def test_lifts(lifts: tuple[float, ...], words: str) -> None:
    told = sentence(RECORD, drift(lifts=lifts), styles=STYLES)
    assert f". Today the candidate is 6.0 times as likely as by popularity alone; it {words}, and it ranks #1" in told


@pytest.mark.parametrize(
    ("rank", "exact", "words"),
    [
        ((np.nan,) * 5, True, "after 4 of 5 items; the largest"),
        ((9, 8, 1, 1, 1), True, ", and it ranks #1 since item 3; the"),
        ((1, 1, 1, 1, 1), True, ", and it ranks #1 from the first item on; the"),
        ((9, 8, 7, 3, 1), True, ", and it ranks #1 only since the last step; the"),
        ((9, 8, 1, 3, 1), True, ", and it ranks #1 again only since the last step; the"),
        ((90, 8, 30, 9, 4), True, ", and it ranks in the top 10 (#4 today) since then; the"),
        ((90, 8, 30, 9, 4), False, ", and it ranks in the top 10 (#4 today) since then, by an estimate; the"),
        ((90, 80, 30, 19, 1400), True, ", but it never ranked in the top 10 (#1,400 today); the"),
        ((90, 3, 30, 19, 45), True, ", but its rank, #3 at best after item 2, is #45 today; the"),
        ((90, 3, 30, 19, 45), False, ", but its rank, about #3 at best after item 2, is #45 today; the"),
        ((90, 3, 30, np.nan, np.nan), True, "; it ranked #3 at best, after item 2, and isn't ranked today; the"),
        ((90, np.nan, 30, 19, 4), True, ", and it ranks in the top 10 (#4 today) only since the last step; the"),
    ],
)
def test_ranks(rank: tuple[float, ...], exact: bool, words: str) -> None:
    assert words in sentence(RECORD, drift(rank=rank, exact=exact), styles=STYLES)


def test_steps_of_several_items_and_a_lift_that_does_not_move() -> None:
    rows = [0, 2, 4]
    told = drift(
        [MASS[row] for row in rows],
        lifts=(0.1, 6, 0.3),
        rank=(900, 700, 600),
        lengths=(1, 3, 5),
        firsts=((0,), (0, 0, 1), (0, 0, 1, 1, 1)),
    )
    assert sentence(RECORD, told, styles=STYLES) == (
        "It began with interest B (bakeware); interest G (bags) came with items 2 to 3 and holds the most items since "
        "items 4 to 5. Today the candidate is only 0.30 times as likely as by popularity alone; it passed half of "
        "that after 3 "
        "of 5 items, but it never ranked in the top 10 (#600 today); the largest step (×60) came with items 2 to 3."
    )
    still = sentence(RECORD, drift(lifts=(2,) * 5), styles=STYLES)
    assert still.endswith("; no step made it much more or less likely.")


def test_nothing_to_compare() -> None:
    one = drift([MASS[4]], (0.6,), (1,), (5,), ((0, 0, 1, 1, 1),))
    assert sentence(RECORD, one) == "Only the whole history was read, so there is no step to compare it with."
    single = drift([MASS[0]], (0.6,), (1,), (1,), ((0,),))
    assert sentence(make_explanation(items=1), single) == ("The history holds a single item, so nothing has grown yet.")


@pytest.mark.parametrize("title", HOSTILE)
def test_titles_are_plain_text_on_one_line(title: str) -> None:
    record = make_explanation(items=5, titles=[title] * 5)
    told = sentence(record, drift())
    assert "\n" not in told and "largest step" in told


@pytest.mark.parametrize(
    ("lifts", "words"),
    [
        ((np.nan, 0.5, 1.0, 4.2, 6.0), "Today the candidate is 6.0 times as likely"),
        ((0.5, 0.5, 1.0, 4.2, np.nan), "How likely the candidate is today is not known, and it ranks #1 only since"),
        ((np.nan,) * 5, "How likely the candidate is today is not known"),
    ],
)
def test_a_lift_that_is_not_known_is_said_to_be(lifts: tuple[float, ...], words: str) -> None:
    growth = drift(lifts=lifts, rank=(9, 9, 9, 9, 1))
    assert words in sentence(RECORD, growth, styles=STYLES) and "nan" not in sentence(RECORD, growth, styles=STYLES)
    assert "nan" not in str(drift_figure(RECORD, growth, "light", styles=STYLES).layout)
