"""The words below a list of predicted items: how many of how many, and where the true next item stands."""

from __future__ import annotations

import pytest

from surge.pictures.next_item import found_sentence, next_sentence


@pytest.mark.parametrize(
    ("ranked", "first"),
    [
        (1000, "The 20 best of 1,000 items."),
        (21, "The 20 best of 21 items."),
        (20, "All 20 items that can be recommended."),
        (12, "All 12 items that can be recommended."),
        (1, "The only item that can be recommended."),
        (0, "No item is left that can be recommended."),
    ],
)
def test_never_more_than_there_are(ranked: int, first: str) -> None:
    assert next_sentence(20, ranked, False, None, None) == f"{first} What came next is not known."


def test_the_best_alone() -> None:
    assert next_sentence(1, 7, False, None, None).startswith("The best of 7 items.")


@pytest.mark.parametrize(
    ("period", "ending"),
    [
        ("train", "ranks #1,234. It lies in the training period, so the model has learned from it."),
        ("valid", "ranks #1,234. It lies in the validation period, which decided when training stopped."),
        ("test", "ranks #1,234."),
        (None, "ranks #1,234."),
    ],
)
def test_the_true_next_item_with_its_period(period: str | None, ending: str) -> None:
    words = next_sentence(20, 5000, True, 1234, period)
    came_next = "The item that really came next, which is not part of the history here"
    assert words == f"The 20 best of 5,000 items. {came_next}, {ending}"


def test_a_next_item_that_cannot_be_recommended() -> None:
    words = next_sentence(20, 5000, True, None, "train")
    assert words.endswith(" The true next item is not among those that can be recommended.")


def test_where_nothing_is_left_it_is_said_however_it_was_looked_for() -> None:
    assert found_sentence(0, 0, 0) == "No item is left that can be recommended."
    assert next_sentence(20, 0, False, None, None).startswith("No item is left that can be recommended. ")
    assert found_sentence(20, 400, 90_000).startswith("The 20 best that a search found, which scored 400 of 90,000")
