"""The metrics of a checkpoint as tables in plain words, and what was not measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp
from typing import Any

import pandas as pd

from surge.evaluation.words import LEFT_OUT, negatives_told
from surge.pictures.amounts import LARGEST_LOG, chance, factor, lift
from surge.pictures.metric_words import AMONG_ALL, AMONG_DRAWN, MEANINGS, ORDERS, PARTS, TOLD
from surge.pictures.text import count, listed

LARGEST_SHOWN = 1e300  # of a metric
MOST_COUNTED = 10**15
SPLITS = ("validation", "test")


def flat_metrics(metrics: Mapping[str, Any], part: str = "") -> list[tuple[str, str, float | str]]:
    """(part, metric, value) of every number or word, at whatever depth; the parts' names are joined by a space."""
    rows: list[tuple[str, str, float | str]] = []
    for name, value in metrics.items():
        if isinstance(value, Mapping):
            rows += flat_metrics(value, f"{part} {name}".strip())
        elif isinstance(value, int | float | str):
            rows.append((part, str(name), value))
    return rows


@dataclass(frozen=True)
class MetricsTable:
    """Metrics of one kind: columns metric, one a part ("part Test"), meaning. `says` is how they were measured."""

    title: str
    says: str
    frame: pd.DataFrame


def metrics_tables(
    metrics: Mapping[str, Any], *, items: int, negatives: int, seen_left_out: bool = False
) -> list[MetricsTable]:
    """The metrics in plain words: how the splits rank among all items, then among drawn ones, then all the rest.

    Parts that measure the same stand side by side. `items`: of the catalogue; `negatives`: drawn for a list where the
    metrics don't say it; `seen_left_out`: whether what a user took is no candidate.
    """
    flat = flat_metrics(metrics)
    kinds = (
        ("Among all items", AMONG_ALL, _among_all(metrics, items, seen_left_out)),
        ("Among drawn items", AMONG_DRAWN, _among_drawn(metrics, negatives)),
    )
    tables = []
    for title, names, says in kinds:
        rows = [row for row in flat if row[0] in SPLITS and row[1] in names]
        rows.sort(key=lambda row: names.index(row[1]))
        if rows:
            tables.append(MetricsTable(title, says, _frame(rows)))
    known = {*AMONG_ALL, *AMONG_DRAWN, *TOLD}
    rest = [row for row in flat if row[0] not in SPLITS or row[1] not in known]
    return tables + [MetricsTable(" and ".join(_titles(rows)), "", _frame(rows)) for rows in _alike(rest)]


def _among_all(metrics: Mapping[str, Any], items: int, seen_left_out: bool) -> str:
    users = _of_splits(metrics, "catalogue_instances", "user")
    told = f"Each user's last item of the split, ranked by chance among all {items:,} items{users}."
    unranked = _counted(_part(metrics, "test"), "users_without_last")
    if unranked:
        told += f" {count(unranked, 'user')} of the test split had a last item that can't be ranked."
    return told + (" What the user took before is left out." if seen_left_out else "")


def _among_drawn(metrics: Mapping[str, Any], negatives: int) -> str:
    test = _part(metrics, "test")
    drawn, fewest = (_counted(test, name) for name in ("negatives", "fewest_negatives"))
    drawn = drawn or negatives
    others = negatives_told(drawn, fewest or drawn)
    lists = _of_splits(metrics, "instances", "list")
    return (
        f"Each true next item against {others} others{lists}. These others were drawn by popularity, so they are "
        "ranked by the raw score: the chance includes popularity, which would count twice."
    )


def unmeasured(metrics: Mapping[str, Any], place: str = "") -> str:
    """Which of the test split and the explanations was not measured yet, before the command that measures both, to be
    typed in `place`; empty where both were."""
    missing = [
        words
        for part, words in (("test", "the test split"), ("explanation", "the explanations"))
        if not _part(metrics, part)
    ]
    if not missing:
        return ""
    which = f"Neither {' nor '.join(missing)}" if len(missing) > 1 else missing[0].capitalize()
    verb = "has" if missing == ["the test split"] else "have"
    until = "; until then, the figures are those of the validation split" if "the test split" in missing else ""
    return (
        f"{which} of this checkpoint {verb} {'' if len(missing) > 1 else 'not '}been measured yet. This "
        f"command{place and f', {place},'} measures both and stores the figures with the checkpoint{until}:"
    )


