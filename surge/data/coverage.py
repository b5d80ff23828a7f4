"""What the positives of a split are worth: how many there are, and how many are of items that training never meets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from surge.data.instances import EncodedLog, Instances, encode
from surge.data.layout import SPLITS
from surge.data.splits import split_instances

if TYPE_CHECKING:
    from surge.data.dataset import Dataset


@dataclass(frozen=True)
class Coverage:
    """Of a split: its `positives` (interactions with one before them), the `users` who have one, of `everybody`, and
    how many positives are `cold`: of items that are no training positive, so that no model can be good at them."""

    positives: int
    users: int
    everybody: int
    cold: int

    def __str__(self) -> str:
        share = f" ({self.cold / self.positives:.1%})" if self.cold else ""
        return (
            f"{self.positives:,} positives of {self.users:,} of {self.everybody:,} users; "
            f"{self.cold:,}{share} of items that training never meets"
        )


def coverage(log: EncodedLog, splits: Mapping[str, Instances], item_count: int) -> dict[str, Coverage]:
    """The coverage of each split; `item_count` rows of items."""
    counts = log.item_counts(splits["train"], item_count)
    return {
        name: Coverage(
            len(instances),
            len(np.unique(instances.user)),
            len(log.offsets) - 1,
            int((counts[log.items[instances.position]] == 0).sum()),
        )
        for name, instances in splits.items()
    }


def coverage_of(dataset: Dataset) -> dict[str, Coverage]:
    """The coverage of a dataset's splits."""
    log = encode(dataset, {item: row for row, item in enumerate(dataset.items["item"].to_list())})
    splits = split_instances(log, dataset.description.get("split", {}))
    return coverage(log, {name: splits[name] for name in SPLITS}, dataset.items.height)
