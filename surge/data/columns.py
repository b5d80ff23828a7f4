"""What a column may hold for each role: ids, times, ratings, texts and orders as typed expressions, others refused."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from surge.arguments import LARGEST_EXACT_FLOAT
from surge.data.times import dates, moments
from surge.errors import SurgeError

_TEXTS = (pl.String, pl.Categorical, pl.Enum, pl.Null)


def id_text(column: str, dtype: pl.DataType, source: str, null_words: Sequence[str]) -> tuple[pl.Expr, pl.Expr]:
    """An id as text, null when missing or blank, and whether it is there but can't be one."""
    value = pl.col(column)
    if dtype.is_float():
        value = value.fill_nan(None)
        whole = (value == value.floor()) & (value.abs() <= LARGEST_EXACT_FLOAT)
        text = pl.when(whole).then(value.cast(pl.Int64, strict=False)).cast(pl.String)
        return text, value.is_not_null() & ~whole
    if dtype.is_decimal():
        text = _whole(value.cast(pl.String))
        return pl.when(~text.str.contains(".", literal=True)).then(text), text.str.contains(".", literal=True)
    if not (dtype.is_integer() or dtype in (*_TEXTS, pl.Binary)):
        raise SurgeError(f"column {column!r} of {source} holds {dtype}; ids must be text or whole numbers")
    text = _as_text(value, dtype)
    bare = text.str.strip_chars()
    unparsable = value.is_not_null() & text.is_null() if dtype == pl.Binary else pl.lit(False)
    return pl.when((bare != "") & ~bare.is_in(list(null_words))).then(text), unparsable


def can_be(role: str, dtype: pl.DataType) -> bool:
    """Whether a column of that type can be read as ratings, or as a title, a category, a behaviour or a split."""
    if role == "rating":
        return dtype.is_numeric() or dtype in (*_TEXTS, pl.Boolean)
    inner = _entries(role, dtype)
    return inner.is_numeric() or inner.is_temporal() or inner in (*_TEXTS, pl.Boolean, pl.Binary)


def _entries(role: str, dtype: pl.DataType) -> pl.DataType:
    """What the lists of a column hold, where a list can be read; else the type itself."""
    is_list = isinstance(dtype, pl.List | pl.Array) and role in ("title", "category")
    return dtype.inner if is_list else dtype  # type: ignore[attr-defined, no-any-return]


def _check(role: str, column: str, dtype: pl.DataType, source: str) -> None:
    if not can_be(role, dtype):
        raise SurgeError(
            f"column {column!r} of {source} holds {dtype}, which is no {role}; name another --{role}-column, or make "
            "it text first"
        )


def plain_text(column: str, dtype: pl.DataType, source: str, role: str) -> pl.Expr:
    """A title, a category, a behaviour or the word for a split; of a list its entries joined by |. Null when blank."""
    _check(role, column, dtype, source)
    value, inner = pl.col(column), _entries(role, dtype)
    if inner is dtype:
        text = _written(value, dtype)
    else:
        entries = value.arr.to_list() if isinstance(dtype, pl.Array) else value
        text = entries.list.eval(_written(pl.element(), inner)).list.join("|", ignore_nulls=True)
    return pl.when(text.str.strip_chars() != "").then(text)


def _written(value: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """A value as text: a whole number without a fraction, whatever the column is stored as."""
    if dtype.is_float():
        return _whole(value.fill_nan(None).cast(pl.String))
    text = _as_text(value, dtype)
    return _whole(text) if dtype.is_decimal() else text


def _as_text(value: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Bytes are UTF-8, as some writers of Parquet store all texts; others are null."""
    return value.map_elements(_decoded, return_dtype=pl.String) if dtype == pl.Binary else value.cast(pl.String)


def _decoded(value: bytes) -> str | None:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return None


def _whole(text: pl.Expr) -> pl.Expr:
    return text.str.replace(r"\.0+$", "")


def rating_columns(column: str, dtype: pl.DataType, source: str) -> list[pl.Expr]:
    """`rating` (Float64, null where there is none) and `rating_text`, what stands where a number was expected."""
    _check("rating", column, dtype, source)
    value = pl.col(column)
    if dtype not in _TEXTS:
        number, wrong = value.cast(pl.Float64).fill_nan(None), pl.lit(None, dtype=pl.String)
    else:
        text = value.cast(pl.String).str.strip_chars()
        label = text.str.to_lowercase().replace_strict({"true": 1.0, "false": 0.0}, default=None)
        # "3,5" as half of Europe writes it; "1,234" could as well be a thousand
        decimal = text.str.replace(r"^([+-]?\d+),(\d{1,2})$", "$1.$2")
        number = decimal.cast(pl.Float64, strict=False).fill_nan(None).fill_null(label)
        wrong = pl.when(number.is_null() & (text != "")).then(text)
    return [number.alias("rating"), wrong.alias("rating_text")]


def order_columns(column: str, dtype: pl.DataType, source: str, null_words: Sequence[str]) -> list[pl.Expr]:
    """What `settle` sorts by: `order_kind`, what a value is; `order_number`; `order_whole`, exact where a float is not;
    and `order_text`, as it stands. A text may be a number, a date or a time of day; what is none of them is text."""
    value = pl.col(column)
    number: pl.Expr = pl.lit(None, dtype=pl.Float64)
    whole: pl.Expr = pl.lit(None, dtype=pl.Int64)
    kind: pl.Expr = pl.lit("numbers")
    if dtype in _TEXTS:
        text = value.cast(pl.String).str.strip_chars()
        value = pl.when((text != "") & ~text.is_in(list(null_words))).then(text)
        number = value.cast(pl.Float64, strict=False)
        clocks = [value.str.to_time(shape, strict=False) for shape in ("%H:%M:%S%.f", "%H:%M")]
        views = {"dates": dates(value), "times of day": pl.coalesce(clocks).cast(pl.Int64)}
        whole = pl.coalesce(value.cast(pl.Int64, strict=False), *views.values())
        kinds = {"numbers": number, **views}
        kind = pl.coalesce(
            *(pl.when(view.is_not_null()).then(pl.lit(name)) for name, view in kinds.items()), pl.lit("texts")
        )
    elif dtype in (pl.Date, pl.Datetime):
        whole, kind = moments(value, dtype), pl.lit("dates")
    elif dtype == pl.Time:
        whole, kind = value.cast(pl.Int64), pl.lit("times of day")
    elif dtype == pl.Duration:
        value = value.dt.total_nanoseconds()
        whole, kind = value, pl.lit("lengths of time")
    elif dtype.is_numeric() or dtype == pl.Boolean:
        number = value.cast(pl.Float64).fill_nan(None)
        whole = value.cast(pl.Int64, strict=False) if dtype.is_integer() else whole
    else:
        raise SurgeError(
            f"column {column!r} of {source} holds {dtype}, which has no order; name another --order-column"
        )
    number = number.fill_null(whole.cast(pl.Float64))
    is_there = value.is_not_null() & ~value.is_nan() if dtype.is_float() else value.is_not_null()
    return [
        pl.when(is_there).then(kind).alias("order_kind"),
        number.alias("order_number"),
        whole.alias("order_whole"),
        value.cast(pl.String).alias("order_text"),
    ]
