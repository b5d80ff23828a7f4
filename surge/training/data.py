"""What all models that are trained on one dataset share: its encoded log, its splits and its negatives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from torch import Tensor

from surge.checkpoint import category_rows
from surge.config import EvaluationConfig
from surge.data.coverage import coverage
from surge.data.dataset import Dataset
from surge.data.instances import EncodedLog, Instances, encode
from surge.data.layout import SPLITS
from surge.data.negatives import PopularitySampler
from surge.data.seen_items import SeenItems
from surge.data.splits import about_own_split, split_instances
from surge.errors import SurgeError
from surge.evaluation.evaluate import NOTHING_ELSE, barred, draw_lists, listable, targets

RARELY_REPEATED = 0.01  # share of repeats under which a log counts as "nothing is taken twice"


@dataclass(frozen=True)
class TrainingData:
    """A dataset as training reads it.

    `items`: row r is embedding row r; `item_category` (items,) its category's row. `counts` (items,): how often each
    item is a training positive, which is what negatives are drawn by. `taken`: what each user took before a moment,
    which is no negative then; None for a log whose users take things again. `told`: a sentence on each split's
    positives, for whoever reads the figures.
    """

    items: pl.DataFrame
    item_category: Tensor
    category_count: int
    log: EncodedLog
    splits: dict[str, Instances]
    taken: SeenItems | None
    split: Mapping[str, Any]
    counts: np.ndarray
    sampler: PopularitySampler
    told: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, dataset: Dataset, arrange: Callable[[pl.DataFrame], pl.DataFrame] = lambda items: items
    ) -> TrainingData:
        """A split without a training, validation or test instance is a SurgeError. `arrange` may give the items
        another order."""
        rule = dataset.description.get("split", {})
        items = arrange(dataset.items.select("item", "title", "category"))
        categories, item_category = category_rows(items)
        log = encode(dataset, {item: row for row, item in enumerate(items["item"].to_list())})
        splits = split_instances(log, rule)
        for name in SPLITS:
            if not len(splits[name]):
                advice = "prepare the log again with other periods, or with the split leave-last"
                if rule.get("method") == "leave-last":
                    # the last is test, the one before it validation, and the first is nothing but history
                    advice = (
                        "leave-last needs a user of four interactions: prepare more of the log, or with the split time"
                    )
                raise SurgeError(
                    f"The split of {dataset.name!r} leaves no {name} instance (a positive with a history before it); "
                    f"{advice}."
                )
        counts = log.item_counts(splits["train"], items.height)
        sampler = PopularitySampler(counts)
        everything = SeenItems(log, items.height)
        taken = None if everything.repeats > RARELY_REPEATED else everything
        for name in SPLITS[:2]:
            if not len(listable(splits[name], taken)):
                raise SurgeError(NOTHING_ELSE.format(split=name, name=dataset.name))
        splits["train"] = listable(splits["train"], taken)
        return cls(
            items=items.with_columns(count=pl.Series(counts, dtype=pl.Int64)),
            item_category=item_category,
            category_count=len(categories),
            log=log,
            splits=splits,
            taken=taken,
            split=rule,
            counts=counts,
            sampler=sampler,
            told=(
                *(f"{name}: {one}." for name, one in coverage(log, splits, items.height).items()),
                *(
                    f"{note}."
                    for note in (about_own_split(dataset.interactions) if rule.get("method") == "own" else [])
                ),
            ),
        )

    def sizes(self) -> dict[str, int]:
        """What every model's settings take from the data."""
        return {"item_count": self.items.height, "category_count": self.category_count}

    @property
    def log_popularity(self) -> np.ndarray:
        """log q (items): of the distribution that negatives are drawn from."""
        return np.log(self.sampler.probability)

    def negatives(self, instances: Instances, count: int, rng: np.random.Generator) -> np.ndarray:
        """`count` negatives (k, count) of training positives, see `PopularitySampler.independent`."""
        return self.sampler.independent(count, len(instances), rng, barred(self.taken, instances))

    def validation(self, config: EvaluationConfig, seed: int) -> tuple[Instances, np.ndarray]:
        """The instances by which epochs are judged, and their candidate lists: the same for every model."""
        instances = listable(self.splits["valid"], self.taken).sample(
            config.validation_instances, np.random.default_rng(seed)
        )
        return instances, self.lists(instances, config, seed)

    def ranked(self, name: str, config: EvaluationConfig, rng: np.random.Generator) -> Instances:
        """The positives of a split that are ranked among all items, where there is another item to tell them from."""
        return targets(self.log, self.splits[name], self.split, name, self.taken, config.catalogue_targets).sample(
            config.catalogue_instances, rng
        )

    def lists(self, instances: Instances, config: EvaluationConfig, seed: int) -> np.ndarray:
        """Candidate lists (k, 1 + negatives), the positive first: `evaluation_negatives`, or as many as there are."""
        return draw_lists(self.log, instances, self.sampler, config.evaluation_negatives, taken=self.taken, seed=seed)
