"""Our baselines against RecBole's: its networks on the same instances, negatives, loss, loop, lists and metrics.

    python3.11 -m venv ../peers
    ../peers/bin/pip install torch==2.13.0 recbole==1.2.1 "setuptools<81" "numpy<2" "pandas<3" "scipy<1.16" \\
        polars==1.44.2 "pyarrow<21" safetensors
    OMP_NUM_THREADS=1 ../peers/bin/python -m benchmarks.peers sample_data benchmarks/results/peers.md

Of RecBole only the network classes are used, with its default settings where none is given here. Finished runs are
kept in the .json beside the table and not done again.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.stats import t as student

from benchmarks.peers_weights import SAME, same_weights
from benchmarks.recbole_networks import LENGTH, PAIRS, SIZE, SPREAD, Facts, build_side
from surge.comparison.table import table
from surge.config import EvaluationConfig, TrainingConfig, from_dict
from surge.data.dataset import Dataset
from surge.evaluation.evaluate import listable, score_lists
from surge.evaluation.metrics import list_metrics
from surge.training.data import TrainingData
from surge.training.fit import Fit
from surge.training.state import TrainingState
from surge.vocabulary import METRICS

TOLD = ("auc", "gauc", "mrr", "ndcg@2")
SIDES = {
    "ours": "ours",
    "peer": "RecBole, embeddings start as ours do",
    "changed": "RecBole, the same and",
    "shipped": "RecBole, its own first weights",
}
SETTINGS: dict[str, Any] = {
    "patience": 100,
    "batch_size": 64,
    "instances_per_epoch": 12_000,
    "weight_decay": 0.0,
    "device": "cpu",
}
TRAINING = from_dict(TrainingConfig, SETTINGS)
MEASURED: dict[str, Any] = {"validation_instances": 500, "test_instances": 2_000}
EVALUATION = EvaluationConfig(**MEASURED)


def run(name: str, side: str, seed: int, data: TrainingData, facts: Facts) -> dict[str, Any]:
    """Train a model as `python -m surge compare` does, and measure it on the test lists, the same for all."""
    started = time.process_time()
    model = build_side(name, side, data, facts, seed)
    state, pair = TrainingState({}), PAIRS[name]
    config = replace(TRAINING, seed=seed, epochs=pair.epochs, learning_rate=pair.rate)
    Fit(data, model, config, EVALUATION, quiet=True).run(state)
    listed = listable(data.splits["test"], data.taken).sample(EVALUATION.test_instances, np.random.default_rng(0))
    scores = score_lists(model, data.log, listed, data.lists(listed, EVALUATION, TRAINING.seed))
    return {
        "model": name,
        "side": side,
        "seed": seed,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "cpu_seconds": round(time.process_time() - started, 1),
        "best_epoch": state.best_epoch,
        "epochs": state.epochs,
        "test": list_metrics(scores, listed.user),
    }


def markdown(results: dict[str, Any]) -> str:
    """The table of all runs, with differences by seed."""
    figures: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for one in sorted(results["runs"], key=lambda one: one["seed"]):
        figures.setdefault((one["model"], one["side"]), []).append(one)
    rows, courses = [], []
    for name, pair in PAIRS.items():
        ours = figures.get((name, "ours"), [])
        for side, label in SIDES.items():
            runs = figures.get((name, side), [])
            if not runs:
                continue
            label = label.replace("RecBole", f"RecBole's {pair.peer.__name__}")
            if side == "changed":
                label = f"{label} {pair.changed}"
            cells = {key: np.array([one["test"][key] for one in runs]) for key in TOLD}
            shown = [f"{c.mean():.4f} ± {c.std(ddof=1):.4f}" if len(c) > 1 else f"{c[0]:.4f}" for c in cells.values()]
            rows.append([f"`{name}`", label, str(len(runs)), *shown])
            if side != "ours" and 1 < len(runs) <= len(ours):
                gaps = [np.array([one["test"][key] for one in ours[: len(runs)]]) - cells[key] for key in TOLD]
                rows.append([f"`{name}`", "ours - " + label, str(len(runs)), *map(_difference, gaps)])
            course = " ".join(f"{epoch['valid_gauc']:.3f}" for epoch in runs[0]["epochs"])
            seconds = np.mean([one["cpu_seconds"] for one in runs])
            courses.append([f"`{name}`", label, f"{runs[0]['parameters']:,}", f"{seconds:.0f}", course])
    same = [
        [f"`{name}`", "AUGRU alone" if name == "dien" else "whole network", f"{gap:.0e}" if gap else "0"]
        for name, gap in results["same_weights"].items()
        if gap is not None
    ]
    differs = [
        [f"`{name}`", pair.peer.__name__, str(pair.rate), str(pair.epochs), pair.differs]
        for name, pair in PAIRS.items()
    ]
    seeds = max(len(runs) for runs in figures.values())
    total = sum(one["cpu_seconds"] for one in results["runs"]) / 60
    return f"""# The baselines and RecBole's

