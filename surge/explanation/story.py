"""Everything that is known about one prediction, as plain values: what a report is made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from surge.data.history import Whose
from surge.errors import SurgeError
from surge.explanation.measurements import Drift, Effects, Faithfulness, Predicted
from surge.explanation.record import Explanation, Item


@dataclass(frozen=True)
class Story:
    """The record of one prediction and what was measured around it; whatever was not measured is None or empty.

    `predicted`: the best items, then the true next item and the candidate where they rank lower. `rank`: of the
    candidate among the `ranked` items of the catalogue, None where it is left out or nothing was ranked;
    `next_probability`: how likely it is to be the next of them (or would be, where it is left out), None where nothing
    was ranked.
    `next_item`, `next_period`, `interests` (one an item), `notes`: as in the user's history. `held_out`: whether the
    last interaction was kept from the model. `whose`: whether the history is the user's own, was changed, or is made
    up. `checkpoint`, `dataset`: their names; `folders`: where both lie, as a command names them. `facts`: where the
    numbers come from, as words to show, in order.
    """

    record: Explanation
    effects: Effects | None = None
    predicted: tuple[Predicted, ...] = ()
    rank: int | None = None
    ranked: int | None = None
    next_probability: float | None = None
    next_item: Item | None = None
    next_period: str | None = None
    interests: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()
    held_out: bool = True
    whose: Whose = "user"
    faithfulness: Faithfulness | None = None
    drift: Drift | None = None
    checkpoint: str | None = None
    dataset: str | None = None
    folders: tuple[str, str] | None = None
    facts: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        measured: dict[str, int] = {}  # of how many items each part tells
        if self.interests is not None:
            measured["true interests"] = len(self.interests)
        if self.effects is not None:
            measured["effects"] = len(self.effects.item_logit)
        if self.faithfulness is not None:
            measured |= {f"values of {name}": len(values) for name, values in self.faithfulness.attributions.items()}
        if self.drift is not None:
            measured["drift"] = int(self.drift.lengths[-1])
        for name, number in measured.items():
            if number != self.record.length:
                raise SurgeError(
                    f"The {name} are of a history of {number} items, but the record's has {self.record.length}."
                )

    @property
    def left_out(self) -> bool:
        """Whether the candidate is never recommended here, so that its chance is what it would have."""
        return self.record.is_left_out(self.rank, self.ranked)

    @property
    def next_prediction(self) -> Predicted | None:
        """The true next item with its rank, None where it is not known or not ranked."""
        wanted = None if self.next_item is None else self.next_item.item
        return next((entry for entry in self.predicted if entry.item == wanted), None)
