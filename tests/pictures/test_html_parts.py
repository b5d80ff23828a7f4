"""Pieces of a page: no value of the data leaves the place that it is put in."""

from __future__ import annotations

import base64
import gzip
import json
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from surge.escapes import for_html
from surge.pictures.html_parts import Column, cells_of, changes, data_block, packed_block, table
from tests.pictures.hostile import HOSTILE


class Cells(HTMLParser):
    """The tags of some HTML, and the text of its body cells."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.rows: list[list[str]] = []
        self.inside = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attributes: list) -> None:
        self.tags.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag == "td":
            self.rows[-1].append("")
        self.inside = tag == "td" or (self.inside and tag == "span")

    def handle_endtag(self, tag: str) -> None:
        self.inside = self.inside and tag != "td"

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.rows[-1][-1] += data


@pytest.mark.parametrize("text", [*HOSTILE, "<!--", "]]>", "line\u2028end\u2029", "&lt;", "</SCRIPT ", '"'])
def test_data_stay_in_their_script_and_come_back(text: str) -> None:
    block = data_block("x", {text: [text]})
    inside = block.removeprefix('<script type="application/json" id="x">').removesuffix("</script>")
    assert not set(inside) & set("<>&\u2028\u2029")
    assert json.loads(inside) == {text: [text]}


def test_nan_is_no_json() -> None:
    with pytest.raises(ValueError):
        data_block("x", float("nan"))


def test_packed_scripts_come_back() -> None:
    block = packed_block("code", 'f("</script>é")')
    packed = block.removeprefix('<script type="text/plain" id="code">').removesuffix("</script>")
    assert gzip.decompress(base64.b64decode(packed, validate=True)).decode() == 'f("</script>é")'
    assert packed_block("code", "same") == packed_block("code", "same")


def apply(value: object, differences: list) -> object:
    """`value` with changes made, as the page's script makes them."""
    copy = json.loads(json.dumps(value))
    for path, new in differences:
        if not path:
            return new
        part = copy
        for step in path[:-1]:
            part = part[step]
        part[path[-1]] = new
    return copy


@pytest.mark.parametrize(
    ("first", "second", "paths"),
    [
        ({"a": 1, "b": {"c": 2}}, {"a": 1, "b": {"c": 3}}, [["b", "c"]]),
        ([{"a": 1}, {"a": 2}], [{"a": 1}, {"a": 5}], [[1, "a"]]),
        ({"a": [1, 2, 3]}, {"a": [1, 2, 4]}, [["a"]]),
        ({"a": [1]}, {"a": [1, 2]}, [["a"]]),
        ({"a": {"b": 1}}, {"a": {"c": 1}}, [["a"]]),
        ({"a": 1}, {"a": True}, [["a"]]),
        ({"a": [{"x": 1}, 2]}, {"a": [{"x": 1}, 2]}, []),
        (1, "1", [[]]),
    ],
)
def test_changes_turn_the_first_into_the_second(first: object, second: object, paths: list) -> None:
    differences = changes(first, second)
    assert [path for path, _ in differences] == paths
    assert json.dumps(apply(first, differences)) == json.dumps(second)


def test_tables_hold_text_and_write_numbers_their_way() -> None:
    frame = pd.DataFrame(
        {
            "name": [*HOSTILE],
            "share": [0.5, np.nan, *[0.25] * (len(HOSTILE) - 2)],
            "rank": pd.array([1, pd.NA, *range(3, len(HOSTILE) + 1)], dtype="Int64"),
            "hidden": "secret",
        }
    )
    columns = {
        "share": Column("Share <i>", lambda value: f"{value:.0%}", 'what "it" is', number=True),
        "name": Column("Name"),
        "rank": Column("Rank", lambda value: f"#{value}"),
        "absent": Column("Absent"),
    }
    text = table(frame, columns, "<b>caption</b>", [1], {"name": [("red", "blue")] * len(HOSTILE)})
    cells = Cells(text)
    assert set(cells.tags) == {"div", "table", "caption", "thead", "tr", "th", "tbody", "td", "span"}
    assert cells.rows[1] == ["50%", HOSTILE[0], "#1"]
    assert cells.rows[2] == ["", HOSTILE[1], ""]
    assert [row[1] for row in cells.rows[1:]] == list(HOSTILE)
    assert text.count("<tr class=marked>") == 1
    assert for_html('what "it" is') in text and "Absent" not in text and "secret" not in text


def test_cells_hold_texts_and_what_to_sort_by() -> None:
    frame = pd.DataFrame(
        {
            "title": ["a", "b"],
            "size": [0.5, float("nan")],
            "day": pd.to_datetime(["2024-01-02", None]),
            "rank": pd.array([3, None], dtype="Int64"),
        }
    )
    columns = {
        "size": Column("Size", lambda value: f"{value:.1f}", "How large", number=True),
        "title": Column("Title", long=True),
        "day": Column("Day", lambda value: value.strftime("%d.%m."), number=True),
        "rank": Column("Rank", lambda value: f"#{value}", number=True),
        "gone": Column("Gone"),
    }
    cells = cells_of(frame, columns, {"title": [("#000000", "#ffffff"), ("transparent", "inherit")]})
    assert cells["heads"] == [
        ["size", "Size", "How large", "number"],
        ["title", "Title", "", "text"],
        ["day", "Day", "", "number"],
        ["rank", "Rank", "", "number"],
    ]
    assert cells["rows"] == [["0.5", "a", "02.01.", "#3"], ["", "b", "", ""]]
    assert cells["sorts"] == [[0.5, None], ["a", "b"], [1704153600.0, None], [3.0, None]]
    assert cells["keys"] == {"title": [["#000000", "#ffffff"], ["transparent", "inherit"]]}
    assert json.loads(json.dumps(cells, allow_nan=False)) == cells
    assert cells_of(frame.head(0), columns)["rows"] == []
