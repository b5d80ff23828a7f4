"""Chances, lifts, effects and correlations as words: the same rounding and signs in every sentence and table.

What is no number (NaN) is a dash.
"""

from __future__ import annotations

from math import exp, floor, isnan, log10
from typing import Any

UNKNOWN = "–"  # for a number that is none
MINUS = "\u2212"
LARGEST_LOG = 700.0  # exp of more is no number
MILLION = 1_000_000
ALIKE = 0.91  # a lift from here to its inverse is none to speak of
LARGEST = 1e300  # of a number that a file holds


def number_in(value: Any, *, least: float = -LARGEST, most: float = LARGEST) -> float | None:
    """What a file holds as a number, None where it is none, or none that can be meant."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:  # NaN, too
        return None
    return float(value)


def percent(share: float) -> str:
    """A share from 0 to 1 in per cent, never rounded to a certainty."""
    if isnan(share):
        return UNKNOWN
    if 0 < share < 0.001:
        return "under 0.1 %"
    if 0.999 < share < 1:
        return "over 99.9 %"
    return f"{share:.1%}".replace("%", " %")


def chance(probability: float) -> str:
    """How likely something is, in per cent with two digits: "12 %", "3.6 %", "0.04 %"; never rounded to a certainty."""
    if isnan(probability):
        return UNKNOWN
    if 0 < probability < 0.0001:
        return "under 0.01 %"
    if 0.99 < probability < 1:
        return "over 99 %"
    return f"{two_digits(100 * probability)} %"


def a_chance(probability: float) -> str:
    """The same in a sentence: "a 3.6 % chance", "an 8.2 % chance"."""
    words = "unknown" if isnan(probability) else chance(probability)
    vowel = words.startswith(("8", "11 ", "18 ", "un", "over"))
    return f"{'an' if vowel else 'a'} {words} chance"


def lift(value: float) -> str:
    """How many times as likely: "58×", "9.1×", "0.40×"."""
    if isnan(value):
        return UNKNOWN
    return "under 0.01×" if 0 < value < 0.01 else f"{two_digits(value)}×"


def factor(log_effect: float) -> str:
    """What an effect on the log of the lift multiplies the lift by: "×2.4", "÷1.5", "×1.03"; "×1.0" changes nothing."""
    if isnan(log_effect):
        return UNKNOWN
    size = exp(min(abs(log_effect), LARGEST_LOG))
    text = f"{size:.2f}" if 1.005 <= size < 1.095 else two_digits(size)
    return f"÷{text}" if log_effect < 0 and text != "1.0" else f"×{text}"


def times(value: float) -> str:
    """The same for a sentence: "9.1 times", "0.40 times"."""
    return "under 0.01 times" if 0 < value < 0.01 else f"{two_digits(value)} times"


def as_likely(value: float, what: str = "") -> str:
    """A lift as part of a sentence: "9.1 times as likely as by popularity alone", "only 0.40 times as likely ...".

    `what` stands after "likely": " to be next for user u1".
    """
    if ALIKE <= value < 1 / ALIKE:
        return f"about as likely{what} as by popularity alone"
    return f"{'only ' if 0.01 <= value < 1 else ''}{times(value)} as likely{what} as by popularity alone"


def makes_it(log_effect: float) -> str:
    """What something does to a candidate, in words: "2.4 times as likely", "1.5 times less likely"."""
    size = two_digits(exp(min(abs(log_effect), LARGEST_LOG)))
    return f"{size} times {'less' if log_effect < 0 and size != '1.0' else 'as'} likely"


def bound(log_effect: float) -> str:
    """A factor that an effect of this size stays below, as a number: "1.07"; never 1, which would be a certainty."""
    if isnan(log_effect):
        return UNKNOWN
    size = exp(min(abs(log_effect), LARGEST_LOG))
    digits = 2 if size < 2 else 1
    return f"{(floor(10**digits * size + 1e-9) + 1) / 10**digits:.{digits}f}"


def two_digits(value: float) -> str:
    """A number from 0 with two digits that say something, and thousands set apart: "1,200", "58", "9.1", "0.040"."""
    if isnan(value):
        return UNKNOWN
    if value == 0:
        return "0"
    if value >= MILLION:
        return "over a million"
    decimals = max(0, 1 - floor(log10(abs(value))))
    rounded = round(value, decimals)
    decimals = max(0, 1 - floor(log10(abs(rounded))))
    return f"{rounded:,.{decimals}f}" if rounded < 100 else f"{float(f'{rounded:.2g}'):,.0f}"


def signed(value: float, digits: int = 2) -> str:
    """A number with its sign, + or −; what rounds to zero has none."""
    if isnan(value):
        return UNKNOWN
    text = f"{abs(value):.{digits}f}"
    return text if float(text) == 0 else f"{MINUS if value < 0 else '+'}{text}"


def correlation(value: float) -> str:
    """A correlation with two digits, and the typographic minus."""
    return signed(value).removeprefix("+")
