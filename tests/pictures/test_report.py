"""The report: whole, alone, the same twice, with every word of the data as text."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from typing import Any

import pytest

from app.components.tour import STEPS
from surge.explanation.record import Item
from surge.explanation.story import Story
from surge.pictures import drift, faithfulness, history_strip, pooled_sequence
from surge.pictures.columns import CLUSTERS, DRIFT, ITEMS, ORDERS, PREDICTIONS
from surge.pictures.palette import Theme, cluster_styles
from surge.pictures.report import graph_page, record_figures, record_page, report
from surge.pictures.report_page import POLICY
from surge.pictures.verdict import verdict
from surge.vocabulary.amounts import chance, factor, lift
from tests.pictures.hostile import HOSTILE
from tests.pictures.measured import make_effects
from tests.pictures.test_html_parts import Cells, apply
from tests.records import make_explanation
from tests.stories import USER, hostile_story

TABLES = (PREDICTIONS, CLUSTERS, ITEMS, ORDERS, DRIFT)
KNOWN_TAGS = set(
    "html head meta title style body div strong nav a button header h1 h2 small p ul li b span noscript main section "
    "details summary table caption thead tbody tr th td template script footer pre dl dt dd".split()
)
LIGHTWEIGHT = 4_000_000  # bytes


class Page(HTMLParser):
    """A page taken apart: tags with attributes, the text outside scripts, the scripts, and links to anything."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.scripts: dict[str, str] = {}
        self.open: str | None = None
        self.skip = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attributes: list) -> None:
        self.tags.append((tag, dict(attributes)))
        self.skip = tag in ("script", "style")
        if tag == "script":
            self.open = dict(attributes).get("id") or f"script {len(self.scripts)}"
            self.scripts[self.open] = ""

    def handle_endtag(self, tag: str) -> None:
        self.skip = self.skip and tag not in ("script", "style")
        self.open = None if tag == "script" else self.open

    def handle_data(self, data: str) -> None:
        if self.open:
            self.scripts[self.open] += data
        elif not self.skip:
            self.words.append(data)

    @property
    def text(self) -> str:
        return "".join(self.words)

    def data(self, name: str) -> dict:
        return json.loads(self.scripts[f"data-{name}"])

    def titles(self) -> list[str]:
        """The headings of the sections."""
        ids = [attributes.get("id") for tag, attributes in self.tags if tag == "section"]
        return [name for name in ids if name]


@cache
def hostile_report() -> str:
    return report(hostile_story())


@cache
def hostile_page() -> Page:
    return Page(hostile_report())


def test_the_parts_stand_in_the_models_order() -> None:
    assert hostile_page().titles() == [
        *("history", "graph", "assignment", "predictions", "sequence", "attention", "cluster-numbers", "item-numbers"),
        *("faithfulness", "drift", "making"),
    ]


def test_what_was_not_measured_is_left_out() -> None:
    text = report(Story(make_explanation()))
    page = Page(text)
    assert page.titles() == [
        *("history", "graph", "assignment", "sequence", "attention", "cluster-numbers", "item-numbers")
    ]
    assert set(page.data("pictures")) == {"history", "assignment", "sequence", "attention"}


def test_the_page_asks_for_nothing() -> None:
    page = hostile_page()
    for tag, attributes in page.tags:
        assert not {"src", "srcset", "data", "action", "formaction", "background", "poster"} & set(attributes), tag
        assert tag != "link" and not any(name.startswith("on") for name in attributes), tag
        if "href" in attributes:
            assert str(attributes["href"]).startswith("#")
    style = "".join(re.findall(r"<style>(.*?)</style>", hostile_report(), flags=re.S))
    assert "url(" not in style and "@import" not in style
    policies = [a["content"] for tag, a in page.tags if a.get("http-equiv") == "Content-Security-Policy"]
    assert policies == [POLICY]
    assert "default-src 'none'" in POLICY and "unsafe-eval" not in POLICY and "http" not in POLICY


def test_hostile_words_stay_words() -> None:
    page = hostile_page()
    assert {tag for tag, _ in page.tags} <= KNOWN_TAGS
    links = [attributes for tag, attributes in page.tags if tag == "a"]
    assert len(links) == len(page.titles())
    scripts = [attributes for tag, attributes in page.tags if tag == "script"]
    assert len(scripts) == 4 + 2 + 4  # data, libraries, modules
    assert not any("alert(" in page.scripts[name] for name in page.scripts if name.startswith("script "))
    for title in HOSTILE:
        assert title in page.text, title
    assert USER in page.text
    assert page.tags[0] == ("html", {"lang": "en"})


