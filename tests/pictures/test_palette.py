"""Cluster styles: seven colours at most, letters in the order read, grey for the rest."""

from __future__ import annotations

import numpy as np
import pytest

from surge.pictures.figure import magnitude_scale, rim
from surge.pictures.palette import (
    CLUSTER_COLOURS,
    NO_LETTER,
    Theme,
    cluster_mass,
    cluster_styles,
    contrast,
    item_clusters,
    rgba,
)
from tests.records import make_explanation


@pytest.mark.parametrize("clusters", [1, 3, 7, 12])
def test_letters_follow_the_order_read(clusters: int) -> None:
    record = make_explanation(items=120, clusters=clusters, seed=clusters)
    styles = cluster_styles(record)
    assert [style.index for style in styles] == list(range(clusters))
    used = set(item_clusters(record).tolist())
    assert {style.index for style in styles if style.lettered} == used
    lettered = [styles[c] for c in record.prediction.order if styles[c].lettered]
    coloured = [style for style in lettered if style.letter in "ABCDEFG"]
    assert "".join(style.letter for style in coloured) == "ABCDEFG"[: len(used)]
    assert [style.colour for style in coloured] == list(CLUSTER_COLOURS[: len(coloured)])
    grey = [style for style in lettered if style.letter not in "ABCDEFG"]
    assert "".join(style.letter for style in grey) == "HIJKLMNOPQ"[: max(0, len(used) - 7)]
    assert {style.colour for style in grey} <= {Theme.LIGHT.other}


def test_the_heaviest_clusters_have_the_colours() -> None:
    record = make_explanation(items=200, clusters=12, seed=1)
    styles, mass = cluster_styles(record, Theme.DARK), cluster_mass(record)
    grey = [style for style in styles if style.colour == Theme.DARK.other]
    assert len(grey) == 5 and sorted(style.letter for style in grey) == list("HIJKL")
    assert max(mass[style.index] for style in grey) <= min(mass[s.index] for s in styles if s not in grey)


def test_a_cluster_that_holds_no_item_has_no_letter() -> None:
    record = make_explanation(items=3, clusters=12, seed=1)
    used = set(item_clusters(record).tolist())
    assert {style.index for style in cluster_styles(record) if style.letter == NO_LETTER} == set(range(12)) - used


def test_clusters_of_a_hierarchy_are_those_of_its_last_layer() -> None:
    record = make_explanation(items=60, clusters=10, layers=(4,), seed=2)
    total = record.interest_extraction.assignment @ record.interest_extraction.layers[0].assignment
    assert len(cluster_styles(record)) == 4
    np.testing.assert_array_equal(item_clusters(record), total.argmax(1))
    np.testing.assert_allclose(cluster_mass(record), total.sum(0))
    assert cluster_mass(record).sum() == pytest.approx(60)


def test_names_come_from_the_commonest_categories_or_the_strongest_title() -> None:
    record = make_explanation(items=8, clusters=1, categories=["Tents", "Tents", "Boots", "Tents"], seed=1)
    assert cluster_styles(record)[0].name == "Tents, Boots"
    bare = make_explanation(items=8, clusters=1, categories=[None], seed=1)
    strongest = int(bare.interest_extraction.importance.argmax())
    assert cluster_styles(bare)[0].name == bare.history[strongest].title


# -- contrast, as WCAG 2 asks for: 4.5 for text, 3 for marks ------------------------------------------------


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21) and contrast("#777777", "#777777") == 1
    assert contrast("#767676", "#ffffff") == contrast("#ffffff", "#767676") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("theme", list(Theme))
def test_words_are_readable(theme: Theme) -> None:
    for ground in (theme.background, theme.surface):
        assert contrast(theme.text, ground) >= 7
        assert min(contrast(colour, ground) for colour in (theme.muted, theme.positive, theme.negative)) >= 4.5


@pytest.mark.parametrize("theme", list(Theme))
def test_letters_are_readable_on_their_colours(theme: Theme) -> None:
    styles = cluster_styles(make_explanation(items=200, clusters=12, seed=1), theme)
    assert sum(style.lettered for style in styles) == 12
    for style in styles:
        assert contrast(style.ink, style.colour) >= 4.5


@pytest.mark.parametrize("theme", list(Theme))
def test_marks_stand_out_or_have_a_rim(theme: Theme) -> None:
    assert min(contrast(colour, theme.background) for colour in (theme.other, theme.muted, theme.edge)) >= 3
    line = rim(theme, [*CLUSTER_COLOURS, theme.other])
    assert contrast(line["color"], theme.background) >= 3
    for colour, width in zip([*CLUSTER_COLOURS, theme.other], line["width"], strict=True):
        assert (width == 0) == (contrast(colour, theme.background) >= 3)
    assert sum(width > 0 for width in line["width"]) == (3 if theme is Theme.LIGHT else 0)


@pytest.mark.parametrize("theme", list(Theme))
def test_what_is_larger_stands_out_more(theme: Theme) -> None:
    scale = magnitude_scale(theme)
    assert [scale[0][0], scale[-1][0]] == [0, 1]
    seen = [contrast(colour, theme.background) for _, colour in scale]
    assert seen == sorted(seen) and seen[-1] > 10


def test_rgba() -> None:
    assert rgba("#0072B2", 0.5) == "rgba(0,114,178,0.5)"
    assert Theme("dark").text != Theme("light").text
