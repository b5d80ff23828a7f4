"""What every figure is called, says and is written as, which end of it is worse, and where it turns good or bad."""

from __future__ import annotations

from surge.vocabulary.explanation import CURVES, SHAPE, TRUTH
from surge.vocabulary.metric import Metric
from surge.vocabulary.prediction import AMONG_ALL, DRAWN, LOSSES, TOLD
from surge.vocabulary.survey import USER, WHO

# by the key of metrics.json or the column of the survey; a mean over users is called as the figure of one
METRICS: dict[str, Metric] = {
    **DRAWN, **AMONG_ALL, **TOLD, **SHAPE, **TRUTH, **CURVES, **USER, **WHO,
    "attention_distance_from_uniform": SHAPE["attention_distance"],
}  # fmt: skip


def entry(key: str) -> Metric:
    """The entry of a figure or a loss; one that isn't known keeps its own name."""
    return METRICS.get(key) or LOSSES.get(key) or Metric(key.replace("_", " "), "", "text")
