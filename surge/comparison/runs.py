"""The runs of a comparison: each model trained and measured on what all of them share; what is finished is kept."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from surge.atomic_write import atomic_write
from surge.comparison.contestants import Contestant
from surge.comparison.run_results import Measured
from surge.config import EvaluationConfig, to_dict
from surge.data.dataset import Dataset
from surge.data.instances import Instances
from surge.errors import SurgeError
from surge.evaluation.evaluate import NOTHING_ELSE, listable, score_lists
from surge.evaluation.lists import read_lists
from surge.evaluation.metrics import grouped_auc, hit_rate, list_metrics, ndcg
from surge.evaluation.ranking import rank_positives
from surge.recommenders.base import Recommender
from surge.training.data import TrainingData
from surge.training.fit import Fit
from surge.training.state import TrainingState, load_state, save_state, saved_state
from surge.training.trainer import choose_device, device_name

FORMAT = 3
GROUPS = 4  # of test instances, by the length of their history


@dataclass(frozen=True)
class Protocol:
    """What all runs share: the test instances with their lists, and those that are ranked in the whole catalogue."""

    listed: Instances
    lists: np.ndarray
    whole: Instances
    length: np.ndarray
    edges: np.ndarray
    digest: str


def draw_protocol(dataset: Dataset, data: TrainingData, config: EvaluationConfig, given: Path | None) -> Protocol:
    """The test lists, from the file `given` or drawn, and the test positives that are ranked among all items.

    Drawing needs the dataset and the settings alone, so the same call draws the same lists. Given lists that hold
    another split's positives, or a negative that its user had taken, are a SurgeError; so is a split whose users took
    all other items before.
    """
    users, items = dataset.users, data.items["item"].to_list()
    test = data.splits["test"]
    if given is not None:
        listed, lists = read_lists(given, data.log, users, items)
        if not np.isin(listed.position, test.position).all():
            raise SurgeError(f"{str(given)!r} holds positives that are not of the dataset's test split; draw it anew.")
        negatives = lists[:, 1:]
        taken = 0 if data.taken is None else int(((negatives >= 0) & data.taken.before(listed, negatives)).any(1).sum())
        if taken:
            raise SurgeError(
                f"{str(given)!r} has {taken:,} lists with a negative that the user took before, though nobody "
                f"takes an item twice in {dataset.name!r}; draw them anew."
            )
    else:
        listed = listable(test, data.taken).sample(config.test_instances, np.random.default_rng(0))
        lists = data.lists(listed, config, seed=0) if len(listed) else np.empty((0, 2), dtype=np.int64)
    whole = data.ranked("test", config, np.random.default_rng(1))
    if not len(listed) or not len(whole):
        raise SurgeError(NOTHING_ELSE.format(split="test", name=dataset.name))
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
        replace_file(figures, json.dumps(run, indent=1) + "\n")  # last: a run is done when it has its figures
        return run, places

    def _do(
        self, contestant: Contestant, seed: int, folder: Path, settings: dict[str, Any]
    ) -> tuple[dict[str, Any], Measured]:
        config, data, protocol = contestant.training_config(seed), self.data, self.protocol
        device = choose_device(config.device)
        model = contestant.build(data, seed, device)
        fit = Fit(data, model, config, contestant.evaluation_config(), self.quiet)
        fit.tells = False  # a line a run is enough
        state = TrainingState(settings)
        if saved_state(folder):
            state = load_state(folder, settings, model.network, fit.optimiser)
        fit.run(state, lambda reached: save_state(folder, reached, model.network, fit.optimiser))
        started = time.perf_counter()
        scores = score_lists(model, data.log, protocol.listed, protocol.lists, precision=config.precision)
        test = list_metrics(scores, protocol.listed.user)
        # the paper's protocol for short video, on the same lists
        test["one_negative_gauc"] = grouped_auc(scores[:, :2], protocol.listed.user)
        listed_seconds = time.perf_counter() - started
        ranks = _ranks(model, data, protocol.whole)
        test |= {"catalogue_hr@10": hit_rate(*ranks, 10), "catalogue_ndcg@10": ndcg(*ranks, 10)}
        groups = np.digitize(protocol.length, protocol.edges, right=True)
        shutil.rmtree(folder, ignore_errors=True)
        return {
            "label": contestant.label,
            "seed": seed,
            "settings": settings["run"]["run"],
            "config": settings["config"],
            "parameters": sum(p.numel() for p in model.network.parameters() if p.requires_grad),
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


def _ranks(model: Recommender, data: TrainingData, instances: Instances) -> tuple[np.ndarray, np.ndarray]:
    """How many of all items stand above each positive, and how many are tied with it."""
    ranks = rank_positives(
        model,
        data.log,
        instances,
        taken=data.taken,
        log_popularity=data.log_popularity if model.corrected else None,
    )
    return ranks.above, ranks.tied


def replace_file(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    with atomic_write(path) as stream:
        stream.write(text.encode())
