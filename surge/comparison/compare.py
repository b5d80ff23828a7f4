"""Training and measuring many models on one dataset, run by run; what is finished is kept and not done again."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from surge.baselines.base import Baseline
from surge.comparison.code import code_digest
from surge.comparison.contestants import Contestant
from surge.comparison.measured import TESTED, Measured
from surge.comparison.table import markdown
from surge.config import TrainingConfig, to_dict
from surge.data.instances import Instances
from surge.data.store import Dataset
from surge.errors import SurgeError
from surge.evaluation.evaluate import compiles, listable, score_lists
from surge.evaluation.lists import read_lists, write_lists
from surge.evaluation.metrics import grouped_auc, hit_rate, list_metrics, ndcg
from surge.evaluation.ranking import last_of_each_user, rank_positives
from surge.evaluation.significance import difference
from surge.model.surge import SurgeModel
from surge.training.data import TrainingData
from surge.training.fit import Fit
from surge.training.state import TrainingState, load_state, save_state, saved_state
from surge.training.trainer import choose_device, device_name

FORMAT = 2
GROUPS = 4  # of test instances, by the length of their history
METRICS = ("auc", "gauc", "mrr", "ndcg@2", "hr@10", "catalogue_hr@10", "catalogue_ndcg@10")


@dataclass(frozen=True)
class Protocol:
    """What all runs share: the test instances with their lists, and those that are ranked in the whole catalogue."""

    listed: Instances
    lists: np.ndarray
    whole: Instances
    length: np.ndarray
    edges: np.ndarray
    digest: str


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

    `output` (NAME.md) is the table and NAME.json all that is behind it. The folder NAME.runs keeps the lists and
    every finished run, so the same call goes on where it was interrupted, and a further model or seed costs only
    itself; a run that other code made is done again. `metric` orders the rows. `lists`: a file of candidate lists in
    place of drawn ones.

    The first model is what the others are tested against, over seeds and users together: see
    `surge.evaluation.significance`. A metric that doesn't exist, an output that isn't a .md or that something else
    wrote, or lists of other data: a SurgeError, and nothing is written.
    """
    if output.suffix != ".md":
        raise SurgeError(f"--output {str(output)!r} must end in .md; the figures go to a .json beside it.")
    if not output.parent.is_dir():
        raise SurgeError(f"The folder {str(output.parent)!r} does not exist; make it first.")
    folder = output.with_suffix(".runs")
    if output.exists() and not (output.is_file() and folder.is_dir()):
        raise SurgeError(f"{str(output)!r} exists and no comparison wrote it; give another --output, or remove it.")
    if metric not in METRICS:
        raise SurgeError(f"There is no metric {metric!r}; the metrics are {', '.join(METRICS)}.")
    if seeds < 1:
        raise SurgeError(f"--seeds is {seeds}; give a whole number from 1.")
    data = TrainingData.of(dataset)
    for model in models:  # what is impossible is told before the first hour of training
        choose_device(model.training_config(0).device)
        model.build(data, 0, torch.device("cpu"))
    protocol = _protocol(dataset, data, models, folder, lists)
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
            _replace(output.with_suffix(".json"), json.dumps(comparison, indent=1) + "\n")
            _replace(output, markdown(comparison))
    return comparison


def _protocol(
    dataset: Dataset, data: TrainingData, models: Sequence[Contestant], folder: Path, given: Path | None
) -> Protocol:
    """The lists: given, those of an earlier call, or drawn now; stored in the folder."""
    users, items = dataset.users, data.items["item"].to_list()
    config, test = models[0].training_config(0), data.splits["test"]
    stored = folder / "lists.parquet"
    known = given or (stored if stored.is_file() else None)
    if known is not None:
        # what an earlier call drew may hold a negative twice: it's drawn with replacement
        listed, lists = read_lists(known, data.log, users, items)
        if not np.isin(listed.position, test.position).all():
            raise SurgeError(f"{str(known)!r} holds positives that are not of the dataset's test split; draw it anew.")
        if given is None and lists.shape[1] != 1 + min(config.evaluation_negatives, len(items) - 1):
            raise SurgeError(
                f"{str(stored)!r} has lists of {lists.shape[1] - 1} negatives, not {config.evaluation_negatives}; "
                "give another --output, or remove that folder."
            )
    else:
        listed = listable(test, data.taken).sample(config.test_instances, np.random.default_rng(0))
        lists = data.lists(listed, config)
    if known != stored:
        folder.mkdir(exist_ok=True)
        write_lists(stored, listed, lists, data.log, users, items)
    whole = last_of_each_user(test).sample(config.catalogue_instances, np.random.default_rng(1))
    length = listed.position - data.log.offsets[listed.user]
    edges = np.unique(np.quantile(length, np.linspace(0, 1, GROUPS + 1)[1:-1], method="lower"))
    content = hashlib.sha256(lists.tobytes() + listed.position.tobytes() + whole.position.tobytes())
    return Protocol(listed, lists, whole, length, edges, f"{dataset.digest}:{content.hexdigest()}")


