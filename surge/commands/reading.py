"""How a log is read: the options that `prepare` and `recommend --histories` share, and what is told of it."""

import argparse
from collections.abc import Sequence
from typing import Any

from surge.commands import one_line
from surge.errors import SurgeError

_USUAL = ("user", "item", "time", "rating")  # roles whose columns are found by their usual names
_ROWS = {"min_rating": "--min-rating", "behaviour": "--behaviour"}


def add_row_choice(rows: Any) -> None:
    """Options of which rows are used, to a group."""
    rows.add_argument("--min-rating", type=float, metavar="R", help="leave out rows with a lower rating or label")
    rows.add_argument("--behaviour", action="append", metavar="NAME", help="keep this behaviour; may be repeated")


def add_reading(parser: argparse.ArgumentParser, roles: Sequence[str]) -> None:
    """Options of where the columns of these roles are, how text is read, and times."""
    reading = parser.add_argument_group("columns: names, or places from 1; usual names are found without")
    for role in roles:
        if role == "order":
            what = "column that settles which of two at one time came first"
        elif role == "split":
            what = "column with train, valid or test"
        else:
            what = f"column of the {role}" + (" (by its usual name)" if role in _USUAL else "")
        reading.add_argument(f"--{role}-column", metavar="NAME", help=what)
    reading.add_argument("--no-header", action="store_true", help="the first line is a row; columns go by their places")

    text = parser.add_argument_group("how files are read")
    text.add_argument(
        "--delimiter", metavar="TEXT", help="found in the first line unless given; tab, blank, or blanks for runs"
    )
    text.add_argument(
        "--skip-lines", type=int, default=0, metavar="N", help="lines above the header, or above the first row (0)"
    )
    text.add_argument("--no-quotes", action="store_true", help="a quote is text as all else")
    text.add_argument("--encoding", default="utf-8", help="utf-8, latin-1, cp1252, utf-16, ...")
    text.add_argument("--keep-null-words", action="store_true", help="NA, NULL, nan and the like are ids")

    time = parser.add_argument_group("times")
    time.add_argument(
        "--time-unit",
        choices=("auto", "seconds", "milliseconds", "microseconds", "nanoseconds", "day", "iso"),
        default="auto",
        help="of the time column; a day is 20240531, ISO dates without a zone are UTC (auto)",
    )
    time.add_argument("--time-format", metavar="FORMAT", help="of strftime, such as '%%d.%%m.%%Y %%H:%%M'")
    time.add_argument("--file-order", action="store_true", help="there are no times: rows are in the order of time")
    time.add_argument(
        "--ties",
        choices=("auto", "file", "hash"),
        default="auto",
        help="rows at one time: as in the file, or by a checksum where the file has them by item id (auto)",
    )
    own = [action for group in (reading, text, time) for action in group._group_actions]
    parser.set_defaults(reading={action.dest: (action.option_strings[0], action.default) for action in own})


def reading_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """What was given, by the names of `prepare`'s parameters."""
    columns = {
        name.removesuffix("_column"): getattr(arguments, name)
        for name in arguments.reading
        if name.endswith("_column") and getattr(arguments, name) is not None
    }
    return {
        "columns": columns,
        "header": not arguments.no_header,
        "quotes": not arguments.no_quotes,
        "skip_lines": arguments.skip_lines,
        "delimiter": delimiter(arguments.delimiter),
        "encoding": arguments.encoding,
        "null_words": not arguments.keep_null_words,
        "time_unit": arguments.time_unit,
        "time_format": arguments.time_format,
        "file_order": arguments.file_order,
        "ties": arguments.ties,
        "behaviours": arguments.behaviour,
        "min_rating": arguments.min_rating,
    }


def refuse_reading(arguments: argparse.Namespace, where: str) -> None:
    """A SurgeError where such an option was given and there is nothing to read by it; `where` it belongs."""
    usual = arguments.reading | {name: (option, None) for name, option in _ROWS.items()}
    for name, (option, default) in usual.items():
        if getattr(arguments, name) != default:
            raise SurgeError(f"{option} says how a log is read: give it with {where}, or leave it out.")


def delimiter(text: str | None) -> str | None:
    """Words for what is hard to type."""
    return "\t" if text in ("tab", "\\t") else " " if text in ("space", "blank") else text


def rows_told(preparation: dict[str, Any]) -> list[tuple[str, str]]:
    """How many rows were read, and how many were dropped for what reason."""
    if "rows_read" not in preparation:
        return []
    dropped = [(f"  dropped: {reason}", f"{count:,}") for reason, count in preparation["dropped"].items()]
    return [("rows read", f"{preparation['rows_read']:,}"), *dropped]


def notes_told(preparation: dict[str, Any]) -> list[tuple[str, str]]:
    return [("note", note) for note in preparation.get("notes", [])]


def print_told(lines: Sequence[tuple[str, str]]) -> None:
    """Labels and what they say, in two columns."""
    width = max((len(label) for label, _ in lines), default=0)
    for label, value in lines:
        print(f"  {label:<{width}}  {one_line(value)}")
