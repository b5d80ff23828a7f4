"""JSON as programs write it: in lines, in arrays, over several lines, with sessions, and with what nobody expects."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from surge.data.dataset import Dataset
from surge.errors import SurgeError
from tests.data.reading import notes, rows

T = 1600000000
EVENTS = [{"user": f"u{n % 2}", "item": f"i{n}", "timestamp": T + n} for n in range(6)]
READ = sorted((one["user"], one["item"], one["timestamp"]) for one in EVENTS)
Log = Callable[..., Dataset]


@pytest.fixture
def log(log: Log) -> Log:
    return partial(log, name="log.json")


def lines(objects: list[Any], between: str = "\n") -> str:
    return between.join(json.dumps(one) for one in objects)


SHAPES = {
    "lines": lines(EVENTS) + "\n",
    "array": json.dumps(EVENTS),
    "array of lines": "[" + lines(EVENTS, ",\n") + "]",
    "brackets of their own": "[\n" + lines(EVENTS, ",\n") + "\n]\n",
    "commas behind": lines(EVENTS, ",\n") + ",\n",
    "commas before": "[" + lines(EVENTS, "\n,") + "]",
    "several in a line": lines(EVENTS[:3], " ") + "\n" + lines(EVENTS[3:], "") + "\n",
    "over several lines": json.dumps(EVENTS, indent=2),
    "objects over several lines": "\n".join(json.dumps(one, indent=1) for one in EVENTS),
    "one object": json.dumps({"exported": "today", "clicks": EVENTS}, indent=1),
    "one object in a line": json.dumps({"clicks": EVENTS}),
    "blank lines": "\n\n" + lines(EVENTS, "\n\n"),
    "windows": "\ufeff" + json.dumps(EVENTS, indent=2).replace("\n", "\r\n"),
    "python": "\n".join(str(one) for one in EVENTS),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_the_same_in_every_shape(log: Log, shape: str) -> None:
    dataset = log(SHAPES[shape])
    assert rows(dataset) == READ
    dropped = dataset.description["preparation"]["dropped"]
    assert set(dropped) <= ({"blank line"} if shape == "blank lines" else set())


def test_many_objects_over_several_lines(log: Log) -> None:
    """More than one block, and one that is cut by a border."""
    events = [{"user": "u", "item": f"i{n}", "timestamp": T + n, "text": "x" * 500} for n in range(6_000)]
    assert len(log(json.dumps(events, indent=1)).interactions) == 6_000


def test_the_rest_of_a_file_is_not_lost_in_silence(log: Log) -> None:
    text = json.dumps(EVENTS, indent=1)
    with pytest.raises(SurgeError, match=r"log\.json can't be read as JSON from line \d+ on; mend that line"):
        log(text.replace('"item": "i4"', '"item" "i4"'))


def session(user: str, events: list[Any], **more: Any) -> dict[str, Any]:
    return {"session": user, **more, "events": events}


def test_what_is_no_event_is_one_lost_event(log: Log) -> None:
    good = [{"aid": "a", "ts": T}, {"aid": "b", "ts": T + 1}]
    dataset = log(lines([session("s", [good[0], None, "x", good[1]]), session("t", good)]))
    assert rows(dataset) == [(user, item, T + n) for user in ("s", "t") for n, item in enumerate("ab")]
    assert dataset.description["preparation"]["dropped"] == {"malformed line": 2}
    assert "with an event that is no object: lines 1, 1" in notes(dataset)


def test_a_key_of_sessions_and_events_is_a_column_for_each(log: Log) -> None:
    """Neither is taken for the other."""
    text = lines([session(f"c{n}", [{"item": "a", "session": "device", "ts": T + n}], ts=5) for n in range(3)])
    with pytest.raises(SurgeError, match=r"it has .*session\.session.*events\.session"):
        log(text)
    named = {"user": "session.session", "time": "events.ts"}
    assert rows(log(text, columns=named)) == [(f"c{n}", "a", T + n) for n in range(3)]
    assert log(text, columns={**named, "user": "events.session"}).users == ["device"]


def test_an_object_is_no_id_but_a_field_of_it_may_be(log: Log) -> None:
    text = lines([{"user": {"id": f"u{n % 2}", "seen": n}, "item": f"i{n}", "timestamp": T + n} for n in range(6)])
    with pytest.raises(
        SurgeError, match=r"column 'user' of log\.json holds objects or lists, and each row needs one user"
    ):
        log(text)
    assert rows(log(text, columns={"user": "user.id"})) == READ
    deep = lines([{"payload": {"a": {"user": one["user"]}, **one}} for one in EVENTS])
    with pytest.raises(SurgeError, match=r"a field of payload is named by a dot, such as payload\.id;") as caught:
        log(deep)
    assert "--delimiter" not in str(caught.value) and "--skip-lines" not in str(caught.value)
    columns = {"user": "payload.a.user", "item": "payload.item", "time": "payload.timestamp"}
    assert rows(log(deep, columns=columns)) == READ


@pytest.mark.parametrize("role", ["user", "time", "rating", "order", "split", "behaviour"])
def test_a_list_is_no_single_value(log: Log, role: str) -> None:
    text = lines([{**one, "odd": ["a", "b"]} for one in EVENTS])
    with pytest.raises(SurgeError, match=f"each row needs one {role}"):
        log(text, columns={role: "odd"})
    assert log(text, columns={"category": "odd"}).items["category"].to_list() == ["a|b"] * 6


def test_values_as_mongodb_writes_them(log: Log) -> None:
    def wrapped(one: dict[str, Any]) -> dict[str, Any]:
        return {
            "user": {"$oid": one["user"]},
            "item": {"$numberLong": one["item"]},
            "timestamp": {"$date": {"$numberLong": str(one["timestamp"] * 1000)}},
        }

    assert rows(log(lines([wrapped(one) for one in EVENTS]))) == READ


def test_half_a_pair_of_surrogates_is_one_lost_line(log: Log) -> None:
    dataset = log(lines([*EVENTS, {"user": "u\ud800", "item": "x", "timestamp": T}]))
    assert rows(dataset) == READ
    assert "with a text that is not Unicode: line 7" in notes(dataset)


@pytest.mark.parametrize("odd", ["{1, 2}", "b'x'", "2j", "...", "(1, 2)", "{3: 4}"])
def test_what_python_can_write_and_json_cannot(log: Log, odd: str) -> None:
    text = "".join(f"{{'user': 'u', 'item': 'i{n}', 'timestamp': {T + n}, 'odd': {odd}, 5: 6}}\n" for n in range(3))
    assert rows(log(text)) == [("u", f"i{n}", T + n) for n in range(3)]


def test_a_file_about_items_may_be_an_array(log: Log, tmp_path: Path) -> None:
    (tmp_path / "items.json").write_text(json.dumps([{"item": f"i{n}", "title": f"T{n}"} for n in range(6)], indent=1))
    dataset = log(lines(EVENTS), items_file=tmp_path / "items.json")
    assert dataset.items["title"].to_list() == [f"T{n}" for n in range(6)]
