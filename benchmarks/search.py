"""How many of the best items a search in two stages finds, and how long it takes beside a ranking of all.

    python -m benchmarks.search CHECKPOINT DATASET [--users N] [--best N] [--step N] [--threads N] [--rough]

Times are medians over the users, who are spread over the dataset; each is ranked both ways in turn.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

import torch

from surge.checkpoint import load_checkpoint
from surge.data.dataset import Dataset
from surge.errors import SurgeError
from surge.explanation import search
from surge.explanation.history import read_history
from surge.explanation.ranking import rank_catalogue


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--users", type=int, default=100, metavar="N", help="how many are asked for (100)")
    parser.add_argument("--best", type=int, default=20, metavar="N", help="items to find for each (20)")
    parser.add_argument("--step", type=int, default=search.STEP, metavar="N", help="items that are read at once (1000)")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="of torch and of the kernel (1)")
    parser.add_argument("--rough", action="store_true", help="as on a GPU: all in bfloat16, the best again in float32")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    search.SAMPLE = search.STEP = arguments.step
    checkpoint, dataset = load_checkpoint(arguments.checkpoint), Dataset.load(arguments.dataset)
    size = checkpoint.model_config.item_count
    shares, read, searched, ranked = [], [], [], []
    users = dataset.users
    for user in users[:: max(1, len(users) // arguments.users)][: arguments.users]:
        try:
            history = read_history(checkpoint, dataset, user)
        except SurgeError:  # too short, or of items that the checkpoint doesn't know
            continue
        started = time.perf_counter()
        ranking = rank_catalogue(checkpoint, history)
        middle = time.perf_counter()
        found = search.find_best(checkpoint, history, arguments.best, arguments.rough)
        searched.append(time.perf_counter() - middle)
        ranked.append(middle - started)
        wanted = ranking.order[: arguments.best]
        shares.append(len(set(wanted.tolist()) & set(found.rows.tolist())) / len(wanted))
        read.append(found.read)
    print(
        f"{checkpoint.name}: {size:,} items, {len(shares)} users, {arguments.threads} thread\n"
        f"recall@{arguments.best} {statistics.mean(shares):.4f}, the worst {min(shares):.2f}; "
        f"read {statistics.mean(read):,.0f} items on average, {max(read):,} at most\n"
        f"search {statistics.median(searched) * 1000:.0f} ms, ranking of all {statistics.median(ranked) * 1000:.0f} ms"
    )


if __name__ == "__main__":
    main()
