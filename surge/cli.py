"""The command line: all commands, and the one place where errors become a sentence."""

import argparse
import sys
from pathlib import Path

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

_BAD_INPUT = 2
_INTERRUPTED = 130


def main(argv: list[str] | None = None) -> int:
    """Run a command and return its exit code: 0, 2 for what the user can mend, 130 when interrupted."""
    arguments = build_parser().parse_args(argv)
    try:
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
        return _fail(f"{problem.strerror or problem}{where}; check the path, its permissions and the disk", _BAD_INPUT)


def _fail(sentence: str, code: int) -> int:
    print("error: " + " ".join(sentence.split()), file=sys.stderr)
    return code


def build_parser() -> argparse.ArgumentParser:
    """The parser with every command; each sets `run`, the function that carries it out."""
    parser = argparse.ArgumentParser(
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
