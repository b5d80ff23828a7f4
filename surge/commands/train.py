"""The command that trains a model."""

import argparse
from typing import Any

from surge.commands import add_command, print_metrics, work_hard
from surge.commands.settings import FILE, read_settings
from surge.errors import SurgeError


def add_train(subparsers: Any) -> None:
    parser = add_command(
        subparsers,
        "train",
        "train a SURGE model on a dataset folder and write a checkpoint",
        "  python -m surge train sample_data --output checkpoints/mine --epochs 5 --set clusters=[30,10]\n"
        "  python -m surge train sample_data --output checkpoints/printed --preset as-printed\n"
        "  python -m surge train sample_data --output checkpoints/mine --resume\n"
        "  python -m surge train october --from checkpoints/mine --output checkpoints/october --epochs 3",
        _train,
    )
    parser.add_argument("dataset", metavar="DATASET", help="dataset folder, as simulate and prepare write it")
    parser.add_argument("--output", required=True, metavar="CHECKPOINT", help="checkpoint folder to write")
    parser.add_argument(
        "--from",
        dest="start",
        metavar="CHECKPOINT",
        help="go on with this checkpoint's weights and settings: known items keep what was learned, new ones are added "
        "(--epochs 0: only that)",
    )
    parser.add_argument(
        "--item-vectors",
        metavar="FILE",
        help="with --from: what new items start with (Parquet, CSV or JSON lines: item, and a vector as a list or a "
        "column a number); without it, the mean of their category",
    )
    parser.add_argument(
        "--vector-columns",
        action="append",
        metavar="NAME",
        help="columns of --item-vectors that make the vector, a name or a pattern such as 'e*'; may be repeated (the "
        "column of lists, or all of numbers)",
    )
    parser.add_argument(
        "--preset",
        metavar="NAME",
        help="settings by name, which --config and --set may change; as-printed: the paper's text to the letter",
    )
    parser.add_argument("--config", metavar="FILE", help=f"JSON file {FILE}")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="one setting of surge/config, of the model, training or evaluation, as JSON; may be repeated",
    )
    parser.add_argument("--epochs", type=int, metavar="N", help="most epochs (20)")
    parser.add_argument("--seed", type=int, metavar="S", help="equal seeds give equal weights on one machine (0)")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), help="auto takes CUDA where it is (auto)")
    parser.add_argument("--precision", choices=("float32", "bfloat16"), help="arithmetic (float32)")
    parser.add_argument("--threads", type=int, metavar="N", help="CPU threads (all); 1 is faster on a busy machine")
    parser.add_argument("--resume", action="store_true", help="go on with an interrupted training")


def _train(arguments: argparse.Namespace) -> None:
    from surge.config import EvaluationConfig, TrainingConfig, from_dict, to_dict
    from surge.data.dataset import Dataset
    from surge.training.trainer import train

    if arguments.item_vectors is not None and arguments.start is None:
        raise SurgeError("--item-vectors says what new items start with; give it with --from CHECKPOINT.")
    if arguments.vector_columns is not None and arguments.item_vectors is None:
        raise SurgeError("--vector-columns says what to read of a file of vectors; name it with --item-vectors.")
    settings = read_settings(arguments)
    work_hard(arguments.threads)
    start = _read_start(arguments)
    own = {"training": to_dict(start.training), "evaluation": to_dict(start.evaluation)} if start else {}
    settings = {part: own.get(part, {}) | given for part, given in settings.items()}
    checkpoint = train(
        Dataset.load(arguments.dataset),
        arguments.output,
        model=settings["model"],
        training=from_dict(TrainingConfig, settings["training"]),
        evaluation=from_dict(EvaluationConfig, settings["evaluation"]),
        start=start,
        resume=arguments.resume,
    )
    print_metrics(checkpoint.metrics)
    print(f"checkpoint written to {arguments.output}")
    print(f"the test split is not measured yet: python -m surge evaluate {arguments.output} {arguments.dataset}")


def _read_start(arguments: argparse.Namespace) -> Any:
    from surge.checkpoint import load_checkpoint
    from surge.data.item_vectors import read_item_vectors
    from surge.training.start import Start

    if arguments.start is None:
        return None
    vectors = None
    if arguments.item_vectors is not None:
        vectors = read_item_vectors(arguments.item_vectors, arguments.vector_columns)
    return Start(load_checkpoint(arguments.start), vectors)
