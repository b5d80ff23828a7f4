"""Scores, effects and correlations as words: the same rounding and signs in every sentence, hover box and table."""

from __future__ import annotations

from math import floor

MINUS = "\u2212"
LEAST_POINTS = 0.05  # of 100; less would be written as 0.0


def percent(share: float) -> str:
    """A share from 0 to 1 in per cent, never rounded to a certainty."""
    if 0 < share < 0.001:
        return "under 0.1 %"
    if 0.999 < share < 1:
        return "over 99.9 %"
    return f"{share:.1%}".replace("%", " %")


def points(change: float) -> str:
    """A signed change of a score (from -1 to 1) in percentage points: "−12 points", "+0.4 points"."""
    size = 100 * abs(change)
    if size < LEAST_POINTS:
        return "under 0.1 points"
    return f"{MINUS if change < 0 else '+'}{size:.0f} points" if size >= 9.95 else f"{signed(100 * change, 1)} points"


def bound_in_points(largest: float) -> str:
    """The smallest tenth of a point that all changes up to `largest` (of a score, from 0 to 1) stay below."""
    return f"{(floor(1000 * abs(largest) + 1e-9) + 1) / 10:.1f} points"


def signed(value: float, digits: int = 2) -> str:
    """A number with its sign, + or −; what rounds to zero has none."""
    text = f"{abs(value):.{digits}f}"
    return text if float(text) == 0 else f"{MINUS if value < 0 else '+'}{text}"


def correlation(value: float) -> str:
    """A correlation with two digits, and the typographic minus."""
    return signed(value).removeprefix("+")
