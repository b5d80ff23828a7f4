"""Which rows of a raw log are used: a reason for each that isn't, the k-core, and the items that remain."""

from dataclasses import dataclass

import polars as pl

from surge.data.tables import RawLog
from surge.data.times import unix_seconds

# What an item is called and where it stands: the item table's columns beside its id.
_ABOUT = ("title", "category")


@dataclass(frozen=True)
class Cleaned:
    """`rows` are usable, with `row`, their place in the input; `about_items` counts what the log says of items."""

    rows: pl.DataFrame
    about_items: pl.DataFrame
    rows_read: int
    dropped: dict[str, int]
    notes: list[str]


def clean(log: RawLog, unit: str, window: tuple[int | None, int | None], behaviours: tuple[str, ...]) -> Cleaned:
    """Read a log once, in streaming, and give every row that can't be used one reason (the first that holds)."""
    rows = log.rows.with_row_index("row").with_columns(timestamp=unix_seconds(unit))
    schema = rows.collect_schema()
    rows = rows.with_columns(reason=_reason(window, behaviours))
    used = rows.filter(pl.col("reason").is_null())
    optional = [column for column in ("rating", "behaviour") if column in schema]
    about = [column for column in _ABOUT if column in schema]
    counts = rows.group_by("reason").len()
    remarks = used.select(
        padded=((pl.col("user") != pl.col("user").str.strip_chars()) | _padded("item")).sum(),
        rating=(pl.col("rating_given") & pl.col("rating").is_null()).sum() if "rating" in schema else pl.lit(0),
    )
    about_items = used.group_by("item", *about).len() if about else used.select("item").head(0)
    kept, reasons, remarked, told = pl.collect_all(
        [used.select("user", "item", "timestamp", *optional, "row"), counts, remarks, about_items],
        engine="streaming",
    )
    by_reason = dict(zip(reasons["reason"], reasons["len"], strict=True))
    dropped = {reason: by_reason[reason] for reason in REASONS if reason in by_reason}
    return Cleaned(kept, told, sum(by_reason.values()), dropped, _notes(remarked.row(0, named=True)))


def _padded(column: str) -> pl.Expr:
    return pl.col(column) != pl.col(column).str.strip_chars()


REASONS = (
    "malformed line",
    "blank line",
    "unparsable user id",
    "missing user",
    "unparsable item id",
    "missing item",
    "missing time",
    "unparsable time",
    "negative time",
    "missing behaviour",
    "other behaviour",
    "outside the date window",
)


def _reason(window: tuple[int | None, int | None], behaviours: tuple[str, ...]) -> pl.Expr:
    user, item, timestamp = pl.col("user"), pl.col("item"), pl.col("timestamp")
    tests = {
        "malformed line": pl.col("malformed"),
        "blank line": user.is_null() & item.is_null() & pl.col("time_missing"),
        "unparsable user id": pl.col("user_unparsable"),
        "missing user": user.is_null(),
        "unparsable item id": pl.col("item_unparsable"),
        "missing item": item.is_null(),
        "missing time": pl.col("time_missing"),
        "unparsable time": timestamp.is_null(),
        "negative time": timestamp < 0,
    }
    if behaviours:
        tests["missing behaviour"] = pl.col("behaviour").is_null()
        tests["other behaviour"] = ~pl.col("behaviour").is_in(list(behaviours))
    before = timestamp < window[0] if window[0] is not None else pl.lit(False)
    after = timestamp > window[1] if window[1] is not None else pl.lit(False)
    tests["outside the date window"] = before | after
    return pl.coalesce(pl.when(test).then(pl.lit(reason)) for reason, test in tests.items())


def _notes(remarks: dict[str, int]) -> list[str]:
    notes = []
    if remarks["padded"]:
        notes.append(f"{remarks['padded']:,} rows have ids with blanks at an end; the ids are kept as they are")
    if remarks["rating"]:
        notes.append(f"{remarks['rating']:,} ratings are not numbers and were left empty")
    return notes


def k_core(
    interactions: pl.DataFrame, min_user_interactions: int, min_item_interactions: int
) -> tuple[pl.DataFrame, dict[str, int]]:
    """Drop users and items with too few interactions until none is left that has; and how many rows each cost."""
    least = {"user": min_user_interactions, "item": min_item_interactions}
    dropped = {f"{column} with fewer than {count} interactions": 0 for column, count in least.items()}
    changed = True
    while changed:
        changed = False
        for column, count in least.items():
            if count <= 1:
                continue
            kept = interactions.filter(pl.len().over(column) >= count)
            lost = len(interactions) - len(kept)
            dropped[f"{column} with fewer than {count} interactions"] += lost
            changed = changed or lost > 0
            interactions = kept
    return interactions, dropped


def item_table(
    interactions: pl.DataFrame, about_items: pl.DataFrame, items: pl.LazyFrame | None
) -> tuple[pl.DataFrame, list[str]]:
    """Item, title, category of the items that occur, sorted by id, and what to tell about them.

    What a file about items says comes first, then what the log says most often; a title falls back to the id.
    """
    table = interactions.select(pl.col("item").unique().sort())
    notes: list[str] = []
    for column in _ABOUT:
        if column in about_items.columns:
            said, conflicts = _most_frequent(about_items.join(table, on="item", how="semi"), column)
            table = table.join(said, on="item", how="left", maintain_order="left")
            if conflicts:
                notes.append(f"{conflicts:,} items have more than one {column}; each keeps its most frequent")
    if items is not None:
        listed = items.filter(pl.col("item").is_not_null()).collect()
        first = listed.unique("item", keep="first", maintain_order=True)
        if len(listed) > len(first):
            notes.append(f"{len(listed) - len(first):,} repeated items in the file about items were passed over")
        unlisted = len(table.join(first, on="item", how="anti"))
        if unlisted:
            notes.append(f"{unlisted:,} of {len(table):,} items are not in the file about items")
        table = table.join(first, on="item", how="left", maintain_order="left")
    for column in _ABOUT:
        if column not in table.columns:
            table = table.with_columns(pl.lit(None, dtype=pl.String).alias(column))
    return table.select("item", pl.col("title").fill_null(pl.col("item")), "category"), notes


def _most_frequent(about_items: pl.DataFrame, column: str) -> tuple[pl.DataFrame, int]:
    """Each item's most frequent value (of equally frequent ones the first in text order), and how many had several."""
    counted = about_items.drop_nulls(column).group_by("item", column).agg(pl.col("len").sum())
    ordered = counted.sort("item", "len", column, descending=[False, True, False])
    chosen = ordered.unique("item", keep="first", maintain_order=True).select("item", column)
    return chosen, int((counted.group_by("item").len()["len"] > 1).sum())
