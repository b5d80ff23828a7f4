"""The vocabulary of the figures: one entry, name and meaning each, thresholds at their edges, and no second copy."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from math import nextafter
from pathlib import Path
from typing import Any

import pytest

from surge.explanation.survey_file import COLUMNS
from surge.vocabulary import METRICS, entry
from surge.vocabulary.explanation import GROUPINGS
from surge.vocabulary.metric import Metric
from surge.vocabulary.prediction import LOSSES
from surge.vocabulary.survey import USER
from surge.vocabulary.writing import FORMATS, metric_text

ROOT = Path(__file__).parents[1]
CHECKPOINTS = sorted(path.parent for path in (ROOT / "checkpoints").glob("*/metrics.json"))
ENTRIES = list({id(metric): metric for metric in [*METRICS.values(), *LOSSES.values(), GROUPINGS]}.values())
ABBREVIATION = re.compile(r"\b(G?AUC|MRR|NDCG|HR)\b")
READ = [metric for metric in ENTRIES if metric.steps]


def test_no_name_and_no_meaning_stands_twice() -> None:
    for texts in ([metric.name for metric in ENTRIES], [metric.says for metric in ENTRIES]):
        assert sorted(texts) == sorted(set(texts))
    steps = [step.says for metric in READ for step in metric.steps if step.says]
    assert len(steps) == len(set(steps))


def keys(metrics: Any) -> Iterator[str]:
    for key, value in metrics.items():
        yield from keys(value) if isinstance(value, dict) else [key]


def test_everything_that_is_measured_has_an_entry() -> None:
    assert len(CHECKPOINTS) == 3
    for folder in CHECKPOINTS:
        metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
        assert {*keys(metrics)} - METRICS.keys() == set()
        for epoch in json.loads((folder / "history.json").read_text(encoding="utf-8")):
            series = epoch.keys() - {"epoch", "step", "seconds"}
            assert {name for name in series if not name.startswith("valid_")} <= LOSSES.keys()
            assert {name.removeprefix("valid_") for name in series if name.startswith("valid_")} <= METRICS.keys()
    assert COLUMNS.keys() - METRICS.keys() == set()
    numbers = [name for name, column in COLUMNS.items() if column.dtype.is_numeric() and name not in "xy"]
    assert [*USER] == numbers


def test_entries_are_in_plain_words() -> None:
    for metric in ENTRIES:
        assert metric.name[0].isupper() and "_" not in metric.name.replace("L_", "") and metric.says
        assert metric.format == "text" or metric.format in FORMATS
    for metric in USER.values():
        assert metric.says.endswith(".") and all(words.endswith((" than", " for")) for words in metric.extremes)
        assert metric.extremes != Metric.extremes
    assert METRICS["next_rank"].worse == "high" and METRICS["faithfulness"].worse == "low"


EDGES = [
    ("effective_clusters", 1.5, "collapsed", "used"),
    ("assignment_entropy", 0.35, "crisp", "soft"),
    ("assignment_entropy", 0.75, "soft", "blurred"),
    ("attention_distance", 0.02, "flat", "sharp"),
    ("attention_change_between_candidates", 0.005, "fixed", "moved"),
    ("faithfulness", 0.2, "poor", "partly"),
    ("faithfulness", 0.6, "partly", "good"),
    ("attention_faithfulness", 0.2, "poor", "partly"),
    ("attention_faithfulness", 0.6, "partly", "good"),
]


@pytest.mark.parametrize(("name", "edge", "below", "from_there"), EDGES)
def test_a_threshold_begins_at_its_value(name: str, edge: float, below: str, from_there: str) -> None:
    metric = METRICS[name]
    assert metric.level(nextafter(edge, -1)) == below and metric.level(edge) == from_there
    assert metric.level(-1e9) == metric.steps[0].level and metric.level(1e9) == metric.steps[-1].level


def test_every_threshold_was_tried() -> None:
    tried = {(METRICS[name].name, edge) for name, edge, _, _ in EDGES}
    assert tried == {
        (metric.name, step.start) for metric in READ if metric is not GROUPINGS for step in metric.steps[1:]
    }
    assert [GROUPINGS.level(value) for value in (0.39, 0.4, 0.79, 0.8)] == ["other", "alike", "alike", "same"]
    for metric in READ:
        assert [step.start for step in metric.steps] == sorted(step.start for step in metric.steps)


def test_what_a_value_says() -> None:
    clusters, nmi = METRICS["effective_clusters"], METRICS["nmi"]
    assert clusters.reading(1.2).startswith("collapsed: ") and clusters.reading(4.2) == clusters.says
    assert nmi.reading(0.1) == nmi.says


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("assignment_entropy", 0.0413, "4.1 %"),
        ("attention_distance_from_uniform", 0.0004, "under 0.1 %"),
        ("effective_clusters", 4.1702, "4.17"),
        ("order_time_correlation", -0.5, "−0.50"),
        ("gauc", 0.87654, "0.877"),
        ("calibration_error", 0.0031, "0.31 %"),
        ("catalogue_median_rank", 1041.0, "1,041"),
        ("catalogue_median_rank", 47.5, "47.5"),
        ("users", 300.0, "300"),
        ("deletion_area_random", 0.0, "1.0×"),
        ("deletion_gain_importance", 0.6931, "÷2.0"),
        ("insertion_gain_importance", 0.6931, "×2.0"),
        ("own", 0.25, "0.2500"),
        ("own", 12.0, "12"),
        ("nmi", None, "–"),
        ("nmi", float("nan"), "–"),
        ("nmi", 10**400, "–"),
        ("nmi", "<b>", "<b>"),
        ("nmi", True, "True"),
        ("deletion_area_random", 1e300, f"{1e300:,.0f}"),
    ],
)
def test_how_a_value_is_written(name: str, value: Any, text: str) -> None:
    assert metric_text(name, value) == text


def test_what_is_not_known_keeps_its_own_name() -> None:
    assert entry("my_own").name == "my own" and entry("gauc").name == "GAUC"
    assert entry("log_loss").name == "Prediction error (log loss)"  # of a training, in a comparison's file


def literals(path: Path) -> Iterator[str]:
    """All text of a module but its docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented)  # type: ignore[attr-defined]
        and ast.get_docstring(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


def test_no_other_module_writes_them_again() -> None:
    """Names of one word, and of what is no number, are words of their own elsewhere, too; an abbreviation is not."""
    names = {metric.name for metric in ENTRIES if " " in metric.name and metric.format != "text"}
    sentences = {metric.says for metric in ENTRIES} | {step.says for metric in READ for step in metric.steps} - {""}
    for place in ("surge", "app"):
        for path in (ROOT / place).rglob("*.py"):
            if path.parent.name != "vocabulary":
                texts = {*literals(path)}
                assert (names | sentences) & texts == set(), path
                assert not [text for text in texts if ABBREVIATION.search(text)], path
