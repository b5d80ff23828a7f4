"""The command that compares models: SURGE, its variants and the baselines."""

import argparse
from pathlib import Path
from typing import Any

from surge.commands import add_command, work_hard
from surge.commands.settings import assignments

_EXAMPLE = """\
  python -m surge compare sample_data --models surge din sasrec --output runs/sample.md --seeds 1 --epochs 3
  python -m surge compare sample_data --models surge surge:fusion=none surge:clusters=[40]:balance_weight=0 \\
      --output runs/ablations.md

models: surge, ncf, din, lightgcn, caser, gru4rec, dien, slirec, sasrec, gsasrec, esasrec, hstu, popularity; each may be
followed by settings of surge/config, as in the example; surge:preset=as-printed is the paper to the letter.
popularity scores an item by the logarithm of how often it is a training positive and learns nothing: what is no better
knows nothing about a user. The others are tested against the first, over seeds and users together; with --seeds 1 there
is no such test.
The folder beside the output keeps finished runs: the same command goes on after an interruption. Runs of other code
are done again."""


def add_compare(subparsers: Any) -> None:
    parser = add_command(
        subparsers,
        "compare",
        "train models on a dataset under one protocol and write a table",
        _EXAMPLE,
        _compare,
    )
    parser.add_argument("dataset", metavar="DATASET", help="dataset folder")
    parser.add_argument("--models", nargs="+", required=True, metavar="MODEL", help="see below")
    parser.add_argument("--output", required=True, metavar="FILE.md", help="the table; the figures go to FILE.json")
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="runs of each model (3)")
    parser.add_argument("--metric", default="gauc", metavar="NAME", help="orders the rows (gauc)")
    parser.add_argument(
        "--negatives", type=int, default=99, metavar="K", help="in a test list: 99, or 1 for video (99)"
    )
    parser.add_argument(
        "--lists", metavar="FILE", help="candidate lists (Parquet: user, step, candidates; the positive first)"
    )
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of all models that have it"
    )
    parser.add_argument("--epochs", type=int, metavar="N", help="most epochs (20)")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), help="auto takes CUDA where it is (auto)")
    parser.add_argument("--threads", type=int, metavar="N", help="CPU threads (all); 1 is faster on a busy machine")


def _compare(arguments: argparse.Namespace) -> None:
    from surge.comparison.compare import compare
    from surge.comparison.contestants import contestants
    from surge.data.dataset import Dataset

    shared: dict[str, Any] = {"evaluation_negatives": arguments.negatives, **dict(assignments(arguments.set))}
    for name in ("epochs", "device"):
        if getattr(arguments, name) is not None:
            shared[name] = getattr(arguments, name)
    models = contestants(arguments.models, shared)
    work_hard(arguments.threads)
    compare(
        Dataset.load(arguments.dataset),
        models,
        Path(arguments.output),
        seeds=arguments.seeds,
        metric=arguments.metric,
        lists=Path(arguments.lists) if arguments.lists else None,
    )
    print(f"table written to {arguments.output}")
