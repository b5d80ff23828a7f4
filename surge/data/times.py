"""Time columns: numbers in several units and dates become nanoseconds since 1970, and options become moments."""

import re
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import polars as pl

from surge.data.text import short, where
from surge.errors import SurgeError

# How many of a unit make a second; dates have none.
PER_SECOND = {"seconds": 1, "milliseconds": 1_000, "microseconds": 1_000_000, "nanoseconds": 1_000_000_000}
TIME_UNITS = ("auto", *PER_SECOND, "day", "iso")
NANOSECONDS = 1_000_000_000

YEAR_1990 = 631_152_000
YEAR_2200 = 7_258_118_400
LAST_DAY = 30_000_000  # as YYYYMMDD

_NUMBER = pl.col("time_number")
_SHAPES = ("%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M:%S%.f", "%Y/%m/%d %H:%M")
_DAYS = ("%Y-%m-%d", "%Y/%m/%d")


def time_columns(column: str, dtype: pl.DataType, source: str, shape: str | None = None) -> list[pl.Expr]:
    """Views of a time column, each null where a value has none.

    `time_number` as it stands (Float64), `time_whole` the same of whole numbers (Int64, exact), `time_iso` of dates and
    `time_day` of numbers such as 20191001 (Int64, nanoseconds since 1970), `time_text` as it was read, and whether it
    is missing. Times without a zone are UTC. `shape` is the one format of all times, as strftime has it. A column that
    can't hold times is a SurgeError.
    """
    value = pl.col(column)
    nothing = pl.lit(None)
    if dtype == pl.String:
        text = value.str.strip_chars()
        number, whole = text.cast(pl.Float64, strict=False), text.cast(pl.Int64, strict=False)
        iso = dates(text) if shape is None else _shaped(text, shape)
    elif dtype.is_integer():
        number, whole, iso = value.cast(pl.Float64), value.cast(pl.Int64, strict=False), nothing
    elif dtype.is_float() or dtype.is_decimal():
        number, whole, iso = value.cast(pl.Float64), nothing, nothing
    elif dtype in (pl.Datetime, pl.Date):
        number, whole, iso = nothing, nothing, moments(value, dtype)
    elif dtype == pl.Null:
        number, whole, iso = nothing, nothing, nothing
    else:
        raise SurgeError(f"column {column!r} of {source} holds {dtype}, not times; name another --time-column")
    if shape is not None:
        if dtype != pl.String:
            raise SurgeError(f"column {column!r} of {source} holds {dtype}, not text; leave --time-format out")
        number, whole = nothing, nothing
    number = number.cast(pl.Float64)
    text = value.cast(pl.String)
    day = pl.when(text.str.len_bytes() == 8).then(_from_microseconds(text.str.to_datetime("%Y%m%d", strict=False)))
    return [
        pl.when(number.is_finite()).then(number).alias("time_number"),
        whole.cast(pl.Int64).alias("time_whole"),
        iso.cast(pl.Int64).alias("time_iso"),
        day.cast(pl.Int64).alias("time_day"),
        text.alias("time_text"),
        _blank_or_null(value, dtype).alias("time_missing"),
    ]


