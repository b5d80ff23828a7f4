"""The ledger of two candidates: bars, table and sentence hold the measured effects."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from surge.escapes import for_plotly
from surge.explanation.measurements import Effects
from surge.explanation.record import Explanation, Item
from surge.pictures.ledger import ledger_figure, ledger_table, shown_items
from surge.pictures.ledger_words import ABOUT, caption, ledger_sentence
from surge.pictures.palette import Theme, cluster_styles, item_clusters
from surge.vocabulary.amounts import times
from tests.pictures.hostile import HOSTILE
from tests.records import make_explanation


def two(items: int = 6, titles: tuple[str, ...] | None = None) -> tuple[Explanation, Explanation]:
    """One history read for two candidates."""
    first = make_explanation(items=items, clusters=4, heads=2, seed=3, titles=titles, candidate_seed=1)
    second = make_explanation(items=items, clusters=4, heads=2, seed=3, titles=titles, candidate_seed=2)
    return replace(first, target=Item("a", "Trail stove", None)), replace(second, target=Item("b", "Blue Train", None))


def effects_of(record: Explanation, effect: list[float]) -> Effects:
    """Log effects of each item; NaN where there is none."""
    return Effects(record.prediction.logit, record.prediction.logit - np.array(effect), np.full(4, np.nan))


FIRST, SECOND = [0.5, 0.0, -0.2, 1.0, 0.05, -0.3], [0.1, 0.9, -0.2, 0.9, 0.0, 0.9]
DIFFERENCE = [0.4, -0.9, 0.0, 0.1, 0.05, -1.2]


def told() -> tuple[Explanation, Explanation, Effects, Effects]:
    first, second = two(titles=("Tent pegs", "Jazz at noon", "Boots", "Stove", "Mat", "Giant Steps"))
    return first, second, effects_of(first, FIRST), effects_of(second, SECOND)


def test_table_holds_factors_and_the_log_of_their_ratio() -> None:
    first, second, *_ = told()
    table = ledger_table(*told())
    assert table["title"].tolist() == [item.title for item in first.history]
    np.testing.assert_allclose(table["log difference"], DIFFERENCE, atol=1e-12)
    np.testing.assert_allclose(table["effect factor on ①"], np.exp(FIRST))
    np.testing.assert_allclose(table["effect factor on ②"], np.exp(SECOND))
    np.testing.assert_allclose(table["β for ②"], second.interest_fusion.query_score.mean(axis=0))
    np.testing.assert_array_equal(table["importance for ①"], first.interest_extraction.importance)
    styles = cluster_styles(first)
    assert table["cluster"].tolist() == [styles[cluster].letter for cluster in item_clusters(first)]


def test_figure_draws_the_strongest_differences_from_first_to_second() -> None:
    figure = ledger_figure(*told(), "light", limit=4)
    filled, hollow = figure.data
    order = [0, 3, 1, 5]  # +0.4, +0.1, -0.9, -1.2
    for trace, effect in ((filled, FIRST), (hollow, SECOND)):
        np.testing.assert_allclose(trace.x, np.array(effect)[order], atol=1e-12)
        assert [entry[0] for entry in trace.customdata] == order
        assert list(trace.y) == [0, 1, 2, 3]
    assert list(figure.layout.yaxis.range) == [3.5, -0.5]  # the strongest for the first stands at the top
    assert filled.customdata[0][6] == "×1.5" and filled.customdata[3][6] == "÷3.3"
    assert filled.customdata[0][4:6] == ["effect ×1.6", "effect ×1.1"]
    colours = [cluster_styles(told()[0])[c].colour for c in item_clusters(told()[0])[order]]
    assert list(filled.marker.color) == colours and list(hollow.marker.color) != colours
    assert all(colour.endswith(",0.12)") for colour in hollow.marker.color)


def test_rows_can_be_framed() -> None:
    figure = ledger_figure(*told(), "dark", limit=4)
    meta = figure.layout.meta
    assert [len(rectangles) for rectangles in meta["items"]] == [1, 1, 0, 1, 0, 1]
    x0, x1, y0, y1 = meta["items"][5][0]
    assert x0 < min(FIRST + SECOND) and x1 > max(FIRST + SECOND) and y0 < 3 < y1
    clusters = item_clusters(told()[0])
    for cluster, rectangles in meta["clusters"].items():
        assert rectangles == [meta["items"][i][0] for i in (0, 3, 1, 5) if clusters[i] == int(cluster)]


def test_axis_names_factors_and_covers_every_bar() -> None:
    axis = ledger_figure(*told(), "light").layout.xaxis
    assert list(axis.ticktext) == ["÷3", "÷2", "÷1.5", "×1", "×1.5", "×2", "×3"]
    assert axis.range[0] == -axis.range[1] and axis.range[1] > 1.0
    for reach in (1e-6, 0.03, 7.0, 950.0):
        first, second = two()
        figure = ledger_figure(first, second, effects_of(first, [reach] * 6), effects_of(second, [0.0] * 6), "light")
        assert 3 <= len(figure.layout.xaxis.tickvals) <= 11
        assert len(set(figure.layout.xaxis.ticktext)) == len(figure.layout.xaxis.ticktext)


def test_sentence_names_what_speaks_for_either() -> None:
    first, second, one, other = told()
    text = ledger_sentence(first, second, one, other)
    tips = "“Tent pegs” speaks more for ①; “Giant Steps” and “Jazz at noon” speak more for ②."
    lifts = [times(record.lift) for record in (first, second)]
    assert text == (
        f"① “Trail stove” is {lifts[0]} as likely as by popularity alone, ② “Blue Train” {lifts[1]}. {tips}"
    )
    first, second = (
        replace(record, prediction=replace(record.prediction, lift=lift, next_probability=likely))
        for record, lift, likely in ((first, 9.1, 0.036), (second, 0.4, 0.012))
    )
    assert ledger_sentence(first, second, one, other) == (
        "① “Trail stove” has a chance of 3.6 % of being the next item, 9.1 times as likely as by popularity alone; ② "
        f"“Blue Train” one of 1.2 %, 0.40 times as likely. {tips}"
    )


def test_sentence_of_what_is_never_recommended_says_what_it_would_have() -> None:
    first, second, one, other = told()
    first, second = (
        replace(record, prediction=replace(record.prediction, lift=lift, next_probability=likely))
        for record, lift, likely in ((first, 9.1, 0.036), (second, 0.4, 0.012))
    )
    never = [replace(record, prediction=replace(record.prediction, left_out=True)) for record in (first, second)]
    blind = replace(never[1], prediction=replace(never[1].prediction, next_probability=None))
    why = "(not ranked, as it was taken before the items that are read here)"
    for pair, words in (
        (
            (first, never[1]),
            "① “Trail stove” has a chance of 3.6 % of being the next item, 9.1 times as likely as by popularity "
            f"alone; ② “Blue Train” {why} would have one of 1.2 %, 0.40 times as likely. ",
        ),
        (
            (never[0], second),
            f"① “Trail stove” {why} would have a chance of 3.6 % of being the next item, 9.1 times as likely as by "
            "popularity alone; ② “Blue Train” has one of 1.2 %, 0.40 times as likely. ",
        ),
        (
            (first, blind),
            "① “Trail stove” is 9.1 times as likely as by popularity alone, "
            f"② “Blue Train” {why} would be 0.40 times. ",
        ),
    ):
        assert ledger_sentence(*pair, one, other).startswith(words)
    both = ledger_sentence(never[0], never[1], one, other)
    assert (
        both.startswith(f"① “Trail stove” {why} would have a chance of 3.6 %") and f"② “Blue Train” {why} one" in both
    )


def test_sentence_of_one_side_of_none_and_of_nothing() -> None:
    first, second, one, _ = told()
    nothing = effects_of(second, [0.0] * 6)
    assert ledger_sentence(first, second, effects_of(first, [0.5, 0, 0, 0, 0, 0]), nothing).endswith(
        " “Tent pegs” speaks more for ①; no single item speaks clearly more for ②."
    )
    assert ledger_sentence(first, second, effects_of(first, [0, 0, 0, 0, 0, -0.5]), nothing).endswith(
        " “Giant Steps” speaks more for ②; no single item speaks clearly more for ①."
    )
    assert ledger_sentence(first, second, effects_of(first, [0.07, -0.02, 0, 0, 0, 0]), nothing).endswith(
        "No single item makes the difference: leaving out any one of them changes how the two compare by less than a "
        "factor of 1.08."
    )
    same = replace(second, target=first.target)
    assert ledger_sentence(first, same, one, nothing).endswith("They are the same item.")


def test_a_single_item_draws_nothing_and_says_so() -> None:
    first, second = two(items=1)
    effects = (effects_of(first, [np.nan]), effects_of(second, [np.nan]))
    figure = ledger_figure(first, second, *effects, "light")
    assert [len(trace.x) for trace in figure.data] == [0, 0] and figure.layout.meta["items"] == [[]]
    assert "single item: nothing can be left out" in ledger_sentence(first, second, *effects)
    assert caption(first, second, *effects) == "Nothing is drawn: no item can be left out of this history."
    assert ledger_table(first, second, *effects)["effect factor on ①"].isna().all()


def test_caption_counts_what_is_left_out_and_what_moved() -> None:
    first, second, one, other = told()
    assert "6 items, ordered" in caption(*told()) and "not drawn" not in caption(*told())
    assert "5 items, ordered" in caption(*told(), limit=5) and "1 item with a smaller difference" in caption(
        *told(), limit=5
    )
    assert "2 items with a smaller difference are not drawn" in caption(*told(), limit=4)
    extraction = first.interest_extraction
    swapped = replace(first, target=second.target)
    rows = extraction.assignment.copy()
    rows[[0, 1]] = 1 - np.eye(4)[item_clusters(first)[[0, 1]]]
    rows[[0, 1]] /= 3
    swapped = replace(swapped, interest_extraction=replace(extraction, assignment=rows))
    assert "2 items of the history lie in another cluster when read for ②." in caption(first, swapped, one, other)
    assert "another cluster" not in caption(first, first, one, other)


def test_other_histories_are_refused() -> None:
    first, second, one, other = told()
    shorter, _ = two(items=5)
    with pytest.raises(ValueError, match="not of one history"):
        ledger_table(first, shorter, one, other)
    with pytest.raises(ValueError, match="effects are not"):
        ledger_figure(first, second, one, effects_of(second, [0.0] * 5), "light")


@pytest.mark.parametrize("theme", list(Theme))
def test_hostile_titles_are_text(theme: Theme) -> None:
    first, second = two(items=len(HOSTILE), titles=HOSTILE)
    first = replace(first, target=Item("a", HOSTILE[0], None))
    effects = [effects_of(record, list(np.linspace(-1, 1, len(HOSTILE)))) for record in (first, second)]
    figure = ledger_figure(first, second, effects[0], effects_of(second, [0.0] * len(HOSTILE)), theme)
    text = json.dumps(json.loads(figure.to_json()), ensure_ascii=False)
    for part in ("<img", "<script", "<a ", "%{customdata[0]} %{meta}"):
        assert part not in text
    assert [entry[1] for entry in figure.data[0].customdata] == [for_plotly(title) for title in HOSTILE[::-1]]
    assert ledger_table(first, second, *effects)["title"].tolist() == list(HOSTILE)
    assert ledger_sentence(first, second, *effects).isprintable()


def test_shown_items_leave_out_what_is_not_measured() -> None:
    first, second = two()
    one, other = effects_of(first, [1, np.nan, 0, 0, 0, 0]), effects_of(second, [0, 0, 0, 0, 0, 2])
    assert shown_items(one, other, 2).tolist() == [0, 5] and 1 not in shown_items(one, other, 10)


def test_about_is_short() -> None:
    assert len(ABOUT.split()) <= 90
