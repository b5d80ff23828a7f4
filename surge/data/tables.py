"""Raw tables as lazy frames: text or Parquet scanned, their columns named and typed the same way for every format."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from surge.data.files import as_utf8, find_delimiter, header_fields, is_parquet, unpacked
from surge.data.times import time_columns
from surge.errors import SurgeError

# What a column of a log can stand for.
ROLES = ("user", "item", "time", "rating", "behaviour", "title", "category")

# Integers beyond this are not exact as floats, so a float that large is no id.
_LARGEST_EXACT_FLOAT = 2**53


@dataclass(frozen=True)
class ReadOptions:
    """How to read: `columns` maps roles to column names, `work` is a folder for unpacked copies."""

    work: Path
    columns: Mapping[str, str] = field(default_factory=dict)
    items_file: Path | None = None
    delimiter: str | None = None
    encoding: str = "utf-8"
    behaviours: tuple[str, ...] = ()  # the ones that will be kept, for logs whose rows carry several


@dataclass(frozen=True)
class RawLog:
    """`rows` as `standard_columns` makes them, in input order; `items` has item, title, category or is absent."""

    rows: pl.LazyFrame
    items: pl.LazyFrame | None
    notes: list[str] = field(default_factory=list)


def standard_columns(rows: pl.LazyFrame, columns: Mapping[str, str], source: str) -> pl.LazyFrame:
    """Name and type the columns of one source: ids as text, times in two views, flags for what can't be read."""
    schema = rows.collect_schema()
    for role in ROLES:
        if role in columns and columns[role] not in schema:
            raise SurgeError(
                f"{source} has no column {columns[role]!r}; it has {_listed(schema.names())}; "
                f"name the right one with --{role}-column"
            )
    expressions: list[pl.Expr] = []
    for role in ("user", "item"):
        text, unparsable = _id_text(columns[role], schema[columns[role]], source)
        expressions += [text.alias(role), unparsable.alias(f"{role}_unparsable")]
    expressions += time_columns(columns["time"], schema[columns["time"]], source)
    if "rating" in columns:
        rating = pl.col(columns["rating"])
        expressions.append(rating.cast(pl.Float64, strict=False).alias("rating"))
        expressions.append(rating.is_not_null().alias("rating_given"))
    for role in ("behaviour", "title", "category"):
        if role in columns:
            expressions.append(_text(columns[role], schema[columns[role]]).alias(role))
    malformed = pl.col("malformed") if "malformed" in schema else pl.lit(False)
    return rows.select(*expressions, malformed=malformed)


def _id_text(column: str, dtype: pl.DataType, source: str) -> tuple[pl.Expr, pl.Expr]:
    """An id as text, null when missing or blank, and whether it is there but can't be one."""
    value = pl.col(column)
    if dtype.is_float():
        value = value.fill_nan(None)
        whole = (value == value.floor()) & (value.abs() <= _LARGEST_EXACT_FLOAT)
        text = pl.when(whole).then(value.cast(pl.Int64, strict=False)).cast(pl.String)
        return text, value.is_not_null() & ~whole
    if not (dtype.is_integer() or dtype in (pl.String, pl.Categorical, pl.Enum, pl.Null)):
        raise SurgeError(f"column {column!r} of {source} holds {dtype}; ids must be text or whole numbers")
    text = value.cast(pl.String)
    return pl.when(text.str.strip_chars() != "").then(text), pl.lit(False)


def _text(column: str, dtype: pl.DataType) -> pl.Expr:
    text = pl.col(column).list.join("|") if dtype == pl.List(pl.String) else pl.col(column).cast(pl.String)
    return pl.when(text.str.strip_chars() != "").then(text)


def _listed(names: Sequence[str], most: int = 12) -> str:
    shown = ", ".join(name if len(name) <= 40 else name[:37] + "..." for name in names[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")


def scan_text(
    path: Path,
    options: ReadOptions,
    *,
    delimiter: str | None = None,
    header: bool = True,
    names: Sequence[str] | None = None,
    quoted: bool = True,
) -> pl.LazyFrame:
    """A delimited text file with every field as text, so that an id such as 007 stays as it is."""
    path = as_utf8(path, options.encoding, options.work)
    delimiter = delimiter or options.delimiter or find_delimiter(path)
    if len(delimiter.encode()) != 1:
        raise SurgeError(f"the delimiter {delimiter!r} is not one character; give , or ; or tab or another")
    if header and quoted:
        fields = header_fields(path, delimiter)
        repeated = sorted({name for name in fields if fields.count(name) > 1})
        if repeated:
            raise SurgeError(f"{path.name} has more than one column {repeated[0]!r}; give each its own name")
    return pl.scan_csv(
        path,
        separator=delimiter,
        has_header=header,
        new_columns=list(names) if names else None,
        quote_char='"' if quoted else None,
        infer_schema=False,
        glob=False,
    )


def scan_table(path: Path, options: ReadOptions) -> pl.LazyFrame:
    path = unpacked(path, options.work)
    return pl.scan_parquet(path, glob=False) if is_parquet(path) else scan_text(path, options)


def item_columns(table: pl.LazyFrame, columns: Mapping[str, str], source: str) -> pl.LazyFrame:
    schema = table.collect_schema()
    for role, name in columns.items():
        if name not in schema:
            raise SurgeError(f"{source} has no {role} column {name!r}; it has {_listed(schema.names())}")
    item, _ = _id_text(columns["item"], schema[columns["item"]], source)
    rest = {
        role: _text(columns[role], schema[columns[role]]) if role in columns else pl.lit(None, dtype=pl.String)
        for role in ("title", "category")
    }
    return table.select(item=item, **rest)
