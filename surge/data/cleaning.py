"""Which rows of a raw log are used: a reason for each that isn't, and the k-core."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from surge.data.item_table import ABOUT
from surge.data.layout import SPLITS
from surge.data.ordering import ORDER
from surge.data.tables import RawLog
from surge.data.text import UNEQUAL, UNEQUAL_ROW, lines_of, short, where
from surge.data.times import NANOSECONDS, nanoseconds
from surge.data.words import about_words

# What a column calls the parts of its own split, in small letters.
SPLIT_MEANINGS = {
    **dict.fromkeys(("train", "training", "0"), "train"),
    **dict.fromkeys(("valid", "validation", "val", "dev", "1"), "valid"),
    **dict.fromkeys(("test", "testing", "2"), "test"),
}
_FIRST = 3  # lines that are named of each kind of malformed ones
_LARGE_SHARE = 1 / 3  # of a log in the hands of one user


@dataclass(frozen=True)
class Cleaned:
    """`rows` are usable, with `moment` (nanoseconds since 1970) and `row`, their place in the input; `about_items`
    counts what the log says of items."""

    rows: pl.DataFrame
    about_items: pl.DataFrame
    rows_read: int
    dropped: dict[str, int]
    notes: list[str]


def clean(
    log: RawLog,
    unit: str | None,
    window: tuple[int | None, int | None],
    behaviours: tuple[str, ...] = (),
    min_rating: float | None = None,
) -> Cleaned:
    """Read a log once, in streaming, and give every row that can't be used one reason (the first that holds).

    `unit` is that of its times; None: it has none, and the place of a row is its time in seconds.
    """
    rows = log.rows.with_row_index("row")
    moment = nanoseconds(unit) if unit is not None else pl.col("row").cast(pl.Int64) * NANOSECONDS
    rows = rows.with_columns(moment=moment)
    if "split" in rows.collect_schema():
        word = pl.col("split").str.strip_chars().str.to_lowercase().str.replace(r"\.0+$", "")
        meaning = word.replace_strict(SPLIT_MEANINGS, default=None, return_dtype=pl.String)
        rows = rows.with_columns(split=meaning, split_text=pl.col("split"))
    schema = rows.collect_schema()
    rows = rows.with_columns(reason=_reason(unit, window, behaviours, min_rating, own_split="split" in schema))
    used = rows.filter(pl.col("reason").is_null())
    kept_columns = ("rating", "behaviour", "split", *ORDER)
    optional = [column for column in kept_columns if column in schema]
    about = [column for column in ABOUT if column in schema]
    wrong = pl.col("rating_text") if "rating" in schema else pl.lit(None, dtype=pl.String)
    # in one with the counts: a sum of its own would read the log once more
    counts = rows.group_by("reason").agg(
        pl.len(),
        padded=(_padded("user") | _padded("item")).sum(),
        ratings=wrong.count(),
        rating=wrong.drop_nulls().first(),
        users=pl.col("user").filter(pl.col("reason").is_not_null()).unique(),
        **{name: pl.col(name).first() for name in ("line", "source", *(["time_text"] if unit is not None else []))},
    )
    about_items = used.group_by("item", *about).len() if about else used.select("item").head(0)
    behaviour = rows.group_by("behaviour").len() if behaviours else used.select("item").head(0)
    kept, reasons, told, seen = pl.collect_all(
        [used.select("user", "item", "moment", *optional, "row"), counts, about_items, behaviour], engine="streaming"
    )
    by_reason = dict(zip(reasons["reason"], reasons["len"], strict=True))
    dropped = {reason: by_reason[reason] for reason in REASONS if reason in by_reason}
    notes = _malformed(log.rows) if "malformed line" in dropped else []
    notes += _first_of_each(reasons)
    notes += _notes(reasons.filter(pl.col("reason").is_null() | (pl.col("reason") == "unparsable rating")))
    notes += _vanished(reasons["users"].explode(empty_as_null=True), kept["user"])
    notes += _words_of_no_split(rows) if "of no split" in dropped else []
    if behaviours:
        held = dict(zip(seen["behaviour"].to_list(), seen["len"].to_list(), strict=True))
        notes += _absent(behaviours, held)
    return Cleaned(kept, told, sum(by_reason.values()), dropped, notes)


def _padded(column: str) -> pl.Expr:
    return pl.col(column) != pl.col(column).str.strip_chars()


_MISTAKES = (
    *("unparsable user id", "missing user", "unparsable item id", "missing item"),
    *("missing time", "unparsable time", "negative time"),
)
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
    "unparsable rating",
    "missing rating",
    "lower rating",
    "of no split",
    "outside the date window",
)


def _reason(
    unit: str | None,
    window: tuple[int | None, int | None],
    behaviours: tuple[str, ...],
    min_rating: float | None,
    own_split: bool,
) -> pl.Expr:
    user, item, moment = pl.col("user"), pl.col("item"), pl.col("moment")
    no_time = pl.col("time_missing") if unit is not None else pl.lit(True)
    tests = {
        "malformed line": pl.col("malformed").is_not_null(),
        "blank line": user.is_null() & item.is_null() & no_time,
        "unparsable user id": pl.col("user_unparsable"),
        "missing user": user.is_null(),
        "unparsable item id": pl.col("item_unparsable"),
        "missing item": item.is_null(),
    }
    if unit is not None:
        tests["missing time"] = pl.col("time_missing")
        tests["unparsable time"] = moment.is_null()
        if unit != "iso":  # a number below 0 stands for no time; a date is one
            tests["negative time"] = moment < 0
    if behaviours:
        tests["missing behaviour"] = pl.col("behaviour").is_null()
        tests["other behaviour"] = ~pl.col("behaviour").is_in(list(behaviours))
    if min_rating is not None:
        tests["unparsable rating"] = pl.col("rating_text").is_not_null()
        tests["missing rating"] = pl.col("rating").is_null()
        tests["lower rating"] = pl.col("rating") < min_rating
    if own_split:
        tests["of no split"] = pl.col("split").is_null()
    if unit is not None:
        before = moment < window[0] * NANOSECONDS if window[0] is not None else pl.lit(False)
        after = moment >= (window[1] + 1) * NANOSECONDS if window[1] is not None else pl.lit(False)
        tests["outside the date window"] = before | after
    return pl.coalesce(pl.when(test).then(pl.lit(reason)) for reason, test in tests.items())


def _malformed(rows: pl.LazyFrame) -> list[str]:
    """The first lines of each kind that could not be read."""
    wrong = rows.filter(pl.col("malformed").is_not_null()).group_by("source", "malformed", maintain_order=True)
    notes = []
    for source, reason, count, lines in wrong.agg(pl.len(), pl.col("line").head(_FIRST)).collect().rows():
        first = ", ".join(f"{line:,}" for line in lines)
        more = f" and {count - len(lines):,} more" if count > len(lines) else ""
        word, reason = ("row", UNEQUAL) if reason == UNEQUAL_ROW else ("line", reason)
        told = lines_of(source, count, "was", "were", word)
        notes.append(f"{told} left out, with {reason}: {word}{'s' if count > 1 else ''} {first}{more}")
    return notes


def _vanished(dropped: pl.Series, kept: pl.Series) -> list[str]:
    """How many users no row is left of, told where there are some."""
    count = len(set(dropped.drop_nulls().unique()) - set(kept.unique())) if len(dropped.drop_nulls()) else 0
    users = f"{count:,} users have" if count > 1 else "1 user has"
    return [f"{users} no other rows than dropped ones"] if count else []


def _absent(behaviours: tuple[str, ...], held: Mapping[str | None, int]) -> list[str]:
    absent = [name for name in behaviours if name not in held]
    if not absent:
        return []
    known = sorted(((count, name) for name, count in held.items() if name is not None), reverse=True)[:10]
    listed = ", ".join(f"{name} {count:,}" for count, name in known)
    return [f"no row has the behaviour {' or '.join(absent)}; the log has {listed or 'none'}"]


def _notes(used: pl.DataFrame) -> list[str]:
    """What is odd about the rows that are used, or would be but for their ratings: the sums of their groups."""
    padded, ratings = used["padded"].sum(), used["ratings"].sum()
    notes = [f"{padded:,} rows have ids with blanks at an end; the ids are kept as they are"] if padded else []
    if ratings:
        example = used["rating"].drop_nulls()[0]
        notes.append(f"{ratings:,} ratings are not numbers, such as {short(example)}, and were not read")
    return notes


def _first_of_each(reasons: pl.DataFrame) -> list[str]:
    """Where the first row stands that was left out for each reason that may be a mistake in it."""
    places = []
    for row in reasons.sort("reason").iter_rows(named=True):
        if row["reason"] not in _MISTAKES or row["line"] is None:
            continue
        value = f" ({short(row['time_text'])})" if row["reason"] in ("unparsable time", "negative time") else ""
        places.append(f"{row['reason']} in {where(row['line'], row['source'])}{value}")
    return [f"first rows that were left out: {', '.join(places)}"] if places else []


def _words_of_no_split(rows: pl.LazyFrame) -> list[str]:
    """The words of a split's column that name none of its parts."""
    counted = rows.filter(pl.col("reason") == "of no split").group_by("split_text").len().collect(engine="streaming")
    words = counted.drop_nulls().sort("len", "split_text", descending=[True, False])
    if not len(words):
        return []
    named = ", ".join(f"{short(word)} {count:,}" for word, count in words.head(_FIRST).rows())
    more = f" and {len(words) - _FIRST:,} more" if len(words) > _FIRST else ""
    return [f"the column of the split has words that name no part of it: {named}{more}; it takes {', '.join(SPLITS)}"]


