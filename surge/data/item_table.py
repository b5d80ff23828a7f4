"""The items that occur in a log, with their titles and categories."""

from __future__ import annotations

import polars as pl

ABOUT = ("title", "category")  # what an item is called and where it stands: the columns beside its id


def item_table(
    interactions: pl.DataFrame, about_items: pl.DataFrame, items: pl.LazyFrame | None
) -> tuple[pl.DataFrame, list[str]]:
    """Item, title, category of the items that occur, sorted by id, and what to tell about them.

    What a file about items says comes first, then what the log says most often; a title falls back to the id.
    """
    table = interactions.select(pl.col("item").unique().sort())
    notes: list[str] = []
    for column in ABOUT:
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
        same = same_numbers(table["item"], first["item"])
        if len(same):
            notes.append(taken_for_the_same(same, "in the file about items"))
            found = same.join(first.rename({"item": "other"}), on="other").drop("other")
            first = pl.concat([first, found], how="diagonal")
        unlisted = len(table.join(first, on="item", how="anti"))
        if unlisted:
            notes.append(f"{unlisted:,} of {len(table):,} items are not in the file about items")
        table = table.join(first, on="item", how="left", maintain_order="left")
    for column in ABOUT:
        if column not in table.columns:
            table = table.with_columns(pl.lit(None, dtype=pl.String).alias(column))
    return table.select("item", pl.col("title").fill_null(pl.col("item")), "category"), notes


def same_numbers(items: pl.Series, others: pl.Series) -> pl.DataFrame:
    """Ids that are among no `others` as they are written, each beside the `other` that is the same whole number: 12 and
    12.0."""
    number = pl.col("item").str.replace(r"^(-?\d+)\.0+$", "$1").alias("number")
    missing, left = items.to_frame("item").unique(), others.to_frame("item").unique()
    missing, left = missing.join(left, on="item", how="anti"), left.join(missing, on="item", how="anti")
    written = left.sort("item").with_columns(number).unique("number", keep="first", maintain_order=True)
    return missing.with_columns(number).join(written.rename({"item": "other"}), on="number").drop("number").sort("item")


def taken_for_the_same(same: pl.DataFrame, where: str) -> str:
    """What to tell of `same_numbers`."""
    item, other = same.row(0)
    return f"{len(same):,} items are written otherwise {where}, such as {item} and {other}; they are taken for the same"


def _most_frequent(about_items: pl.DataFrame, column: str) -> tuple[pl.DataFrame, int]:
    """Each item's most frequent value (of equally frequent ones the first in text order), and how many had several."""
    counted = about_items.drop_nulls(column).group_by("item", column).agg(pl.col("len").sum())
    ordered = counted.sort("item", "len", column, descending=[False, True, False])
    chosen = ordered.unique("item", keep="first", maintain_order=True).select("item", column)
    return chosen, int((counted.group_by("item").len()["len"] > 1).sum())
