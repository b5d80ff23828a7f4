"""How a figure is written where there is little room, and how a table heads its column."""

from __future__ import annotations

from functools import partial

from surge.pictures.html_parts import Column
from surge.vocabulary import METRICS, entry
from surge.vocabulary.writing import metric_text

# formats of what is told apart by how many times one is the other, and the least value that has a name of its own
LOGARITHMIC: dict[str, float] = {"chance": 1e-4, "lift": 1e-2}


def short_text(name: str, value: float | None) -> str:
    """A value for a picture that is read at a glance: shares in whole per cent, never rounded to a certainty."""
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
