"""Readers of raw logs: each format becomes the same lazy table of ids, times and what else the log knows.

A format is an entry of FORMATS. `read_tables` reads whatever has columns: most formats are that, with the names that
their publisher gave.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl

from surge.data.amazon import read_amazon
from surge.data.columns import can_be
from surge.data.files import check_file, listed_files, one_input
from surge.data.items_file import read_items
from surge.data.kuairand import read_kuairand
from surge.data.layout import SPLITS
from surge.data.lists import in_rows
from surge.data.mind import TIME_FORMAT, read_mind
from surge.data.movielens import read_movielens
from surge.data.partitions import with_partitions
from surge.data.remarks import maybe_sequences
from surge.data.sequences import read_sequences
from surge.data.tables import (
    RawLog,
    ReadOptions,
    Source,
    item_columns,
    listed,
    open_source,
    standard_columns,
)
from surge.errors import SurgeError

Read = Callable[[Sequence[Path], ReadOptions], RawLog]


@dataclass(frozen=True)
class Format:
    """A reader and what its logs need unless told otherwise; the window is in the publisher's own time zone.
    `reading`: how its files are read, by the names of `ReadOptions`."""

    read: Read
    min_user_interactions: int = 1
    min_item_interactions: int = 1
    window: tuple[str | None, str | None] = (None, None)
    utc_offset_hours: int = 0
    behaviours: tuple[str, ...] = ()
    time_unit: str = "auto"
    has_named_columns: bool = False  # the caller may say what the columns and the delimiter are
    takes_items_file: bool = False
    reading: Mapping[str, Any] = field(default_factory=dict)

    def options(self, given: ReadOptions) -> ReadOptions:
        """The options that were given, and the format's own in place of those that were left as they are."""
        usual = ReadOptions(given.work)
        changes: dict[str, Any] = {}
        for name, own in self.reading.items():
            value = getattr(given, name)
            if name == "file_order" and "time" in given.columns:
                continue  # whoever names a column of times has them
            if isinstance(own, Mapping):
                changes[name] = {**own, **value}
            elif value == getattr(usual, name):
                changes[name] = own
        return replace(given, **changes)


def read_taobao(inputs: Sequence[Path], options: ReadOptions) -> RawLog:
    """Taobao's UserBehavior.csv without a header, or a zip of it: user, item, category, behaviour, time."""
    names = ["user", "item", "category", "behaviour", "time"]
    log = open_source(
        one_input(inputs, "UserBehavior.csv or a zip of it"), options, delimiter=",", header=False, names=names
    )
    return RawLog(standard_columns(log, {name: name for name in names}, options), None, log.notes)


def read_tables(inputs: Sequence[Path], options: ReadOptions) -> RawLog:
    """Files with columns, or folders of them: CSV, JSON lines or Parquet, and perhaps a file about the items."""
    if not inputs:
        raise SurgeError("no input is given; give one or more files")
    files, notes = listed_files(inputs, options.work)
    if options.items_file is not None:
        about = options.items_file
        files = [path for path in files if not (about.exists() and path.samefile(about))]
        if not files:
            raise SurgeError(f"{about.name} is given as the log and as the file about items; give --items another file")
    rows = []
    for place, path in enumerate(files):
        source = with_partitions(open_source(path, options), path)
        source, own = in_rows(source, options, place)
        columns, told = _columns(source, own)
        rows.append(standard_columns(source, columns, options))
        notes += [*source.notes, *told, *_unused(source, columns, options)]
    items = None
    if options.items_file is not None:
        items, told = read_items(options.items_file, columns, options)
        notes += told
    return RawLog(pl.concat(rows, how="diagonal"), items, list(dict.fromkeys(notes)))


def _columns(source: Source, options: ReadOptions) -> tuple[dict[str, str], list[str]]:
    """Which column stands for what: as it was said, else by its usual name, and a line about the latter."""
    chosen = dict(options.columns)
    guessed = {}
    for role, default in (("user", "user"), ("item", "item"), ("time", "timestamp")):
        if role in chosen or (role == "time" and options.file_order):
            continue
        found = default if default in source.names and default not in source.repeated else source.usual(role)
        if found is None and not options.header:
            raise SurgeError(
                f"{source.name} is read without a header; give the places of its columns, such as --user-column 1 "
                "--item-column 2 --time-column 3; a log without times takes --file-order in place of the last"
            )
        if found is None and role == "time":
            raise SurgeError(
                f"{source.name} has no column of times by a usual name; {source.columns('--time-column')}; give "
                "--file-order where the rows stand in the order in which they happened"
            )
        chosen[role] = found or default
        if found not in (None, default):
            guessed[role] = found
    notes = []
    schema = source.rows.collect_schema()
    for role in ("rating", "title", "category"):
        usual = source.usual(role)
        if role in chosen or usual is None or usual in chosen.values():
            continue
        if role == "title" and usual.lower() == "name":  # of a log, that may be a person's
            continue
        if not can_be(role, schema[usual]):
            notes.append(f"column {usual!r} of {source.name} holds {schema[usual]}, which is no {role}: not used")
            continue
        chosen[role] = guessed[role] = usual
    taken = ", ".join(f"{role} from {name!r}" for role, name in guessed.items() if role != name)
    return chosen, [*([f"columns taken by their usual names: {taken}"] if taken else []), *notes]


def _unused(source: Source, columns: Mapping[str, str], options: ReadOptions) -> list[str]:
    """What to tell of columns that nobody named in a file without a header."""
    if options.header or not all(name.isdigit() for name in source.names):
        return []
    names = [name for name in source.names if name not in columns.values()]
    if not names:
        return []
    told = f"{source.name} are" if len(names) > 1 else f"{source.name} is"
    told = f"column{'s' if len(names) > 1 else ''} {listed(names)} of {told} not used"
    return [told, *([maybe_sequences(source.name)] if options.file_order and len(names) > 1 else [])]