class Runs:
    """The runs of a folder: each is done once by the same `code`, a digest by the name of the model."""

    def __init__(
        self, data: TrainingData, protocol: Protocol, folder: Path, code: Mapping[str, str], quiet: bool
    ) -> None:
        self.data, self.protocol, self.folder, self.code, self.quiet = data, protocol, folder, code, quiet

    def get(self, model: Contestant, seed: int) -> tuple[dict[str, Any], Measured]:
        """A run's figures and where its positives stand, done before or now."""
        settings = {
            "format": FORMAT,
            "code": self.code[model.name],
            "data": self.protocol.digest,
            "label": model.label,
            "run": model.described(seed),
        }
        key = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]
        figures, arrays = self.folder / f"{key}.json", self.folder / f"{key}.npz"
        config = to_dict(model.configuration(self.data))
        if figures.is_file() and arrays.is_file():
            try:
                run, places = json.loads(figures.read_text(encoding="utf-8")), Measured.load(arrays)
                if run["label"] == model.label:
                    return run, places
                raise ValueError("it is a run of another model")
            except (ValueError, KeyError, TypeError) as problem:
                raise SurgeError(f"The finished run {str(figures)!r} is damaged; remove that file.") from problem
        run, places = self._do(model, seed, self.folder / f"{key}.training", {"run": settings, "config": config})
        places.save(arrays)
        _replace(figures, json.dumps(run, indent=1) + "\n")  # last: a run is done when it has its figures
        return run, places

    def _do(
        self, contestant: Contestant, seed: int, folder: Path, settings: dict[str, Any]
    ) -> tuple[dict[str, Any], Measured]:
        config, data, protocol = contestant.training_config(seed), self.data, self.protocol
        device = choose_device(config.device)
        model = contestant.build(data, seed, device)
        fit = Fit(data, model, config, self.quiet)
        fit.tells = False  # a line a run is enough
        state = load_state(folder, settings, model, fit.optimiser) if saved_state(folder) else TrainingState(settings)
        fit.run(state, lambda reached: save_state(folder, reached, model, fit.optimiser))
        started = time.perf_counter()
        scores = score_lists(model, data.log, protocol.listed, protocol.lists, precision=config.precision)
        test = list_metrics(scores, protocol.listed.user)
        # the paper's protocol for short video, on the same lists
        test["one_negative_gauc"] = grouped_auc(scores[:, :2], protocol.listed.user)
        listed_seconds = time.perf_counter() - started
        ranks = _ranks(model, data, protocol.whole, config)
        test |= {"catalogue_hr@10": hit_rate(*ranks, 10), "catalogue_ndcg@10": ndcg(*ranks, 10)}
        groups = np.digitize(protocol.length, protocol.edges, right=True)
        shutil.rmtree(folder, ignore_errors=True)
        return {
            "label": contestant.label,
            "seed": seed,
            "settings": settings["run"]["run"],
            "config": settings["config"],
            "parameters": sum(p.numel() for p in model.parameters() if p.requires_grad),
            "device": device_name(device),
            "torch": torch.__version__,
            "seconds": round(sum(record["seconds"] for record in state.epochs), 2),
            "list_seconds": round(listed_seconds, 2),
            "best_epoch": state.best_epoch,
            "epochs": state.epochs,
            "test": test,
            "by_length": [
                {
                    "lists": int((groups == group).sum()),
                    **list_metrics(scores[groups == group], protocol.listed.user[groups == group]),
                }
                for group in np.unique(groups).tolist()
            ],
        }, Measured.of(scores, protocol.listed.user, ranks, protocol.whole.user)


def _ranks(
    model: SurgeModel | Baseline, data: TrainingData, instances: Instances, config: TrainingConfig
) -> tuple[np.ndarray, np.ndarray]:
    """How many of all items stand above each positive, and how many are tied with it."""
    ranks = rank_positives(
        model,
        data.log,
        instances,
        taken=data.taken,
        log_popularity=data.log_popularity if isinstance(model, SurgeModel) or model.corrected else None,
        compiled=compiles(config, model),
    )
    return ranks.above, ranks.tied


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
        "told": [*getattr(data, "told", ())],
        "lists": len(protocol.lists),
        "negatives": protocol.lists.shape[1] - 1,
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


def _replace(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_text(text, encoding="utf-8")
    os.replace(fresh, path)