def _blank_or_null(value: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    if dtype == pl.String:
        return value.is_null() | (value.str.strip_chars() == "")
    if dtype.is_float():
        return value.is_null() | value.is_nan()
    return value.is_null()


def _shaped(text: pl.Expr, shape: str) -> pl.Expr:
    """Nanoseconds of times that all have one shape."""
    text, shape = _fractions(text, shape)
    if "%z" in shape or "%:z" in shape or "%#z" in shape:
        moment = text.str.to_datetime(shape.replace("%z", "%#z"), strict=False, time_zone="UTC")
        return _from_microseconds(moment.dt.replace_time_zone(None))
    return _from_microseconds(text.str.to_datetime(shape, strict=False))


def _fractions(text: pl.Expr, shape: str) -> tuple[pl.Expr, str]:
    """Fractions of a second, in strptime %f after a dot or a comma, as polars reads them: its own %f counts
    nanoseconds, and takes .5 for less than .12."""
    if ",%f" in shape and not re.search(r",(%[a-zA-Z]|\d)", shape.replace(",%f", "", 1)):
        text, shape = text.str.replace(r",(\d)", ".$1"), shape.replace(",%f", ".%f")
    shape = shape.replace(".%f", "%.f")
    if "%f" in shape:
        raise SurgeError(
            f"--time-format {shape!r} has %f elsewhere than after a dot or a comma, as in %S.%f or %S,%f; write the "
            "times so, or leave the fractions out"
        )
    return text, shape


def dates(text: pl.Expr) -> pl.Expr:
    """Nanoseconds of ISO dates and times, with a zone (Z, UTC, +08:00) or without."""
    spaced = text.str.replace(r"^(\d{4}[-/]\d{1,2}[-/]\d{1,2})[Tt]", "$1 ").str.replace(r"\s*([Zz]|UTC|GMT)$", "+00:00")
    zoned = [spaced.str.to_datetime(f"{shape}%#z", strict=False, time_zone="UTC") for shape in _SHAPES]
    moments = [moment.dt.replace_time_zone(None) for moment in zoned]
    moments += [spaced.str.to_datetime(shape, strict=False) for shape in _SHAPES]
    days = [spaced.str.to_date(shape, strict=False).cast(pl.Datetime("us")) for shape in _DAYS]
    return _from_microseconds(pl.coalesce(*days, *moments))


def moments(value: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Nanoseconds of a column of dates, or of dates and times in any unit."""
    in_nanoseconds = getattr(dtype, "time_unit", None) == "ns"
    return value.dt.epoch("ns") if in_nanoseconds else _from_microseconds(value.cast(pl.Datetime("us")))


def _from_microseconds(moment: pl.Expr) -> pl.Expr:
    """Nanoseconds of a moment in microseconds, null past the year 2200: some centuries on, 64 bits don't hold them."""
    microseconds = moment.dt.epoch("us")
    return pl.when(microseconds.abs() < YEAR_2200 * 1_000_000).then(microseconds) * 1_000


def detect_time_unit(rows: pl.LazyFrame) -> tuple[str, list[str]]:
    """The unit that all times of a log share, and what to tell about it; a SurgeError where they share none.

    Numbers past the year 2200 as seconds are in a finer unit when they then lie in 1990..2200. A 0 tells no unit.
    """
    tests = {
        "seconds": _NUMBER.is_between(0, YEAR_2200, closed="right"),
        **{unit: _within_years(per) for unit, per in PER_SECOND.items() if per > 1},
        "iso": pl.col("time_iso").is_not_null(),
    }
    given = ~pl.col("time_missing")
    numeric = {unit: test.sum() for unit, test in tests.items() if unit != "iso"}
    about = {"zero": (_NUMBER == 0).sum(), "given": given.sum(), "numbers": _NUMBER.count(), "largest": _NUMBER.max()}
    counts = rows.select(**numeric, **about).collect(engine="streaming").row(0, named=True)
    if not counts["given"]:
        return "seconds", []  # nothing to tell a unit from; every row will be counted as missing its time
    if counts["numbers"] < counts["given"]:  # a number is no date, and to look for dates takes long
        counts["iso"] = _count(rows, tests["iso"])
    found = {unit: counts[unit] for unit in tests if counts.get(unit)}
    if len(found) > 1:
        mixture = " and ".join(
            f"{count:,} in {_named(unit)} (first {_first(rows, tests[unit])})" for unit, count in found.items()
        )
        raise SurgeError(f"the time column mixes units: {mixture}; mend it, or name the one to go by with --time-unit")
    if not found and counts["zero"]:
        return "seconds", []
    if not found:
        raise SurgeError(
            f"no time could be read, for example {_first(rows, given)}; times are unix seconds, milli-, micro- or "
            "nanoseconds, or dates such as 2024-05-31 17:30:00; for another form give --time-format, such as "
            "'%m/%d/%Y %I:%M:%S %p' or '%a %b %d %H:%M:%S %z %Y'"
        )
    unit = next(iter(found))
    if unit == "seconds" and counts["largest"] < LAST_DAY:
        days = pl.col("time_day").is_between(YEAR_1990 * NANOSECONDS, YEAR_2200 * NANOSECONDS)
        if _count(rows, tests["seconds"] & days) == counts["seconds"]:
            example = _first_place(rows, tests["seconds"])["time_text"]
            return "day", [f"the times are days without a time, such as {example} (YYYYMMDD)"]
    if PER_SECOND.get(unit, 1) > 1:
        return unit, [f"the times are in {unit} and were divided by {PER_SECOND[unit]:,}"]
    return unit, []


def _count(rows: pl.LazyFrame, test: pl.Expr) -> int:
    return rows.select(test.sum()).collect(engine="streaming").item()


def _first_place(rows: pl.LazyFrame, test: pl.Expr) -> dict[str, Any]:
    found = rows.filter(test).select("source", "line", "time_text").head(1)
    return found.collect(engine="streaming").row(0, named=True)


def _first(rows: pl.LazyFrame, test: pl.Expr) -> str:
    """The first value of a kind with its file and line, where the log has lines."""
    place = _first_place(rows, test)
    text = place["time_text"]
    shown = short(text)
    return f"{shown} in {where(place['line'], place['source'])}"


def _within_years(factor: int) -> pl.Expr:
    lowest = max(YEAR_1990 * factor, YEAR_2200 * factor // 1_000)
    return _NUMBER.is_between(lowest, YEAR_2200 * factor, closed="right")


def _named(unit: str) -> str:
    return "dates" if unit == "iso" else unit


def nanoseconds(unit: str) -> pl.Expr:
    """Nanoseconds since 1970 under a unit (not "auto"); null for a value that is not in it or past the year 2200."""
    if unit in ("iso", "day"):
        return pl.col(f"time_{unit}")
    factor = NANOSECONDS // PER_SECOND[unit]
    within = _NUMBER.abs() < YEAR_2200 * PER_SECOND[unit]
    if unit == "nanoseconds":  # too large to be exact as floats
        return pl.when(within).then(pl.col("time_whole"))
    return (pl.when(within).then(_NUMBER) * factor).round().cast(pl.Int64, strict=False)


def _is_date(text: str) -> bool:
    """Whether eight digits are a date from 1990 on: as unix seconds they would lie in 1970."""
    try:
        return datetime.strptime(text, "%Y%m%d").year >= 1990
    except ValueError:
        return False


def parse_moment(
    text: str | int | date | None, option: str, utc_offset_hours: int = 0, end: bool = False
) -> int | None:
    """Unix seconds of an option given as a date, a date and time, or unix seconds.

    A date is its first second, or its last with `end`; without a zone it lies in the given offset from UTC.
    """
    if text is None or isinstance(text, int):
        return text
    text = (text.isoformat() if isinstance(text, date) else text).strip()
    if re.fullmatch(r"-?\d+", text) and not (len(text) == 8 and _is_date(text)):
        if abs(int(text)) >= YEAR_2200:
            raise SurgeError(f"{option} {text:.40} lies past the year 2200; give unix seconds or a date")
        return int(text)
    try:
        moment = datetime.fromisoformat(text)  # 20171125 as well as 2017-11-25
    except ValueError as problem:
        raise SurgeError(
            f"{option} {text!r:.60} is not a time; give a date such as 2017-11-25 or unix seconds"
        ) from problem
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone(timedelta(hours=utc_offset_hours)))
    seconds = int((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds())
    is_date = len(text) <= len("2017-11-25")
    return seconds + 86_399 if end and is_date else seconds
