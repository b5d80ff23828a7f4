"""What an explanation record must meet: shapes, ranges, rows that sum to 1. NumPy only, as the record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from surge.errors import SurgeError

if TYPE_CHECKING:
    from surge.explanation.record import Explanation, Item

TOLERANCE = 1e-4  # of sums and ranges; a record may come from float32 arithmetic


def check_record(record: Explanation) -> None:
    """Shapes, ranges and sums of a record; the first that is wrong is a SurgeError."""
    n = len(record.history)
    embeddings, graph = record.embeddings, record.graph_construction
    fusion, extraction, prediction = record.interest_fusion, record.interest_extraction, record.prediction
    if n == 0:
        raise SurgeError("An explanation needs a history of at least one item.")
    if not isinstance(record.user, str):
        raise SurgeError(f"The explanation names its user by {record.user!r}, which is not text.")
    if not _is_writable(record.user):
        raise SurgeError(f"The explanation's user {record.user!r} holds half a surrogate pair, which is no character.")
    for item in (record.target, *record.history):
        _check_item(item)
    d = _width(embeddings.target)
    heads = np.shape(fusion.cluster_score)[0] if np.ndim(fusion.cluster_score) == 2 else -1
    m = _width(extraction.assignment)
    last = _width(extraction.layers[-1].assignment) if extraction.layers else m
    size = _width(prediction.evolution)
    expected: list[tuple[str, Any, tuple[int, ...]]] = [
        ("embeddings.history", embeddings.history, (n, d)),
        ("embeddings.target", embeddings.target, (d,)),
        ("graph_construction.similarity", graph.similarity, (n, n)),
        ("graph_construction.adjacency", graph.adjacency, (n, n)),
        ("interest_fusion.cluster_score", fusion.cluster_score, (heads, n)),
        ("interest_fusion.query_score", fusion.query_score, (heads, n)),
        ("interest_fusion.attention", fusion.attention, (heads, n, n)),
        ("interest_fusion.fused", fusion.fused, (n, d)),
        ("interest_extraction.assignment", extraction.assignment, (n, m)),
        ("interest_extraction.importance", extraction.importance, (n,)),
        ("interest_extraction.pooled", extraction.pooled, (m, d)),
        ("interest_extraction.pooled_importance", extraction.pooled_importance, (m,)),
        ("interest_extraction.pooled_adjacency", extraction.pooled_adjacency, (m, m)),
        ("interest_extraction.readout", extraction.readout, (d,)),
        ("prediction.order", prediction.order, (last,)),
        ("prediction.evolution", prediction.evolution, (last, size)),
        ("prediction.update_gate", prediction.update_gate, (last, size)),
    ]
    if prediction.long_weight is not None:
        expected.append(("prediction.long_weight", prediction.long_weight, (n,)))
    nodes = m
    for index, layer in enumerate(extraction.layers):
        name, width = f"interest_extraction.layers[{index}]", _width(layer.assignment)
        expected += [
            (f"{name}.assignment", layer.assignment, (nodes, width)),
            (f"{name}.pooled", layer.pooled, (width, d)),
            (f"{name}.pooled_importance", layer.pooled_importance, (width,)),
            (f"{name}.pooled_adjacency", layer.pooled_adjacency, (width, width)),
        ]
        nodes = width
    for name, array, shape in expected:
        if np.shape(array) != shape:
            raise SurgeError(f"{name} of the explanation has shape {np.shape(array)} where {shape} is expected.")
        if not np.all(np.isfinite(array)):
            raise SurgeError(f"{name} of the explanation holds a value that is not a finite number.")
    _check_sum("interest_fusion.attention", fusion.attention, axis=-1)
    _check_sum("interest_extraction.assignment", extraction.assignment, axis=-1)
    _check_sum("interest_extraction.importance", extraction.importance, axis=-1)
    if prediction.long_weight is not None:
        _check_sum("prediction.long_weight", prediction.long_weight, axis=-1)
    for index, layer in enumerate(extraction.layers):
        _check_sum(f"interest_extraction.layers[{index}].assignment", layer.assignment, axis=-1)
    if not np.isin(graph.adjacency, (0, 1)).all() or not np.all(np.diag(graph.adjacency) == 1):
        raise SurgeError("graph_construction.adjacency of the explanation is not 0/1 with a full diagonal.")
    if np.any(np.abs(graph.similarity) > 1 + TOLERANCE):
        raise SurgeError("graph_construction.similarity of the explanation is outside -1 to 1.")
    if sorted(np.asarray(prediction.order).tolist()) != list(range(last)):
        raise SurgeError("prediction.order of the explanation does not name every cluster once.")
    if not (_is_number(prediction.logit) and _is_number(prediction.probability) and 0 <= prediction.probability <= 1):
        raise SurgeError("prediction.logit or prediction.probability of the explanation is out of range.")
    for name, least, most in (("log_popularity", -np.inf, 0.0), ("lift", 0.0, np.inf), ("next_probability", 0.0, 1.0)):
        value = getattr(prediction, name)
        if value is not None and not (_is_number(value) and least <= value <= most + TOLERANCE):
            raise SurgeError(f"prediction.{name} of the explanation is out of range.")
    if not isinstance(prediction.left_out, bool | None):
        raise SurgeError(
            f"prediction.left_out of the explanation is {prediction.left_out!r}; it must be true or false."
        )
    if not (_is_number(graph.threshold) and graph.threshold >= 0):
        raise SurgeError("graph_construction.threshold of the explanation is not a number from 0.")


def _width(array: Any) -> int:
    """The length of the last axis; -1, which no shape has, where there is none."""
    return np.shape(array)[-1] if np.ndim(array) else -1


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool) and bool(np.isfinite(value))


def _check_item(item: Item) -> None:
    named = isinstance(item.item, str) and isinstance(item.title, str) and isinstance(item.category, str | None)
    if not (named and isinstance(item.timestamp, int | None) and isinstance(item.age, int | None)):
        raise SurgeError(
            f"An item of the explanation has an id, title, category, time or age of the wrong kind: {item!r}."
        )
    for name, text in (("id", item.item), ("title", item.title), ("category", item.category)):
        if text is not None and not _is_writable(text):
            raise SurgeError(
                f"The {name} {text[:60]!r} of an item of the explanation holds half a surrogate pair, "
                "which is no character."
            )


def _is_writable(text: str) -> bool:
    """Whether a file can hold the text: no code point of a surrogate, which JSON can bring in as \\ud800."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _check_sum(name: str, array: np.ndarray, axis: int) -> None:
    if np.any(array < -TOLERANCE) or np.any(np.abs(np.sum(array, axis=axis, dtype=np.float64) - 1) > TOLERANCE):
        raise SurgeError(f"{name} of the explanation has a row that is negative or does not sum to 1.")
