"""A table of several models' metrics from a JSON file that lies beside the checkpoint."""

from __future__ import annotations

import json
from collections.abc import Mapping
from statistics import fmean
from typing import Any

import pandas as pd

from surge.errors import SurgeError

LARGEST_COMPARISON = 1_000_000  # bytes of a file that holds a few rows of metrics
MOST_ROWS, MOST_METRICS, LONGEST_NAME = 200, 40, 120


def comparison_table(content: bytes, name: str) -> pd.DataFrame:
    """A list of {"name": ..., metrics ...} as a table, one row a variant; metrics inside a part are found too. So is
    the JSON of `python -m surge compare`, with the means over its seeds.

    Numbers alone are shown; other values are left out. What isn't such a list is a SurgeError that calls the
    file `name`.
    """
    if len(content) > LARGEST_COMPARISON:
        raise SurgeError(f"{name} is larger than {LARGEST_COMPARISON:,} bytes, too large for a table of metrics.")
    try:
        values = json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise SurgeError(f"{name} is not readable JSON, so it is left out; write it again.") from error
    if isinstance(values, dict) and isinstance(values.get("runs"), list):
        values = _means_of_runs(values["runs"])
    wanted = f'a list of objects, each with a "name" and metrics, at most {MOST_ROWS}'
    if not isinstance(values, list) or not 0 < len(values) <= MOST_ROWS:
        raise SurgeError(f"{name} is not {wanted}; it is left out.")
    rows: list[dict[str, Any]] = []
    for value in values:
        if not isinstance(value, dict) or not isinstance(value.get("name"), str) or not value["name"].strip():
            raise SurgeError(f"{name} is not {wanted}; it is left out.")
        row: dict[str, Any] = {"name": " ".join(value["name"].split())[:LONGEST_NAME]}
        row |= _numbers({key: entry for key, entry in value.items() if key != "name"})
        rows.append(row)
    columns = list(dict.fromkeys(key for row in rows for key in row))
    if len(columns) < 2:
        raise SurgeError(f"{name} holds no metric that is a number; it is left out.")
    return pd.DataFrame(rows, columns=columns[: MOST_METRICS + 1])


def _means_of_runs(runs: list[Any]) -> list[dict[str, Any]]:
    """One object a model, with the means of its test metrics over all runs; what isn't a run is left out."""
    tests: dict[str, list[dict[str, float]]] = {}
    for run in runs:
        if isinstance(run, dict) and isinstance(run.get("label"), str) and isinstance(run.get("test"), dict):
            tests.setdefault(run["label"], []).append(_numbers(run["test"]))
    return [
        {"name": label, **{key: fmean(one[key] for one in found if key in one) for key in found[0]}}
        for label, found in tests.items()
    ]


def _numbers(values: Mapping[str, Any], part: str = "", depth: int = 0) -> dict[str, float]:
    found: dict[str, float] = {}
    for key, value in values.items():
        label = f"{part} {' '.join(str(key).split())}".strip()[:LONGEST_NAME]
        if isinstance(value, dict) and depth < 3:
            found |= _numbers(value, label, depth + 1)
        elif isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= 1e300:
            found.setdefault(label, float(value))  # NaN fails the comparison and is left out
    return {label: value for label, value in found.items() if label != "name"}
