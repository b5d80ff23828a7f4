"""Bars of cluster usage: order, names from categories, and a caption with numbers worked out by hand."""

from __future__ import annotations

import numpy as np

from surge.pictures.cluster_usage import MOST_BARS, cluster_name, usage_figure, usage_table
from surge.pictures.model_words import usage_caption
from tests.pictures.hostile import HOSTILE

MASS = np.array([0.25, 0.5, 0.25, 0.0])
CATEGORIES = ([("Tents", 8), ("Boots", 2), ("Maps", 1)], [("Jazz", 4), (None, 1)], [(None, 3)], [])


def test_the_largest_stands_on_top():
    figure = usage_figure(MASS, CATEGORIES, "light")
    assert list(figure.data[0].x) == [0.5, 0.25, 0.25, 0]
    assert list(figure.layout.yaxis.ticktext) == ["Jazz · 2", "Tents, Boots · 1", "no category · 3",
                                                  "no item's first choice · 4"]  # fmt: skip
    assert figure.layout.yaxis.autorange == "reversed"
    assert figure.layout.shapes[0].x0 == 0.25  # an even share of four
    assert [note.text for note in figure.layout.annotations] == ["50.0 %", "25.0 %", "25.0 %", "0.0 %"]


def test_names_are_of_the_commonest_categories():
    assert cluster_name([("Tents", 9), ("Boots", 2)]) == "Tents"
    assert cluster_name([("Tents", 8), ("Boots", 2)]) == "Tents, Boots"
    assert cluster_name([(None, 9), ("Tents", 1)]) == "Tents"


def test_hostile_categories_are_text():
    figure = usage_figure(np.full(len(HOSTILE), 0.1), [[(name, 1)] for name in HOSTILE], "dark")
    assert not any("<" in text for text in [*figure.layout.yaxis.ticktext, *figure.data[0].customdata])


def test_the_table_holds_every_cluster():
    table = usage_table(MASS, np.array([11, 5, 3, 0]), CATEGORIES)
    assert table["cluster"].tolist() == [2, 1, 3, 4] and table["items"].tolist() == [5, 11, 3, 0]
    assert table["categories"].tolist()[:2] == ["Jazz (4), no category (1)", "Tents (8), Boots (2), Maps (1)"]
    many = np.full(100, 0.01)
    assert len(usage_table(many, np.zeros(100), [[]] * 100)) == 100
    assert len(usage_figure(many, [[]] * 100, "light").data[0].x) == MOST_BARS
    assert f"The {MOST_BARS} largest are drawn." in usage_caption(many, 1, 1)


def test_the_caption_says_how_even_the_use_is():
    assert "4 clusters over 200 users and 7,000 items" in usage_caption(MASS, 200, 7000)
    assert "as even as that of 2.8 equal clusters" in usage_caption(MASS, 200, 7000)  # exp of 1.5 log 2
    assert "1 of them has less than a tenth" in usage_caption(MASS, 200, 7000)
    assert "none of them has" in usage_caption(np.full(5, 0.2), 1, 1)
