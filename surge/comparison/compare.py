"""Training and measuring many models on one dataset, run by run; what is finished is kept and not done again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from surge.atomic_write import check_parent
from surge.comparison.code_digest import code_digest
from surge.comparison.contestants import Contestant
from surge.comparison.run_results import TESTED, Measured
from surge.comparison.runs import FORMAT, Protocol, Runs, draw_protocol, replace_file
from surge.comparison.table import markdown
from surge.data.dataset import Dataset
from surge.errors import SurgeError
from surge.evaluation.evaluate import count_negatives
from surge.evaluation.lists import write_lists
from surge.evaluation.significance import difference
from surge.training.data import TrainingData
from surge.training.trainer import choose_device

METRICS = ("auc", "gauc", "mrr", "ndcg@2", "hr@10", "catalogue_hr@10", "catalogue_ndcg@10")


def compare(
    dataset: Dataset,
    models: Sequence[Contestant],
    output: Path,
    *,
    seeds: int = 3,
    metric: str = "gauc",
    lists: Path | None = None,
    quiet: bool = False,
) -> dict[str, Any]:
    """Train every model with `seeds` seeds, measure all on the same lists, and write the table.

    `output` (NAME.md) is the table and NAME.json all that is behind it. The folder NAME.runs keeps every finished run,
    so the same call goes on where it was interrupted, and a further model or seed costs only itself; a run of other
    code, settings or lists is done again. It has the lists, too, for whoever wants to read them. `metric` orders the
    rows. `lists`: a file of candidate lists in place of drawn ones.

    The first model is what the others are tested against, over seeds and users together: see
    `surge.evaluation.significance`. A metric that doesn't exist, an output that isn't a .md or that something else
    wrote, or lists of other data: a SurgeError, and nothing is written.
    """
    if output.suffix != ".md":
        raise SurgeError(f"--output {str(output)!r} must end in .md; the figures go to a .json beside it.")
    check_parent(output)
    folder = output.with_suffix(".runs")
    for path in (output, output.with_suffix(".json")):
        if path.exists() and not (path.is_file() and folder.is_dir()):
            raise SurgeError(f"{str(path)!r} exists and no comparison wrote it; give another --output, or remove it.")
    if metric not in METRICS:
        raise SurgeError(f"There is no metric {metric!r}; the metrics are {', '.join(METRICS)}.")
    if seeds < 1:
        raise SurgeError(f"--seeds is {seeds}; give a whole number from 1.")
    data = TrainingData.of(dataset)
    for model in models:  # what is impossible is told before the first hour of training
        choose_device(model.training_config(0).device)
        model.build(data, 0, torch.device("cpu"))
    protocol = draw_protocol(dataset, data, models[0].evaluation_config(), lists)
    folder.mkdir(exist_ok=True)
    write_lists(
        folder / "lists.parquet", protocol.listed, protocol.lists, data.log, dataset.users, data.items["item"].to_list()
    )
    code = {model.name: code_digest(model.name) for model in models}  # now: what is imported is what runs
    runs = Runs(data, protocol, folder, code, quiet)
    results: list[dict[str, Any]] = []
    measured: dict[str, list[Measured]] = {}
    # all models once, then all once more: an early look at the table shows everybody
    order = [(model, seed) for seed in range(seeds) for model in models]
    bar = tqdm(order, desc="runs", unit="run", disable=quiet or None)
    for model, seed in bar:
        bar.set_postfix_str(f"{model.label}, seed {seed}")
        run, places = runs.get(model, seed)
        results.append(run)
        measured.setdefault(model.label, []).append(places)
        if not quiet:
            figures = " ".join(f"{name} {run['test'][name]:.4f}" for name in ("auc", "gauc", "mrr"))
            tqdm.write(f"{model.label} seed {seed}: {figures} | {run['seconds']:.0f} s, {len(run['epochs'])} epochs")
        if model is models[-1]:
            comparison = _comparison(dataset, data, protocol, models, results, measured, metric)
            replace_file(output.with_suffix(".json"), json.dumps(comparison, indent=1) + "\n")
            replace_file(output, markdown(comparison))
    return comparison


def _comparison(
    dataset: Dataset,
    data: TrainingData,
    protocol: Protocol,
    models: Sequence[Contestant],
    runs: list[dict[str, Any]],
    measured: Mapping[str, list[Measured]],
    metric: str,
) -> dict[str, Any]:
    """All figures of a comparison as plain JSON values."""
    return {
        "format": FORMAT,
        "dataset": {"name": dataset.name, "digest": dataset.digest}
        | dataset.description.get("counts", {})
        | {"split": dataset.description.get("split", {})},
        "told": [*data.told],
        "lists": len(protocol.lists),
        **count_negatives(protocol.lists),
        "catalogue_lists": len(protocol.whole),
        "metric": metric,
        "reference": models[0].label,
        "models": [model.label for model in models],
        "length_groups": [
            {"from": int(part.min()), "to": int(part.max()), "lists": len(part)}
            for part in _groups(protocol.length, protocol.edges)
        ],
        "differences": {
            model.label: _differences(measured[models[0].label], measured[model.label]) for model in models[1:]
        },
        "runs": runs,
    }


def _groups(length: np.ndarray, edges: np.ndarray) -> list[np.ndarray]:
    groups = np.digitize(length, edges, right=True)
    return [length[groups == group] for group in np.unique(groups)]


def _differences(one: list[Measured], other: list[Measured]) -> dict[str, dict[str, float | None]]:
    """The reference minus a model, for every metric that is tested."""

    def values(of: list[Measured], metric: str) -> np.ndarray:
        return np.stack([run.by_user(metric)[0] for run in of])

    return {
        metric: vars(difference(values(one, metric), values(other, metric), one[0].by_user(metric)[1]))
        for metric in TESTED
    }
