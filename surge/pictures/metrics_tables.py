"""The metrics of a checkpoint as tables in plain words, and what was not measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from surge.evaluation.words import negatives_told
from surge.pictures.text import count, listed
from surge.vocabulary import METRICS, entry
from surge.vocabulary.amounts import number_in
from surge.vocabulary.prediction import AMONG_ALL, DRAWN, LEFT_OUT, TOLD
from surge.vocabulary.writing import metric_text

MOST_COUNTED = 10**15
SPLITS = ("validation", "test")
PARTS = {"validation": "Validation", "test": "Test", "explanation": "Explanations"}
HEALTH = (
    "effective_clusters", "assignment_entropy", "attention_distance_from_uniform",
    "attention_change_between_candidates", "nmi", "importance_noise_auc", "degree_noise_auc", "noise_score_auc",
    "importance_interest_auc",
)  # fmt: skip
HEALTH_CAPTION = "Means over users of the dataset the checkpoint was trained on, from its metrics.json."
ABOUT = (
    "Read from the checkpoint's own files, written when it was trained or last evaluated; nothing is measured now. "
    "Ranks among all items say what a recommendation is worth; lists of drawn items, as in the paper, have few rivals "
    "and give better figures. Validation decided when training stopped, so the test figures are the honest ones. The "
    "lift is how many times as likely an item is for this user as by popularity alone; × and ÷ are factors on it. "
    "Simulated data have a known truth to compare with."
)


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
    metrics: Mapping[str, Any], *, items: int, negatives: int, seen_left_out: bool = False, successive: bool = False
) -> list[MetricsTable]:
    """The metrics in plain words: how the splits rank among all items, then among drawn ones, then all the rest.

    Parts that measure the same stand side by side. `items`: of the catalogue; `negatives`: drawn for a list where the
    metrics don't say it; `seen_left_out`: what a user took is no candidate; `successive`: all true items
    were ranked, or each user's last one.
    """
    flat = flat_metrics(metrics)
    kinds = (
        ("Among all items", AMONG_ALL, _among_all(metrics, items, seen_left_out, successive)),
        ("Among drawn items", DRAWN, _among_drawn(metrics, negatives)),
    )
    tables = []
    for title, names, says in kinds:
        rows = [row for row in flat if row[0] in SPLITS and row[1] in names]
        rows.sort(key=lambda row: list(names).index(row[1]))
        if rows:
            tables.append(MetricsTable(title, says, _frame(rows)))
    known = {*AMONG_ALL, *DRAWN, *TOLD}
    rest = [row for row in flat if row[0] not in SPLITS or row[1] not in known]
    return tables + [MetricsTable(" and ".join(_titles(rows)), "", _frame(rows)) for rows in _alike(rest)]


def _among_all(metrics: Mapping[str, Any], items: int, seen_left_out: bool, successive: bool) -> str:
    ranked = _of_splits(metrics, "catalogue_instances", "true next item" if successive else "user")
    which = "The true next items of the split, each" if successive else "Each user's last item of the split,"
    told = f"{which} ranked by chance among all {items:,} items{ranked}."
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
    reasons = [f"{left:,} {each.says}" for name, each in LEFT_OUT.items() if (left := _counted(test, name))]
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
    value = number_in(part.get(name), least=0, most=MOST_COUNTED)
    return int(value) if value is not None and value == int(value) else None


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
        values[name][_title(part)] = metric_text(name, value)
    return pd.DataFrame(
        [
            (entry(name).name, *(by_part.get(title, "") for title in titles), entry(name).says)
            for name, by_part in values.items()
        ],
        columns=["metric", *(f"part {title}" for title in titles), "meaning"],
    )


def health(metrics: Mapping[str, Any]) -> pd.DataFrame:
    """Whether the explanations say anything: the figures of HEALTH that the metrics hold, at whatever depth, with what
    each value says; columns figure, value, meaning."""
    found = [(METRICS[name], name, value) for name in HEALTH if (value := _find(metrics, name)) is not None]
    return pd.DataFrame(
        [(metric.name, metric_text(name, value), metric.reading(value)) for metric, name, value in found],
        columns=["figure", "value", "meaning"],
    )


def _find(metrics: Any, key: str) -> float | None:
    if not isinstance(metrics, Mapping):
        return None
    if (value := number_in(metrics.get(key))) is not None:
        return value
    return next((hit for part in metrics.values() if (hit := _find(part, key)) is not None), None)
