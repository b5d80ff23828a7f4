"""Words for the views: titles as plain text, dates and counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from math import isfinite

from surge.explanation.measurements import Effects
from surge.explanation.record import Explanation, Item
from surge.vocabulary.amounts import a_chance, as_likely, chance, factor, lift

LABEL_LENGTH = 24


def shorten(text: str, length: int = LABEL_LENGTH) -> str:
    """The text in at most `length` characters, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


def title_of(item: Item) -> str:
    """The item's title, or its id where the data has no titles."""
    return item.title if item.title.strip() else item.item


def date_of(item: Item) -> str:
    """The day of an interaction in UTC, such as 2024-03-09; empty where the time isn't known."""
    return moment_of(item)[:10]


def moment_of(item: Item) -> str:
    """The minute of an interaction in UTC; empty where the time isn't known."""
    if item.timestamp is None:
        return ""
    return datetime.fromtimestamp(item.timestamp, tz=UTC).strftime("%Y-%m-%d %H:%M")


def count(number: int, noun: str, plural: str | None = None) -> str:
    """A counted noun: "1 item", "1,175 edges"."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def lower_first(words: str) -> str:
    """A name or a sentence as it stands within another one."""
    return words[:1].lower() + words[1:]


def listed(words: Iterable[str]) -> str:
    """Words as a list in a sentence: "a", "a and b", "a, b and c"."""
    every: Sequence[str] = list(words)
    return ", ".join(every[:-1]) + " and " + every[-1] if len(every) > 1 else "".join(every)


def without_it(effects: Effects, index: int, *, cluster: bool = False) -> str:
    """What an item or a cluster does: "effect ×2.4: without it lift 9.1× → 3.8×, rank #1 → #4".

    Empty where it could not be measured.
    """
    effect, lifts, ranks = (
        (effects.cluster_effect, effects.cluster_lift, effects.cluster_rank)
        if cluster
        else (effects.item_effect, effects.item_lift, effects.item_rank)
    )
    if not isfinite(effect[index]):
        return ""
    words = f"effect {factor(float(effect[index]))}: without it lift {lift(effects.lift)} → {lift(float(lifts[index]))}"
    if effects.rank is not None and len(ranks) and isfinite(ranks[index]):
        about = "" if (effects.clusters_exact if cluster else effects.exact) else "about "
        words += f", rank #{effects.rank:,} → {about}#{int(ranks[index]):,}"
    return words


def likely_words(record: Explanation) -> str:
    """How likely it is: "3.6 % chance of being the next item, 9.1 times as likely as by popularity alone"; or, of what
    is never recommended, how likely it would be."""
    probability, general = record.prediction.next_probability, as_likely(record.lift)
    if record.is_left_out():
        would = "be" if probability is None else f"have {a_chance(probability)} of being the next item,"
        return f"not ranked, {record.left_out_words}; it would {would} {general}"
    return general if probability is None else f"{chance(probability)} chance of being the next item, {general}"
