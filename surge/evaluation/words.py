"""What is told of how many positives and negatives were measured (no torch: the model page reads it, too)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from surge.data.layout import SPLITS
from surge.vocabulary import METRICS
from surge.vocabulary.prediction import LEFT_OUT


def positives_told(metrics: Mapping[str, Any], split: str) -> str:
    """A sentence on the positives that could not be measured, or that no model can be good at; empty where none is."""
    left_out = [f"{metrics[name]:,} {metric.says}" for name, metric in LEFT_OUT.items() if metrics[name]]
    cold, unranked = metrics["cold_positives"], metrics["users_without_last"]
    parts = [f"left out: {' and '.join(left_out)}"] if left_out else []
    parts += [f"users whose last item can't be ranked among all: {unranked:,}"] if unranked else []
    parts += [f"of items that were never a training positive: {cold:,}"] if cold else []
    return f"{split} positives: {metrics['positives']:,}; {'; '.join(parts)}" if parts else ""


def own_positives_told(metrics: Mapping[str, Any]) -> str:
    """Sentences on which splits of the dataset the positives of a user's own lists belong to, whether the model knows
    them from training, and what else makes the figures other than they seem."""
    counts = ", ".join(f"{name} {metrics[f'{name}_positives']:,}" for name in SPLITS)
    warning = ""
    if metrics["trained_positives"]:
        warning = "; the model was trained on those of train, so that the figures are too good"
    elif metrics["train_positives"]:
        warning = "; if the model was trained on this log, it knows those of train, and the figures are too good"
    sentences = [f"the positives by their split of the dataset: {counts}{warning}"]
    if metrics.get("taken_negatives"):
        sentences.append(
            "negatives that the list's user had taken before, and that the model would not recommend: "
            f"{metrics['taken_negatives']:,}; leave them out of the lists"
        )
    if metrics["short_lists"]:
        always = f"{METRICS['hr@10'].name} is 1 for any model"
        sentences.append(f"lists of at most ten candidates, where {always}: {metrics['short_lists']:,}")
    return "\n".join(sentences)


def negatives_told(most: int, fewest: int) -> str:
    """ "99", or "28 to 29" where not all lists are equally long."""
    return f"{most:,}" if most == fewest else f"{fewest:,} to {most:,}"
