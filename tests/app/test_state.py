"""Places and URLs: there and back, nonsense left out with a sentence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest

from app.address import LOST, Place, parse, to_parameters


def test_a_place_survives_its_url():
    place = Place(
        checkpoint="a b",
        dataset="c&d",
        user="ü#1",
        candidate="<i>",
        second="other&",
        versus="b a",
        edits="0-3,+%3Cb%3E,7",
        staged="none",
        items=frozenset({3, 0, 12}),
        cluster=4,
        layer="attention",
        edges=200,
        head=0,
        open=frozenset({"drift", "compare"}),
        tour=2,
        question="Model wrong",
        find="ü & u1",
        narrow="length:10:30,drift",
        sort="-drift",
        colour="noise_share",
        page=12,
    )
    assert parse(to_parameters(place)) == (place, [])
    invented = Place(made_up=True, edits="+a,+b")
    assert parse(to_parameters(invented)) == (invented, [])


@pytest.mark.parametrize("part", [{"items": frozenset({0})}, {"edits": "0"}, {"staged": "0"}, {"step": 1}], ids=str)
def test_what_counts_items_brings_the_digest_of_the_history(part: dict[str, Any]):
    assert to_parameters(Place(history="h", **part))["history"] == "h"
    assert "history" not in to_parameters(Place(history="h", made_up=True, **part))
    assert parse(to_parameters(Place(history="h", **part))) == (Place(history="h", **part), [])


@pytest.mark.parametrize("end", [{"edges": 1}, {"edges": 3000}, {"step": 1}, {"tour": 1}, {"tour": 5}], ids=str)
def test_the_ends_of_a_range_are_inside(end: dict[str, int]):
    assert parse({name: str(number) for name, number in end.items()}) == (Place(**end), [])


def test_defaults_are_left_out():
    assert to_parameters(Place()) == {} == to_parameters(Place(history="h"))


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"layer": "colour"}, Place()),
        ({"edges": "-4"}, Place()),
        ({"edges": "999999"}, Place()),
        ({"cluster": "1e3"}, Place()),
        ({"items": "1,x,,3,-2"}, Place(items=frozenset({1, 3}))),
        ({"items": "9" * 50}, Place()),
        ({"user": "u" * 10_000}, Place()),
        ({"edits": "0," * 10_001}, Place()),
        ({"edges": "0"}, Place()),
        ({"edges": "3001"}, Place()),
        ({"step": "0"}, Place()),
        ({"tour": "0"}, Place()),
        ({"tour": "6"}, Place()),
    ],
)
def test_nonsense_is_left_out_with_one_sentence(parameters: dict[str, str], expected: Place):
    place, notes = parse(parameters)
    assert place == expected
    assert len(notes) == 1


def test_unknown_drawers_are_ignored():
    assert parse({"open": "drift,<b>,cellar"}) == (Place(open=frozenset({"drift"})), [])


def test_parameters_of_others_are_ignored():
    assert parse({"utm_source": "x", "embed": "true"}) == (Place(), [])


def test_a_plan_too_long_for_a_link_leaves_a_mark_that_only_this_session_reads():
    long = ",".join(f"+i{number}" for number in range(1000))
    place = Place(made_up=True, edits=long, staged="+i1")
    written = to_parameters(place)
    assert place.long_plans == {written["edits"]: long} and not replace(place, edits="+i1").long_plans
    assert written["edits"].startswith("~") and len(written["edits"]) == 17 and written["staged"] == "+i1"
    assert parse(written, {written["edits"]: long}) == (place, [])
    assert parse(written) == (replace(place, edits=None), [LOST])
    assert parse(written | {"staged": written["edits"]})[1] == [LOST]
    assert to_parameters(replace(place, edits=long + ",+x"))["edits"] != written["edits"]


def test_no_address_that_is_written_is_longer_than_servers_take():
    plan = ",".join(["+%3Cb%3E"] * 400)
    worst = Place(*["ü" * 80] * 6, made_up=True, edits=plan[:1300], staged=plan[:1300])
    assert len(urlencode(to_parameters(worst))) < 12_000
    assert not worst.long_plans
    assert len(urlencode(to_parameters(replace(worst, edits=plan, staged=plan)))) < 6000