def test_a_note_that_no_file_can_hold() -> None:
    text = report(Story(make_explanation(titles=["nul \x00"]), notes=("lone \ud800 surrogate",)))
    assert "lone ? surrogate" in text
    text.encode()


def test_the_same_story_gives_the_same_page_of_moderate_size() -> None:
    text = hostile_report()
    assert report(hostile_story()) == text
    assert len(text.encode()) < LIGHTWEIGHT
    assert text.count('id="plotly"') == text.count('id="vis-network"') == 1


def test_both_looks_are_the_views_own() -> None:
    story, pictures = hostile_story(), hostile_page().data("pictures")
    assert story.faithfulness is not None and story.drift is not None
    assert set(pictures) == {"history", "assignment", "sequence", "attention", "faithfulness", "drift"}
    for theme in Theme:
        styles = cluster_styles(story.record, theme)
        figures = {
            "history": history_strip.history_strip(story.record, theme, effects=story.effects, styles=styles),
            "sequence": pooled_sequence.pooled_sequence(story.record, theme, effects=story.effects, styles=styles),
            "faithfulness": faithfulness.faithfulness_figure(story.faithfulness, theme),
            "drift": drift.drift_figure(story.record, story.drift, theme, styles=styles),
        }
        for name, figure in figures.items():
            picture = pictures[name]
            shown = apply(picture["light"], picture["dark"] if theme is Theme.DARK else [])
            assert shown == json.loads(figure.to_json()), (name, theme)
    assert all(len(json.dumps(each["dark"])) < len(json.dumps(each["light"])) for each in pictures.values())


def test_graphs_hold_every_layer_and_its_words() -> None:
    graphs = hostile_page().data("graphs")
    assert list(graphs) == ["similarity", "kept edge", "attention"]
    buttons = [a["data-layer"] for tag, a in hostile_page().tags if "data-layer" in a]
    assert buttons == list(graphs)
    for look in graphs.values():
        assert len(look["light"]["graph"]["nodes"]) == hostile_story().record.length
        assert look["light"]["caption"]
        dark = apply(look["light"], look["dark"])
        assert isinstance(dark, dict) and dark["colours"]["background"] == Theme.DARK.background
    assert len({look["light"]["places"] for look in graphs.values()}) == 1  # a change of layer moves no node


def test_the_verdict_stands_at_the_top() -> None:
    story = hostile_story()
    assert story.next_probability is not None
    pieces = verdict(story.record, story.effects, story.rank, story.ranked, interests=story.interests)
    words = "".join(piece.text for piece in pieces)
    assert words in hostile_page().text
    assert hostile_page().text.index(words) < hostile_page().text.index("What the user did")


def test_tables_hold_the_numbers() -> None:
    story = hostile_story()
    tables = re.findall(r"<table>.*?</table>", hostile_report(), flags=re.S)
    assert len(tables) == 5
    predictions, clusters, items = (Cells(text).rows[1:] for text in tables[:3])
    assert len(predictions) == len(story.predicted)
    first = story.predicted[0]
    assert predictions[0][:2] == ["1", first.title]
    assert predictions[0][2:4] == [chance(first.next_probability), lift(first.lift)]
    assert "candidate" in predictions[0][4]
    assert [row[0] for row in items] == [str(place + 1) for place in range(story.record.length)]
    assert story.effects is not None
    for row, effect in zip(items, story.effects.item_effect, strict=True):
        assert row[3] == factor(effect)
    assert 0 < len(clusters) <= 5


def test_chances_and_lifts_are_told_and_never_a_score() -> None:
    """No sentence, table, hover box or help text tells the old percentage: sigmoid of the logit, or its points."""
    story = hostile_story()
    told = [hostile_page().text, *_strings(hostile_page().data("pictures")), *_strings(hostile_page().data("graphs"))]
    told += [f"{column.label} {column.meaning}" for table in TABLES for column in table.values()]
    told += [step.words for step in STEPS]
    for text in told:
        assert not re.search(r"\b(score of|[Ss]core)\b", text.replace("raw score", "")), text
        assert not re.search(r"\bpoints?\b(?! at\b)", text.replace("each curve is one point", "")), text
    assert story.next_probability is not None
    figures = (
        f"{chance(story.next_probability)}Chance of being the next item{lift(story.record.lift)}Lift: times as likely"
    )
    assert figures in hostile_page().text.replace("\n", "")


