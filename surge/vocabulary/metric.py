"""One entry of the vocabulary: what a figure is called, says and is written as, and where it turns good or bad."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

Format = Literal["integer", "number", "score", "percent", "chance", "lift", "log lift", "gain", "loss", "text"]


class Step(NamedTuple):
    """What a value is from `start` on: a word for the code, and one for people (empty: what the metric says anyway)."""

    start: float
    level: str
    says: str = ""


@dataclass(frozen=True)
class Metric:
    """One figure. `format` names how a value is written; `worse` is the end at which a model or an explanation is
    worse; `steps` go upwards from the lowest value; `extremes`: what a high and a low value
    are beside those of others, before "94 % of users"."""

    name: str
    says: str
    format: Format = "number"
    worse: Literal["low", "high"] | None = None
    steps: tuple[Step, ...] = ()
    extremes: tuple[str, str] = ("a higher value than for", "a lower value than for")

    def level(self, value: float) -> str:
        """The last step that a value reaches; the first where it reaches none."""
        return self._step(value).level

    def reading(self, value: float) -> str:
        """What a value says."""
        return (self._step(value).says if self.steps else "") or self.says

    def _step(self, value: float) -> Step:
        return [self.steps[0], *(step for step in self.steps if value >= step.start)][-1]
