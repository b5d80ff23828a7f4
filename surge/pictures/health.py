"""Are the model's explanations worth looking at: the checkpoint's own figures in plain words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any


def _verdict(value: float, *steps: tuple[float, str]) -> str:
    """The word of the first step whose limit the value doesn't exceed; the last step has no limit."""
    return next(word for limit, word in steps if value <= limit)


END = float("inf")
# key in metrics.json, label, format, what it says
FIGURES: tuple[tuple[str, str, str, Callable[[float], str]], ...] = (
    (
        "effective_clusters",
        "Effective clusters",
        "{:.1f}",
        lambda v: _verdict(
            v,
            (1.5, "collapsed: nearly all items of a history share one cluster"),
            (END, "how many clusters a history uses; means little where S is nearly uniform"),
        ),
    ),
    (
        "assignment_entropy",
        "Blur of the clusters (entropy of S / log m)",
        "{:.2f}",
        lambda v: _verdict(
            v,
            (0.35, "crisp: each item lies mostly in one cluster"),
            (0.75, "soft: items are spread over clusters"),
            (END, "nearly uniform: S says little"),
        ),
    ),
    (
        "attention_distance_from_uniform",
        "Attention's distance from uniform",
        "{:.2f}",
        lambda v: _verdict(
            v, (0.02, "flat: adds nothing to the graph"), (END, "total variation; 0 is flat, 1 the most")
        ),
    ),
    (
        "attention_change_between_candidates",
        "Attention's change between candidates",
        "{:.2f}",
        lambda v: _verdict(
            v,
            (0.005, "hardly depends on the candidate"),
            (END, "for the items at rank 1 and at rank 50; total variation, 0 is no change"),
        ),
    ),
    (
        "nmi",
        "Clusters against true interests (NMI)",
        "{:.2f}",
        lambda v: "against the simulated truth; 1 is a perfect match",
    ),
    (
        "importance_noise_auc",
        "Low importance marks noise (AUC)",
        "{:.2f}",
        lambda v: "low γ against true noise clicks; 0.5 is guessing",
    ),
    (
        "degree_noise_auc",
        "Few links mark noise (AUC)",
        "{:.2f}",
        lambda v: "low weighted degree against true noise clicks; 0.5 is guessing",
    ),
    (
        "noise_score_auc",
        "Noise score marks noise (AUC)",
        "{:.2f}",
        lambda v: "clicks with no similar click nearby against true noise clicks; 0.5 is guessing",
    ),
    (
        "importance_interest_auc",
        "High importance marks the interest (AUC)",
        "{:.2f}",
        lambda v: "high γ against the candidate's true interest; 0.5 is guessing",
    ),
)


def health(metrics: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """(label, value, what it says) of each figure that a checkpoint's metrics hold, at whatever depth."""
    found = []
    for key, label, pattern, meaning in FIGURES:
        value = _find(metrics, key)
        if value is not None:
            found.append((label, pattern.format(value), meaning(value)))
    return found


def _find(metrics: Any, key: str) -> float | None:
    if not isinstance(metrics, Mapping):
        return None
    value = metrics.get(key)
    if isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value):
        return float(value)
    return next((hit for part in metrics.values() if (hit := _find(part, key)) is not None), None)


def caption() -> str:
    """What the figures are means of."""
    return "Means over users of the dataset the checkpoint was trained on, from its metrics.json."
