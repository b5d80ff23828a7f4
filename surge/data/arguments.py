"""What `prepare` may be given, and what its sentences call an option in Python."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from typing import Any

from surge.arguments import (
    Kind,
    Parameters,
    Result,
    arguments,
    called,
    flag,
    new_path,
    number,
    one_of,
    optional,
    path,
    refuse_unknown,
    several,
    shown,
    text,
    whole,
)
from surge.data.item_table import ABOUT
from surge.data.tables import ROLES
from surge.errors import SurgeError

LONGEST_NAME = 200
MOST_SKIPPED = 1_000_000  # lines above a header
LATEST = 10**12  # unix seconds, and as many before 1970: of a moment that is given, not of a log


def dataset_name(given: Any, name: str = "name") -> str:
    """One line of printable text."""
    if not isinstance(given, str) or not given.strip() or not given.isprintable() or len(given) > LONGEST_NAME:
        raise SurgeError(
            f"the {name} of a dataset can't be {shown(given)}; give one line of text, of {LONGEST_NAME} characters at "
            "most"
        )
    return str(given)


def moment(given: Any, name: str) -> str | int | date:
    """What `parse_moment` reads: a date, or a date and time, also as text; unix seconds as a whole number."""
    if isinstance(given, str | date):  # a datetime is a date, and so is a Timestamp of pandas
        return given
    if isinstance(given, bool) or not hasattr(given, "__index__"):
        raise SurgeError(f"{name} is {shown(given)}; give a date, such as '2017-11-25', or whole unix seconds")
    if abs(int(given)) > LATEST:
        raise SurgeError(f"{name} is {shown(given)}; give a date, such as '2017-11-25', or unix seconds")
    return int(given)


def columns_of(roles: Collection[str]) -> Kind:
    """Columns by role: names, or places from 1. Users, items and times are in columns of their own."""

    def columns(given: Any, name: str) -> dict[str, str]:
        if not isinstance(given, Mapping):
            raise SurgeError(f"{name} is {shown(given)}; give a dict such as {{'title': 'name of its column'}}")
        refuse_unknown(name, given, roles, "role")
        found = {}
        for role, column in given.items():
            if isinstance(column, bool) or not (isinstance(column, str) or hasattr(column, "__index__")):
                raise SurgeError(f"{name} has {shown(column)} as {role}; give a column's name, or its place from 1")
            found[role] = str(column)
        check_own_columns(found)
        return found

    return columns


def check_own_columns(columns: Mapping[str, Any]) -> None:
    """A SurgeError where two of user, item and time are the same column."""
    roles = [role for role in ("user", "item", "time") if role in columns]
    for place, role in enumerate(roles):
        for other in roles[:place]:
            if columns[role] == columns[other]:
                raise SurgeError(f"{other} and {role} are the same column, {columns[role]!r}; give each its own")


def prepare_arguments(
    formats: Collection[str], splits: Collection[str], units: Collection[str], ties: Collection[str]
) -> Callable[[Callable[Parameters, Result]], Callable[Parameters, Result]]:
    """`arguments` of `prepare`, which has these choices."""
    least, time, word = optional(whole()), optional(moment), optional(text)
    return arguments(
        format=one_of(formats, "format"),
        output=optional(new_path),
        name=optional(dataset_name),
        split=optional(one_of(splits, "split")),
        valid_start=time,
        test_start=time,
        min_user_interactions=least,
        min_item_interactions=least,
        min_rating=optional(number),
        start=time,
        end=time,
        behaviours=optional(several(text)),
        columns=optional(columns_of(ROLES)),
        header=flag,
        quotes=flag,
        skip_lines=whole(most=MOST_SKIPPED),
        delimiter=word,
        encoding=text,
        null_words=flag,
        time_unit=one_of(units, "unit"),
        time_format=word,
        file_order=flag,
        ties=one_of(ties, "way to settle ties"),
        items_file=optional(path),
        items_columns=optional(columns_of(("item", *ABOUT))),
        items_delimiter=word,
        items_encoding=text,
        force=flag,
        dry_run=flag,
        progress=optional(called),
    )


# -- sentences --------------------------------------------------------------------------------------------

SAID = {  # what isn't called like its option
    "--no-header": "header=False",
    "--no-quotes": "quotes=False",
    "--keep-null-words": "null_words=False",
    "--file-order": "file_order=True",
    "--force": "force=True",
    "--behaviour": "behaviours",
    "--items": "items_file",
    "--items-id-column": "items_columns={'item': ...}",
}


def in_python(sentence: str, said: Mapping[str, str] | None = None) -> str:
    """A sentence that speaks of options of the command line, with arguments in their place: those of `prepare`, and of
    another function the ones that `said` names."""
    own = {**SAID, **(said or {})}

    def word(found: re.Match[str]) -> str:
        option = found[0]
        if option in own:
            return own[option]
        role = re.fullmatch(r"--(items-)?(\w+)-column", option)
        if role:
            return f"{'items_' if role[1] else ''}columns={{{role[2]!r}: ...}}"
        return option.removeprefix("--").replace("-", "_")

    return re.sub(r"(?<![\w-])--[a-z]+(?:-[a-z]+)*", word, sentence)


@contextmanager
def python_words(said: Mapping[str, str] | None = None) -> Iterator[None]:
    """What is wrong, told as somebody says it who calls from Python; see `in_python`."""
    try:
        yield
    except SurgeError as problem:
        raise SurgeError(in_python(str(problem), said)) from problem
