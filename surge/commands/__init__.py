"""The commands of `python -m surge`, grouped by what they work on."""

import argparse
from collections.abc import Callable
from typing import Any


def add_command(
    subparsers: Any, name: str, summary: str, example: str, run: Callable[[argparse.Namespace], None]
) -> argparse.ArgumentParser:
    parser = subparsers.add_parser(
        name,
        help=summary,
        description=summary[0].upper() + summary[1:] + ".",
        epilog="example:\n" + example,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    return parser


def add_places(parser: argparse.ArgumentParser, *, dataset_optional: bool = False) -> None:
    parser.add_argument("checkpoint", metavar="CHECKPOINT", help="checkpoint folder")
    parser.add_argument("dataset", metavar="DATASET", help="dataset folder", nargs="?" if dataset_optional else None)


def load_places(arguments: argparse.Namespace, device: Any = "cpu") -> tuple[Any, Any]:
    from surge.checkpoint import load_checkpoint
    from surge.data.dataset import Dataset

    return load_checkpoint(arguments.checkpoint, device), Dataset.load(arguments.dataset)


def progress_bar(name: str) -> Any:
    from tqdm import tqdm

    return tqdm(
        total=1.0, desc=name, disable=None, leave=False, bar_format="{desc}: {percentage:3.0f}%|{bar}| {elapsed}"
    )


def one_line(text: str) -> str:
    """Text of the data on one line of a terminal: no control character gets through."""
    return "".join(character if character.isprintable() else " " for character in text)
