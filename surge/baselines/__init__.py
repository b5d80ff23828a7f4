"""The models that SURGE is measured against, under one interface: popularity and NCF to SASRec."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from surge.baselines.base import Baseline, BaselineConfig, Context
from surge.baselines.caser import Caser
from surge.baselines.dien import DIEN
from surge.baselines.din import DIN
from surge.baselines.gru4rec import GRU4Rec
from surge.baselines.lightgcn import LightGCN
from surge.baselines.ncf import NCF
from surge.baselines.popularity import Popularity
from surge.baselines.sasrec import SASRec
from surge.baselines.slirec import SLiRec
from surge.config import from_dict
from surge.errors import SurgeError

__all__ = ["MODELS", "Baseline", "BaselineConfig", "Context", "build", "configure"]

MODELS: dict[str, type[Baseline]] = {
    "ncf": NCF,
    "din": DIN,
    "lightgcn": LightGCN,
    "caser": Caser,
    "gru4rec": GRU4Rec,
    "dien": DIEN,
    "slirec": SLiRec,
    "sasrec": SASRec,
    "popularity": Popularity,
}


def _named(name: str) -> type[Baseline]:
    if name not in MODELS:
        raise SurgeError(f"There is no baseline {name!r}; the baselines are {', '.join(MODELS)}.")
    return MODELS[name]


def configure(name: str, settings: Mapping[str, Any]) -> BaselineConfig:
    """The settings of one model from plain JSON values: its own where they say nothing. Impossible ones, or a name
    that doesn't exist, are a SurgeError."""
    return from_dict(BaselineConfig, _named(name).own | dict(settings))


def build(name: str, config: BaselineConfig, item_category: Tensor) -> Baseline:
    """A new model by its name; `item_category` (item_count,) gives the category row of every item row.

    Draws its weights from torch's generator: seed it first.
    """
    return _named(name)(config, item_category)
