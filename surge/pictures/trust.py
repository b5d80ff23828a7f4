"""How far to believe an explanation: whether its own weights tell what was measured, and what makes it say little."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast

import numpy as np

from surge.explanation.measurements import LEAST_COMPARED, Effects
from surge.explanation.record import Explanation
from surge.explanation.structure import assignment_entropy, attention_distance
from surge.vocabulary import METRICS
from surge.vocabulary.amounts import correlation

MATTERS = 0.1  # of the log of the lift: 1.1 times as likely
NEARLY_ALL = 0.9  # of the items: without that interest hardly a history is left
ALIKE = 0.02  # total variation of the rows of S from their mean

Level = Literal["good", "partly", "poor", "unknown"]


@dataclass(frozen=True)
class Trust:
    """Do the model's own weights tell which items matter: the rank correlation of importance with the size of the
    measured effect, None where it is undefined."""

    level: Level
    sentence: str
    correlation: float | None


def trust(record: Explanation, effects: Effects) -> Trust:
    """A plain word on importance and attention against what was measured for this user and candidate."""
    importance = effects.agreement(record.interest_extraction.importance)
    measured = effects.item_effect[np.isfinite(effects.item_effect)]
    if len(measured) < LEAST_COMPARED:
        sentence = (
            f"With fewer than {LEAST_COMPARED} items that can be left out it can't be said whether the model's own "
            "weights tell which items matter."
        )
        return Trust("unknown", sentence, importance)
    if np.ptp(np.abs(measured)) == 0:
        sentence = "All items have an effect of the same size, so importance γ can't be compared with it."
        return Trust("unknown", sentence, importance)
    received = effects.agreement(record.attention_received())
    if received is None:
        attention = "all items receive the same attention"
    else:
        tells = METRICS["attention_faithfulness"].reading(received)
        attention = f"the attention that items receive {tells} ({correlation(received)})"
    return Trust(_level(importance), f"The {_importance_words(importance)}; {attention}.", importance)


def notes(record: Explanation, effects: Effects | None) -> list[str]:
    """What to know before believing the pictures: clauses without a capital and a full stop."""
    if record.length == 1:
        return []
    told = []
    if not collapsed(record) and METRICS["assignment_entropy"].level(assignment_entropy(record)) == "blurred":
        told.append("the clusters are blurred (each item lies in many of them), so interests say little here")
    neighbours = record.graph_construction.adjacency.sum(axis=1)
    if not (neighbours > 1).any():
        told.append("each item is linked to itself alone, so graph and attention add nothing here")
    elif METRICS["attention_distance"].level(attention_distance(record)) == "flat":
        told.append("attention is flat: each item listens to all its neighbours alike, so it adds nothing to the graph")
    if effects is not None and np.any(np.abs(effects.item_effect) >= MATTERS):
        trusted = trust(record, effects)
        if trusted.level in ("good", "poor"):
            told.append(f"the {_importance_words(trusted.correlation)}")
    return told


def _level(importance: float | None) -> Level:
    return "poor" if importance is None else cast(Level, METRICS["faithfulness"].level(importance))


def _importance_words(value: float | None) -> str:
    if value is None:
        return "model's own importance γ is the same for every item; trust the measured effect"
    rest = "; trust the measured effect" if _level(value) == "poor" else ""
    measured = f"rank correlation with the size of their measured effect {correlation(value)}"
    return f"model's own importance γ {METRICS['faithfulness'].reading(value)} ({measured}){rest}"


def collapsed(record: Explanation) -> bool:
    """Whether all rows of S are alike without being crisp: then the first choice of an item means nothing."""
    total = record.interest_extraction.total_assignment().astype(np.float64)
    mean = total.mean(axis=0)
    alike = 0.5 * np.abs(total - mean).sum(axis=1).max() < ALIKE
    return bool(alike and len(mean) > 1 and len(total) > 1 and mean.max() < NEARLY_ALL)
