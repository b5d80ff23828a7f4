"""The commands of `python -m surge`, grouped by what they work on."""

import argparse
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from surge.errors import SurgeError


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


def add_whole_history(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--whole-history",
        action="store_true",
        help="of --user: read the last interaction too (otherwise it is held out as the next item); a model that reads "
        "ages is then asked one usual step after it",
    )


def load_places(arguments: argparse.Namespace, device: Any = "cpu") -> tuple[Any, Any]:
    from surge.checkpoint import load_checkpoint
    from surge.data.dataset import Dataset

    return load_checkpoint(arguments.checkpoint, device), Dataset.load(arguments.dataset)


@contextmanager
def progress_bar(name: str) -> Iterator[Callable[[float], None]]:
    """A bar, as what sets it to a share done."""
    from tqdm import tqdm

    form = "{desc}: {percentage:3.0f}%|{bar}| {elapsed}"
    with tqdm(total=1.0, desc=name, disable=None, leave=False, bar_format=form) as bar:

        def move(share: float) -> None:
            bar.update(share - bar.n)

        yield move


def one_line(text: str) -> str:
    """Text of the data on one line of a terminal: no control character gets through."""
    return "".join(character if character.isprintable() else " " for character in text)


def work_hard(threads: int | None) -> None:
    """For a command that computes for long: CPU threads of torch, None leaves them as they are, and memory kept."""
    import torch

    from surge.native.memory import keep_freed_memory
    from surge.pictures.text import count

    keep_freed_memory()
    if threads is not None:
        if threads < 1:
            raise SurgeError(f"--threads is {threads}; give a whole number from 1.")
        cores = os.cpu_count() or 1
        if threads > cores:
            print(f"--threads is {threads}; this machine has {count(cores, 'core')}, so {cores} are used")
        torch.set_num_threads(min(threads, cores))


def print_metrics(metrics: Mapping[str, Mapping[str, Any]]) -> None:
    for part, figures in metrics.items():
        print(f"{part}:")
        print_figures(figures)


def print_figures(figures: Mapping[str, Any]) -> None:
    """Figures by their names in the vocabulary, and as the pages write them; scores in four decimals."""
    from surge.vocabulary import entry
    from surge.vocabulary.writing import metric_text

    for name, value in figures.items():
        if isinstance(value, list):  # for the picture on the model page
            continue
        known = entry(name)
        score = isinstance(value, float) and known.format == "score"
        print(f"  {known.name:<50}  {f'{value:.4f}' if score else metric_text(name, value)}")
