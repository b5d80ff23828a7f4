"""The learned metric in bars and in one sentence, with shares worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from surge.pictures.metric_weights import MOST_HEADS, item_share, metric_weights_figure
from surge.pictures.model_words import weights_caption, weights_sentence

WEIGHTS = np.array([[1.0, 1.0, 1.0, 3.0], [2.0, 2.0, 2.0, 2.0]])  # squares 1 1 1 9 and 4 4 4 4


def test_bars_are_multiples_of_an_equal_share():
    figure = metric_weights_figure(WEIGHTS, 3, "light")
    assert [list(trace.y) for trace in figure.data] == [
        pytest.approx([1 / 3, 1 / 3, 1 / 3]), [3], [1, 1, 1], [1]
    ]  # fmt: skip
    assert [list(trace.x) for trace in figure.data[:2]] == [[1, 2, 3], [4]]
    assert [trace.name for trace in figure.data[:2]] == ["item part", "category part"]
    assert len({trace.marker.color for trace in figure.data}) == 2


def test_the_share_of_the_item_part():
    # heads weigh alike: (3/12 + 12/16) / 2
    assert item_share(WEIGHTS, 3) == pytest.approx(0.5)
    said = weights_sentence(WEIGHTS, 3)
    assert "The item part holds 50.0 % of the squared weights with 75.0 % of the numbers" in said
    assert "the category part counts more: 2.0× an equal share against 0.7×" in said


def test_the_item_part_may_count_more_or_both_alike():
    assert "the item part counts more" in weights_sentence(np.array([[3.0, 1.0]]), 1)
    assert "both parts about as much" in weights_sentence(np.ones((2, 8)), 6)
    assert "no category part" in weights_sentence(np.ones((1, 4)), 4)


def test_weights_of_zero_count_as_even():
    assert item_share(np.zeros((1, 4)), 3) == pytest.approx(0.75)
    assert np.isfinite(metric_weights_figure(np.zeros((1, 4)), 3, "dark").data[0].y).all()


def test_many_heads_are_cut_and_said():
    weights = np.ones((MOST_HEADS + 2, 4))
    assert len(metric_weights_figure(weights, 3, "light").data) == 2 * MOST_HEADS
    assert f"The first {MOST_HEADS} of {MOST_HEADS + 2} metric heads" in weights_caption(weights)
    assert weights_caption(WEIGHTS).startswith("Squared weights of 2 metric heads over the 4 numbers")
