"""The parts of an explanation record as plain JSON values and as named arrays, and back. NumPy only, as the record."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

import numpy as np

Array = np.ndarray


def plain_value(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    return list(value) if isinstance(value, tuple) else value


def plain(part: Any) -> dict[str, Any]:
    """One part of a record by field, without what it doesn't know and without deeper pooling layers."""
    values = {f.name: getattr(part, f.name) for f in fields(part) if f.name != "layers"}
    return {name: plain_value(value) for name, value in values.items() if value is not None}


def arrays(values: Mapping[str, Any]) -> dict[str, Any]:
    """Lists as arrays: whole numbers in `order`, float64 in all others."""
    return {
        key: np.asarray(value, dtype=np.int64 if key == "order" else np.float64)
        if isinstance(value, list | np.ndarray)
        else value
        for key, value in values.items()
    }


def _numeric(value: Any) -> bool:
    while isinstance(value, list) and value:
        value = value[0]
    return isinstance(value, int | float) and not isinstance(value, bool)


def flatten(values: dict[str, Any]) -> Iterator[tuple[str, Array]]:
    """Arrays by path for NPZ, and all that isn't an array as one JSON text (strings need no pickle there)."""
    text: dict[str, Any] = {}
    for key, value in values.items():
        if key in ("user", "target", "history", "model"):
            text[key] = value
            continue
        text[key] = {}
        for name, entry in value.items():
            if name == "layers":
                text[key][name] = [{} for _ in entry]
                for index, layer in enumerate(entry):
                    for inner, array in layer.items():
                        yield f"{key}/layers/{index}/{inner}", np.asarray(array, dtype=np.float64)
            elif isinstance(entry, list) and _numeric(entry):
                yield f"{key}/{name}", np.asarray(entry, dtype=np.int64 if name == "order" else np.float64)
            else:
                text[key][name] = entry
    yield "text", np.asarray(json.dumps(text, ensure_ascii=False))


def put(values: Any, path: list[str], array: Array) -> None:
    """Put an array where its path among nested values says."""
    for step in path[:-1]:
        values = values[int(step)] if isinstance(values, list) else values[step]
    values[path[-1]] = array
