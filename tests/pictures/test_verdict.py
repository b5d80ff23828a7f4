"""The verdict: each case has its honest wording, with numbers worked out by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from surge.explanation.measurements import Effects
from surge.explanation.record import Explanation, Item
from surge.pictures.palette import NO_LETTER, ClusterStyle
from surge.pictures.trust import trust
from surge.pictures.verdict import ABOUT, verdict
from surge.vocabulary import amounts
from tests.pictures.hostile import HOSTILE
from tests.records import make_explanation

STYLES = (
    ClusterStyle(0, "A", "#0072B2", "Camping"),
    ClusterStyle(1, "B", "#E69F00", "Jazz"),
    ClusterStyle(2, NO_LETTER, "#8b929f", "Seeds"),
)
TITLES = ("Tent pegs", "Boots", "Stove", "Blue Train", "Giant Steps", "Basil")


def story(
    clusters: Sequence[int] = (0, 0, 0, 1, 1, 2),
    *,
    items: Sequence[float] | None = None,
    without: Sequence[float | None] = (0.5, 3.8, 4),
    lift: float = 4.0,
    chance: float | None = 0.036,
    importance: Sequence[float] | None = None,
    ranks: Sequence[float] = (),
    exact: bool = True,
    titles: Sequence[str] = TITLES,
) -> tuple[Explanation, Effects]:
    """A record with these first choices, and effects told as lifts without an item (default: none matters) and
    without a cluster."""
    n = len(clusters)
    record = make_explanation(items=n, clusters=3, titles=titles)
    weights = np.arange(1, n + 1) / np.arange(1, n + 1).sum() if importance is None else np.array(importance)
    record = changed(record, "interest_extraction", assignment=np.eye(3)[list(clusters)], importance=weights)
    record = changed(record, "graph_construction", adjacency=np.ones((n, n)))
    record = changed(record, "interest_fusion", attention=np.eye(n)[None])
    likely = {"logit": np.log(lift / 4), "probability": lift / (4 + lift), "lift": lift, "next_probability": chance}
    record = changed(record, "prediction", **likely)
    record = replace(record, user="u0042", target=Item("t1", "Trail stove", "Stoves"))
    # trained with 4 negatives: a lift is 4 exp(logit)
    item_logit = np.log(np.array(items if items is not None else [lift] * n) / 4)
    cluster_logit = np.array([np.nan if s is None else np.log(s / 4) for s in without])
    return record, Effects(
        np.log(lift / 4),
        item_logit,
        cluster_logit,
        3,
        np.full(n, np.nan),
        np.array(ranks, dtype=float),
        exact,
        exact,
        np.log(4),
    )


def changed(record: Explanation, part: str, **values: Any) -> Explanation:
    return replace(record, **{part: replace(getattr(record, part), **values)})


def said(told: tuple[Explanation, Effects | None], rank: int | None = 3, ranked: int | None = 2400, **more: Any) -> str:
    return "".join(piece.text for piece in verdict(*told, rank, ranked, **{"styles": STYLES, **more}))


PLACE = (
    "“Trail stove” ranks #3 of 2,400 for user u0042: a 3.6 % chance of being the next item, 4.0 times as likely "
    "as by popularity alone"
)


def test_the_sentence_is_computed_from_rank_chance_lift_and_effects() -> None:
    told = story(items=[2, 3, 4, 4, 4.2, 4], ranks=[210, np.nan, np.nan])
    assert said(told).startswith(
        f"{PLACE}, mainly because of interest A (Camping, 3 of 6 items): without those 3 items it "
        "would be 8.0 times less likely (rank #210). The items that matter most: “Tent pegs” makes it 2.0 "
        "times as likely, “Boots” 1.3 times."
    )


def test_strong_pieces_are_the_titles_and_figures_and_pieces_alternate() -> None:
    pieces = verdict(*story(items=[2, 4, 4, 4, 4, 4]), 3, 2400, styles=STYLES)
    assert [piece.text for piece in pieces if piece.strong] == [
        *("“Trail stove”", "#3 of 2,400", "a 3.6 % chance", "4.0 times", "interest A", "“Tent pegs”")
    ]
    assert all(one.strong != other.strong for one, other in pairwise(pieces))


def test_estimated_ranks_are_called_about() -> None:
    assert "(about rank #210)" in said(story(ranks=[210.4, np.nan, np.nan], exact=False))
    assert "rank #" not in said(story(ranks=[np.nan] * 3)).replace("ranks #3", "")


def test_mainly_needs_a_clear_lead() -> None:
    assert "most of all because of interest A" in said(story(without=(1, 1.9, 4)))
    assert "mainly because of interest A" in said(story(without=(1, 2.2, 4)))


def test_because_is_not_said_of_a_low_lift_far_down() -> None:
    low = story(lift=0.5, without=(0.1, 0.5, 0.5), chance=0.00004)
    text = said(low, rank=1500)
    assert text.startswith(
        "“Trail stove” ranks #1,500 of 2,400 for user u0042: an under 0.01 % chance of being the next item, "
        "only 0.50 times as "
        "likely as by popularity alone; what speaks for it is mainly interest A (Camping, 3 of 6 items): without "
        "those 3 items it would be 5.0 times less likely"
    )
    assert "because" not in text
    assert "mainly because of interest A" in said(low, rank=2)
    assert "mainly because of interest A" in said(story(lift=2), rank=1500)


def popular(lift: float, share: float = 0.02) -> tuple[Explanation, Effects]:
    record, effects = story(lift=lift, without=(lift / 3, lift, lift))
    return changed(record, "prediction", log_popularity=float(np.log(share))), effects


def test_what_ranks_high_because_everybody_likes_it_is_said_to() -> None:
    assert said(popular(0.8)).startswith(
        "“Trail stove” ranks #3 of 2,400 for user u0042: a 3.6 % chance of being the next item, only 0.80 times "
        "as likely as by popularity alone: it ranks high mostly because it is popular with everybody; in the history, "
        "what speaks for it is mainly interest A (Camping, 3 of 6 items): without those 3 items it would be 3.0 times "
        "less likely"
    )
    assert "about as likely as by popularity alone: it ranks high mostly because it is popular" in said(popular(1.05))
    for told, rank in ((popular(1.6), 3), (popular(0.8), 21), (popular(0.8, share=0.0005), 3), (story(lift=0.8), 3)):
        assert "because it is popular" not in said(told, rank)


def test_a_cluster_without_a_letter_and_without_a_name() -> None:
    named = said(story(without=(4, 4, 0.5)))
    assert "because of an interest without a letter (Seeds, 1 of 6 items): without that item it would be" in named
    nameless = (*STYLES[:2], replace(STYLES[2], name=""))
    assert "(1 of 6 items): without that item" in said(story(without=(4, 4, 0.5)), styles=nameless)


def test_candidate_that_is_not_ranked() -> None:
    record, effects = story()
    inside = replace(record, target=replace(record.history[2], timestamp=None))
    text = said((inside, effects), rank=None)
    assert text.startswith(
        "“Stove” is not ranked for user u0042, as the history holds it already; it would have a 3.6 % chance of being "
        "the next item, 4.0 times as likely as by popularity alone, mainly because of interest A"
    )
    assert said((record, effects), rank=None).startswith(
        "“Trail stove” is not ranked for user u0042, as it was taken before the items that are read here; it would "
        "have a 3.6 % chance"
    )
    blind = changed(record, "prediction", next_probability=None)
    assert "; it would be 4.0 times as likely as by popularity alone, mainly" in said((blind, effects), rank=None)
    assert said((inside, effects)).startswith("“Stove”, which the history holds already, ranks #3 of 2,400 for")


def test_a_candidate_that_is_never_recommended_has_no_chance_before_anything_is_ranked() -> None:
    """A record alone, and a catalogue of which a search read a part."""
    record, effects = story()
    never = changed(record, "prediction", left_out=True)
    words = "“Trail stove” is not ranked for user u0042, as it was taken before the items that are read here; it would "
    assert said((never, effects), rank=None, ranked=None).startswith(f"{words}have a 3.6 % chance of being")
    blind = changed(never, "prediction", next_probability=None)
    assert said((blind, effects), rank=None, ranked=None).startswith(
        f"{words}be 4.0 times as likely as by popularity alone"
    )
    searched = said((blind, effects), rank=None, ranked=None, next_probability=0.082, about=True)
    assert searched.startswith(f"{words}have about an 8.2 % chance of being the next item, 4.0 times as likely")


def test_what_is_not_known_yet() -> None:
    assert said(story(chance=None), rank=None, ranked=None).startswith(
        "“Trail stove” is 4.0 times as likely to be next for user u0042 as by popularity alone (its rank and its "
        "chance of being the next item are not known yet), mainly because of interest A"
    )
    searched = said(story(chance=None), rank=None, ranked=None, next_probability=0.082, about=True)
    assert searched.startswith(
        "“Trail stove” has for user u0042 about an 8.2 % chance of being the next item, 4.0 times as likely as "
        "by popularity alone (its rank is not known yet), mainly because of interest A"
    )
    assert said(story(chance=None)).startswith(
        "“Trail stove” ranks #3 of 2,400 for user u0042, 4.0 times as likely as by popularity alone, mainly"
    )


def test_before_anything_is_measured() -> None:
    assert said((story()[0], None)) == f"{PLACE}."


def test_no_cluster_matters() -> None:
    # 4 / 3.8 is 1.053 and 4.3 / 4 is 1.075
    text = said(story(without=(3.8, 4.3, 4)))
    assert "; no single interest decides this: leaving one out changes it by less than a factor of 1.08." in text
    assert "because" not in text


def test_a_cluster_that_speaks_against_it() -> None:
    text = said(story(without=(4, 9, 4), ranks=[np.nan, 1, np.nan]))
    assert (
        "; no interest speaks for it, and one speaks against it, interest B (Jazz, 2 of 6 items): without those 2 "
        "items it would be 2.2 times as likely (rank #1)." in text
    )
    both = said(story(without=(2, 20, 4)))
    assert (
        "because of interest A (Camping, 3 of 6 items): without those 3 items it would be 2.0 times less likely" in both
    )
    assert (
        "; even more speaks against it: interest B (Jazz, 2 of 6 items): without those 2 items it would be 5.0 "
        "times as "
        "likely" in both
    )


def test_one_cluster_holds_everything_or_nearly() -> None:
    everything = said(story(clusters=[1] * 6, without=(None, None, None)))
    assert "; all 6 items lie in one interest (Jazz), so leaving out interests can't show what matters" in everything
    assert "without those" not in everything
    nearly = said(story(clusters=[0] * 11 + [1], items=[4] * 12, without=(0.5, 4, None)))
    assert "without those 11 items it would be 8.0 times less likely, but then hardly any history is left." in nearly
    assert "hardly any history" not in said(story())


def test_tiny_lifts_are_told_by_their_factor() -> None:
    text = said(story(lift=0.008, without=(0.002, 0.008, 0.008)))
    assert "of being the next item, under 0.01 times as likely as by popularity alone, mainly" in text
    assert "without those 3 items it would be 4.0 times less likely" in text


def test_a_single_item() -> None:
    record = replace(make_explanation(items=1, clusters=3, titles=["Tent pegs"]), user="u0042")
    effects = Effects(record.prediction.logit, np.full(1, np.nan), np.full(3, np.nan))
    text = said((record, effects))
    assert text.endswith(". The history holds a single item, “Tent pegs”: nothing can be left out to see what matters.")
    assert "graph" not in text and "interest" not in text


def test_no_item_matters_alone_or_only_against() -> None:
    text = said(story(items=[3.8, 4, 4, 4.1, 4, 4]))
    assert "No single item matters alone: leaving one out changes it by less than a factor of 1.06." in text
    assert "importance γ" not in text  # what it says of nothing is nothing
    against = said(story(items=[3.8, 4, 4, 9, 4, 4]))
    assert (
        "No single item speaks clearly for it; “Blue Train” speaks most against it and makes it 2.2 times less likely."
        in against
    )
    both = said(story(items=[2, 4, 4, 20, 4, 4]))
    assert (
        "The item that matters most: “Tent pegs” makes it 2.0 times as likely; “Blue Train” speaks against it even "
        "more and makes it 5.0 times less likely." in both
    )


def test_an_item_that_is_there_twice_is_named_once() -> None:
    record, effects = story(items=[1.6, 1.7, 2, 4, 4, 4])
    twin = (record.history[0], replace(record.history[0], timestamp=record.history[1].timestamp), *record.history[2:])
    text = said((replace(record, history=twin), effects))
    assert "matter most: “Tent pegs” makes it 2.5 times as likely, “Stove” 2.0 times" in text


def test_flat_attention_is_called_flat() -> None:
    record, effects = story()
    flat = changed(record, "interest_fusion", attention=np.full((1, 6, 6), 1 / 6))
    assert "Attention is flat: each item listens to all its neighbours alike, so it adds nothing to the graph." in said(
        (flat, effects)
    )
    assert "ttention" not in said((record, effects))
    lonely = changed(record, "graph_construction", adjacency=np.eye(6))
    assert "Each item is linked to itself alone, so graph and attention add nothing here." in said((lonely, effects))


def test_collapsed_and_blurred_pooling() -> None:
    record, effects = story(without=(None, None, None))
    alike = changed(record, "interest_extraction", assignment=np.tile([0.4, 0.35, 0.25], (6, 1)))
    text = said((alike, effects))
    assert (
        "; the pooling has collapsed: all items are spread over the clusters alike, so the interests can't "
        "be distinguished" in text
    )
    assert "lie in one interest" not in text and "blurred" not in text
    blurred = np.full((6, 3), 0.3)
    blurred[np.arange(6), [0, 0, 0, 1, 1, 2]] = 0.4
    record, effects = story()
    text = said((changed(record, "interest_extraction", assignment=blurred), effects))
    assert "The clusters are blurred (each item lies in many of them), so interests say little here" in text
    assert "because of interest A" in text
    assert "blurred" not in said(story())


RISING = [3.8, 3, 2.5, 2, 1.5, 1.2]  # the effects grow with the default importance


def test_importance_against_the_measured_effect() -> None:
    agrees = said(story(items=RISING))
    assert "importance γ tells which single items matter, for or against" in agrees
    assert agrees.endswith("(rank correlation with the size of their measured effect 1.00).")
    assert "importance γ" not in said(story(items=RISING), weights=False)
    # importance ranks 1..6 against effect ranks 3, 5, 1, 6, 2, 4: rho = 1 - 6 * 34 / 210
    mixed = story(items=[2.5, 1.5, 3.8, 1.2, 3, 2])
    assert (
        "The model's own importance γ does not tell which single items matter here (rank correlation with the size of "
        "their measured effect 0.03); trust the measured effect." in said(mixed)
    )
    assert trust(*mixed).level == "poor" and trust(*mixed).correlation == pytest.approx(1 - 204 / 210)
    even = said(story(items=RISING, importance=[1 / 6] * 6))
    assert "The model's own importance γ is the same for every item; trust the measured effect." in even


def test_part_of_the_way_is_said_by_trust_alone() -> None:
    # importance ranks 1..6 against effect ranks 2, 4, 1, 6, 5, 3: rho = 1 - 6 * 22 / 210
    partly = story(items=[3, 2, 3.8, 1.2, 1.5, 2.5])
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
    assert told.level == "good" and told.sentence.endswith("; the attention that items receive tells it (1.00).")
    told = trust(changed(record, "interest_fusion", attention=np.tile(received[::-1], (1, 6, 1))), effects)
    assert told.level == "good" and told.sentence.endswith("does not tell it (−1.00).")
    told = trust(changed(record, "interest_fusion", attention=np.full((1, 6, 6), 1 / 6)), effects)
    assert told.sentence.endswith("; all items receive the same attention.")


def test_trust_knows_what_it_can_not_say() -> None:
    few = trust(*story(clusters=[0, 1, 2], items=[3, 2, 1]))
    assert few.level == "unknown" and few.correlation is None and "fewer than 4 items" in few.sentence
    same = trust(*story(items=[3] * 6))
    assert same.level == "unknown" and "effect of the same size" in same.sentence


def test_whose_history_it_is() -> None:
    assert "#3 of 2,400 for a made-up history of 6 items: a 3.6 % chance" in said(story(), whose="made-up")
    assert "#3 of 2,400 for the changed history of user u0042: a 3.6 % chance" in said(story(), whose="changed")


def test_the_simulated_truth_of_the_interest() -> None:
    truth = ("camping", "camping", "noise", "jazz", "jazz", "gardening")
    assert "interest A (Camping, 3 of 6 items; in the simulated truth 2 belong to “camping”)" in said(
        story(), interests=truth
    )
    assert "interest B (Jazz, 2 of 6 items; in the simulated truth all belong to “jazz”)" in said(
        story(without=(4, 0.5, 4)), interests=truth
    )
    assert "truth" not in said(story(), interests=("",) * 6)


@pytest.mark.parametrize("title", HOSTILE)
def test_titles_stay_plain_text_on_one_line(title: str) -> None:
    record, effects = story(items=[2, *[4] * 5], titles=[title])
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


def test_what_is_no_number_is_a_dash() -> None:
    told = (amounts.percent, amounts.chance, amounts.lift, amounts.factor, amounts.bound, amounts.signed)
    assert [tell(np.nan) for tell in (*told, amounts.correlation, amounts.two_digits)] == ["–"] * 8
    assert amounts.times(np.nan) == "– times" and amounts.makes_it(np.nan) == "– times as likely"
    assert amounts.as_likely(np.nan) == "– times as likely as by popularity alone"
    assert amounts.a_chance(np.nan) == "an unknown chance"


def test_amounts() -> None:
    assert [amounts.percent(x) for x in (0.81, 0, 1, 0.0004, 0.9999)] == [
        *("81.0 %", "0.0 %", "100.0 %", "under 0.1 %", "over 99.9 %")
    ]
    assert [amounts.chance(x) for x in (0.036, 0.123, 0.00042, 0.00001, 0.996)] == [
        *("3.6 %", "12 %", "0.042 %", "under 0.01 %", "over 99 %")
    ]
    assert [amounts.lift(x) for x in (58.2, 9.1, 0.4, 0.001, 1234)] == ["58×", "9.1×", "0.40×", "under 0.01×", "1,200×"]
    assert [amounts.factor(np.log(x)) for x in (2.4, 1 / 1.5, 1.04, 1 / 1.04, 1.004, 1.096, 30)] == [
        *("×2.4", "÷1.5", "×1.04", "÷1.04", "×1.0", "×1.1", "×30")
    ]
    assert amounts.factor(900) == "×over a million"
    assert [amounts.makes_it(np.log(x)) for x in (2.4, 1 / 1.5)] == ["2.4 times as likely", "1.5 times less likely"]
    assert [amounts.as_likely(x) for x in (9.1, 1.05, 0.95, 0.4, 0.001)] == [
        "9.1 times as likely as by popularity alone",
        "about as likely as by popularity alone",
        "about as likely as by popularity alone",
        "only 0.40 times as likely as by popularity alone",
        "under 0.01 times as likely as by popularity alone",
    ]
    assert [amounts.bound(np.log(x)) for x in (1, 1.064, 1 / 1.064, 1.07, 3)] == ["1.01", "1.07", "1.07", "1.08", "3.1"]
    assert [amounts.signed(x) for x in (0.5, -0.5, -0.001, 0)] == ["+0.50", "−0.50", "0.00", "0.00"]
    assert amounts.correlation(0.5) == "0.50" and amounts.correlation(-0.5) == "−0.50"


def test_about_is_short() -> None:
    assert len(ABOUT.split()) <= 90


def test_items_that_stand_in_for_one_another_are_said_to() -> None:
    words = "The items of that interest can replace one another: one can be left out, but not all of them"
    assert said(story(items=[4] * 6, without=[0.5, 3.8, 4])).endswith(f"{words}.")
    alone = said(story(items=[4.1, 4.2, 3.9, 4, 4, 4], without=[0.5, 3.8, 4]))  # two of the three speak against it
    assert alone.endswith(f"{words}; for most of them, leaving out that one alone even makes it likelier.")
    assert "stand in" not in said(story(items=[2, 4, 4, 4, 4, 4], without=[0.5, 3.8, 4]))


def test_an_interest_that_carries_little_is_not_the_main_one() -> None:
    told = said(story(without=[3, 3.8, 4]))
    assert (
        "; no single interest decides this, the one with the largest effect is interest A" in told
        and "mainly" not in told
    )
