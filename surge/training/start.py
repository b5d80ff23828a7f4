"""Training that starts from a checkpoint: what it learned goes to the items and categories of another dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
import torch
from sklearn.linear_model import RidgeCV

from surge.checkpoint import Checkpoint, category_rows
from surge.config import EvaluationConfig, ModelConfig, TrainingConfig, from_dict, to_dict
from surge.data.item_vectors import ItemVectors
from surge.errors import SurgeError
from surge.model.surge import SurgeModel

FITTED_ON = 10  # known items with a vector, the fewest from which a map of vectors is fitted
ITEMS, CATEGORIES, OF_ITEMS = "item_embedding.weight", "category_embedding.weight", "item_category"


@dataclass(frozen=True)
class Start:
    """A checkpoint to start from, and vectors for the items that it doesn't know."""

    checkpoint: Checkpoint
    vectors: ItemVectors | None = None

    @property
    def training(self) -> TrainingConfig:
        """The checkpoint's, on the device that is at hand."""
        return replace(self.checkpoint.training_config, device="auto")

    @property
    def evaluation(self) -> EvaluationConfig:
        return self.checkpoint.evaluation_config

    def settings(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The model's settings: the checkpoint's. One of `given` that says otherwise is a SurgeError."""
        own = to_dict(self.checkpoint.model_config)
        wanted = to_dict(from_dict(ModelConfig, own | dict(given)))
        for name in own:
            if wanted[name] != own[name]:
                raise SurgeError(
                    f"The checkpoint {self.checkpoint.name!r} has {name} {own[name]}, not {wanted[name]}, and a "
                    "training that starts from it keeps the settings of its model; leave that setting out, or train "
                    "without --from (in Python start)."
                )
        return own

    def arrange(self, items: pl.DataFrame) -> pl.DataFrame:
        """A catalogue with the items that the checkpoint knows first, in its order, so that while none is lost each
        keeps its row, and then the new ones in theirs. A SurgeError where it knows none."""
        known = items["item"].is_in(self.checkpoint.items["item"].implode())
        if not known.any():
            raise SurgeError(
                f"The checkpoint {self.checkpoint.name!r} knows none of the {items.height:,} items of this dataset; "
                "check that their ids are written as in its own dataset, or train without --from (in Python start)."
            )
        place = items["item"].replace_strict(
            self.checkpoint.rows, default=len(self.checkpoint.rows), return_dtype=pl.Int64
        )
        return items.with_columns(place=place).sort("place", maintain_order=True).drop("place")

    def fill(self, model: SurgeModel, items: pl.DataFrame) -> Kept:
        """Gives a new model the checkpoint's weights, and counts what its items had of them.

        `items`: the new catalogue, one row an embedding row. A known item or category keeps its embedding. A new item
        takes its vector, see `_fitted`; without one the mean of the known items of its category, else of all. A new
        category takes the mean of all.
        """
        state, own = model.state_dict(), self.checkpoint.items
        filled = {name: tensor.cpu() for name, tensor in self.checkpoint.model.state_dict().items()}
        learned, rows = filled[ITEMS].numpy(), self.checkpoint.rows
        names, categories = items["item"].to_list(), items["category"].fill_null("").to_list()
        table, known = carried(names, rows, learned, means(own["category"].fill_null(""), learned), categories)
        given, fit, told = [], None, None
        if self.vectors is not None:
            places = self.vectors.rows
            told = _about_vectors(self.vectors, names)
            given = [row for row in np.flatnonzero(~known).tolist() if names[row] in places]
            vectors, fit = self._fitted(learned)
            table[given] = vectors[[places[names[row]] for row in given]]
        filled |= {ITEMS: torch.from_numpy(table), OF_ITEMS: state[OF_ITEMS]}
        if CATEGORIES in state:
            old, new = category_rows(own)[0], category_rows(items)[0]
            index = {category: row for row, category in enumerate(old)}
            table, _ = carried(new, index, filled[CATEGORIES].numpy(), {}, new)
            filled[CATEGORIES] = torch.from_numpy(table)
        model.load_state_dict(filled)
        kept = int(known.sum())
        moved = _about_categories(own, items) if CATEGORIES in state else None
        return Kept(self.checkpoint, kept, len(names) - kept, own.height - kept, len(given), fit, told, moved)

    def _fitted(self, learned: np.ndarray) -> tuple[np.ndarray, float | None]:
        """The vectors as embeddings, and how much of the known items' embeddings they explain.

        Vectors as long as an embedding are taken as they are (None). Others, such as those of a language model, are in
        a space of their own: a ridge regression from the known items' vectors to their embeddings maps them, its
        penalty and R^2 by leave-one-out. Too few known items with a vector are a SurgeError.
        """
        vectors, size = self.vectors, learned.shape[1]
        assert vectors is not None
        if vectors.size == size:
            return vectors.values, None
        both = [(vectors.rows[item], row) for item, row in self.checkpoint.rows.items() if item in vectors.rows]
        if len(both) < FITTED_ON:
            raise SurgeError(
                f"The vectors of {vectors.source} have {vectors.size} numbers, and an item's embedding in the "
                f"checkpoint {self.checkpoint.name!r} has {size}; give vectors of {size} numbers, or those of at least "
                f"{FITTED_ON} items that the checkpoint knows, too (it has {len(both)}), so that a map can be fitted."
            )
        given, wanted = np.array(both).T
        inputs, outputs = vectors.values[given], learned[wanted]
        ridge = RidgeCV(alphas=np.logspace(-3, 5, 17)).fit(inputs, outputs)
        explained = 1 + float(ridge.best_score_) / float(outputs.var(0).mean())
        return ridge.predict(vectors.values).astype(np.float32), explained


@dataclass(frozen=True)
class Kept:
    """How many items a training took over from a `checkpoint` (`kept`), how many are new to it (`added`; `given` of
    them by their own vectors), and how many the dataset doesn't have any more (`lost`). `explained`: see
    `Start._fitted`; `vectors`: what is told of their file; `categories`: of known items that have another one."""

    checkpoint: Checkpoint
    kept: int
    added: int
    lost: int
    given: int
    explained: float | None
    vectors: str | None = None
    categories: str | None = None

    @property
    def told(self) -> list[str]:
        """Sentences of what was taken over, of changed categories, and of the vectors."""
        return [str(self), *(sentence for sentence in (self.categories, self.vectors) if sentence)]

    def description(self) -> dict[str, Any]:
        """What config.json says of it."""
        counts = {"kept": self.kept, "added": self.added, "lost": self.lost}
        return {"checkpoint": self.checkpoint.name, "digest": self.checkpoint.digest} | counts

    def __str__(self) -> str:
        added = f"{self.added:,} added"
        if self.given:
            others = f", {self.added - self.given:,} by their category" if self.given < self.added else ""
            mapped = (
                "as they are"
                if self.explained is None
                else (f"by a map that explains {max(0.0, self.explained):.0%} of the known items' embeddings")
            )
            added += f" ({self.given:,} by their vectors, {mapped}{others})"
        elif self.added:
            added += " (by their category)"
        return (
            f"from {self.checkpoint.name}: {self.kept:,} items kept, {added}, {self.lost:,} lost (not in this dataset)"
        )


def _about_categories(own: pl.DataFrame, items: pl.DataFrame) -> str | None:
    """How many known items have another category than in the checkpoint, which is a part of what they are to the model,
    and how many of the checkpoint's categories there still are; None where nothing changed."""
    both = items.select("item", "category").join(own.select("item", before="category"), on="item")
    moved = both.filter(pl.col("category").ne_missing(pl.col("before")))
    if moved.is_empty():
        return None
    item, now, before = moved.row(0)
    had, has = (set(frame["category"].drop_nulls()) for frame in (own, items))
    return (
        "kept items with another category than in the checkpoint, which changes what they are to the model: "
        f"{len(moved):,} ({item!r} has {now or 'none'!r}, before {before or 'none'!r}); categories: {len(had & has):,} "
        f"of {len(had):,} kept, {len(has - had):,} added"
    )


def _about_vectors(vectors: ItemVectors, names: Sequence[str]) -> str:
    """How many of the vectors are of items of the dataset, and what they are made of; none is a SurgeError."""
    held, source = len(vectors.rows), vectors.source
    here = sum(name in vectors.rows for name in names)
    if not here:
        theirs, ours = (", ".join(map(repr, list(ids)[:3])) for ids in (vectors.rows, names))
        raise SurgeError(
            f"{source} has vectors of {held:,} item{'' if held == 1 else 's'}, none of which is in this dataset; "
            f"write their ids as the dataset does: the file has {theirs}, the dataset {ours}."
        )
    return (
        f"{source}: {here:,} of its {held:,} items are in this dataset, which has {len(names):,}; "
        f"vectors of {vectors.size:,} numbers, from {vectors.columns_told}"
    )


def means(groups: pl.Series, values: np.ndarray) -> dict[str, np.ndarray]:
    """The mean row of `values` of each group."""
    names, inverse = np.unique(groups.to_numpy(), return_inverse=True)
    sums = np.zeros((len(names), values.shape[1]))
    np.add.at(sums, inverse, values)
    return dict(zip(names.tolist(), sums / np.bincount(inverse)[:, None], strict=True))


def carried(
    names: Sequence[str],
    rows: Mapping[str, int],
    values: np.ndarray,
    by_group: Mapping[str, np.ndarray],
    groups: Sequence[str],
) -> tuple[np.ndarray, np.ndarray]:
    """A row for each name: its own of `values`, else its group's, else the mean of all; and which had their own."""
    known = np.array([name in rows for name in names])
    everything = values.mean(0)
    chosen = [
        values[rows[name]] if name in rows else by_group.get(group, everything)
        for name, group in zip(names, groups, strict=True)
    ]
    return np.array(chosen, dtype=np.float32), known