def alike_ids(rows: pl.DataFrame) -> tuple[dict[str, pl.Expr], list[str]]:
    """Ids that are whole numbers written in two ways, 12 in one file and 12.0 in another: by column the expression that
    makes them one, for the log and for all that is said of its items, and what to tell of ids."""
    notes: list[str] = []
    one = {}
    for column in ("user", "item"):
        ids = rows.select(pl.col(column).unique())
        notes += about_words(rows, column, ids[column])
        number = pl.col(column).str.extract(r"^(-?\d+)\.0+$")
        both = ids.filter(number.is_not_null()).select(number.alias(column)).join(ids, on=column, how="semi")
        if len(both):
            one[column] = pl.coalesce(number, pl.col(column))
            first = both[column].sort()[0]
            notes.append(
                f"{len(both):,} {column} ids are written in two ways, such as {first} and {first}.0; they are one"
            )
    return one, notes


def about_users(rows: pl.DataFrame) -> list[str]:
    """A note where one user holds more than a third of a log, and much more than an equal share."""
    counts = rows.group_by("user").len().sort("len", "user", descending=[True, False])
    if len(counts) < 2 or counts["len"][0] <= max(_LARGE_SHARE, 1.5 / len(counts)) * len(rows):
        return []
    user, share = counts["user"][0], counts["len"][0] / len(rows)
    return [f"user {user!r} has {share:.0%} of all interactions; is that one person, or a word for an unknown one?"]


def about_ratings(rows: pl.DataFrame, min_rating: float | None) -> list[str]:
    """A note where ratings are labels, 0 and 1, and those of 0 count as interactions."""
    if "rating" not in rows.columns or min_rating is not None:
        return []
    values = set(rows["rating"].drop_nulls().unique().to_list())
    if values != {0.0, 1.0} and values != {0.0}:
        return []
    zeros = int((rows["rating"] == 0).sum())
    return [f"{zeros:,} of {len(rows):,} interactions have a label of 0; --min-rating 1 leaves them out"]


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