def read_recbole(inputs: Sequence[Path], options: ReadOptions) -> RawLog:
    """RecBole's atomic files: NAME.inter and perhaps NAME.item, or the folder that holds them; NAME.train.inter and so
    on are the user's own split."""
    logs, items = _recbole_files(inputs)
    columns = {"user": "user_id", "item": "item_id", **({} if options.file_order else {"time": "timestamp"})}
    rows, notes = [], list[str]()
    for path in logs:
        source = _recbole_table(path, options)
        own = {**columns, **options.columns}
        rating = source.usual("rating")
        if rating is not None:
            own.setdefault("rating", rating)
        table = standard_columns(source, own, options)
        part = path.name.split(".")[-2]
        if len(logs) > 1 and part in SPLITS:
            table = table.with_columns(split=pl.lit(part))
        rows.append(table)
        notes += source.notes
    if items is None:
        return RawLog(pl.concat(rows, how="diagonal"), None, [*notes, "there is no .item file, so titles are ids"])
    about = _recbole_table(items, options)
    chosen = {"item": columns["item"]}
    for role in ("title", "category"):
        name = options.columns.get(role) or about.usual(role)
        if name is not None:
            chosen[role] = name
    return RawLog(pl.concat(rows, how="diagonal"), item_columns(about, chosen, options), [*notes, *about.notes])


def _recbole_files(inputs: Sequence[Path]) -> tuple[list[Path], Path | None]:
    paths: list[Path] = []
    for path in inputs:
        paths += _recbole_folder(path) if path.is_dir() else [path]
    logs = [path for path in paths if path.suffix == ".inter"]
    items = [path for path in paths if path.suffix == ".item"]
    other = [path for path in paths if path not in logs and path not in items]
    if other:
        raise SurgeError(f"{other[0].name} is neither .inter nor .item; give RecBole's atomic files or their folder")
    if not logs:
        raise SurgeError("there is no .inter file in the input; give RecBole's atomic files or their folder")
    if len(items) > 1:
        raise SurgeError(f"{len(items)} .item files are given; give one")
    return logs, items[0] if items else None


def _recbole_folder(folder: Path) -> list[Path]:
    """The atomic files of a folder, or where it has none itself, of the one folder below it that has."""
    found = sorted(path for path in folder.rglob("*.*") if path.suffix in (".inter", ".item") and path.is_file())
    own = [path for path in found if path.parent == folder]
    below = dict.fromkeys(path.parent for path in found)
    if not own and len(below) > 1:
        names = ", ".join(str(each.relative_to(folder)) for each in below)
        raise SurgeError(f"{folder} has atomic files of RecBole in {len(below)} folders ({names}); give one of them")
    return own or found


def _recbole_table(path: Path, options: ReadOptions) -> Source:
    check_file(path)
    table = open_source(path, options, delimiter=options.delimiter or "\t", quotes=False)
    bare = {name: name.rsplit(":", 1)[0] for name in table.names}
    return replace(table, rows=table.rows.rename(bare), names=list(bare.values()))


def _table(columns: Mapping[str, str], behaviours: tuple[str, ...] = (), **reading: Any) -> Format:
    """A published log that `read_tables` reads, once it is said what its columns are."""
    return Format(
        read_tables,
        behaviours=behaviours,
        has_named_columns=True,
        takes_items_file=True,
        reading={"columns": columns, **reading},
    )


FORMATS: dict[str, Format] = {
    "movielens": Format(read_movielens, 5, 5, time_unit="seconds"),
    "taobao": Format(
        read_taobao,
        10,
        10,
        window=("2017-11-25", "2017-12-03"),
        utc_offset_hours=8,
        behaviours=("pv",),
        time_unit="seconds",
    ),
    "kuairand": Format(
        read_kuairand,
        10,
        10,
        utc_offset_hours=8,
        behaviours=("click",),
        time_unit="milliseconds",
    ),
    "amazon": Format(read_amazon, 5, 5),
    "mind": Format(read_mind, time_unit="iso", reading={"time_format": TIME_FORMAT}),
    "csv": Format(read_tables, has_named_columns=True, takes_items_file=True),
    "recbole": Format(read_recbole, has_named_columns=True),
    "sequences": Format(read_sequences, takes_items_file=True, reading={"file_order": True}),
    "retailrocket": _table({"behaviour": "event"}, behaviours=("view",)),
    "yoochoose": _table({"user": "1", "time": "2", "item": "3"}, header=False),
    "diginetica": _table({"user": "sessionId", "time": "eventdate", "order": "timeframe"}),
    "lastfm-1k": _table({"user": "1", "time": "2", "item": "3", "title": "4"}, header=False, quotes=False),
    "gowalla": _table({"user": "1", "time": "2", "item": "5"}, header=False),
    "yelp": _table({"user": "user_id", "item": "business_id", "time": "date"}),
    "goodreads": _table({"time": "date_added"}, time_format="%a %b %d %H:%M:%S %z %Y"),
    "hm": _table(
        {"user": "customer_id", "item": "article_id", "time": "t_dat"},
        items_columns={"title": "prod_name", "category": "product_type_name"},
    ),
    "otto": _table({"user": "session", "item": "aid", "time": "ts", "behaviour": "type"}, behaviours=("clicks",)),
    "steam": _table({"user": "username", "item": "product_id", "time": "date"}),
    "bookcrossing": _table(
        {"user": "User-ID", "item": "ISBN", "rating": "Book-Rating"},
        file_order=True,
        encoding="latin-1",
        items_columns={"title": "Book-Title"},
        items_encoding="latin-1",
    ),
}
