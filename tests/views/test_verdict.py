"""The verdict: each case has its honest wording, with numbers worked out by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from app.views.amounts import bound_in_points, correlation, percent, points, signed
from app.views.palette import NO_LETTER, ClusterStyle
from app.views.verdict import ABOUT, trust, verdict
from surge.explanation.measured import Effects
from surge.explanation.record import Explanation, Item
from tests.records import make_explanation
from tests.views.hostile import HOSTILE

LOGIT = float(np.log(4))  # a score of 80 %
STYLES = (
    ClusterStyle(0, "A", "#0072B2", "Camping"),
    ClusterStyle(1, "B", "#E69F00", "Jazz"),
    ClusterStyle(2, NO_LETTER, "#8b929f", "Seeds"),
)
TITLES = ("Tent pegs", "Boots", "Stove", "Blue Train", "Giant Steps", "Basil")


def logit(score: float) -> float:
    return float(np.log(score / (1 - score)))


def story(
    clusters: Sequence[int] = (0, 0, 0, 1, 1, 2),
    *,
    items: Sequence[float] | None = None,
    without: Sequence[float | None] = (0.2, 0.79, 0.8),
    score: float = 0.8,
    importance: Sequence[float] | None = None,
    ranks: Sequence[float] = (),
    exact: bool = True,
    titles: Sequence[str] = TITLES,
) -> tuple[Explanation, Effects]:
    """A record with these first choices, and effects told as scores without an item (default: none matters) and
    without a cluster."""
    n = len(clusters)
    record = make_explanation(items=n, clusters=3, titles=titles)
    weights = np.arange(1, n + 1) / np.arange(1, n + 1).sum() if importance is None else np.array(importance)
    record = changed(record, "interest_extraction", assignment=np.eye(3)[list(clusters)], importance=weights)
    record = changed(record, "graph_construction", adjacency=np.ones((n, n)))
    record = changed(record, "interest_fusion", attention=np.eye(n)[None])
    record = changed(record, "prediction", logit=logit(score), probability=score)
    record = replace(record, user="u0042", target=Item("t1", "Trail stove", "Stoves"))
    item_logit = np.array([logit(s) for s in items]) if items is not None else np.full(n, logit(score))
    cluster_logit = np.array([np.nan if s is None else logit(s) for s in without])
    return record, Effects(
        logit(score), item_logit, cluster_logit, 3, np.full(n, np.nan), np.array(ranks, dtype=float), exact
    )


def changed(record: Explanation, part: str, **values: Any) -> Explanation:
    return replace(record, **{part: replace(getattr(record, part), **values)})


def said(told: tuple[Explanation, Effects | None], rank: int | None = 3, ranked: int | None = 2400, **more: Any) -> str:
    return "".join(piece.text for piece in verdict(*told, rank, ranked, **{"styles": STYLES, **more}))


def test_the_sentence_is_computed_from_rank_score_and_effects() -> None:
    told = story(items=[0.68, 0.74, 0.8, 0.8, 0.81, 0.8], ranks=[210, np.nan, np.nan])
    assert said(told).startswith(
        "“Trail stove” ranks #3 of 2,400 for user u0042, with a score of 80.0 %, mainly because of interest A "
        "(Camping, 3 of 6 items): without it the score falls to 20.0 % (rank #210). The items that carry it most: "
        "“Tent pegs” (−12 points without it) and “Boots” (−6.0 points)."
    )


def test_strong_pieces_are_the_titles_and_figures_and_pieces_alternate() -> None:
    pieces = verdict(*story(items=[0.68, 0.8, 0.8, 0.8, 0.8, 0.8]), 3, 2400, styles=STYLES)
    assert [piece.text for piece in pieces if piece.strong] == [
        *("“Trail stove”", "#3 of 2,400", "80.0 %", "interest A", "“Tent pegs”")
    ]
    assert all(one.strong != other.strong for one, other in pairwise(pieces))


def test_estimated_ranks_are_called_about() -> None:
    assert "(about rank #210)" in said(story(ranks=[210.4, np.nan, np.nan], exact=False))
    assert "rank #" not in said(story(ranks=[np.nan] * 3)).replace("ranks #3", "")


def test_mainly_needs_a_clear_lead() -> None:
    assert "most of all because of interest A" in said(story(without=(0.4, 0.6, 0.8)))
    assert "mainly because of interest A" in said(story(without=(0.2, 0.7, 0.8)))


def test_because_is_not_said_of_a_low_score_far_down() -> None:
    low = story(score=0.3, without=(0.1, 0.3, 0.3))
    text = said(low, rank=1500)
    assert "; what speaks for it is mainly interest A" in text and "because" not in text
    assert "mainly because of interest A" in said(low, rank=2)


def test_a_cluster_without_a_letter_and_without_a_name() -> None:
    named = said(story(without=(0.8, 0.8, 0.2)))
    assert "because of an interest without a letter (Seeds, 1 of 6 items): without it" in named
    nameless = (*STYLES[:2], replace(STYLES[2], name=""))
    assert "(1 of 6 items): without it" in said(story(without=(0.8, 0.8, 0.2)), styles=nameless)


def test_candidate_that_is_not_ranked() -> None:
    record, effects = story()
    inside = replace(record, target=replace(record.history[2], timestamp=None))
    text = said((inside, effects), rank=None)
    assert text.startswith(
        "“Stove” is not ranked for user u0042, as the history holds it already, with a score of 80.0 %"
    )
    assert said((record, effects), rank=None).startswith(
        "“Trail stove” is left out of user u0042's ranking, with a score of 80.0 %, mainly"
    )
    assert said((inside, effects)).startswith("“Stove”, which the history holds already, ranks #3 of 2,400 for")


def test_rank_that_is_not_known_yet() -> None:
    text = said(story(), rank=None, ranked=None)
    assert text.startswith(
        "“Trail stove” has a score of 80.0 % for user u0042 (its rank is not known yet), mainly because"
    )


def test_before_anything_is_measured() -> None:
    text = said((story()[0], None))
    assert text == "“Trail stove” ranks #3 of 2,400 for user u0042, with a score of 80.0 %."


def test_no_cluster_matters() -> None:
    # 0.79 and 0.812: 0.062 and 0.077 of the logit; 1.2 points is the most
    text = said(story(without=(0.79, 0.812, 0.8)))
    assert "; no single interest carries this score: without any one of them it moves by less than 1.3 points." in text
    assert "because" not in text


def test_a_cluster_that_holds_the_score_down() -> None:
    text = said(story(without=(0.8, 0.9, 0.8), ranks=[np.nan, 1, np.nan]))
    assert (
        "; no interest carries this score, and one holds it down, interest B (Jazz, 2 of 6 items): without it the "
        "score rises to 90.0 % (rank #1)." in text
    )
    both = said(story(without=(0.7, 0.95, 0.8)))
    assert "because of interest A (Camping, 3 of 6 items): without it the score falls to 70.0 %" in both
    assert (
        "; even more works against it in interest B (Jazz, 2 of 6 items): without it the score rises to 95.0 %" in both
    )


def test_one_cluster_holds_everything_or_nearly() -> None:
    everything = said(story(clusters=[1] * 6, without=(None, None, None)))
    assert "; all 6 items lie in one interest (Jazz), so leaving out interests can't tell what carries" in everything
    assert "without it the score" not in everything
    nearly = said(story(clusters=[0] * 11 + [1], items=[0.8] * 12, without=(0.1, 0.8, None)))
    assert "without it the score falls to 10.0 %, but then hardly any history is left." in nearly
    assert "hardly any history" not in said(story())


def test_a_saturated_score_is_told_by_the_raw_score() -> None:
    text = said(story(score=0.99999, without=(0.9993, 0.99999, 0.99999)))
    assert "without it the score stays over 99.9 %, though the raw score (logit) falls by 4.2" in text


def test_a_single_item() -> None:
    record = replace(make_explanation(items=1, clusters=3, titles=["Tent pegs"]), user="u0042")
    effects = Effects(record.prediction.logit, np.full(1, np.nan), np.full(3, np.nan))
    text = said((record, effects))
    assert text.endswith(
        ". The history holds a single item, “Tent pegs”: nothing can be left out to see what the score rests on."
    )
    assert "graph" not in text and "interest" not in text


def test_no_item_matters_alone_or_only_against() -> None:
    text = said(story(items=[0.79, 0.8, 0.8, 0.805, 0.8, 0.8]))
    assert "No single item matters alone: without any one of them the score moves by less than 1.1 points." in text
    assert "importance γ" not in text  # what it says of nothing is nothing
    against = said(story(items=[0.79, 0.8, 0.8, 0.9, 0.8, 0.8]))
    assert "No single item carries it; “Blue Train” counts most against it (+10 points without it)." in against
    both = said(story(items=[0.7, 0.8, 0.8, 0.95, 0.8, 0.8]))
    assert (
        "The item that carries it: “Tent pegs” (−10 points without it); “Blue Train” counts against it even more "
        "(+15 points)." in both
    )


def test_an_item_that_is_there_twice_is_named_once() -> None:
    record, effects = story(items=[0.6, 0.61, 0.7, 0.8, 0.8, 0.8])
    twin = (record.history[0], replace(record.history[0], timestamp=record.history[1].timestamp), *record.history[2:])
    text = said((replace(record, history=twin), effects))
    assert "carry it most: “Tent pegs” (−20 points without it) and “Stove” (−10 points)" in text


def test_flat_attention_is_called_flat() -> None:
    record, effects = story()
    flat = changed(record, "interest_fusion", attention=np.full((1, 6, 6), 1 / 6))
    assert "Attention is flat: it adds nothing to the graph here." in said((flat, effects))
    assert "ttention" not in said((record, effects))
    lonely = changed(record, "graph_construction", adjacency=np.eye(6))
    assert "Each item is linked to itself alone, so graph and attention add nothing here." in said((lonely, effects))


def test_collapsed_and_blurred_pooling() -> None:
    record, effects = story(without=(None, None, None))
    alike = changed(record, "interest_extraction", assignment=np.tile([0.4, 0.35, 0.25], (6, 1)))
    text = said((alike, effects))
    assert (
        "; the pooling has collapsed: all items are spread over the clusters alike, so no interest can be told" in text
    )
    assert "lie in one interest" not in text and "blurred" not in text
    blurred = np.full((6, 3), 0.3)
    blurred[np.arange(6), [0, 0, 0, 1, 1, 2]] = 0.4
    record, effects = story()
    text = said((changed(record, "interest_extraction", assignment=blurred), effects))
    assert "The clusters are blurred (each item lies in many of them), so interests say little here" in text
    assert "because of interest A" in text
    assert "blurred" not in said(story())


RISING = [0.79, 0.75, 0.7, 0.65, 0.6, 0.5]  # the effects grow with the default importance


def test_importance_against_the_measured_effect() -> None:
    agrees = said(story(items=RISING))
    assert "importance γ tells which single items matter, for or against" in agrees
    assert agrees.endswith("(rank correlation with the size of their measured effect 1.00).")
    assert "importance γ" not in said(story(items=RISING), weights=False)
    # importance ranks 1..6 against effect ranks 3, 5, 1, 6, 2, 4: rho = 1 - 6 * 34 / 210
    mixed = story(items=[0.7, 0.6, 0.79, 0.5, 0.75, 0.65])
    assert (
        "The model's own importance γ does not tell which single items matter here (rank correlation with the size of "
        "their measured effect 0.03); trust the measured effect." in said(mixed)
    )
    assert trust(*mixed).level == "poor" and trust(*mixed).correlation_importance == pytest.approx(1 - 204 / 210)
    even = said(story(items=RISING, importance=[1 / 6] * 6))
    assert "The model's own importance γ is the same for every item; trust the measured effect." in even


def test_part_of_the_way_is_said_by_trust_alone() -> None:
    # importance ranks 1..6 against effect ranks 2, 4, 1, 6, 5, 3: rho = 1 - 6 * 22 / 210
    partly = story(items=[0.75, 0.65, 0.79, 0.5, 0.6, 0.7])
    assert "importance γ" not in said(partly)
    told = trust(*partly)
    assert (
        told.level == "partly"
        and "tells only in part which single items matter (rank correlation with the size of their measured "
        in told.sentence
        and "effect 0.37)" in told.sentence
    )


def test_trust_tells_of_attention_too() -> None:
    record, effects = story(items=RISING)
    received = np.arange(1, 7) / 21
    told = trust(changed(record, "interest_fusion", attention=np.tile(received, (1, 6, 1))), effects)
    assert told.level == "good" and told.correlation_attention == pytest.approx(1)
    assert told.sentence.endswith("; attention received tells it (1.00).")
    told = trust(changed(record, "interest_fusion", attention=np.tile(received[::-1], (1, 6, 1))), effects)
    assert told.level == "good" and told.sentence.endswith("does not tell it (−1.00).")
    told = trust(changed(record, "interest_fusion", attention=np.full((1, 6, 6), 1 / 6)), effects)
    assert told.correlation_attention is None and told.sentence.endswith("; all items receive the same attention.")


def test_trust_knows_what_it_can_not_say() -> None:
    few = trust(*story(clusters=[0, 1, 2], items=[0.7, 0.6, 0.5]))
    assert few.level == "unknown" and few.correlation_importance is None and "fewer than 4 items" in few.sentence
    same = trust(*story(items=[0.7] * 6))
    assert same.level == "unknown" and "effect of the same size" in same.sentence


def test_whose_history_it_is() -> None:
    assert "#3 of 2,400 for a made-up history of 6 items, with" in said(story(), whose="made-up")
    assert "#3 of 2,400 for the changed history of user u0042, with" in said(story(), whose="changed")


def test_the_simulated_truth_of_the_interest() -> None:
    truth = ("camping", "camping", "noise", "jazz", "jazz", "gardening")
    assert "interest A (Camping, 3 of 6 items; in the simulated truth 2 are camping)" in said(story(), interests=truth)
    assert "interest B (Jazz, 2 of 6 items; in the simulated truth all are jazz)" in said(
        story(without=(0.8, 0.2, 0.8)), interests=truth
    )
    assert "truth" not in said(story(), interests=("",) * 6)


@pytest.mark.parametrize("title", HOSTILE)
def test_titles_stay_plain_text_on_one_line(title: str) -> None:
    record, effects = story(items=[0.6, *[0.8] * 5], titles=[title])
    record = replace(record, user=title, target=Item("t1", title, title))
    styles = [replace(style, name=" ".join(title.split())) for style in STYLES]
    text = said((record, effects), styles=styles, interests=[title] * 6)
    assert text.isprintable()
    line = " ".join(title.split())
    assert text.startswith(f"“{line}” ranks") and text.count(line) >= 3


@pytest.mark.parametrize("items", [2, 3, 12, 250])
def test_any_record_has_a_verdict_of_three_sentences_at_most(items: int) -> None:
    rng = np.random.default_rng(items)
    record = make_explanation(items=items, clusters=9, layers=(5,), seed=items)
    used = np.bincount(record.interest_extraction.total_assignment().argmax(axis=1), minlength=5) > 0
    cluster_logit = np.where(used & (used.sum() > 1), rng.normal(size=5), np.nan)
    effects = Effects(record.prediction.logit, rng.normal(size=items), cluster_logit)
    record = replace(record, history=tuple(Item(f"i{i}", f"item {i}", "Tents") for i in range(items)))
    text = said((record, effects), 1, 1000, styles=None)
    assert text.count(". ") <= 2 and text.endswith(".") and ".." not in text and "nan" not in text


def test_amounts() -> None:
    assert [points(x) for x in (-0.12, 0.0612, -0.0996, 0.0003, 0)] == [
        *("−12 points", "+6.1 points", "−10 points", "under 0.1 points", "under 0.1 points")
    ]
    assert [percent(x) for x in (0.81, 0, 1, 0.0004, 0.9999)] == [
        "81.0 %",
        "0.0 %",
        "100.0 %",
        "under 0.1 %",
        "over 99.9 %",
    ]
    assert [bound_in_points(x) for x in (0.0, 0.01, 0.0101, -0.0199)] == [
        "0.1 points",
        "1.1 points",
        "1.1 points",
        "2.0 points",
    ]
    assert [signed(x) for x in (0.5, -0.5, -0.001, 0)] == ["+0.50", "−0.50", "0.00", "0.00"]
    assert correlation(0.5) == "0.50" and correlation(-0.5) == "−0.50"


def test_about_is_short() -> None:
    assert len(ABOUT.split()) <= 90


def test_items_that_stand_in_for_one_another_are_said_to() -> None:
    words = "Its items stand in for one another: together they carry the score, any one of them can be missed."
    assert said(story(items=[0.8] * 6, without=[0.3, 0.79, 0.8])).endswith(words)
    assert "stand in" not in said(story(items=[0.55, 0.8, 0.8, 0.8, 0.8, 0.8], without=[0.3, 0.79, 0.8]))


def test_an_interest_that_carries_little_is_not_the_main_one() -> None:
    told = said(story(without=[0.76, 0.79, 0.8]))
    assert "; no single interest carries this score, it leans a little on interest A" in told and "mainly" not in told
