"""The explanation record: everything the model computed for one (history, candidate), as NumPy arrays."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from surge import arguments
from surge.atomic_write import atomic_write
from surge.errors import SurgeError
from surge.explanation.record_checks import check_record
from surge.explanation.record_file import check_output
from surge.explanation.record_values import arrays, flatten, plain, plain_value, put

Array = np.ndarray


@dataclass(frozen=True)
class Item:
    """One item as the user's own data names it.

    Only in a history: `timestamp` (unix seconds), and `age` (seconds before the prediction) where the model reads it.
    """

    item: str
    title: str
    category: str | None
    timestamp: int | None = None
    age: int | None = None


@dataclass(frozen=True)
class Embeddings:
    """h_i: history (n x d) and target (d)."""

    history: Array
    target: Array


@dataclass(frozen=True)
class GraphConstruction:
    """Eq. 1-3: similarity M (n x n), threshold (a scalar), adjacency A (n x n, 0/1, diagonal kept)."""

    similarity: Array
    threshold: float
    adjacency: Array

    def weighted_degree(self) -> Array:
        """Sum of the similarities of each item's kept edges to other items (n); low for what fits nothing else."""
        kept = self.adjacency * self.similarity
        return kept.sum(axis=1) - np.diag(kept)


@dataclass(frozen=True)
class InterestFusion:
    """Eq. 4-8: alpha and beta (heads x n), attention E (heads x n x n, row i over sources j), h' (n x d)."""

    cluster_score: Array
    query_score: Array
    attention: Array
    fused: Array


@dataclass(frozen=True)
class PoolingLayer:
    """Eq. 9-11 of one pooling layer over n nodes: S (n x m), h* (m x d), gamma* (m), A* (m x m)."""

    assignment: Array
    pooled: Array
    pooled_importance: Array
    pooled_adjacency: Array


@dataclass(frozen=True)
class InterestExtraction:
    """Eq. 9-11 and 15: the first pooling layer, gamma (n), h_g (d); deeper pooling layers in `layers`."""

    assignment: Array
    importance: Array
    pooled: Array
    pooled_importance: Array
    pooled_adjacency: Array
    readout: Array
    layers: tuple[PoolingLayer, ...] = ()

    def total_assignment(self) -> Array:
        """Items to the clusters of the last layer: the product of all assignments (n x m of that layer)."""
        total = self.assignment
        for layer in self.layers:
            total = total @ layer.assignment
        return total

    def first_choices(self) -> Array:
        """The final cluster of each item (n): where its row of the total assignment is largest."""
        return self.total_assignment().argmax(axis=1)

    def final_importance(self) -> Array:
        """gamma* of the last pooling layer, the one that is read as a sequence."""
        return self.layers[-1].pooled_importance if self.layers else self.pooled_importance


@dataclass(frozen=True)
class Prediction:
    """Eq. 16-17: the order in which clusters are read (m), the state and the gate after each step (m x size); the logit
    and its sigmoid, the chance against one negative drawn by popularity; long_weight lambda (n), each item's share of
    what the user always wants, of a model that reads that.

    What the ranking adds: log_popularity, log q of the candidate; lift, how many times as likely it is to be next for
    this user as by popularity alone (see `surge.explanation.measurements.log_lift`); next_probability, how likely it is
    to be the next of all items, where all were scored; left_out, whether it is never recommended to this user, who took
    it before: next_probability is then how likely it would be beside those that are.
    """

    order: Array
    evolution: Array
    update_gate: Array
    logit: float
    probability: float
    long_weight: Array | None = None
    log_popularity: float | None = None
    lift: float | None = None
    next_probability: float | None = None
    left_out: bool | None = None


