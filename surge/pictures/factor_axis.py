"""Axes of effects and lifts: drawn as logarithms, so that equal factors are equally long, and read as factors."""

from __future__ import annotations

from math import log

import numpy as np

LEAST_SPAN = log(1.1)  # of an axis; smaller effects are drawn small, whatever the others are
MOST_POWER = 300  # of ten
MOST_TICKS = 5  # on the longer side of zero, or of a whole axis of lifts
FACTORS = (1.01, 1.02, 1.05, 1.1, 1.2, 1.5, 2, 3, 5, 10, 20, 50, 100, 300)  # then powers of ten
STEPS = ((1.0,), (1.0, 3.0), (1.0, 2.0, 5.0))  # of lifts inside a power of ten, from few to many


def factor_ticks(low: float, high: float) -> tuple[list[float], list[str]]:
    """Ticks for log effects from `low` to `high`, and their words: "÷2", "×1", "×2", "×5"; zero is among them."""
    reach = max(-low, high, LEAST_SPAN / 2)
    powers = [10.0**k for k in range(3, min(int(reach / log(10)), MOST_POWER) + 1)]
    least, chosen = reach / MOST_TICKS, list[float]()
    for factor in sorted([*FACTORS, *powers], reverse=True):
        place = log(factor)
        if place <= reach and place >= least and (not chosen or log(chosen[-1]) - place >= least):
            chosen.append(factor)
    ticks = [(-log(f), f"÷{_number(f)}") for f in chosen] + [(0.0, "×1")]
    ticks += [(log(f), f"×{_number(f)}") for f in reversed(chosen)]
    inside = [(value, word) for value, word in ticks if low <= value <= high or value == 0]
    return [value for value, _ in inside], [word for _, word in inside]


def lift_ticks(low: float, high: float) -> tuple[list[float], list[str]]:
    """Ticks for log lifts from `low` to `high`, and their words: "0.1×", "1×", "10×"; at least two where the range
    holds as many round numbers."""
    first, last = int(np.floor(low / log(10))), int(np.floor(high / log(10)))
    apart = max(1, -(-(last - first) // MOST_TICKS))  # powers of ten from one tick to the next
    found: list[float] = []
    for steps in STEPS:
        powers = range(first, last + 1, apart if len(steps) == 1 else 1)
        found = [step * 10.0**k for k in powers for step in steps if low <= log(step * 10.0**k) <= high]
        if len(found) >= 3:
            break
    if len(found) < 3:  # so short a stretch of a logarithmic axis is nearly linear
        least, most = np.exp(low), np.exp(high)
        step = 10.0 ** np.floor(np.log10(most - least))
        step = next(step * factor for factor in (0.2, 0.5, 1.0, 2.0) if (most - least) / (step * factor) <= MOST_TICKS)
        found = [step * k for k in range(int(np.ceil(least / step)), int(np.floor(most / step)) + 1)]
    return [log(lift) for lift in found], [f"{_number(lift)}×" for lift in found]


def lift_range(values: np.ndarray) -> tuple[float, float]:
    """The ends of an axis for these log lifts, as far as they are finite, with some room, LEAST_SPAN long at least."""
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 0.0)
    spare = max(0.06 * (high - low), (LEAST_SPAN - (high - low)) / 2)
    return low - spare, high + spare


def _number(value: float) -> str:
    """A round number as short as it can be: "0.001", "1.5", "2,000", "10⁸"."""
    if 1e-6 <= value < 1e6:
        text = f"{value:,.6f}".rstrip("0").rstrip(".")
        return text
    power = round(np.log10(value))
    raised = str(power).translate(str.maketrans("-0123456789", "\u207b⁰¹²³⁴⁵⁶⁷⁸⁹"))
    lead = value / 10.0**power
    return f"10{raised}" if abs(lead - 1) < 1e-9 else f"{lead:.2g}·10{raised}"
