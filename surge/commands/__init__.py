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
