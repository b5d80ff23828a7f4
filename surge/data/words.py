"""Words that stand for nothing in some logs, and may be ids in others."""

import polars as pl

from surge.data.text import short

_LIKE_NOTHING = (
    "undefined",
    "unknown",
    "(null)",
    "[null]",
    "nil",
    "(none)",
    "(not set)",
    "(blank)",
    "missing",
    "-",
    "?",
)
_NAMED = 3


def about_words(rows: pl.DataFrame, column: str, ids: pl.Series) -> list[str]:
    """A note where words are ids that may mean that there is none."""
    words = sorted(ids.filter(ids.str.to_lowercase().is_in(_LIKE_NOTHING)))
    if not words:
        return []
    count = rows[column].is_in(words).sum()
    kept = f"{count:,} rows have" if count > 1 else "1 row has"
    return [f"{kept} a word for nothing as {column}, kept as an id: {', '.join(map(short, words[:_NAMED]))}"]