def left_out(metrics: Mapping[str, Any]) -> str:
    """What of the test split could not be measured, and what of it the model never met; empty where there is nothing
    of that kind."""
    test = _part(metrics, "test")
    whole, cold = (_counted(test, name) for name in ("positives", "cold_positives"))
    reasons = [f"{left:,} {words}" for name, words in LEFT_OUT.items() if (left := _counted(test, name))]
    told = []
    if reasons:
        of_all = f" of the {whole:,}" if whole else ""
        told.append(f"Left out are true next items{of_all} in the test split: {listed(reasons)}.")
    if cold:
        one = cold == 1
        told.append(
            f"{count(cold, 'true next item')} of the test split {'is' if one else 'are'} measured though the model met "
            f"{'it' if one else 'them'} in no training example."
        )
    return " ".join(told)


def _of_splits(metrics: Mapping[str, Any], name: str, noun: str) -> str:
    """How many were measured: ": 3,000 users", or with the split's names where their numbers differ."""
    found = {split: number for split in SPLITS if (number := _counted(_part(metrics, split), name))}
    if not found:
        return ""
    if len(set(found.values())) == 1 and len(found) == len([split for split in SPLITS if _part(metrics, split)]):
        return f": {count(next(iter(found.values())), noun)}"
    return ": " + listed(f"{count(number, noun)} in {split}" for split, number in found.items())


def _part(metrics: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = metrics.get(name)
    return part if isinstance(part, Mapping) else {}


def _counted(part: Mapping[str, Any], name: str) -> int | None:
    """A count, None where the part holds none."""
    value = part.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MOST_COUNTED:
        return None
    return int(value) if value == int(value) else None


def _alike(rows: list[tuple[str, str, float | str]]) -> list[list[tuple[str, str, float | str]]]:
    """The rows of parts that measure the same together: a part joins the first group that has a metric of its own."""
    groups: list[list[tuple[str, str, float | str]]] = []
    for part in dict.fromkeys(part for part, _, _ in rows):
        own = [row for row in rows if row[0] == part]
        names = {name for _, name, _ in own}
        group = next((group for group in groups if names & {name for _, name, _ in group}), None)
        if group is None:
            groups.append(group := [])
        group += own
    return groups


def _titles(rows: list[tuple[str, str, float | str]]) -> list[str]:
    return list(dict.fromkeys(_title(part) for part, _, _ in rows))


def _title(part: str) -> str:
    return PARTS.get(part, part.replace("_", " ") or "All")


def _frame(rows: list[tuple[str, str, float | str]]) -> pd.DataFrame:
    """One row a metric, in the order in which they come; a metric that isn't known keeps its own name."""
    titles = _titles(rows)
    values: dict[str, dict[str, str]] = {name: {} for _, name, _ in rows}
    for part, name, value in rows:
        values[name][_title(part)] = _metric_value(name, value)
    words = [
        (MEANINGS.get(name, (name.replace("_", " "), "")), [by_part.get(title, "") for title in titles])
        for name, by_part in values.items()
    ]
    return pd.DataFrame(
        [(label, *texts, meaning) for (label, meaning), texts in words],
        columns=["metric", *(f"part {title}" for title in titles), "meaning"],
    )


def _metric_value(name: str, value: float | str) -> str:
    """A metric in its unit: errors in per cent, areas in the log of the lift as a lift, gains as a factor."""
    if isinstance(value, str | bool) or not abs(value) <= LARGEST_LOG:  # NaN too
        return _number_text(value)
    if name.startswith("calibration_error") and value >= 0:
        return chance(value)
    if name == "catalogue_median_rank":
        return f"{value:,.1f}".removesuffix(".0")
    kind = name.partition("_area_" if "_area_" in name else "_gain_")
    if kind[2] in ORDERS and kind[0] in ("deletion", "insertion"):
        if kind[1] == "_area_":
            return lift(exp(value))
        return factor(-value if kind[0] == "deletion" else value)
    return _number_text(value)


def _number_text(value: float | str) -> str:
    if isinstance(value, str | bool):
        return str(value)
    if not abs(value) <= LARGEST_SHOWN:  # NaN, and what can't be a metric
        return "–"
    whole = isinstance(value, int) or (value == int(value) and abs(value) >= 10)
    return f"{value:,.0f}" if whole else f"{value:.4f}"
