"""Raw tables as lazy frames: text, JSON lines or Parquet, their columns found, named and typed in one way."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from pathlib import Path

import polars as pl

from surge.data.columns import id_text, order_columns, plain_text, rating_columns
from surge.data.files import as_utf8, check_file, fresh, is_parquet, unpacked, with_line_ends
from surge.data.json_lines import json_style, scan_json
from surge.data.parquet import UnreadableError, read_names, read_renamed
from surge.data.remarks import remarks
from surge.data.text import LINE, LISTED, MALFORMED, distinct, scan_delimited
from surge.data.times import time_columns
from surge.errors import SurgeError

# What a column of a log can stand for. `order` settles which of two interactions at one time came first; `split` says
# what a row is for.
ROLES = ("user", "item", "time", "rating", "behaviour", "title", "category", "order", "split")

# The usual names of columns, compared without case, blanks and punctuation; the first that a log has is taken.
USUAL_NAMES = {
    "user": (
        "user userid uid visitorid customer customerid reviewerid member memberid account accountid session sessionid "
        "userno username clientid playerid"
    ).split(),
    "item": (
        "item itemid iid movieid productid parentasin asin sku articleid videoid businessid newsid isbn bookid songid "
        "trackid gameid venueid locationid placeid poiid aid adid product movie article video song track book"
    ).split(),
    "time": (
        "timestamp time ts t unixreviewtime datetime date timems timestampms eventtime createdat created clickedat "
        "reviewtime ratingtime utctime unixtime day tdat"
    ).split(),
    "rating": "rating stars score overall bookrating label".split(),
    "title": "title name movietitle itemname productname productdisplayname".split(),
    "category": "category categories genre genres class maincategory categoryid categorycode tags".split(),
}
NULL_WORDS = ("NA", "N/A", "n/a", "<NA>", "NULL", "Null", "null", "NaN", "nan", "NAN", "None", "none", "\\N", "#N/A")


@dataclass(frozen=True)
class ReadOptions:
    """How to read. `columns` and `items_columns` map roles to column names or places; `work` is a folder for copies."""

    work: Path
    columns: Mapping[str, str] = field(default_factory=dict)
    header: bool = True
    quotes: bool = True
    skip_lines: int = 0  # above the header, or above the first row
    delimiter: str | None = None
    encoding: str = "utf-8"
    time_format: str | None = None
    file_order: bool = False  # the log has no times: its rows are in the order in which they happened
    null_words: tuple[str, ...] = NULL_WORDS
    items_file: Path | None = None
    items_columns: Mapping[str, str] = field(default_factory=dict)
    items_delimiter: str | None = None
    items_encoding: str = "utf-8"
    behaviours: tuple[str, ...] = ()  # the ones that will be kept, for logs whose rows carry several


@dataclass(frozen=True)
class RawLog:
    """`rows` as `standard_columns` makes them, in input order; `items` has item, title, category or is absent."""

    rows: pl.LazyFrame
    items: pl.LazyFrame | None
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Source:
    """One file as a table: `rows` with LINE and MALFORMED, the other columns in `names`. Of these, `nested` are
    those of objects and, of JSON, of lists, and `lists` those of lists of single values."""

    name: str
    rows: pl.LazyFrame
    names: list[str]
    repeated: frozenset[str] = frozenset()
    notes: list[str] = field(default_factory=list)
    is_json: bool = False
    nested: frozenset[str] = frozenset()
    lists: frozenset[str] = frozenset()

    def list_column(self, name: str) -> str:
        """The column that has the lists of one of `lists`."""
        return LISTED + name if self.is_json else name

    def with_fields(self, wanted: Iterable[str]) -> Source:
        """With a column for each field of an object that is wanted, such as user.id."""
        fields = [name for name in wanted if name not in self.names and name.partition(".")[0] in self.nested]
        if not fields:
            return self
        values = {}
        for name in fields:
            column, _, path = name.partition(".")
            if self.is_json:
                values[name] = pl.col(column).str.json_path_match(f"$.{path}")
            elif _has_field(self.rows.collect_schema()[column], path):
                values[name] = reduce(lambda value, key: value.struct.field(key), path.split("."), pl.col(column))
        return replace(self, rows=self.rows.with_columns(**values), names=[*self.names, *values])

    def check_flat(self, named: Mapping[str, str]) -> None:
        """A SurgeError where a column that must hold single values, by role, holds objects or lists."""
        for role, column in named.items():
            if column in self.nested | self.lists and role not in ("title", "category"):
                what, way = "objects or lists", f"name a field of it, such as --{role}-column {column}.id"
                if column in self.lists:
                    what, way = "lists", "name another column"
                raise SurgeError(
                    f"column {column!r} of {self.name} holds {what}, and each row needs one {role}; {way}, or "
                    "give every event a row"
                )

    def column(self, wanted: str, option: str) -> str:
        """The column of that name, or at that place from 1; a SurgeError where there is none or more than one."""
        if wanted in self.repeated:
            places = [str(place) for place, name in enumerate(self.names, start=1) if _plain(name) == wanted]
            raise SurgeError(
                f"{self.name} has more than one column {wanted!r}; name the one that is meant by its place, "
                f"{option} {' or '.join(places)}"
            )
        if wanted in self.names:
            return wanted
        if wanted.isdigit() and 1 <= int(wanted) <= len(self.names):
            return self.names[int(wanted) - 1]
        raise SurgeError(f"{self.name} has no column {wanted!r}; {self.columns(option)}")

    def columns(self, option: str) -> str:
        """What columns there are, and how to name the right one: the end of a sentence about one that is missing."""
        told = f"it has {listed(self.names)}; name the right one with {option}"
        if any(re.fullmatch(r"-?[\d.:TZ /-]+", name) for name in self.names) and self.names != self._places():
            told += "; or, if the first line is a row, give --no-header and the places of the columns"
        objects = sorted(self.nested - self.lists)
        if objects:
            told += f"; a field of {listed(objects)} is named by a dot, such as {objects[0]}.id"
        if self.is_json:
            return told
        if len(self.names) == 1:
            told += "; if these are several, say with --delimiter what stands between them"
        if len(self.names) <= 2:
            told += "; if the header stands further down, say with --skip-lines how many lines are above it"
        return told

    def _places(self) -> list[str]:
        return [str(place) for place in range(1, len(self.names) + 1)]

    def usual(self, role: str) -> str | None:
        """The column that has one of a role's USUAL_NAMES, the first of them; None where there is none."""
        by_key = {_key(name): name for name in reversed(self.names)}
        return next((by_key[key] for key in USUAL_NAMES[role] if key in by_key), None)


