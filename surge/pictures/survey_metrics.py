"""The figures of the survey: what each is called, what it says, and how a value of it is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from surge.pictures.amounts import MINUS, chance, lift, percent

Format = Literal["integer", "percent", "chance", "lift", "number"]
# formats of what is told apart by how many times one is the other, and the least value that has a name of its own
LOGARITHMIC: dict[str, float] = {"chance": 1e-4, "lift": 1e-2}


@dataclass(frozen=True)
class Metric:
    """How a column of the survey is shown; `worse` is the end at which an explanation or a prediction is worse."""

    label: str
    format: Format
    meaning: str
    worse: Literal["low", "high"] | None = None


METRICS: dict[str, Metric] = {
    "length": Metric("History length", "integer", "How many items of the history the model reads."),
    "clusters_in_use": Metric(
        "Interests in use", "integer", "Clusters that are the first choice of at least one item."
    ),
    "effective_clusters": Metric(
        "Effective interests",
        "number",
        "How many equally large clusters would be as varied as this user's (exp of the entropy of their shares). "
        "1: all items share one.",
        "low",
    ),
    "assignment_entropy": Metric(
        "Blur of the interests",
        "percent",
        "How far items are spread over several clusters (entropy of S, as a share of the largest possible). 0 %: each "
        "item lies in one cluster. 100 %: each is spread evenly over all, and the clusters say nothing.",
        "high",
    ),
    "dominant_interest": Metric(
        "Share of the strongest interest", "percent", "The importance γ* of the cluster that has most of it."
    ),
    "noise_share": Metric(
        "Noise",
        "percent",
        "The share of items that resemble nothing else in the history: their similarity to the two items nearest to "
        "them is less than two thirds of the usual.",
    ),
    "drift": Metric(
        "Drift",
        "percent",
        "How much of the history moved to other interests from its older to its newer half. 0 %: nothing. 100 %: all.",
    ),
    "next_rank": Metric(
        "Rank of the true next item",
        "integer",
        "Where the model ranks what the user really took next; 1 is best.",
        "high",
    ),
    "next_probability": Metric(
        "Chance of the true next item",
        "chance",
        "The chance that the model gave to the item that the user really took next, among all items that it can "
        "recommend.",
        "low",
    ),
    "next_lift": Metric(
        "Lift of the true next item",
        "lift",
        "The lift of the item that the user really took next: how many times as likely it was for this user as by "
        "popularity alone. Below 1×, the history spoke against it.",
        "low",
    ),
    "top_probability": Metric(
        "Chance of the top prediction",
        "chance",
        "The chance of the item that the model ranks first, among all items that it can recommend.",
    ),
    "top_lift": Metric(
        "Lift of the top prediction",
        "lift",
        "The lift of the item that the model ranks first: how many times as likely it is for this user as by "
        "popularity alone. Near 1×, it ranks first because it is popular.",
    ),
    "faithfulness": Metric(
        "Importance–effect correlation",
        "number",
        "Rank correlation of importance γ with the size of each item's measured effect. 1: γ says which items matter. "
        "0: it says nothing.",
        "low",
    ),
    "attention_faithfulness": Metric(
        "Attention–effect correlation",
        "number",
        "Rank correlation of the attention that items receive with the size of their measured effect. 0: it says "
        "nothing.",
        "low",
    ),
    "attention_distance": Metric(
        "Attention's distance from uniform",
        "number",
        "How far attention is from listening to all neighbours alike (total variation). 0: it adds nothing.",
        "low",
    ),
}


# what a value says that is higher, and one that is lower, "than 94 % of users"
EXTREMES: dict[str, tuple[str, str]] = {
    "length": ("a longer history than", "a shorter history than"),
    "clusters_in_use": ("more interests than", "fewer interests than"),
    "effective_clusters": ("more varied interests than", "less varied interests than"),
    "assignment_entropy": ("interests more blurred than for", "interests less blurred than for"),
    "dominant_interest": ("a larger strongest interest than", "a smaller strongest interest than"),
    "noise_share": ("more noise than", "less noise than"),
    "drift": ("more drift than", "less drift than"),
    "next_rank": ("the true next item ranks worse than for", "the true next item ranks better than for"),
    "next_probability": ("the true next item is likelier than for", "the true next item is less likely than for"),
    "next_lift": (
        "the true next item has a higher lift than for",
        "the true next item has a lower lift than for",
    ),
    "top_probability": ("the top prediction is likelier than for", "the top prediction is less likely than for"),
    "top_lift": ("the top prediction has a higher lift than for", "the top prediction has a lower lift than for"),
    "faithfulness": (
        "importance γ agrees with the effects better than for",
        "importance γ agrees with the effects worse than for",
    ),
    "attention_faithfulness": (
        "attention agrees with the effects better than for",
        "attention agrees with the effects worse than for",
    ),
    "attention_distance": ("attention farther from uniform than for", "attention nearer to uniform than for"),
}


def metric_text(name: str, value: float | None) -> str:
    """A value of a metric with its unit; a dash where it isn't known."""
    if value is None or not np.isfinite(value):
        return "–"
    kind = METRICS[name].format
    if kind == "percent":
        return percent(value)
    if kind in LOGARITHMIC:
        return chance(value) if kind == "chance" else lift(value)
    if kind == "integer":
        return f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"  # a median may lie between
    return f"{value:.2f}".replace("-", MINUS)


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
