"""What is kept of a run for the comparison: where its positives stand, list by list, and each user's AUC."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from surge.atomic_write import atomic_write
from surge.errors import SurgeError
from surge.evaluation.metrics import gains, hits, places, reciprocals, user_auc
from surge.evaluation.significance import by_user

TESTED = ("gauc", "mrr", "ndcg@2", "hr@10", "catalogue_ndcg@10")


@dataclass(frozen=True)
class Measured:
    """Lists (k) and positives ranked among all items (c): the rows of their users, and how many candidates stand
    `above` the positive and are `tied` with it; `user_auc` (u), users in order of their rows."""

    user: np.ndarray
    above: np.ndarray
    tied: np.ndarray
    user_auc: np.ndarray
    catalogue_user: np.ndarray
    catalogue_above: np.ndarray
    catalogue_tied: np.ndarray

    @classmethod
    def of(
        cls, scores: np.ndarray, user: np.ndarray, ranks: tuple[np.ndarray, np.ndarray], catalogue_user: np.ndarray
    ) -> Measured:
        """Of the scored lists (k, 1 + negatives), positives first, and the `ranks` (above, tied) in the catalogue."""
        user, above, tied, catalogue_user, catalogue_above, catalogue_tied = (
            part.astype(np.int32) for part in (user, *places(scores), catalogue_user, *ranks)
        )
        return cls(user, above, tied, user_auc(scores, user)[0], catalogue_user, catalogue_above, catalogue_tied)

    def by_user(self, metric: str) -> tuple[np.ndarray, np.ndarray]:
        """What each user adds to a metric: their mean value and how many positives they have, which is their weight.

        The weighted mean over users is the metric itself: `gauc`, or `mrr`, `ndcg@K`, `hr@K` as means over lists, with
        `catalogue_` before it over the positives ranked among all items. Another metric is a SurgeError.
        """
        if metric == "gauc":
            return self.user_auc, np.unique(self.user, return_counts=True)[1]
        known = self.user, self.above, self.tied
        if metric.startswith("catalogue_"):
            known = self.catalogue_user, self.catalogue_above, self.catalogue_tied
        user, above, tied = known
        name, _, cut = metric.removeprefix("catalogue_").partition("@")
        if name == "mrr" and not cut:
            values = reciprocals(above, tied)
        elif name in ("ndcg", "hr") and cut.isdigit():
            values = (gains if name == "ndcg" else hits)(above, tied, int(cut))
        else:
            raise SurgeError(f"There is no metric {metric!r} by user; the metrics are {', '.join(TESTED)}.")
        return by_user(values, user)

    def save(self, path: Path) -> None:
        """A compressed .npz, whole or not at all."""
        with atomic_write(path) as stream:
            np.savez_compressed(stream, **vars(self))

    @classmethod
    def load(cls, path: Path) -> Measured:
        """What `save` wrote; a file that is something else is a ValueError."""
        try:
            with open(path, "rb") as file, np.load(file) as arrays:  # NumPy leaves a damaged one open
                return cls(**{part.name: arrays[part.name] for part in fields(cls)})
        except (zipfile.BadZipFile, EOFError, KeyError, IndexError, TypeError, AttributeError, OSError) as problem:
            raise ValueError(f"{str(path)!r} is damaged") from problem