@dataclass(frozen=True)
class Explanation:
    """What one SURGE model computed for one history and one candidate.

    All arrays are unpadded: n items, d dimensions, `heads` attention heads, m clusters. Checked when made:
    shapes, ranges, rows that must sum to 1. A record that fails raises SurgeError.
    """

    user: str
    target: Item
    history: tuple[Item, ...]
    model: Mapping[str, Any]
    embeddings: Embeddings
    graph_construction: GraphConstruction
    interest_fusion: InterestFusion
    interest_extraction: InterestExtraction
    prediction: Prediction
    notes: tuple[str, ...] = field(default=(), compare=False)
    """What was left out on the way here (unknown items, a cut history); not part of the saved record."""

    def __post_init__(self) -> None:
        check_record(self)

    @property
    def length(self) -> int:
        """n, the number of history items that the model read."""
        return len(self.history)

    @property
    def lift(self) -> float:
        """How many times as likely the candidate is to be next for this user as by popularity alone; of a record that
        doesn't say it, as if training had drawn one negative."""
        if self.prediction.lift is not None:
            return self.prediction.lift
        return float(np.exp(np.float64(self.prediction.logit)))

    def is_left_out(self, rank: int | None = None, ranked: int | None = None) -> bool:
        """Whether the candidate is never recommended to this user: it would have its chance, it hasn't. An older record
        doesn't say it; `rank` of the candidate among `ranked` items (None where not known) then does."""
        return bool(self.prediction.left_out) or (rank is None and ranked is not None)

    @property
    def left_out_words(self) -> str:
        """Why a candidate that is left out is never recommended, as the end of a sentence."""
        known = any(item.item == self.target.item for item in self.history)
        return f"as {'the history holds it already' if known else 'it was taken before the items that are read here'}"

    def attention_received(self) -> Array:
        """How much the history listens to each item (n): sum over i of E_ij, mean over heads, as a multiple of
        what uniform attention would give it. 1 is what the graph alone gives."""
        adjacency = self.graph_construction.adjacency.astype(np.float64)
        uniform = (adjacency / adjacency.sum(axis=1, keepdims=True)).sum(axis=0)
        return self.interest_fusion.attention.mean(axis=0).sum(axis=0) / uniform

    # -- pictures: the one arrow back, loaded when they are asked for -----------------------------------

    def _repr_html_(self) -> str:
        """The record as a notebook shows it: headline, history, graph, matrices and sequence, about 2.4 MB."""
        from surge.pictures.notebook import record_page

        return record_page(self)._repr_html_()

    def figures(self, theme: str = "light") -> dict[str, Any]:
        """The pictures by name: plotly figures `history`, `assignment`, `sequence`, `attention`; and `graph`, an
        HTML page that shows itself in a notebook. `theme` is light or dark."""
        from surge.pictures.notebook import record_figures

        return record_figures(self, theme)

    # -- saving and loading ---------------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """The record as plain JSON values, with the keys of the design's section 5."""
        extraction = plain(self.interest_extraction)
        extraction["layers"] = [plain(layer) for layer in self.interest_extraction.layers]
        target = {"item": self.target.item, "title": self.target.title, "category": self.target.category}
        return {
            "user": self.user,
            "target": target,
            "history": [_history_item(item) for item in self.history],
            "model": {key: plain_value(value) for key, value in self.model.items()},
            "embeddings": plain(self.embeddings),
            "graph_construction": plain(self.graph_construction),
            "interest_fusion": plain(self.interest_fusion),
            "interest_extraction": extraction,
            "prediction": plain(self.prediction),
        }

    def to_json_bytes(self) -> bytes:
        """The content of a .json file."""
        return json.dumps(self.to_dict(), ensure_ascii=False, allow_nan=False).encode()

    def to_npz_bytes(self) -> bytes:
        """The content of a .npz file."""
        stream = BytesIO()
        np.savez_compressed(stream, allow_pickle=False, **dict(flatten(self.to_dict())))
        return stream.getvalue()

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Explanation:
        """The record from what `to_dict` gave; anything else is a SurgeError."""
        try:
            extraction = dict(values["interest_extraction"])
            layers = tuple(_part(PoolingLayer, layer) for layer in extraction.pop("layers", []))
            return cls(
                user=values["user"],
                target=Item(**values["target"]),
                history=tuple(Item(**item) for item in values["history"]),
                model={k: tuple(v) if isinstance(v, list) else v for k, v in values["model"].items()},
                embeddings=_part(Embeddings, values["embeddings"]),
                graph_construction=_part(GraphConstruction, values["graph_construction"]),
                interest_fusion=_part(InterestFusion, values["interest_fusion"]),
                interest_extraction=InterestExtraction(**arrays(extraction), layers=layers),
                prediction=_part(Prediction, values["prediction"]),
            )
        except SurgeError:
            raise
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise SurgeError(
                f"This is not an explanation record ({type(error).__name__}: {error}); "
                "make one with `python -m surge explain`."
            ) from error

    def save(self, path: str | Path) -> None:
        """Write the record to a .json or .npz file, whole or not at all. Only an older record is replaced."""
        path = check_output(path)
        content = self.to_json_bytes() if path.suffix == ".json" else self.to_npz_bytes()
        with atomic_write(path) as stream:
            stream.write(content)

    @classmethod
    def load(cls, path: str | Path) -> Explanation:
        """Read a record that `save` wrote; a damaged or foreign file is a SurgeError."""
        path = arguments.path(path, "path")
        try:
            if path.suffix == ".npz":
                # opened here: NumPy leaves a damaged file open
                with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
                    values = json.loads(str(archive["text"]))
                    for key in archive.files:
                        if key != "text":
                            put(values, key.split("/"), archive[key])
            else:
                values = json.loads(path.read_text(encoding="utf-8"))
        except SurgeError:
            raise
        except Exception as error:  # zip, JSON, encoding and missing-file errors have no common base
            raise SurgeError(f"{path.name!r} can't be read as an explanation record ({error}).") from error
        return cls.from_dict(values)


def _history_item(item: Item) -> dict[str, Any]:
    """The keys of the design's section 5, and the age where there is one."""
    return {name: value for name, value in vars(item).items() if name != "age" or value is not None}


def _part(kind: type, values: Mapping[str, Any]) -> Any:
    return kind(**arrays(values))
