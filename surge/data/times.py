"""Time columns: numbers in seconds or milliseconds and ISO dates become unix seconds, and options become moments."""

from datetime import UTC, datetime, timedelta, timezone

import polars as pl

from surge.errors import SurgeError

TIME_UNITS = ("auto", "seconds", "milliseconds", "iso")

YEAR_1990 = 631_152_000
YEAR_2200 = 7_258_118_400

_NUMBER = pl.col("time_number")
_ISO = pl.col("time_iso")


def time_columns(column: str, dtype: pl.DataType, source: str) -> list[pl.Expr]:
    """Two views of a time column: `time_number` as it stands (Float64), `time_iso` in unix seconds (Int64).

    A value that is neither is null in both. Times without a zone are UTC. Raises SurgeError for a column that
    can't hold times.
    """
    value = pl.col(column)
    missing = pl.lit(None)
    if dtype == pl.String:
        text = value.str.strip_chars()
        number = text.cast(pl.Float64, strict=False)
        iso = _iso_seconds(text)
    elif dtype.is_integer() or dtype.is_float() or dtype.is_decimal():
        number, iso = value.cast(pl.Float64), missing
    elif dtype in (pl.Datetime, pl.Date):
        number, iso = missing, value.cast(pl.Datetime("us")).dt.epoch("us").floordiv(1_000_000)
    elif dtype == pl.Null:
        number, iso = missing, missing
    else:
        raise SurgeError(f"column {column!r} of {source} holds {dtype}, not times; name another --time-column")
    finite = pl.when(number.cast(pl.Float64).is_finite()).then(number)
    return [
        finite.cast(pl.Float64).alias("time_number"),
        iso.cast(pl.Int64).alias("time_iso"),
        _blank_or_null(value, dtype).alias("time_missing"),
    ]


def _blank_or_null(value: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    if dtype == pl.String:
        return value.is_null() | (value.str.strip_chars() == "")
    if dtype.is_float():
        return value.is_null() | value.is_nan()
    return value.is_null()


def _iso_seconds(text: pl.Expr) -> pl.Expr:
    spaced = text.str.replace("T", " ", literal=True).str.replace("[Zz]$", "+00:00")
    parses = [spaced.str.to_datetime(shape, strict=False) for shape in ("%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M")]
    zoned = spaced.str.to_datetime("%Y-%m-%d %H:%M:%S%.f%z", strict=False, time_zone="UTC")
    day = spaced.str.to_date("%Y-%m-%d", strict=False).cast(pl.Datetime("us"))
    moment = pl.coalesce(day, *parses, zoned.dt.replace_time_zone(None))
    return moment.dt.epoch("us").floordiv(1_000_000)


def detect_time_unit(rows: pl.LazyFrame) -> tuple[str, list[str]]:
    """The unit that all times of a log share, and what to tell about it; raises SurgeError when they don't.

    Numbers past the year 2200 as seconds are milliseconds when a thousandth of them lands in 1990..2200.
    """
    counts = (
        rows.select(
            seconds=_NUMBER.is_between(0, YEAR_2200, closed="left").sum(),
            milliseconds=_within_years(1_000).sum(),
            finer=(_within_years(1_000_000) | _within_years(1_000_000_000)).sum(),
            iso=_ISO.is_not_null().sum(),
            early=(_NUMBER.is_between(0, YEAR_1990, closed="left")).sum(),
            given=(~pl.col("time_missing")).sum(),
        )
        .collect(engine="streaming")
        .row(0, named=True)
    )
    found = {unit: counts[unit] for unit in ("seconds", "milliseconds", "iso") if counts[unit]}
    if not counts["given"]:
        return "seconds", []  # nothing to tell a unit from; every row will be counted as missing its time
    if len(found) > 1:
        mixture = " and ".join(f"{count:,} in {_named(unit)}" for unit, count in found.items())
        raise SurgeError(f"the time column mixes units: {mixture}; mend it, or name the one to go by with --time-unit")
    if not found and counts["finer"]:
        raise SurgeError("the times look like microseconds or nanoseconds; divide them to get seconds")
    if not found:
        raise SurgeError("no time could be read; it must be unix seconds, milliseconds or ISO dates (2024-05-31)")
    unit = next(iter(found))
    if unit == "milliseconds":
        return unit, ["the times are in milliseconds and were divided by 1,000"]
    if unit == "seconds" and counts["early"] == counts["seconds"]:
        return unit, ["all times lie before 1990 when read as unix seconds; check the unit"]
    return unit, []


def _within_years(factor: int) -> pl.Expr:
    return _NUMBER.is_between(max(YEAR_1990 * factor, YEAR_2200), YEAR_2200 * factor, closed="left")


def _named(unit: str) -> str:
    return "ISO dates" if unit == "iso" else unit


def unix_seconds(unit: str) -> pl.Expr:
    """Unix seconds under a unit (not "auto"); null for a value that is not in it or lies past the year 2200."""
    if unit == "iso":
        return _ISO
    seconds = (_NUMBER / (1_000 if unit == "milliseconds" else 1)).floor()
    return pl.when(seconds.abs() < YEAR_2200).then(seconds).cast(pl.Int64, strict=False)


def parse_moment(text: str | int | None, option: str, utc_offset_hours: int = 0, end: bool = False) -> int | None:
    """Unix seconds of an option given as a date, a date and time, or unix seconds.

    A date is its first second, or its last with `end`; without a zone it lies in the given offset from UTC.
    """
    if text is None or isinstance(text, int):
        return text
    text = text.strip()
    try:
        return int(text)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as problem:
        raise SurgeError(
            f"{option} {text!r} is not a time; give a date such as 2017-11-25 or unix seconds"
        ) from problem
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone(timedelta(hours=utc_offset_hours)))
    seconds = int((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds())
    is_date = len(text) <= len("2017-11-25")
    return seconds + 86_399 if end and is_date else seconds
