"""The settings of the models that SURGE is measured against."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from surge.config.checks import Range
from surge.config.model import Gate
from surge.config.recommender import RecommenderConfig


@dataclass(frozen=True, kw_only=True)
class BaselineConfig(RecommenderConfig):
    """What fixes the shape of one baseline. Every model reads the sizes; of the rest each reads what it needs:

    - `hidden`: size of the recurrent state (GRU4Rec, DIEN, SLi-Rec).
    - `layers`: stacked layers (GRU4Rec), blocks (SASRec, HSTU), hops (LightGCN); `heads`: of attention (SASRec, HSTU).
    - `dropout`: GRU4Rec, Caser, SASRec, HSTU.
    - `score`: mlp (the head that SURGE has) | dot (the user's state times h_t).
    - `window`: Caser reads so many last items, with `horizontal_filters` of each height and `vertical_filters`.
    - `normalise`: the inputs of the head have mean 0 and variance 1 each, as SURGE's have.
    - `gate`: relative (DIEN's attention / its maximum) | absolute (as printed), as for SURGE.
    - `auxiliary_weight`: of the next-item loss at every step (GRU4Rec, DIEN, SASRec).
    - `step_negatives`: negatives of all steps of a history, 0 for all items (gSASRec, eSASRec, HSTU).
    - `calibration`: t of gSASRec's loss.

    `Recommender.own` has the values in which a model differs; `configure` puts them in.
    """

    user_count: Annotated[int, Range(1, 1_000_000_000)]
    hidden: Annotated[int, Range(1, 4096)] = 40
    layers: Annotated[int, Range(1, 64)] = 1
    dropout: Annotated[float, Range(0, 0.99)] = 0.0
    score: Literal["mlp", "dot"] = "mlp"
    window: Annotated[int, Range(1, 5000)] = 5
    horizontal_filters: Annotated[int, Range(1, 4096)] = 16
    vertical_filters: Annotated[int, Range(1, 4096)] = 4
    gate: Gate = "relative"
    normalise: bool = True
    auxiliary_weight: Annotated[float, Range(0, 1e6)] = 1.0
    step_negatives: Annotated[int, Range(0, 100_000)] = 0
    calibration: Annotated[float, Range(0, 1)] = 0.75
