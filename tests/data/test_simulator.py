"""The simulated shop: the same bytes for the same seed, and the properties that the design asks for."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from surge.data.dataset import Dataset
from surge.data.layout import FILES
from surge.data.shop import CATEGORIES, INTERESTS, catalogue
from surge.data.simulator import simulate, simulate_frames
from surge.errors import SurgeError

SAMPLE = Path(__file__).parents[2] / "sample_data"


@pytest.fixture(scope="module")
def sample() -> Dataset:
    return Dataset.load(SAMPLE)


def test_same_seed_same_bytes(tmp_path: Path) -> None:
    for name, seed in (("one", 7), ("two", 7), ("three", 8)):
        simulate(tmp_path / name, users=40, seed=seed)
    for file in FILES:
        first = (tmp_path / "one" / file).read_bytes()
        assert (tmp_path / "two" / file).read_bytes() == first
    assert Dataset.load(tmp_path / "three").digest != Dataset.load(tmp_path / "one").digest


def test_committed_sample_is_what_the_command_makes(tmp_path: Path) -> None:
    made_with = json.loads((SAMPLE / "dataset.json").read_text())["preparation"]["versions"]
    here = {"numpy": np.__version__, "polars": pl.__version__}
    if made_with != here:
        pytest.skip(f"sample_data was made with {made_with}, and this is {here}")
    simulate(tmp_path / "sample")
    for file in FILES:
        assert (tmp_path / "sample" / file).read_bytes() == (SAMPLE / file).read_bytes(), file


def test_sample_is_small() -> None:
    assert sum(path.stat().st_size for path in SAMPLE.iterdir()) < 3_000_000


def test_catalogue_is_complete() -> None:
    items = catalogue()
    kinds = set(items["kind"])
    assert len(items) == 2000
    assert items["title"].n_unique() == len(items)
    assert len(CATEGORIES) == 40
    assert len(INTERESTS) == 25
    assert {kind for chain in INTERESTS.values() for kind in chain} == kinds
    category_of = dict(items.select("kind", "category").iter_rows())
    spans = [len({category_of[kind] for kind in chain}) for chain in INTERESTS.values()]
    assert min(spans) >= 2
    assert max(spans) <= 5
    shared = [
        name
        for name in CATEGORIES
        if sum(any(category_of[kind] == name for kind in chain) for chain in INTERESTS.values()) > 1
    ]
    assert len(shared) > 20


def test_histories(sample: Dataset) -> None:
    lengths = np.diff(sample.offsets)
    assert len(sample.users) == 3000
    assert lengths.min() >= 10
    assert lengths.max() <= 120
    assert 35 <= np.median(lengths) <= 45
    interests = (
        sample.interactions.filter(pl.col("interest") != "noise")
        .group_by("user")
        .agg(pl.col("interest").n_unique())["interest"]
    )
    assert interests.max() == 5
    assert interests.filter(interests >= 2).len() > 0.99 * len(interests)
    noise = (sample.interactions["interest"] == "noise").mean()
    assert 0.14 < noise < 0.16
    assert 0.1 < sample.description["repeat_share"] < 0.3


def test_times_are_distinct_within_a_user_and_span_eight_weeks(sample: Dataset) -> None:
    steps = sample.interactions.select(pl.col("timestamp").diff().over("user"))["timestamp"].drop_nulls()
    assert steps.min() > 0
    first, last = sample.description["time_range"]
    assert 54 * 86_400 < last - first < 58 * 86_400
    counts = sample.description["split_counts"]
    total = sum(counts.values())
    assert abs(counts["valid"] / total - 0.1) < 0.001
    assert abs(counts["test"] / total - 0.1) < 0.001


def test_an_interest_prefers_its_own_goods_within_a_shared_category(sample: Dataset) -> None:
    boots = sample.interactions.join(sample.items.filter(pl.col("category") == "Boots"), on="item")
    boots = boots.filter(pl.col("title").str.ends_with("hiking boots"))
    shares = []
    for interest in ("camping", "hiking"):
        own = boots.filter(pl.col("interest") == interest)["item"].value_counts(sort=True)
        shares.append(set(own["item"][:6]))
    assert len(shares[0] & shares[1]) <= 3


def test_order_says_something_about_the_next_item(sample: Dataset) -> None:
    # Within an interest, the next item is far more often one of a few successors than popularity would have it.
    clicks = sample.interactions.filter(pl.col("interest") == "camping")
    steps = clicks.select("item", following=pl.col("item").shift(-1).over("user")).drop_nulls()
    steps = steps.filter(pl.col("item") != pl.col("following"))
    pairs = steps.group_by("item", "following").len()
    top = pairs.sort("len", descending=True).group_by("item").head(3)["len"].sum()
    by_popularity = clicks["item"].value_counts(sort=True)["count"][:3].sum() / len(clicks)
    assert top / len(steps) > 2 * by_popularity


@pytest.mark.parametrize(("users", "seed"), [(0, 0), (-1, 0), (10_000_000, 0), (5, -1)])
def test_counts_that_can_not_be(users: int, seed: int) -> None:
    with pytest.raises(SurgeError):
        simulate_frames(users, seed)


def test_only_items_that_occur_are_listed() -> None:
    interactions, items = simulate_frames(1, 3)
    assert set(interactions["item"]) == set(items["item"])
    assert items["item"].is_sorted()
