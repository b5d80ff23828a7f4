"""Candidate lists of test positives that earlier comparisons did not read, for `python -m surge compare --lists`.

    python -m benchmarks.unseen_lists DATASET EARLIER.parquet OUT.parquet [--lists 3000]

EARLIER is the lists.parquet of a comparison on the same dataset. Settings that were chosen with its figures in sight
are measured on the rest of the test split, with negatives drawn anew. With `--split leave-last` that means other users.
"""

import argparse
from pathlib import Path

import numpy as np

from surge.config import EvaluationConfig
from surge.data.dataset import Dataset
from surge.data.instances import Instances
from surge.evaluation.evaluate import listable
from surge.evaluation.lists import read_lists, write_lists
from surge.training.data import TrainingData

SEED = 1  # comparisons draw theirs with 0


def draw(data: TrainingData, users: list[str], earlier: Path, count: int) -> tuple[Instances, np.ndarray]:
    """Up to `count` test instances that are not in the file, with their lists."""
    seen, _ = read_lists(earlier, data.log, users, data.items["item"].to_list())
    test = data.splits["test"]
    rest = listable(test.take(np.flatnonzero(~np.isin(test.position, seen.position))), data.taken)
    instances = rest.sample(count, np.random.default_rng(SEED))
    return instances, data.lists(instances, EvaluationConfig(), SEED)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("dataset")
    parser.add_argument("earlier", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--lists", type=int, default=3000)
    arguments = parser.parse_args()
    dataset = Dataset.load(arguments.dataset)
    data = TrainingData.of(dataset)
    instances, lists = draw(data, dataset.users, arguments.earlier, arguments.lists)
    write_lists(arguments.output, instances, lists, data.log, dataset.users, data.items["item"].to_list())
    users = len(np.unique(instances.user))
    print(f"{len(instances)} lists of {users} users, of the {len(data.splits['test'])} positives of the test split")


if __name__ == "__main__":
    main()
