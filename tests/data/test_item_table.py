"""Items that are the same whole number, written in two ways."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl

from surge.data.dataset import Dataset
from surge.data.item_table import same_numbers
from tests.data.reading import notes


def test_the_same_number_is_found_where_the_very_text_is_not() -> None:
    found = same_numbers(
        pl.Series(["1", "2.0", "3.00", "x", "-4.0", "5"]), pl.Series(["1.0", "2", "3", "x.0", "-4", "5"])
    )
    assert found.rows() == [("-4.0", "-4"), ("1", "1.0"), ("2.0", "2"), ("3.00", "3")]


def test_a_text_that_is_there_is_not_looked_for_otherwise() -> None:
    assert same_numbers(pl.Series(["1", "1.0"]), pl.Series(["1", "2.0", "1.5"])).is_empty()


def test_a_file_about_items_may_write_ids_otherwise(log: Callable[..., Dataset], tmp_path: Path) -> None:
    (tmp_path / "items.csv").write_text("item,title\n1,One\n2,Two\n9,Nine\n")
    text = "user,item,timestamp\n" + "".join(f"u,{n}.0,{1_600_000_000 + n}\n" for n in (1, 2, 3))
    dataset = log(text, items_file=tmp_path / "items.csv")
    assert dataset.items.select("item", "title").rows() == [("1.0", "One"), ("2.0", "Two"), ("3.0", "3.0")]
    told = notes(dataset)
    assert (
        "2 items are written otherwise in the file about items, such as 1.0 and 1; they are taken for the same" in told
    )
    assert "1 of 3 items are not in the file about items" in told


def test_a_dataset_takes_the_ids_of_a_model(log: Callable[..., Dataset]) -> None:
    text = "user,item,timestamp\n" + "".join(
        f"u,{n},{1_600_000_000 + place}\n" for place, n in enumerate(["7.0", "a", "7"])
    )
    _, told = log(text).as_written(pl.Series(["a", "b"]))
    assert told == []
    renamed, told = log("user,item,timestamp\nu,7.0,1600000000\nu,a,1600000001\n").as_written(pl.Series(["a", "7"]))
    assert renamed.history("u")["item"].to_list() == ["7", "a"] and sorted(renamed.items["item"]) == ["7", "a"]
    assert told == [
        "1 items are written otherwise than the model has them, such as 7.0 and 7; they are taken for the same"
    ]
