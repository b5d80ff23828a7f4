"""How a value of each figure of the vocabulary is written."""

from __future__ import annotations

from collections.abc import Callable
from math import exp
from typing import Any

from surge.vocabulary import entry
from surge.vocabulary.amounts import LARGEST, LARGEST_LOG, MINUS, UNKNOWN, chance, factor, lift, percent
from surge.vocabulary.metric import Format

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
