"""k-core, item tables: values worked out by hand."""

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from surge.data.cleaning import k_core
from surge.data.item_table import item_table


def log(pairs: list[tuple[str, str]]) -> pl.DataFrame:
    return pl.DataFrame(pairs, schema=["user", "item"], orient="row")


def test_k_core_goes_on_until_nothing_changes() -> None:
    # Item z has one row. Without it user c has one row (x); without c, x still has a and b, and y has a and b.
    pairs = [("a", "x"), ("a", "y"), ("b", "x"), ("b", "y"), ("c", "x"), ("c", "z")]
    kept, dropped = k_core(log(pairs), 2, 2)
    assert kept.rows() == pairs[:4]
    assert dropped == {"user with fewer than 2 interactions": 1, "item with fewer than 2 interactions": 1}


def test_k_core_may_leave_nothing() -> None:
    # A chain: each removal makes the next user or item too short.
    kept, dropped = k_core(log([("a", "x"), ("b", "x"), ("b", "y"), ("c", "y")]), 2, 2)
    assert kept.is_empty()
    assert sum(dropped.values()) == 4


def test_k_core_counts_interactions_not_distinct_items() -> None:
    kept, _ = k_core(log([("a", "x"), ("a", "x"), ("b", "y")]), 2, 2)
    assert kept.rows() == [("a", "x"), ("a", "x")]


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from("uvwxyz")), max_size=60), st.integers(1, 4))
def test_k_core_is_the_largest_fixed_point(pairs: list[tuple[str, str]], least: int) -> None:
    kept, dropped = k_core(log(pairs), least, least)
    assert len(kept) + sum(dropped.values()) == len(pairs)
    # The plain definition, one row's user or item at a time: the order must not matter.
    rest = list(pairs)
    while poor := [
        (side, row[side]) for row in rest for side in (1, 0) if sum(other[side] == row[side] for other in rest) < least
    ]:
        side, value = poor[0]
        rest = [row for row in rest if row[side] != value]
    assert kept.rows() == rest


def test_most_frequent_category_wins_and_a_tie_goes_to_the_first_in_text_order() -> None:
    interactions = log([("u", "tie"), ("u", "clear"), ("u", "bare")])
    about = pl.DataFrame(
        [("clear", "b", 3), ("clear", "a", 2), ("tie", "d", 1), ("tie", "c", 1), ("gone", "q", 9), ("bare", None, 2)],
        schema=["item", "category", "len"],
        orient="row",
    )
    items, notes = item_table(interactions, about, None)
    assert items.rows() == [("bare", "bare", None), ("clear", "clear", "b"), ("tie", "tie", "c")]
    assert notes == ["2 items have more than one category; each keeps its most frequent"]


def test_items_file_gives_titles_and_what_it_lacks_is_told() -> None:
    listed = pl.LazyFrame(
        [("b", "Bee", "insects"), ("b", "again", None), (None, "nobody", None), ("c", None, "fish")],
        schema={"item": pl.String, "title": pl.String, "category": pl.String},
        orient="row",
    )
    interactions = log([("u", "c"), ("u", "a"), ("u", "b")])
    items, notes = item_table(interactions, interactions.select("item").head(0), listed)
    assert items.rows() == [("a", "a", None), ("b", "Bee", "insects"), ("c", "c", "fish")]
    assert notes == [
        "1 repeated items in the file about items were passed over",
        "1 of 3 items are not in the file about items",
    ]
