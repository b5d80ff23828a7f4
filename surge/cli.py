"""The command line: all commands, and the one place where errors become a sentence."""

import argparse
import re
import shutil
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any, NoReturn

import surge
from surge.commands.compare import add_compare
from surge.commands.data import add_prepare, add_simulate
from surge.commands.explore import add_demo, add_explore
from surge.commands.export import add_export
from surge.commands.model import add_evaluate, add_explain
from surge.commands.recommend import add_recommend
from surge.commands.survey import add_survey
from surge.commands.train import add_train
from surge.errors import SurgeError, is_out_of_memory

# polars, NumPy and torch are imported inside the commands that need them, so that --help answers at once.

_PATHS = {  # what a path is called that a command was given
    "checkpoint": "CHECKPOINT",
    "dataset": "DATASET",
    "inputs": "INPUT",
    "folder": "FOLDER",
    "folders": "FOLDER",
    "output": "the output",
    "histories": "--histories",
    "lists": "--lists",
    "config": "--config",
    "items": "--items",
    "item_vectors": "--item-vectors",
}
_BAD_INPUT = 2
_INTERRUPTED = 130


def main(argv: list[str] | None = None) -> int:
    """Run a command and return its exit code: 0, 2 for what the user can mend, 130 when interrupted."""
    arguments = build_parser().parse_args(argv)
    try:
        _refuse_empty(arguments)
        arguments.run(arguments)
        return 0
    except SurgeError as problem:
        return _fail(str(problem), _BAD_INPUT)
    except (MemoryError, RuntimeError) as problem:
        if not is_out_of_memory(problem):
            raise
        return _fail(
            "there is not enough free memory; close other programs, or train with a smaller batch_size", _BAD_INPUT
        )
    except KeyboardInterrupt:
        return _fail("interrupted; no output was written", _INTERRUPTED)
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output has gone; there is nobody to tell
        return _BAD_INPUT
    except OSError as problem:
        where = f": {problem.filename}" if problem.filename else ""
        reason = problem.strerror or problem
        if isinstance(problem, shutil.Error):  # of a folder that was copied: a list of (from, to, why)
            reason = problem.args[0][0][2].rpartition("] ")[2]
        return _fail(f"{reason}{where}; check the path, its permissions and the disk", _BAD_INPUT)


def _fail(sentence: str, code: int) -> int:
    print("error: " + " ".join(sentence.split()), file=sys.stderr)
    return code


def _refuse_empty(arguments: argparse.Namespace) -> None:
    """An empty path, such as that of a shell's variable that isn't set, would mean the folder one is in."""
    paths = _PATHS | ({"start": "--from"} if arguments.command == "train" else {})
    for name, called in paths.items():
        value = getattr(arguments, name, None)
        if value == "" or (isinstance(value, list) and "" in value):
            raise SurgeError(f"{called} is an empty text, which is no path; give one.")


class _Parser(argparse.ArgumentParser):
    """Says how a value or a file is given that begins with a dash, which is read as an option."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        self._given = list(sys.argv[1:] if args is None else args)
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        option = re.search(r"argument (--[\w-]+)\b.*: expected .*argument", message)
        following = [after for word, after in pairwise(self._given) if option and word == option[1]]
        if option and following and following[0].startswith("-") and following[0] not in self._option_string_actions:
            message += f"; a value that begins with a dash is given as {option[1]}={following[0]}"
        for word in self._given:
            if word.startswith("-") and Path(word).exists():
                message += f"; a file whose name begins with a dash is given as ./{word}"
                break
        super().error(message)


def build_parser() -> argparse.ArgumentParser:
    """The parser with every command; each sets `run`, the function that carries it out."""
    parser = _Parser(
        prog="surge" if Path(sys.argv[0]).stem == "surge" else "python -m surge",
        description="See why a SURGE sequential recommender predicts this item for this user.",
    )
    parser.add_argument("--version", action="version", version=f"surge {surge.__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for add in (
        add_explore,
        add_demo,
        add_simulate,
        add_prepare,
        add_train,
        add_evaluate,
        add_recommend,
        add_explain,
        add_survey,
        add_compare,
        add_export,
    ):
        add(subparsers)
    return parser
