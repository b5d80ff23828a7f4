"""The interests of the items: means over the histories of a dataset, here made again from one record a user."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from surge.data.dataset import Dataset
from surge.deployment.export import export
from surge.deployment.interests import item_interests
from surge.errors import SurgeError
from surge.explanation.explain import explain_history
from surge.explanation.history import read_history
from tests.explanation.worlds import catalogue, make_checkpoint, make_dataset


@pytest.fixture
def shop() -> Dataset:
    """Items 0 to 9 in histories of all lengths, repeats among them; the last two users have no reading."""
    rng = np.random.default_rng(0)
    histories = {f"u{user}": [f"i{row}" for row in rng.integers(10, size=2 + user)] for user in range(12)}
    return make_dataset(histories | {"single": ["i3"], "strange": ["elsewhere", "i4"]}, catalogue(30))


@pytest.mark.parametrize("settings", [{}, {"clusters": (5, 3)}, {"time": "age", "heads": 2}], ids=str)
def test_interests_are_the_means_of_the_records(shop: Dataset, settings: dict[str, object]) -> None:
    checkpoint = make_checkpoint(**{"max_length": 8, "clusters": (4,), **settings})
    table, histories = item_interests(checkpoint, shop)
    assert histories == 12
    clusters = checkpoint.model_config.clusters[-1]
    first, assigned = np.zeros((30, clusters)), np.zeros((30, clusters))
    readings, gamma, relative = np.zeros(30), np.zeros(30), np.zeros(30)
    for user in [f"u{number}" for number in range(12)]:
        history = read_history(checkpoint, shop, user)
        record = explain_history(checkpoint, history, history.next_item.item)
        shares, importance = record.interest_extraction.total_assignment(), record.interest_extraction.importance
        for place, row in enumerate(history.rows):
            readings[row] += 1
            first[row, shares[place].argmax()] += 1
            assigned[row] += shares[place]
            gamma[row] += importance[place]
            relative[row] += importance[place] * len(history)
    known = readings > 0
    assert 5 < known.sum() <= 10
    assert table["row"].to_list() == list(range(30))
    assert table["item"].to_list() == checkpoint.items["item"].to_list()
    np.testing.assert_array_equal(table["readings"], readings)
    told = table.filter(pl.Series(known))
    np.testing.assert_array_equal(told["cluster"], first[known].argmax(1))
    for name, sums in (("first_choice", first), ("assignment", assigned)):
        np.testing.assert_allclose(told[name].to_numpy(), sums[known] / readings[known, None], atol=1e-5)
    np.testing.assert_allclose(told["importance"], gamma[known] / readings[known], atol=1e-5)
    np.testing.assert_allclose(told["relative_importance"], relative[known] / readings[known], atol=1e-4)
    unread = table.filter(pl.Series(~known))
    assert all(unread[name].null_count() == unread.height for name in table.columns[3:])


def test_reading_many_at_once_changes_nothing(shop: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = make_checkpoint(max_length=8)
    table, _ = item_interests(checkpoint, shop)
    monkeypatch.setattr("surge.deployment.interests.histories_at_once", lambda model, lengths: 1)
    alone, _ = item_interests(checkpoint, shop)
    for name in ("first_choice", "assignment", "importance"):
        known = table["readings"] > 0
        np.testing.assert_allclose(
            table.filter(known)[name].to_numpy(), alone.filter(known)[name].to_numpy(), atol=1e-6
        )


@pytest.mark.usefixtures("no_model")
def test_interests_are_written_and_told(shop: Dataset, tmp_path: Path) -> None:
    checkpoint, shares = make_checkpoint(max_length=8), []
    done = export(checkpoint, tmp_path / "out", shop, progress=shares.append)
    told = done["interests"]
    assert (told["histories"], told["clusters"]) == (12, 20)
    assert told["dataset"] == {"name": "memory", "digest": "0"}
    table = pl.read_parquet(tmp_path / "out" / "interests.parquet")
    assert table.equals(item_interests(checkpoint, shop)[0])
    assert told["items_read"] == (table["readings"] > 0).sum()
    assert shares == sorted(shares) and shares[-1] == 1.0


@pytest.mark.usefixtures("no_model")
def test_without_a_dataset_or_clusters_a_sentence_says_why_there_are_none(shop: Dataset, tmp_path: Path) -> None:
    reason = export(make_checkpoint(), tmp_path / "alone")["left_out"]["interests.parquet"]
    assert reason == (
        "an item has no interest of its own, as its cluster depends on the history around it; give a dataset for means "
        "over its histories"
    )
    none = export(make_checkpoint(extraction="none"), tmp_path / "none", shop)["left_out"]["interests.parquet"]
    assert none == "this model has no clusters: every item is read by itself"
    assert not list(tmp_path.glob("*/interests.parquet"))


@pytest.mark.usefixtures("no_model")
def test_a_dataset_of_other_items_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    other = make_dataset({"a": ["x", "y", "z"], "b": ["x", "i1"]}, catalogue(3))
    with pytest.raises(SurgeError, match=r"^The model knows two items of no user; give the dataset that it was"):
        export(make_checkpoint(), tmp_path / "out", other)
    assert not list(tmp_path.iterdir())
