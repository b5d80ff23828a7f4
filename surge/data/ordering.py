"""The order in which a user's interactions happened, and each of them once: times, an order column, ties."""

from __future__ import annotations

import zlib

import numpy as np
import polars as pl

from surge.data.text import short
from surge.data.times import NANOSECONDS, YEAR_1990
from surge.errors import SurgeError

ORDER = ("order_kind", "order_number", "order_whole", "order_text")  # see order_columns in columns.py


def settle(rows: pl.DataFrame, ties: str, unit: str | None) -> tuple[pl.DataFrame, dict[str, int], list[str]]:
    """The rows of every user in the order in which they happened, each once; and what was dropped and is to be told.

    Time decides to its full precision, then an order column, then `ties`: `file`, the order of the input, or `hash`, an
    order by checksums of the ids; `auto` is the first unless it follows the item ids, which says nothing of time, and
    then the second. A row is a duplicate where user, item, time, behaviour and order are those of another. `unit`: that
    of the times, None where the log has none.
    """
    rows, dropped, notes = _early(rows, unit) if unit is not None else (rows, {}, [])
    rows, order, told = _ordered(rows) if ORDER[0] in rows.columns else (rows, [], [])
    notes += told
    keys = ["user", "moment", *order]
    rows = rows.sort(*keys, "row").with_columns(tied=_as_before(keys))
    # duplicates share their time, so that only such rows are compared
    among = rows.with_columns(group=(~pl.col("tied")).cum_sum()).filter(
        pl.col("tied") | pl.col("tied").shift(-1, fill_value=False)
    )
    same = ["group", "item", *(column for column in ("behaviour",) if column in rows.columns)]
    twice = among.filter(~pl.struct(same).is_first_distinct())["row"]
    if len(twice):
        dropped["exact duplicate"] = len(twice)
        rows = rows.filter(~pl.col("row").is_in(twice.implode())).with_columns(tied=_as_before(keys))
    neighbours = len(rows) - rows["user"].n_unique()
    count = int(rows["tied"].sum())
    if count:
        by_hash = ties == "hash" or (ties == "auto" and _follows_items(rows, count))
        how = "the order of the input"
        if by_hash:
            rows = rows.with_columns(mixed=_mixed(rows)).sort(*keys, "mixed", "item").drop("mixed")
            how = "an order by checksum" + (", as the input has them by item id" if ties == "auto" else "")
        notes.append(
            f"{count:,} of {neighbours:,} neighbouring interactions of a user ({count / neighbours:.1%}) share their "
            f"time; they stand in {how} (--ties, --order-column)"
        )
    return rows.drop(*order, "row", "tied"), dropped, notes


def _ordered(rows: pl.DataFrame) -> tuple[pl.DataFrame, list[str], list[str]]:
    """The columns to sort by of a log with an order column, and what to tell; a SurgeError where its values are of
    several kinds, which nobody can compare."""
    kinds = rows.drop_nulls("order_kind").group_by("order_kind", maintain_order=True).agg(pl.col("order_text").first())
    if len(kinds) > 1:
        mixture = " and ".join(f"{kind} ({short(text)})" for kind, text in kinds.rows())
        raise SurgeError(f"the order column mixes {mixture}; mend it, or leave --order-column out")
    notes = []
    missing = rows["order_kind"].null_count()
    if missing:
        notes.append(f"{missing:,} rows have nothing in the order column; they come first among those of one time")
    is_text = kinds["order_kind"].to_list() == ["texts"]
    if is_text:
        notes.append(f"the order column holds texts, such as {short(kinds['order_text'][0])}: they go by the alphabet")
    keys = ["order_text"] if is_text else ["order_number", "order_whole"]
    return rows.drop(set(ORDER) - set(keys)), keys, notes


def _as_before(keys: list[str]) -> pl.Expr:
    """Whether a row has the same keys as the one before it."""
    return pl.all_horizontal(pl.col(key).eq_missing(pl.col(key).shift()) for key in keys).fill_null(False)


def _follows_items(rows: pl.DataFrame, count: int) -> bool:
    """Whether rows at one time stand by item id, by number where ids are numbers."""
    number = pl.col("item").cast(pl.Float64, strict=False)
    text = pl.col("item") > pl.col("item").shift()
    rising = rows.select((pl.col("tied") & (number > number.shift()).fill_null(text)).sum()).item()
    return count >= 5 and rising >= 0.99 * count


def _early(rows: pl.DataFrame, unit: str) -> tuple[pl.DataFrame, dict[str, int], list[str]]:
    """Times before 1990: of 0 among later ones, which stands for a missing one, and others, which are told."""
    early = rows["moment"] < YEAR_1990 * NANOSECONDS
    if early.all():
        told = "all times lie before 1990" + (" when read as unix seconds; check the unit" if unit != "iso" else "")
        return rows, {}, [told] if len(rows) else []
    zero = int((rows["moment"] == 0).sum())
    others = int(early.sum()) - zero
    notes = [f"{others:,} times lie before 1990; --start 1990-01-01 leaves them out"] if others else []
    return rows.filter(pl.col("moment") != 0), {"time of 0": zero}, notes


def _mixed(rows: pl.DataFrame) -> pl.Series:
    """A number for each row from the checksums of its ids: the same wherever and with whatever version it is made."""
    key = np.zeros(len(rows), dtype=np.uint64)
    for column in ("user", "item"):
        ids = rows[column].unique()
        sums = np.array([zlib.crc32(one.encode()) for one in ids], dtype=np.uint64)
        key = (key ^ sums[rows[column].cast(pl.Enum(ids)).to_physical().to_numpy()]) * np.uint64(0x9E3779B97F4A7C15)
        key ^= key >> np.uint64(29)
    return pl.Series(key)