def _key(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _plain(name: str) -> str:
    return re.sub(r" \(\d+\)$", "", name)


def open_source(path: Path, options: ReadOptions, *, parquet: bool = True, **text: object) -> Source:
    """A file of any kind that is read; `text` says what `scan_delimited` can't see in a delimited one. Without
    `parquet`, and where `text` is given, a Parquet file is a SurgeError."""
    name, path = path.name, path.absolute()  # polars takes a leading ~ for the home folder
    if not name.isprintable() or not _is_unicode(str(path)):  # polars takes no other path
        name = ascii(name)[1:-1]
        check_file(path)
        link = fresh(options.work, "file")
        link.symlink_to(path)
        path = link
    path = unpacked(path, options.work)
    if is_parquet(path):
        if text or not parquet:
            raise SurgeError(f"{name} is Parquet; prepare it with the format csv and its column names")
        rows, repeated = _scan_parquet(path)
        names = rows.collect_schema().names()
        no_lines = {LINE: pl.lit(None, dtype=pl.UInt32), MALFORMED: pl.lit(None, dtype=pl.String)}
        schema = rows.collect_schema()
        lists = frozenset(column for column in names if is_list(schema[column]))
        objects = frozenset(column for column in names if isinstance(schema[column], pl.Struct))
        return Source(name, rows.with_columns(**no_lines), names, repeated, nested=objects, lists=lists)
    path = with_line_ends(as_utf8(path, options.encoding, options.work), options.work)
    style = None if text else json_style(path)
    if style is not None:
        table = scan_json(path, options.work, style)
    else:
        given = {name: getattr(options, name) for name in ("delimiter", "header", "quotes", "skip_lines")}
        table = scan_delimited(path, options.work, **{**given, **text})  # type: ignore[arg-type]
    notes = remarks(name, table)
    return Source(name, table.rows, table.names, table.repeated, notes, style is not None, table.nested, table.lists)


def _has_field(dtype: object, path: str) -> bool:
    for key in path.split("."):
        dtype = dict(dtype).get(key) if isinstance(dtype, pl.Struct) else None
    return dtype is not None


def is_list(dtype: pl.DataType) -> bool:
    """Whether a column holds lists of single values."""
    return isinstance(dtype, pl.List | pl.Array) and not dtype.inner.is_nested()


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _scan_parquet(path: Path) -> tuple[pl.LazyFrame, frozenset[str]]:
    """The rows, and the names that several columns have: polars refuses such a file, so that it is read at once."""
    try:
        names = read_names(path)
        repeated = frozenset(name for name in names if names.count(name) > 1)
        if not repeated:
            return pl.scan_parquet(path, glob=False, hive_partitioning=False), repeated
        return read_renamed(path, distinct(names)).lazy(), repeated
    except UnreadableError as problem:
        raise SurgeError(f"{path.name} can't be read as Parquet ({problem}); get the file again") from problem


def standard_columns(source: Source, columns: Mapping[str, str], options: ReadOptions) -> pl.LazyFrame:
    """Name and type the columns of one source: ids as text, times in all views, flags for what can't be read."""
    source = source.with_fields(columns.values())
    named = {role: source.column(columns[role], f"--{role}-column") for role in ROLES if role in columns}
    source.check_flat(named)
    if named["user"] == named["item"]:
        raise SurgeError(f"users and items of {source.name} are both in the column {named['user']!r}; name another one")
    schema = source.rows.collect_schema()
    expressions: list[pl.Expr] = []
    for role in ("user", "item"):
        text, unparsable = id_text(named[role], schema[named[role]], source.name, options.null_words)
        expressions += [text.alias(role), unparsable.alias(f"{role}_unparsable")]
    if "time" in named:
        rows = _without_null_words(source.rows, named["time"], schema[named["time"]], options.null_words)
        expressions += time_columns(named["time"], schema[named["time"]], source.name, options.time_format)
    else:
        rows = source.rows
        expressions += time_columns("nothing", pl.Null(), source.name)
        rows = rows.with_columns(nothing=pl.lit(None))
    if "rating" in named:
        expressions += rating_columns(named["rating"], schema[named["rating"]], source.name)
    for role in ("behaviour", "title", "category", "split"):
        if role in named:
            expressions.append(plain_text(named[role], schema[named[role]], source.name, role).alias(role))
    if "order" in named:
        expressions += order_columns(named["order"], schema[named["order"]], source.name, options.null_words)
    return rows.select(*expressions, line=LINE, malformed=MALFORMED, source=pl.lit(source.name))


def _without_null_words(rows: pl.LazyFrame, column: str, dtype: pl.DataType, words: Sequence[str]) -> pl.LazyFrame:
    if dtype != pl.String or not words:
        return rows
    value = pl.col(column)
    return rows.with_columns(pl.when(~value.str.strip_chars().is_in(list(words))).then(value).alias(column))


def listed(names: Sequence[str], most: int = 12) -> str:
    """Some names of columns, none of them long."""
    shown = ", ".join(name if len(name) <= 40 else name[:37] + "..." for name in names[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")


def item_columns(source: Source, columns: Mapping[str, str], options: ReadOptions) -> pl.LazyFrame:
    """Item, title and category of a file about items, by role; lines that can't be read are left out."""
    options_by_role = {role: f"--items-{'id' if role == 'item' else role}-column" for role in columns}
    source = source.with_fields(columns.values())
    named = {role: source.column(name, options_by_role[role]) for role, name in columns.items()}
    source.check_flat(named)
    schema = source.rows.collect_schema()
    item, _ = id_text(named["item"], schema[named["item"]], source.name, options.null_words)
    rest = {
        role: plain_text(named[role], schema[named[role]], source.name, role)
        if role in named
        else pl.lit(None, dtype=pl.String)
        for role in ("title", "category")
    }
    return source.rows.filter(pl.col(MALFORMED).is_null()).select(item=item, **rest)