@pytest.mark.parametrize("known", ["by the record", "by its rank"])
def test_what_is_never_recommended_is_told_what_it_would_have(known: str) -> None:
    record = make_explanation()
    likely = {"next_probability": 0.036, "lift": 9.1, "left_out": known == "by the record"}
    record = replace(record, prediction=replace(record.prediction, **likely))
    text = Page(report(Story(record, ranked=20, next_probability=0.036))).text
    assert "is not ranked for user u1" in text and "it would have a 3.6 % chance of being the next item" in text
    assert "3.6 %Chance that it would have of being the next item" in text.replace("\n", "")
    assert "9.1×Lift that it would have: times as likely" in text.replace("\n", "")
    if known == "by the record":
        assert "it would have a 3.6 % chance" in Page(record_page(record)).text


def _strings(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for each in value.values() for text in _strings(each)]
    if isinstance(value, list):
        return [text for each in value for text in _strings(each)]
    return [value] if isinstance(value, str) else []


def test_how_it_was_made_can_be_repeated() -> None:
    text = hostile_page().text
    assert f"python -m surge explain random memory --user '{USER}' --item" in text
    assert "--output report.html" in text and "--whole-history" not in text
    assert "Checkpoint digest (SHA-256)" in text


@pytest.mark.parametrize(
    ("period", "words"),
    [("train", "the model has learned from it"), ("valid", "decided when training stopped"), ("test", "ranks #")],
)
def test_the_true_next_item_is_told_with_its_period(period: str, words: str) -> None:
    values = vars(hostile_story()) | {"next_period": period}
    assert words in Page(report(Story(**values))).text
    unknown = Page(report(Story(**values | {"next_item": Item("no such item", "x", None)}))).text
    assert "not among those that can be recommended" in unknown


@pytest.mark.parametrize(
    ("whose", "lead", "made", "named"),
    [
        ("changed", "The history as you changed it, oldest first.", "The history was changed in", "that was changed"),
        ("made-up", "A history made up by you, oldest first.", "The history was made up in", "for a made-up history"),
    ],
)
def test_a_history_that_is_not_the_users_own_never_passes_for_it(whose: str, lead: str, made: str, named: str) -> None:
    page = Page(report(Story(**vars(hostile_story()) | {"whose": whose})))
    assert lead in page.text and made in page.text and named in page.text
    assert f"{whose} history of" in page.text  # the verdict
    for claim in ("What the user did", "python -m surge", "makes it again"):
        assert claim not in page.text
        assert claim in hostile_page().text
    assert "Checkpoint digest (SHA-256)" in page.text
    assert ("holds the user's history" in page.text) == (whose == "changed")


def test_a_theme_can_be_asked_for() -> None:
    story = Story(make_explanation())
    for theme in Theme:
        assert Page(report(story, theme)).tags[0] == ("html", {"lang": "en", "data-theme": theme.value})
    with pytest.raises(ValueError):
        report(story, "sepia")


def test_styles_on_the_screen_are_kept() -> None:
    record = make_explanation(items=20, clusters=5)
    styles = list(cluster_styles(record))
    swapped = [styles[1], styles[0], *styles[2:]]
    story = Story(record, effects=make_effects(record))
    colours = {}
    for name, given in (("own", None), ("given", swapped)):
        page = Page(report(story, styles=given))
        nodes = page.data("graphs")["similarity"]["light"]["graph"]["nodes"]
        colours[name] = {node["cluster"]: node["color"]["background"] for node in nodes}
    assert colours["own"][0] == styles[0].colour and colours["given"][0] == styles[1].colour


@pytest.mark.parametrize("items", [1, 2, 120])
def test_short_and_long_histories(items: int) -> None:
    record = make_explanation(items=items, clusters=6, titles=HOSTILE)
    page = Page(report(Story(record, effects=make_effects(record))))
    assert page.data("clusters") and len(page.data("clusters")) == items
    assert {tag for tag, _ in page.tags} <= KNOWN_TAGS


def test_a_record_alone_is_a_shorter_page() -> None:
    record = make_explanation(titles=HOSTILE)
    page = Page(record_page(record))
    assert page.titles() == ["history", "graph", "assignment", "sequence", "attention"]
    assert {tag for tag, _ in page.tags} <= KNOWN_TAGS
    alone = Page(graph_page(record, "dark", 300))
    assert alone.titles() == [] and "plotly" not in alone.scripts and "vis-network" in alone.scripts
    assert alone.data("graphs")["similarity"]["light"]["height"] == 300


def test_figures_of_a_record() -> None:
    figures = record_figures(make_explanation(), "dark")
    assert list(figures) == ["history", "assignment", "sequence", "attention"]
    assert all(len(figure.data) for figure in figures.values())
