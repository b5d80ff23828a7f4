"""What is taken away: no spreadsheet runs it, graph files read back as the record, names lead nowhere."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO, StringIO
from pathlib import Path

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surge.explanation.measurements import Effects
from surge.explanation.record import Explanation, Item
from surge.pictures.exports import csv_bytes, file_name, gexf_bytes, graphml_bytes
from surge.pictures.measures import attention
from surge.pictures.palette import cluster_styles, item_clusters
from surge.pictures.tables import item_table
from tests.pictures.hostile import HOSTILE
from tests.records import make_explanation

NASTY = (
    *HOSTILE,
    "nul \x00 bell \x07 escape \x1b[0m",
    "line\r\nbreaks\rhere",
    "]]>",
    "&amp; &#0;",
    "\ufffe\uffff 🎣",
    " ",
)
FORMATS: dict[str, tuple[Callable[..., bytes], Callable[..., nx.Graph]]] = {
    "graphml": (graphml_bytes, nx.read_graphml),
    "gexf": (gexf_bytes, nx.read_gexf),
}


def rows_of(content: bytes) -> list[list[str]]:
    return list(csv.reader(StringIO(content.decode("utf-8-sig"), newline="")))


# -- tables -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        '=HYPERLINK("http://x","y")',
        "+1",
        "-1",
        "@SUM(A1)",
        "\tcell",
        "\rcell",
        "\ncell",
        "  =1",
        " \t x",
        "\u00a0=1",
        "\u3000+1",
        "\ufeff=1",
        "\u200b-1",
        "\x00=1",
        "＝1",
        "＋1",
        "－1",
        "＠x",
        "﹦1",
    ],
)
def test_no_text_is_a_formula(text: str) -> None:
    frame = pd.DataFrame({"title": [text, "tent"], text: ["boots", None]})
    rows = rows_of(csv_bytes(frame))
    assert rows[0] == ["title", f"'{text}"]
    assert rows[1:] == [[f"'{text}", "boots"], ["tent", ""]]


def test_other_text_and_all_numbers_stay_as_they_are() -> None:
    frame = pd.DataFrame(
        {
            "title": ["a=b", "Fish & Chips, 2", 'say "=1"', "'=1", "−5 °C", ""],
            "effect": [-1.5, 2.0, np.nan, -0.0, 1e-9, 3.0],
            "rank": pd.array([1, None, -3, 4, 5, 6], dtype="Int64"),
            "mixed": ["=x", -2, None, 3.5, True, "-y"],
            "date": pd.to_datetime([0, 86_400, None, 1, 2, 3], unit="s"),
        }
    )
    rows = rows_of(csv_bytes(frame))
    assert [row[0] for row in rows[1:]] == list(frame["title"])
    assert [row[1] for row in rows[1:]] == ["-1.5", "2.0", "", "-0.0", "1e-09", "3.0"]
    assert [row[2] for row in rows[1:]] == ["1", "", "-3", "4", "5", "6"]
    assert [row[3] for row in rows[1:]] == ["'=x", "-2", "", "3.5", "True", "'-y"]
    assert rows[2][4].startswith("1970-01-02") and rows[3][4] == ""
    assert list(frame.columns) == rows[0] and frame["mixed"][0] == "=x"  # the table itself is as it was


def test_a_table_reads_back_whatever_its_titles() -> None:
    record = make_explanation(items=len(NASTY), titles=NASTY, seed=1)
    table = item_table(record)
    content = csv_bytes(table)
    assert content.startswith(b"\xef\xbb\xbf")
    rows = rows_of(content)
    assert len(rows) == 1 + len(NASTY) and {len(row) for row in rows} == {table.shape[1]}
    titles = [row[rows[0].index("title")] for row in rows[1:]]
    assert [title.removeprefix("'") for title in titles] == list(table["title"])
    gamma = [float(row[rows[0].index("gamma")]) for row in rows[1:]]
    np.testing.assert_array_equal(gamma, table["gamma"])


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("tent;=1+1", "tent;'=1+1"),
        ("tent; =1;-2", "tent;' =1;'-2"),
        ("tent\t@SUM(A1)", "tent\t'@SUM(A1)"),
        ("tent\n+1\r\n-1", "tent\n'+1\r\n'-1"),
        ('tent;"=1', "tent;'\"=1"),
        (";=1", ";'=1"),
        ("\t=1", "'\t'=1"),
        ("tent;＝1", "tent;'＝1"),
        ("red; blue\r\nand a-b", "red; blue\r\nand a-b"),
    ],
)
def test_no_text_is_a_formula_where_it_is_cut(text: str, safe: str) -> None:
    content = csv_bytes(pd.DataFrame({"place": [1], text: [text]})).decode("utf-8-sig")
    assert rows_of(content.encode()) == [["place", safe], ["1", safe]]
    # as a spreadsheet reads it that cuts at semicolons or at tabs, however it takes our quotes
    for separator in ";\t":
        for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_NONE):
            cells = csv.reader(StringIO(content, newline=""), delimiter=separator, quoting=quoting)
            assert not any(cell.lstrip(' "\n').startswith(("=", "+", "-", "@", "＝")) for row in cells for cell in row)


def test_text_stands_in_quotes_and_numbers_do_not() -> None:
    frame = pd.DataFrame({"title": ["a;b"], "n": [3], "rank": pd.array([7], dtype="Int64"), "x": [0.5], "kept": [True]})
    lines = csv_bytes(frame).decode("utf-8-sig").split("\r\n")
    assert lines[:2] == ['"title","n","rank","x","kept"', '"a;b",3,7,0.5,True']


def test_columns_of_one_name_and_no_rows_are_written() -> None:
    frame = pd.DataFrame([["=a", "b"]], columns=["same", "same"])
    assert rows_of(csv_bytes(frame)) == [["same", "same"], ["'=a", "b"]]
    assert rows_of(csv_bytes(frame.iloc[:0])) == [["same", "same"]]


def test_half_a_character_does_not_stop_the_table() -> None:
    assert rows_of(csv_bytes(pd.DataFrame({"title": ["tent \ud800"]}, dtype=object))) == [["title"], ["tent ?"]]


# -- the graph --------------------------------------------------------------------------------------------


def effects_of(record: Explanation) -> Effects:
    rng = np.random.default_rng(3)
    item_logit = record.prediction.logit - rng.normal(size=record.length)
    item_logit[0] = np.nan
    return Effects(record.prediction.logit, item_logit, np.zeros(4))


@pytest.mark.parametrize("ending", FORMATS)
def test_a_graph_file_reads_back_as_the_record(ending: str) -> None:
    write, read = FORMATS[ending]
    record = make_explanation(items=30, heads=2, seed=4, categories=["Tents", None, "", "Boots & <b>"])
    effects, styles, clusters = effects_of(record), cluster_styles(record, "dark"), item_clusters(record)
    graph = read(BytesIO(write(record, styles, effects)))
    assert not graph.is_directed() and list(graph) == [str(i) for i in range(30)]
    for i, item in enumerate(record.history):
        node = graph.nodes[str(i)]
        assert (node["item"], node["title"], node.get("category")) == (item.item, item.title, item.category or None)
        assert node["timestamp"] == item.timestamp
        assert (node["cluster"], node["cluster_name"]) == (styles[clusters[i]].letter, styles[clusters[i]].name)
        assert node["importance"] == record.interest_extraction.importance[i]
        if i:
            assert node["log_effect"] == effects.item_effect[i]
            assert node["effect_factor"] == np.exp(effects.item_effect[i])
        else:
            assert "effect_factor" not in node and "log_effect" not in node  # nothing was measured
    drawn, weights = np.eye(30), attention(record)
    for first, second, edge in graph.edges(data=True):
        earlier, later = sorted((int(first), int(second)))
        drawn[earlier, later] = drawn[later, earlier] = 1
        assert edge["similarity"] == record.graph_construction.similarity[earlier, later]
        assert edge["attention_earlier_to_later"] == weights[earlier, later]
        assert edge["attention_later_to_earlier"] == weights[later, earlier]
    np.testing.assert_array_equal(drawn, record.graph_construction.adjacency)


@pytest.mark.parametrize("ending", FORMATS)
def test_hostile_text_stays_text(ending: str) -> None:
    write, read = FORMATS[ending]
    record = make_explanation(items=len(NASTY), titles=NASTY, categories=[None, *NASTY[::-1]], seed=1)
    record = replace(record, user="<u>\x00", target=Item("t", NASTY[0], None))
    graph = read(BytesIO(write(record)))
    forbidden = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
    for node, item in zip(graph.nodes.values(), record.history, strict=True):
        wanted = forbidden.sub("", item.title.replace("\r\n", "\n").replace("\r", "\n"))
        assert node["title"] == (wanted if item.title.strip() else item.item)
        assert "log_effect" not in node


@pytest.mark.parametrize("ending", FORMATS)
def test_one_item_and_no_edge_make_a_graph(ending: str) -> None:
    write, read = FORMATS[ending]
    record = make_explanation(items=1)
    record = replace(record, history=(replace(record.history[0], timestamp=None),))
    graph = read(BytesIO(write(record, effects=Effects(0.0, np.array([np.nan]), np.zeros(4)))))
    assert list(graph) == ["0"] and not graph.edges and "timestamp" not in graph.nodes["0"]


@settings(max_examples=40)
@given(text=st.text(max_size=12), ending=st.sampled_from(sorted(FORMATS)))
def test_any_text_can_be_written(text: str, ending: str) -> None:
    write, read = FORMATS[ending]
    record = make_explanation(items=2, titles=[f"x{text}", "y"], categories=[text])
    assert read(BytesIO(write(record))).nodes["0"]["title"].startswith("x")


def test_gephi_gets_colours_and_places() -> None:
    record = make_explanation(items=12, seed=2)
    graph = nx.read_gexf(BytesIO(gexf_bytes(record)))
    styles, clusters = cluster_styles(record), item_clusters(record)
    for i, node in enumerate(graph.nodes.values()):
        colour = node["viz"]["color"]
        assert f"#{colour['r']:02X}{colour['g']:02X}{colour['b']:02X}" == styles[clusters[i]].colour.upper()
    places = {(node["viz"]["position"]["x"], node["viz"]["position"]["y"]) for node in graph.nodes.values()}
    assert len(places) == 12


# -- the record and names ---------------------------------------------------------------------------------


def test_the_record_is_what_saving_writes(tmp_path: Path) -> None:
    record = make_explanation(items=5, layers=(3,), titles=HOSTILE)
    for ending, make in (("json", Explanation.to_json_bytes), ("npz", Explanation.to_npz_bytes)):
        record.save(tmp_path / f"record.{ending}")
        assert make(record) == (tmp_path / f"record.{ending}").read_bytes()
        (tmp_path / f"again.{ending}").write_bytes(make(record))
        assert Explanation.load(tmp_path / f"again.{ending}").history == record.history


def named(user: str, item: str, suffix: str) -> str:
    record = make_explanation(items=2)
    return file_name(replace(record, user=user, target=replace(record.target, item=item)), suffix)


def test_plain_ids_are_in_the_name() -> None:
    assert named("u0157", "i12", ".json") == "surge-user-u0157-item-i12.json"
    assert named("u0157", "i12", "-items.csv") == "surge-user-u0157-item-i12-items.csv"
    assert named("u0157", "i12", "npz") == "surge-user-u0157-item-i12.npz"


@settings(max_examples=100)
@given(user=st.text(min_size=1), item=st.text(min_size=1), suffix=st.text(max_size=30))
def test_names_lead_nowhere(user: str, item: str, suffix: str) -> None:
    assert re.fullmatch(
        r"surge-user-[A-Za-z0-9-]{1,49}-item-[A-Za-z0-9-]{1,90}\.[A-Za-z0-9]{1,12}", named(user, item, suffix)
    )


def test_odd_ids_have_names_of_their_own() -> None:
    odd = ["../../etc/passwd", "..\\..\\x", "a/b", "a b", "a-b", "漢字", "かな", "x" * 41, "x" * 42, "C:", "ü", "u"]
    names = {named(user, "i1", "json") for user in odd}
    assert len(names) == len(odd)
    assert "surge-user-etc-passwd-" in named(odd[0], "i1", "json")
