"""SURGE and the models that it is measured against, from popularity to SASRec, under one protocol."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from surge.errors import SurgeError
from surge.recommenders.base import Recommender
from surge.recommenders.baseline import Baseline, Context
from surge.recommenders.caser import Caser
from surge.recommenders.dien import DIEN
from surge.recommenders.din import DIN
from surge.recommenders.gru4rec import GRU4Rec
from surge.recommenders.gsasrec import ESASRec, GSASRec
from surge.recommenders.hstu import HSTU
from surge.recommenders.lightgcn import LightGCN
from surge.recommenders.ncf import NCF
from surge.recommenders.popularity import Popularity
from surge.recommenders.sasrec import SASRec
from surge.recommenders.slirec import SLiRec
from surge.recommenders.surge import Surge

__all__ = [
    "BASELINES",
    "RECOMMENDERS",
    "Baseline",
    "Context",
    "Recommender",
    "Surge",
    "build",
    "configure",
]

BASELINES: dict[str, type[Baseline]] = {
    "ncf": NCF,
    "din": DIN,
    "lightgcn": LightGCN,
    "caser": Caser,
    "gru4rec": GRU4Rec,
    "dien": DIEN,
    "slirec": SLiRec,
    "sasrec": SASRec,
    "gsasrec": GSASRec,
    "esasrec": ESASRec,
    "hstu": HSTU,
    "popularity": Popularity,
}
RECOMMENDERS: dict[str, type[Recommender]] = {"surge": Surge, **BASELINES}


def _named(name: str) -> type[Recommender]:
    if name not in RECOMMENDERS:
        raise SurgeError(f"There is no model {name!r}; the models are {', '.join(RECOMMENDERS)}.")
    return RECOMMENDERS[name]


def configure(name: str, settings: Mapping[str, Any]) -> Any:
    """The settings of one model from plain JSON values: its own where they say nothing. Impossible ones, or a name
    that doesn't exist, are a SurgeError."""
    return _named(name).configure(settings)


def build(name: str, config: Any, item_category: Tensor) -> Recommender:
    """A new model by its name; `item_category` (item_count,) gives the category row of every item row.

    Draws its weights from torch's generator: seed it first.
    """
    return _named(name).build(config, item_category)
