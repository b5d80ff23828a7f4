"""Two checkpoints on one user: tables and sentence against ranks, edges and clusters written by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from surge.explanation.measurements import Match, Predicted
from surge.explanation.record import Explanation, Item
from surge.pictures.comparison import (
    ABOUT,
    caption,
    cluster_pairs_table,
    comparison_table,
    difference_sentence,
    edge_difference,
    edge_sentence,
    edge_table,
)
from surge.pictures.palette import cluster_styles
from tests.pictures.hostile import HOSTILE
from tests.records import make_explanation


def predictions(*items: str, chance: float = 0.09) -> list[Predicted]:
    return [
        Predicted(rank, rank, item, f"title {item}", None, 1.0, 4.0, chance) for rank, item in enumerate(items, start=1)
    ]


def record_of(clusters: list[int], edges: list[tuple[int, int]], names: str, similarity: float = 0.5) -> Explanation:
    """Items named by one letter each, in these clusters (of 3), with these kept edges."""
    n = len(clusters)
    record = make_explanation(items=n, clusters=3)
    kept = np.eye(n)
    for one, other in edges:
        kept[one, other] = kept[other, one] = 1
    level = np.full((n, n), similarity) + (1 - similarity) * np.eye(n)
    graph = replace(record.graph_construction, adjacency=kept, similarity=level)
    extraction = replace(record.interest_extraction, assignment=np.eye(3)[clusters])
    prediction = replace(record.prediction, order=np.array([1, 0, 2]))
    history = tuple(Item(name, f"title {name}", "Tents", place) for place, name in enumerate(names))
    return replace(
        record, graph_construction=graph, interest_extraction=extraction, prediction=prediction, history=history
    )


def match(places: list[tuple[int, int]], **changes: Any) -> Match:
    values: dict[str, Any] = {
        "places": np.array(places, dtype=np.int64).reshape(-1, 2),
        "partner": np.array([1, 0, -1]),
        "overlap": np.array([0.9, 0.4, 0.0]),
        "agreement": 0.85,
        "shared_edges": 0.25,
    }
    return Match(**(values | changes))


# the second reads b, c, d, e: all but the first's beginning, and one more
FIRST = record_of([0, 0, 1, 1], [(0, 1), (1, 2), (2, 3)], "abcd", similarity=0.6)
SECOND = record_of([1, 0, 0, 2], [(0, 1), (0, 2), (2, 3)], "bcde", similarity=0.7)
COMMON = match([(1, 0), (2, 1), (3, 2)])


def test_predictions_of_either_with_both_ranks() -> None:
    table = comparison_table(
        FIRST, SECOND, COMMON, predictions("x", "t1", "c"), predictions("c", "x", "a", chance=0.04)
    )
    # places: x 1 + 2, c 3 + 1, t1 2 + 4 (beyond the list), a 4 (beyond) + 3
    assert table["item"].tolist() == ["x", "c", "t1", "a"]
    assert table["rank, first"].tolist() == [1, 3, 2, pd.NA] and table["rank, second"].tolist()[:2] == [2, 1]
    assert table["rank, second"].isna().tolist() == [False, False, True, False]
    assert table["change"].tolist()[:2] == [-1, 2] and table["change"].isna().tolist() == [False, False, True, True]
    assert table["chance, first"].tolist()[:3] == [0.09] * 3 and table["chance, second"].tolist()[:2] == [0.04] * 2
    assert table["note"].tolist() == ["", "in history", "candidate", ""]  # the second does not read a
    assert table["title"].tolist()[0] == "title x"


def test_nothing_predicted_is_an_empty_table() -> None:
    table = comparison_table(FIRST, SECOND, COMMON, [], [])
    assert len(table) == 0 and "rank, second" in table
    one_sided = comparison_table(FIRST, SECOND, COMMON, predictions("x"), [])
    assert one_sided["rank, first"].tolist() == [1] and one_sided["change"].isna().all()


def test_matched_clusters_stand_side_by_side() -> None:
    styles = cluster_styles(FIRST), cluster_styles(SECOND, "light", cluster_styles(FIRST), COMMON.partner.tolist())
    table = cluster_pairs_table(FIRST, SECOND, COMMON, *styles)
    # the first reads 1, 0, 2: its 1 is the second's 0, its 0 the second's 1, its 2 is empty; the second's 2 is alone
    assert table["items, first"].tolist() == [2, 2, 0] and table["items, second"].tolist() == [2, 1, 1]
    assert table["first"].tolist() == [styles[0][1].letter, styles[0][0].letter, ""]
    assert table["second"].tolist() == [styles[1][0].letter, styles[1][1].letter, styles[1][2].letter]
    assert table["first"].tolist()[:2] == table["second"].tolist()[:2]
    assert table["overlap"].tolist()[:2] == [0.9, 0.4] and np.isnan(table["overlap"][2])


def test_clusters_without_a_partner_come_last() -> None:
    alone = match([(1, 0)], partner=np.array([-1, 0, -1]), overlap=np.array([0.0, 0.5, 0.0]))
    table = cluster_pairs_table(FIRST, SECOND, alone, cluster_styles(FIRST), cluster_styles(SECOND))
    assert list(zip(table["items, first"], table["items, second"], strict=True)) == [(2, 1), (2, 0), (0, 2), (0, 1)]
    assert table["overlap"].isna().tolist() == [False, True, True, True]


def test_edges_that_one_of_the_two_keeps() -> None:
    # common are b, c, d; the first keeps b-c and c-d, the second b-c and b-d
    table = edge_difference(FIRST, SECOND, COMMON)
    assert table["kept by"].tolist() == ["second", "first"]  # similarities 0.7 and 0.6
    assert list(zip(table["item"], table["other item"], strict=True)) == [
        ("title b", "title d"),
        ("title c", "title d"),
    ]
    assert list(zip(table["from"], table["to"], strict=True)) == [(1, 3), (2, 3)]
    assert table["similarity, first"].tolist() == [0.6, 0.6] and table["similarity, second"].tolist() == [0.7, 0.7]
    assert len(edge_difference(FIRST, FIRST, match([(i, i) for i in range(4)]))) == 0
    assert len(edge_difference(FIRST, SECOND, match([]))) == 0


def test_links_of_both_and_of_each_alone_in_one_sentence() -> None:
    text = edge_sentence(FIRST, SECOND, COMMON, ("demo", "mine"))
    assert text == "Of the 3 links between items that both read, both models keep 1, only demo 1 and only mine 1."
    same = match([(i, i) for i in range(4)])
    assert edge_sentence(FIRST, FIRST, same) == (
        "Of the 3 links between items that both read, both models keep 3, only the first checkpoint 0 and only the "
        "second checkpoint 0."
    )
    bare = record_of([0, 1, 2, 0], [], "abcd")
    assert edge_sentence(bare, bare, same) is None and edge_sentence(FIRST, SECOND, match([])) is None


def test_the_strongest_links_of_each_side_are_told_by_name() -> None:
    table = edge_table(edge_difference(FIRST, SECOND, COMMON), ("demo", "mine"))
    assert table["kept by"].tolist() == ["mine", "demo"]
    assert list(zip(table["position"], table["other position"], strict=True)) == [(2, 4), (3, 4)]
    assert table["item"].tolist() == ["title b", "title c"] and table["similarity, second"].tolist() == [0.7, 0.7]
    many = record_of([0] * 8, [(i, j) for i in range(8) for j in range(i)], "abcdefgh")
    few = record_of([0] * 8, [(0, 1)], "abcdefgh")
    same = match([(i, i) for i in range(8)])
    assert len(edge_difference(many, few, same)) == 27 and len(edge_table(edge_difference(many, few, same))) == 10
    assert len(edge_table(edge_difference(many, few, same), most=3)) == 3
    empty = edge_table(edge_difference(many, many, same))
    assert len(empty) == 0 and list(empty) == list(table)


def test_sentence_tells_ranks_overlap_links_and_groups() -> None:
    text = difference_sentence(
        FIRST, SECOND, COMMON, predictions(*"xyzc"), predictions(*"cvwx"), rank_first=3, rank_second=1200
    )
    assert text == (
        "“Target item” ranks #3 under the first checkpoint and #1,200 under the second checkpoint. Of the top 4 "
        "they share 2. They share 25.0 % of the links between common items, and they group the items much alike "
        "(agreement 0.85; 1 is the same grouping)."
    )


@pytest.mark.parametrize(
    ("ranks", "words"),
    [
        ((3, 3), "“Target item” ranks #3 under both checkpoints."),
        ((None, None), "“Target item” is ranked under neither checkpoint."),
        ((3, None), "“Target item” ranks #3 under demo and is not ranked under mine."),
    ],
)
def test_ranks_of_the_candidate(ranks: tuple[int | None, int | None], words: str) -> None:
    text = difference_sentence(
        FIRST, SECOND, COMMON, [], [], rank_first=ranks[0], rank_second=ranks[1], names=("demo", "mine")
    )
    assert text.startswith(words) and "Of the top" not in text


def test_two_candidates_are_told_apart() -> None:
    other = replace(SECOND, target=Item("t2", "Blue Train", None))
    text = difference_sentence(FIRST, other, COMMON, [], [], rank_first=3, rank_second=1)
    assert text.startswith("“Target item” ranks #3 under the first checkpoint, “Blue Train” ranks #1 under the second")


def test_overlap_counts_ten_at_most_and_says_none_and_all() -> None:
    many = predictions(*(f"i{k}" for k in range(20)))
    assert "Of the top 10 they share all." in difference_sentence(FIRST, SECOND, COMMON, many, many)
    late = predictions(*(f"i{k}" for k in range(10, 20)))
    assert "Of the top 10 they share none." in difference_sentence(FIRST, SECOND, COMMON, many, late)


@pytest.mark.parametrize(
    ("agreement", "words"),
    [
        (0.8, "much alike"),
        (0.5, "alike in part (agreement 0.50; 1 is the same grouping)"),
        (0.1, "they group the items differently"),
        (None, "each puts all of them into one interest."),
    ],
)
def test_agreement_in_words(agreement: float | None, words: str) -> None:
    assert words in difference_sentence(FIRST, SECOND, match([(1, 0), (2, 1)], agreement=agreement), [], [])


def test_little_in_common() -> None:
    text = difference_sentence(FIRST, SECOND, match([(1, 0)]), [], [])
    assert text.endswith("They read fewer than two items in common, so links and interests can't be compared.")
    bare = record_of([0, 1, 2, 0], [], "abcd")
    text = difference_sentence(bare, bare, match([(0, 0), (1, 1)], shared_edges=1.0), [], [])
    assert "Neither links any two of the common items, and they group" in text and "100" not in text


def test_caption_says_what_is_read_by_one_alone() -> None:
    text = caption(FIRST, SECOND, COMMON)
    assert text.startswith(
        "3 items that both models read; read 1 item by the first alone and 1 item by the second alone, left out here."
    )
    assert "1 pair of clusters overlaps by less than half." in text
    same = match([(i, i) for i in range(4)], overlap=np.array([0.9, 0.9, 0.0]))
    assert caption(FIRST, FIRST, same).startswith("4 items that both models read. Overlap")
    assert "less than half" not in caption(FIRST, FIRST, same)


@pytest.mark.parametrize("title", HOSTILE)
def test_hostile_titles_are_kept_in_tables_and_plain_in_the_sentence(title: str) -> None:
    record = replace(FIRST, history=tuple(replace(item, title=title) for item in FIRST.history))
    record = replace(record, target=Item("t1", title, None))
    predicted = [replace(entry, title=title) for entry in predictions("x", "y")]
    assert comparison_table(record, SECOND, COMMON, predicted, [])["title"].tolist() == [title] * 2
    assert set(edge_difference(record, SECOND, COMMON)["item"]) == {title}
    text = difference_sentence(record, record, COMMON, predicted, predicted)
    assert text.startswith(f"“{' '.join(title.split())}”") and text.isprintable()


def test_about_is_short() -> None:
    assert len(ABOUT.split()) <= 90
