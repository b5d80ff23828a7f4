"""What expected calibration errors exact chances would have: what comes next is drawn from the model's own.

OMP_NUM_THREADS=1 python -m benchmarks.exact_chances checkpoints/demo sample_data
"""

from __future__ import annotations

import sys

import numpy as np

from surge.checkpoint import load_checkpoint
from surge.data.dataset import Dataset
from surge.data.instances import encode
from surge.data.seen_items import SeenItems
from surge.data.splits import split_instances
from surge.evaluation.calibration import reliability
from surge.evaluation.evaluate import targets
from surge.evaluation.ranking import SHOWN, rank_positives
from surge.recommenders.surge import Surge

DRAWS = 300


def main(checkpoint_folder: str, dataset_folder: str) -> None:
    checkpoint, dataset = load_checkpoint(checkpoint_folder), Dataset.load(dataset_folder)
    log, rule = encode(dataset, checkpoint.rows), dataset.description["split"]
    taken = SeenItems(log, len(checkpoint.rows)) if checkpoint.exclude_seen else None
    instances = split_instances(log, rule)["test"]
    chosen = targets(log, instances, rule, "test", taken, checkpoint.evaluation_config.catalogue_targets)
    temperature = checkpoint.catalogue.temperature
    ranks = rank_positives(
        Surge(checkpoint.model),
        log,
        chosen,
        taken=taken,
        log_popularity=checkpoint.catalogue.log_popularity,
        temperatures=np.array([temperature]),
    )
    rng = np.random.default_rng(0)
    for first in (SHOWN, 1):
        chances = np.exp(ranks.best[:, :first] / temperature - ranks.normaliser)
        chances = chances[np.isfinite(ranks.best[:, :first])]
        drawn = [reliability(chances, rng.random(len(chances)) < chances).error for _ in range(DRAWS)]
        low, high = np.quantile(drawn, (0.05, 0.95))
        measured = ranks.reliability(temperature, first).error
        print(
            f"{len(chosen):,} users, the {first} best: {measured:.4f}; exact chances {np.mean(drawn):.4f} "
            f"({low:.4f} to {high:.4f} in 90 of 100 draws)"
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
