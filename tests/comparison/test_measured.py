"""What is kept of a run is small, has no pickle, and gives every tested metric user by user."""

from __future__ import annotations

import zipfile
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from surge.comparison.run_results import TESTED, Measured
from surge.errors import SurgeError
from surge.evaluation.metrics import hit_rate, list_metrics, ndcg


def of_scores(scores: np.ndarray, user: np.ndarray) -> Measured:
    """The catalogue's ranks are the place of each list."""
    return Measured.of(scores, user, (np.arange(len(user)), np.arange(len(user)) % 3), user)


@given(
    st.integers(1, 12).flatmap(
        lambda count: st.tuples(
            # few different scores, so that there are ties
            arrays.arrays(np.float32, (count, 5), elements=st.integers(-2, 2).map(float)),
            arrays.arrays(np.int64, count, elements=st.integers(0, 4)),
        )
    )
)
def test_the_weighted_mean_over_users_is_the_metric(case: tuple[np.ndarray, np.ndarray]) -> None:
    scores, user = case
    metrics, kept = list_metrics(scores, user), of_scores(scores, user)
    places = np.arange(len(user)), np.arange(len(user)) % 3
    metrics |= {"catalogue_ndcg@10": ndcg(*places, 10), "catalogue_hr@3": hit_rate(*places, 3)}
    for name in (*TESTED, "ndcg@10", "catalogue_hr@3"):
        values, weight = kept.by_user(name)
        assert np.average(values, weights=weight) == pytest.approx(metrics[name], abs=1e-12)
        assert weight.tolist() == [int((user == one).sum()) for one in np.unique(user)]


def test_by_hand() -> None:
    kept = of_scores(np.array([[3.0, 1, 2], [1.0, 2, 3], [2.0, 3, 1]]), np.array([7, 4, 7]))  # ranks 1, 3, 2
    for metric, of_four, of_seven in (
        ("mrr", 1 / 3, (1 + 1 / 2) / 2),
        ("hr@1", 0, 1 / 2),
        ("ndcg@2", 0, (1 + 1 / np.log2(3)) / 2),
        # user 7 has positives 3 and 2, negatives 1, 2, 3, 1: (3.5 + 2.5) of 8 pairs
        ("gauc", 0, 6 / 8),
        # places 1; 2 or 3; 3, 4 or 5
        ("catalogue_hr@2", 1 / 2, 1 / 2),
    ):
        values, weight = kept.by_user(metric)
        assert values.tolist() == pytest.approx([of_four, of_seven])
        assert weight.tolist() == [1, 2]


@pytest.mark.parametrize("metric", ["auc", "ndcg", "ndcg@", "ndcg@two", "mrr@5", "recall@2", "", "catalogue_gauc"])
def test_a_metric_that_no_user_has(metric: str) -> None:
    with pytest.raises(SurgeError, match=r"no metric .* by user; the metrics are gauc"):
        of_scores(np.eye(1, 2), np.array([0])).by_user(metric)


def test_a_file_is_small_and_holds_numbers_alone(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    scores, user = rng.standard_normal((3000, 100)).astype(np.float32), rng.integers(0, 1500, 3000)
    kept, path = of_scores(scores, user), tmp_path / "run.npz"
    kept.save(path)
    assert [file.name for file in tmp_path.iterdir()] == ["run.npz"]
    assert path.stat().st_size < 50_000  # the scores have 1.2 MB
    assert set(zipfile.ZipFile(path).namelist()) == {f"{part.name}.npy" for part in fields(Measured)}
    again = Measured.load(path)
    for part in fields(Measured):
        before, after = getattr(kept, part.name), getattr(again, part.name)
        assert before.dtype == after.dtype != object and np.array_equal(before, after)


@pytest.mark.parametrize("content", [b"", b"[]", b"PK\x03\x04", b"\x93NUMPY\x01\x00", b"PK\x05\x06" + bytes(18)])
def test_a_file_that_is_something_else(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "run.npz"
    path.write_bytes(content)
    with pytest.raises(ValueError):
        Measured.load(path)


def test_a_file_with_a_pickle_or_with_other_arrays(tmp_path: Path) -> None:
    path = tmp_path / "run.npz"
    names = [part.name for part in fields(Measured)]
    np.savez(path, **{name: np.array([{}], dtype=object) for name in names})
    with pytest.raises(ValueError):
        Measured.load(path)
    np.savez(path, **{name: np.zeros(1) for name in names[1:]})
    with pytest.raises(ValueError):
        Measured.load(path)
    np.save(path.with_suffix(".npy"), np.zeros(3))
    path.write_bytes(path.with_suffix(".npy").read_bytes())
    with pytest.raises(ValueError):
        Measured.load(path)
