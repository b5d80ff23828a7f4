"""What a user has taken: everything before a moment, however far back, and not only the window that a model reads."""

from __future__ import annotations

import numpy as np

from surge.data.instances import EncodedLog, Instances


class SeenItems:
    """Which items the users of a log took before each moment of it.

    Where a log repeats nothing, what was taken is no candidate: no negative of training or evaluation, and nothing to
    rank or to recommend. The positive itself stays one, should it be a repeat after all.
    """

    def __init__(self, log: EncodedLog, item_count: int) -> None:
        self.log, self.item_count = log, item_count
        # np.unique gives the first place of each pair of a user and an item
        self.pairs, self.first = np.unique(log.user * item_count + log.items, return_index=True)

    @property
    def repeats(self) -> float:
        """The share of the log's interactions with an item that its user had taken before."""
        return 1 - len(self.pairs) / max(1, len(self.log.items))

    def before(self, instances: Instances, items: np.ndarray) -> np.ndarray:
        """Whether each instance's user took the items (k, T) before its positive: true or false (k, T)."""
        pairs = instances.user[:, None] * self.item_count + items
        place = np.minimum(np.searchsorted(self.pairs, pairs), len(self.pairs) - 1)
        return (self.pairs[place] == pairs) & (self.first[place] < instances.position[:, None])

    def left(self, instances: Instances) -> np.ndarray:
        """How many items of the catalogue can be negatives of each instance (k): neither the positive nor taken."""
        new = np.zeros(len(self.log.items) + 1, dtype=np.int64)
        new[self.first + 1] = 1  # a pair counts from the interaction after its first one
        total = np.cumsum(new)
        distinct = total[instances.position] - total[self.log.offsets[instances.user]]
        positive = self.log.items[instances.position][:, None]
        return self.item_count - distinct - ~self.before(instances, positive)[:, 0]