Made by `benchmarks/peers.py` (its first lines have the environment and the command) with
{", ".join(f"{package} {release}" for package, release in results["versions"].items())}; one core, {total:.0f} minutes
of processor time. Behind it: `peers.json`.

RecBole's network classes take the place of ours; everything else is the same object: the instances and negatives of
each seed, the log loss, Adam without weight decay, the loop, the lists and the metrics. Data: `{results["data"]}`,
items without categories in {SIZE} dimensions, the last {LENGTH} items, {TRAINING.instances_per_epoch:,} positives an
epoch in batches of {TRAINING.batch_size}, {EVALUATION.test_instances:,} test lists of a positive and
{EVALUATION.evaluation_negatives} negatives, the weights of the best epoch by validation GAUC.

## With the same weights

{table(["model", "compared", "largest difference of an output"], same)}

What RecBole's network gives with our weights copied in, over {SAME} test histories and their lists. GRU4Rec with biases
of 0 and the identity for RecBole's last layer; Caser with rows p_u that are not negative, which RecBole's last layer
sums with z, for full windows. For the others some layer has no counterpart.

## Trained

{table(["model", "network", "seeds", *(METRICS[key].name for key in TOLD)], rows)}

Mean ± standard deviation over {seeds} seeds. Differences are by seed, which pairs the data; in brackets their 95 %
interval (Student's t), bold where it leaves out 0, which one in twenty does by chance. With {seeds} seeds intervals are
wide: one that holds 0 shows no difference, not that there is none. Ours starts embeddings from N(0, {SPREAD}^2),
RecBole from smaller ones (deviations 0.01 to 0.03). What ours have by default and RecBole's do not is off: the
next-item loss of GRU4Rec and SASRec, the normalised inputs of a head, and DIEN's gate relative to the largest.

## What differs in the networks

{table(["model", "RecBole", "learning rate", "epochs", "differs"], differs)}

## Courses

{table(["model", "network", "parameters", "s of processor", "validation GAUC, epoch by epoch (seed 0)"], courses)}
"""


def _difference(gap: np.ndarray) -> str:
    half = student.ppf(0.975, len(gap) - 1) * gap.std(ddof=1) / len(gap) ** 0.5
    text = f"{gap.mean():+.4f} [{gap.mean() - half:+.4f}, {gap.mean() + half:+.4f}]"
    return f"**{text}**" if abs(gap.mean()) > half else text


def main() -> None:
    """Do the runs that are missing, and write the table after each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    sys.argv[1:] = []  # RecBole's Config reads them as its own
    torch.set_num_threads(1)
    dataset = Dataset.load(given.dataset)
    data = TrainingData.of(dataset)
    facts = Facts(data)
    stored = given.output.with_suffix(".json")
    pairs = {
        name: {"peer": pair.peer.__name__, "epochs": pair.epochs, "learning_rate": pair.rate}
        | {"ours": pair.ours, "theirs": pair.theirs}
        for name, pair in PAIRS.items()
    }
    setting = {"data": dataset.name, "digest": dataset.digest, "training": SETTINGS | MEASURED, "pairs": pairs}
    results = json.loads(stored.read_text(encoding="utf-8")) if stored.is_file() else {"runs": []}
    if any(results.get(key, value) != value for key, value in setting.items()):
        sys.exit(f"{stored} has runs of other data or settings; remove it first.")
    versions = {package: version(package) for package in ("recbole", "torch", "numpy", "scipy")}
    results |= setting | {"versions": versions}
    results["same_weights"] = {name: same_weights(name, data, facts) for name in PAIRS}
    done = {(one["model"], one["side"], one["seed"]) for one in results["runs"]}
    # what matters most comes first
    order = [
        (name, side, seed)
        for sides in (("ours", "peer"), ("changed",), ("shipped",))
        for seed in range(given.seeds)
        for name in PAIRS
        for side in sides
        if side != "changed" or PAIRS[name].change
    ]
    for key in order:
        if key in done:
            continue
        results["runs"].append(run(*key, data, facts))
        print(*key, {metric: round(results["runs"][-1]["test"][metric], 4) for metric in TOLD}, flush=True)
        for path, text in ((stored, json.dumps(results, indent=1) + "\n"), (given.output, markdown(results))):
            fresh = path.with_name(path.name + ".new")
            fresh.write_text(text, encoding="utf-8")
            os.replace(fresh, path)


if __name__ == "__main__":
    main()
