"""What all models that are trained on one dataset share: its encoded log, its splits and its negatives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from torch import Tensor

from surge.checkpoint import category_rows
from surge.config import TrainingConfig
from surge.data.instances import EncodedLog, Instances, encode, split_instances
from surge.data.negatives import PopularitySampler
from surge.data.store import Dataset
from surge.errors import SurgeError
from surge.evaluation.evaluate import draw_lists, popularity_sampler

RARELY_REPEATED = 0.01  # share of repeats under which a log counts as "nothing is taken twice"


@dataclass(frozen=True)
class TrainingData:
    """A dataset as training reads it.

    `items`: row r is embedding row r; `item_category` (items,) its category's row. `seen`: whether items of the
    history may come again, and so be drawn as negatives; `sampler` draws by popularity among training positives.
    """

    items: pl.DataFrame
    item_category: Tensor
    category_count: int
    log: EncodedLog
    splits: dict[str, Instances]
    seen: bool
    sampler: PopularitySampler

    @classmethod
    def of(cls, dataset: Dataset) -> TrainingData:
        """A split without a training, validation or test instance is a SurgeError."""
        items = dataset.items.select("item", "title", "category")
        categories, item_category = category_rows(items)
        log = encode(dataset, {item: row for row, item in enumerate(items["item"].to_list())})
        splits = split_instances(log, dataset.description.get("split", {}))
        for name in ("train", "valid", "test"):
            if not len(splits[name]):
                raise SurgeError(
                    f"The split of {dataset.name!r} leaves no {name} instance (a positive with a history before it); "
                    "prepare the log again with other periods or --split leave-last."
                )
        return cls(
            items=items,
            item_category=item_category,
            category_count=len(categories),
            log=log,
            splits=splits,
            seen=float(dataset.description.get("repeat_share", 0.0)) > RARELY_REPEATED,
            sampler=popularity_sampler(log, splits["train"], items.height),
        )

    def sizes(self) -> dict[str, int]:
        """What every model's settings take from the data."""
        return {"item_count": self.items.height, "category_count": self.category_count}

    def validation(self, config: TrainingConfig, longest: int) -> tuple[Instances, np.ndarray]:
        """The instances by which epochs are judged, and their candidate lists: the same for every model."""
        instances = self.splits["valid"].sample(config.validation_instances, np.random.default_rng(config.seed))
        return instances, self.lists(instances, config, longest)

    def lists(self, instances: Instances, config: TrainingConfig, longest: int) -> np.ndarray:
        """Candidate lists (k, 1 + evaluation_negatives), the positive first."""
        return draw_lists(
            self.log,
            instances,
            self.sampler,
            config.evaluation_negatives,
            longest,
            seen=self.seen,
            seed=config.seed,
        )
