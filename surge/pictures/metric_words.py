"""How a value of each figure of the vocabulary is written, and how a table heads its column."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import exp
from typing import Any

from surge.pictures.amounts import LARGEST, LARGEST_LOG, MINUS, UNKNOWN, chance, factor, lift, percent
from surge.pictures.html_parts import Column
from surge.vocabulary import METRICS, entry
from surge.vocabulary.metric import Format

# formats of what is told apart by how many times one is the other, and the least value that has a name of its own
LOGARITHMIC: dict[str, float] = {"chance": 1e-4, "lift": 1e-2}
FORMATS: dict[Format, Callable[[float], str]] = {
    "integer": lambda value: f"{value:,.1f}".removesuffix(".0"),  # a median may lie between
    "number": lambda value: f"{value:.2f}".replace("-", MINUS),
    "score": lambda value: f"{value:.3f}",
    "percent": percent,
    "chance": chance,
    "lift": lift,
    "log lift": lambda value: lift(exp(value)),
    "gain": factor,
    "loss": lambda value: factor(-value),
}


def metric_text(name: str, value: Any) -> str:
    """A value of a figure with its unit; a dash where it isn't known. What metrics.json says beside numbers is text."""
    if value is None or (not isinstance(value, str | bool) and not abs(value) <= LARGEST):  # NaN, too
        return UNKNOWN
    if isinstance(value, str | bool):
        return str(value)
    kind = entry(name).format
    if kind in FORMATS and (abs(value) <= LARGEST_LOG or kind not in ("log lift", "gain", "loss")):
        return FORMATS[kind](value)
    whole = isinstance(value, int) or (value == int(value) and abs(value) >= 10)
    return f"{value:,.0f}" if whole else f"{value:.4f}"


def short_text(name: str, value: float | None) -> str:
    """The same for a picture that is read at a glance: shares in whole per cent, never rounded to a certainty."""
    if value is not None and METRICS[name].format == "percent" and (0.01 <= value <= 0.99 or value in (0, 1)):
        return whole_percent(value)
    return metric_text(name, value)


def whole_percent(share: float) -> str:
    """A share from 0 to 1 in whole per cent: "3 %", "under 1 %", "over 99 %"; 0 % and 100 % are meant literally."""
    if 0 < share < 0.01:
        return "under 1 %"
    return "over 99 %" if 0.99 < share < 1 else f"{share:.0%}".replace("%", " %")


def metric_column(name: str) -> Column:
    """The column of a table that holds values of a figure."""
    metric = entry(name)
    return Column(metric.name, partial(metric_text, name), metric.says, number=metric.format != "text")
