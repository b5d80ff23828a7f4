"""Figures of all users, with values worked out by hand, and their file in good and in hostile shape."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest

from surge.checkpoint import Checkpoint
from surge.data.dataset import Dataset
from surge.errors import SurgeError
from surge.explanation import survey_file
from surge.explanation.explain import explain_history
from surge.explanation.history import read_history
from surge.explanation.leave_one_out import measure_effects
from surge.explanation.ranking import rank_catalogue
from surge.explanation.record import Explanation
from surge.explanation.structure import assignment_entropy, attention_distance, effective_clusters
from surge.explanation.survey import cluster_drift, noise_share, survey
from surge.explanation.survey_file import COLUMNS, VERSION, check_output, read_survey, survey_path, write_survey
from surge.explanation.survey_map import place
from tests.explanation.worlds import catalogue, make_checkpoint, make_dataset
from tests.records import make_explanation

HISTORIES = {
    "ann": [f"i{row}" for row in (3, 17, 8, 21, 5, 12, 29, 1)],
    "bob": ["i9", "i7", "i9"],
    "cyd": ["i99", "i98"],  # of which the model knows none
    "dan": ["i4", "i77"],  # one item known, the next one not
    "eve": ["i11"],  # a single interaction
    "fay": ["i2", "i14", "i6", "i20", "i2", "i25"],
}


def counted_checkpoint(**settings: Any) -> Checkpoint:
    """One that met some items more often than others, so that the ranking isn't that of the logits."""
    checkpoint = make_checkpoint(**settings)
    counts = pl.Series("count", [1 + row % 7 for row in range(checkpoint.items.height)], dtype=pl.Int64)
    return replace(checkpoint, items=checkpoint.items.with_columns(counts))


def world(**settings: Any) -> tuple[Checkpoint, Dataset]:
    return counted_checkpoint(seed=1, sparsity=0.3, **settings), make_dataset(HISTORIES, catalogue(100))


def test_one_row_a_user_with_the_columns_of_the_file() -> None:
    frame = survey(*world())
    assert list(frame.schema.items()) == [(name, column.dtype) for name, column in COLUMNS.items()]
    assert frame["user"].to_list() == ["ann", "bob", "dan", "eve", "fay"]
    assert frame["length"].to_list() == [7, 2, 1, 1, 5]
    assert frame["next_item"].to_list() == ["i1", "i9", "i77", None, "i25"]
    assert frame["next_period"].to_list() == ["test", "test", "test", None, "test"]
    for name in ("next_rank", "next_probability", "next_lift"):  # unknown to the model, or none
        assert [value is None for value in frame[name]] == [False, False, True, True, False]
    # fewer than four items say nothing about an order
    assert [value is None for value in frame["faithfulness"]] == [False, True, True, True, False]


@pytest.mark.parametrize("settings", [{}, {"heads": 2, "clusters": (6, 3)}, {"exclude_seen": True}], ids=str)
def test_figures_are_those_of_the_top_predicted_items_record(settings: dict[str, Any]) -> None:
    checkpoint, dataset = world(**settings)
    frame = survey(checkpoint, dataset)
    for row in frame.to_dicts():
        history = read_history(checkpoint, dataset, row["user"])
        ranking = rank_catalogue(checkpoint, history)
        top = ranking.top(1)[0]
        record = explain_history(checkpoint, history)
        extraction, effects = record.interest_extraction, measure_effects(checkpoint, history, record)
        assert (row["top_item"], row["top_probability"]) == (top.item, pytest.approx(top.next_probability))
        assert row["top_lift"] == pytest.approx(checkpoint.training_config.negatives * np.exp(top.logit))
        assert row["clusters_in_use"] == len(set(extraction.total_assignment().argmax(1).tolist()))
        assert row["effective_clusters"] == pytest.approx(effective_clusters(record))
        assert row["assignment_entropy"] == pytest.approx(assignment_entropy(record))
        assert row["attention_distance"] == pytest.approx(attention_distance(record))
        assert row["dominant_interest"] == pytest.approx(extraction.final_importance().max())
        assert row["noise_share"] == noise_share(record)
        assert row["drift"] == pytest.approx(cluster_drift(extraction.total_assignment()))
        assert row["faithfulness"] == effects.agreement(extraction.importance)
        assert row["attention_faithfulness"] == effects.agreement(record.attention_received())
        if row["next_item"] in checkpoint.rows:
            place_ = checkpoint.rows[row["next_item"]]
            assert row["next_rank"] == ranking.rank_of(place_)
            scores = ranking.logits[ranking.order] + checkpoint.catalogue.log_popularity[ranking.order]
            chances = np.exp(scores) / np.exp(scores).sum()
            chance = dict(zip(ranking.order.tolist(), chances.tolist(), strict=True)).get(place_)
            assert row["next_probability"] == (None if chance is None else pytest.approx(chance))
            assert row["next_lift"] == pytest.approx(
                checkpoint.training_config.negatives * np.exp(float(ranking.logits[place_]))
            )
    # bob's next item was in his history
    assert (frame.row(by_predicate=pl.col("user") == "bob", named=True)["next_rank"] is None) == checkpoint.exclude_seen


def test_users_are_drawn_by_the_seed_in_the_datasets_order() -> None:
    checkpoint = counted_checkpoint(seed=1)
    dataset = make_dataset({f"u{n:02}": [f"i{n}", f"i{n + 1}", "i3"] for n in range(20)}, checkpoint.items)
    drawn = survey(checkpoint, dataset, users=5)["user"].to_list()
    assert len(drawn) == 5 and drawn == sorted(drawn)
    assert drawn == survey(checkpoint, dataset, users=5)["user"].to_list()
    assert drawn != survey(checkpoint, dataset, users=5, seed=1)["user"].to_list()
    assert survey(checkpoint, dataset, users=500).height == 20


def test_progress_is_reported_to_the_end() -> None:
    shares: list[float] = []
    survey(*world(), progress=shares.append)
    assert shares == sorted(shares) and shares[-1] == 1.0 and len(shares) == 6


def test_nobody_to_survey_is_one_sentence() -> None:
    with pytest.raises(SurgeError, match="dataset that it was trained on"):
        survey(counted_checkpoint(), make_dataset({"cyd": ["i99", "i98"]}, catalogue(100)))
    everything = make_dataset({"all": ["i0", "i1", "i2", "i0"]}, catalogue(3))
    with pytest.raises(SurgeError, match="predict nothing"):
        survey(counted_checkpoint(count=3, exclude_seen=True), everything)


# -- single figures -----------------------------------------------------------------------------------


def similar(similarity: list[list[float]]) -> Explanation:
    """A record with this M."""
    record = make_explanation(items=len(similarity))
    graph = replace(record.graph_construction, similarity=np.array(similarity))
    return replace(record, graph_construction=graph)


def test_noise_is_what_is_far_less_alike_than_is_usual_in_the_history() -> None:
    # fit: 0.9, 0.9, 0.9, and 0.5 of the last, which is less than two thirds of the median 0.9
    lonely = [[1, 0.9, 0.9, 0.5], [0.9, 1, 0.9, 0.5], [0.9, 0.9, 1, 0.5], [0.5, 0.5, 0.5, 1]]
    assert noise_share(similar(lonely)) == 0.25
    near = [[0.61 if value == 0.5 else value for value in row] for row in lonely]
    assert noise_share(similar(near)) == 0
    # one like item is not enough: 0.9 and 0.1 make 0.5
    one = [[1, 0.9, 0.9, 0.9], [0.9, 1, 0.9, 0.1], [0.9, 0.9, 1, 0.1], [0.9, 0.1, 0.1, 1]]
    assert noise_share(similar(one)) == 0.25


def test_noise_does_not_hang_on_the_scale_of_the_similarity() -> None:
    base = np.array([[1, 0.9, 0.9, 0.5], [0.9, 1, 0.9, 0.5], [0.9, 0.9, 1, 0.5], [0.5, 0.5, 0.5, 1]])
    assert noise_share(similar((base / 10).tolist())) == 0.25


def test_noise_of_strange_histories() -> None:
    assert noise_share(similar([[1.0]])) == 0
    assert noise_share(similar([[1, -0.5], [-0.5, 1]])) == 0
    assert noise_share(similar([[1.0] * 4] * 4)) == 0
    # nothing is like anything else: all of it is noise
    assert noise_share(similar((2 * np.eye(4) - 0.5).clip(-1, 1).tolist())) == 1


def test_drift_is_how_much_moved_from_the_older_to_the_newer_half() -> None:
    a, b = [1.0, 0.0], [0.0, 1.0]
    assert cluster_drift(np.array([a, a, b, b])) == 1
    assert cluster_drift(np.array([a, b, a, b])) == 0
    assert cluster_drift(np.array([a])) == 0
    # shares 1, 0 and then 1/2, 1/2; the middle item is of the newer half
    assert cluster_drift(np.array([a, a, b])) == pytest.approx(0.5)
    assert cluster_drift(np.array([[0.75, 0.25], [0.25, 0.75]])) == pytest.approx(0.5)


# -- the map ------------------------------------------------------------------------------------------


def test_the_map_lies_along_the_largest_variance_with_a_fixed_sign() -> None:
    rng = np.random.default_rng(0)
    long, short = rng.normal(size=(2, 60)) * np.array([[5.0], [1.0]])
    vectors = np.zeros((60, 6))
    vectors[:, 4], vectors[:, 1] = -long, short
    map_ = place(vectors)
    np.testing.assert_allclose(np.abs(np.corrcoef(map_[:, 0], long)[0, 1]), 1, atol=0.01)
    # the larger the entry with the largest weight, the further right and up
    assert np.corrcoef(map_[:, 0], vectors[:, 4])[0, 1] > 0.99
    assert np.corrcoef(map_[:, 1], vectors[:, 1])[0, 1] > 0.99
    np.testing.assert_array_equal(place(vectors), map_)
    np.testing.assert_allclose(map_.mean(0), 0, atol=1e-9)
    order = rng.permutation(60)
    np.testing.assert_allclose(place(vectors[order]), map_[order], atol=1e-9)


@pytest.mark.parametrize("vectors", [np.ones((1, 4)), np.ones((5, 4)), np.array([[0.0, 1.0], [1.0, 1.0]])], ids=str)
def test_few_or_like_users_have_a_place_too(vectors: np.ndarray) -> None:
    map_ = place(vectors)
    assert map_.shape == (len(vectors), 2)
    assert np.isfinite(map_).all()


def test_umap_is_asked_for_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(SurgeError, match="pip install umap-learn"):
        survey(*world(), method="umap")
    with pytest.raises(SurgeError, match="pca or umap"):
        survey(*world(), method="tsne")
    made: dict[str, Any] = {}

    class UMAP:
        def __init__(self, **settings: Any) -> None:
            made.update(settings)

        def fit_transform(self, vectors: np.ndarray) -> np.ndarray:
            return vectors[:, :2].astype(np.float32) * 3

    monkeypatch.setitem(sys.modules, "umap", SimpleNamespace(UMAP=UMAP))
    frame = survey(*world(), method="umap", seed=7)
    assert (made["random_state"], made["n_neighbors"]) == (7, 4)
    assert frame["x"].dtype == pl.Float64 and np.ptp(frame["x"].to_numpy()) > 0


# -- the file -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def made() -> tuple[pl.DataFrame, Checkpoint, Dataset]:
    checkpoint, dataset = world()
    return survey(checkpoint, dataset), replace(checkpoint, digest="c" * 64), replace(dataset, digest="d" * 64)


def test_the_file_gives_back_what_was_measured(made: Any, tmp_path: Path) -> None:
    frame, checkpoint, dataset = made
    path = tmp_path / "my.survey.parquet"
    write_survey(path, frame, checkpoint, dataset)
    read, metadata = read_survey(path)
    assert read.equals(frame)
    assert metadata == {
        "surge.survey_version": "2",
        "surge.checkpoint": "c" * 64,
        "surge.dataset": "d" * 64,
        "surge.map": "pca",
    }
    write_survey(path, frame.head(2), checkpoint, dataset, method="umap")  # an older survey is replaced
    read, metadata = read_survey(path)
    assert read.height == 2 and metadata["surge.map"] == "umap"
    assert [entry.name for entry in tmp_path.iterdir()] == ["my.survey.parquet"]


def test_the_default_place_is_beside_the_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert survey_path("checkpoints/demo/") == Path("checkpoints/demo.survey.parquet")
    assert survey_path(Path("demo")) == Path("demo.survey.parquet")
    assert survey_path("a/v1.2") == Path("a/v1.2.survey.parquet")
    (tmp_path / "model").mkdir()
    monkeypatch.chdir(tmp_path / "model")
    assert survey_path(".") == tmp_path / "model.survey.parquet"


def test_a_failure_leaves_the_old_file_and_nothing_else(
    made: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame, checkpoint, dataset = made
    path = tmp_path / "s.parquet"
    write_survey(path, frame, checkpoint, dataset)
    before = path.read_bytes()

    def fail(*arguments: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(KeyboardInterrupt):
        write_survey(path, frame.head(1), checkpoint, dataset)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["s.parquet"]


def test_other_files_are_not_replaced(made: Any, tmp_path: Path) -> None:
    frame, *rest = made
    frame.write_parquet(tmp_path / "log.parquet")
    (tmp_path / "text.parquet").write_text("precious")
    (tmp_path / "folder.parquet").mkdir()
    (tmp_path / "link.parquet").symlink_to(tmp_path / "text.parquet")
    for name, words in (
        ("log.parquet", "holds no survey"),
        ("text.parquet", "holds no survey"),
        ("folder.parquet", "is a folder; give the name of a file"),
        ("link.parquet", "ordinary file"),
        ("s.csv", "change the ending"),
        ("no/s.parquet", "does not exist"),
    ):
        with pytest.raises(SurgeError, match=words):
            write_survey(tmp_path / name, frame, *rest)
        with pytest.raises(SurgeError, match=words):
            check_output(tmp_path / name)
    assert (tmp_path / "text.parquet").read_text() == "precious"


METADATA = {
    "surge.survey_version": VERSION,
    "surge.checkpoint": "c",
    "surge.dataset": "d",
    "surge.map": "pca",
}


def changed(frame: pl.DataFrame, name: str, value: Any) -> pl.DataFrame:
    """The frame with another value in the first row."""
    values = frame[name].to_list()
    return frame.with_columns(pl.Series(name, [value, *values[1:]], dtype=frame.schema[name]))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda frame: frame.drop("drift"), "'drift' nowhere"),
        (lambda frame: frame.with_columns(more=1), "'more'"),
        (lambda frame: frame.with_columns(pl.col("length").cast(pl.Float64)), "'length' as Float64"),
        (lambda frame: frame.with_columns(pl.col("user").cast(pl.Binary)), "'user' as Binary"),
        (lambda frame: frame.with_columns(x=pl.lit(None, pl.Float64)), "empty values in 'x'"),
        (lambda frame: frame.with_columns(x=pl.lit(float("inf"))), "'x' that is out of range"),
        (lambda frame: changed(frame, "y", float("nan")), "'y' that is out of range"),
        (lambda frame: changed(frame, "faithfulness", float("nan")), "'faithfulness' that is out of range"),
        (lambda frame: changed(frame, "noise_share", 1.2), "'noise_share' that is out of range"),
        (lambda frame: changed(frame, "faithfulness", -1.1), "'faithfulness' that is out of range"),
        (lambda frame: changed(frame, "next_rank", 0), "'next_rank' that is out of range"),
        (lambda frame: changed(frame, "next_probability", 1.2), "'next_probability' that is out of range"),
        (lambda frame: changed(frame, "top_lift", -1.0), "'top_lift' that is out of range"),
        (lambda frame: changed(frame, "next_period", "later"), "train, valid, test"),
        (lambda frame: changed(frame, "user", "bob"), "more than once"),
        (lambda frame: frame.clear(), "0 rows"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_file_that_is_no_survey_is_one_sentence(made: Any, tmp_path: Path, change: Any, words: str) -> None:
    path = tmp_path / "s.parquet"
    made[0].write_parquet(path, metadata=METADATA)
    assert read_survey(path)[0].height == 5
    change(made[0]).write_parquet(path, metadata=METADATA)
    with pytest.raises(SurgeError, match=words) as refusal:
        read_survey(path)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"surge.survey_version": "9"},
            "'s.parquet' is a survey of version '9', this program reads version 2; make it",
        ),
        ({"surge.survey_version": None}, "is no survey"),
        ({"surge.checkpoint": None}, "what it was made of"),
        ({"surge.dataset": ""}, "what it was made of"),
        ({"surge.map": "magic"}, "what it was made of"),
    ],
    ids=str,
)
def test_metadata_are_checked(made: Any, tmp_path: Path, change: dict[str, str | None], words: str) -> None:
    path = tmp_path / "s.parquet"
    metadata = {key: value for key, value in (METADATA | change).items() if value is not None}
    made[0].write_parquet(path, metadata=metadata)
    with pytest.raises(SurgeError, match=words):
        read_survey(path)


def test_a_survey_of_scores_is_to_be_made_again(made: Any, tmp_path: Path) -> None:
    old = (
        made[0].rename({"next_probability": "next_score", "top_probability": "top_score"}).drop("next_lift", "top_lift")
    )
    old.write_parquet(tmp_path / "s.parquet", metadata=METADATA | {"surge.survey_version": "1"})
    with pytest.raises(SurgeError) as refusal:
        read_survey(tmp_path / "s.parquet")
    assert str(refusal.value) == (
        "'s.parquet' is a survey of version '1', this program reads version 2; make it again."
    )
    write_survey(tmp_path / "s.parquet", *made)  # in its place
    assert read_survey(tmp_path / "s.parquet")[0].equals(made[0])


def test_columns_come_in_their_order_whatever_the_file_says(made: Any, tmp_path: Path) -> None:
    made[0].select(reversed(made[0].columns)).write_parquet(tmp_path / "s.parquet", metadata=METADATA)
    assert read_survey(tmp_path / "s.parquet")[0].columns == list(COLUMNS)


def test_too_much_is_refused_before_it_is_read(made: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "s.parquet"
    made[0].write_parquet(path, metadata=METADATA)
    monkeypatch.setattr(survey_file, "MOST_ROWS", 4)
    with pytest.raises(SurgeError, match="5 rows"):
        read_survey(path)
    monkeypatch.setattr(survey_file, "LARGEST_FILE", 1000)
    with pytest.raises(SurgeError, match="larger than"):
        read_survey(path)


def test_damage_is_one_sentence(made: Any, tmp_path: Path) -> None:
    path = tmp_path / "s.parquet"
    with pytest.raises(SurgeError, match="can't be read"):
        read_survey(path)
    with pytest.raises(SurgeError, match="can't be read"):
        read_survey(tmp_path)
    made[0].write_parquet(path, metadata=METADATA)
    content = path.read_bytes()
    rng = np.random.default_rng(0)
    refused = 0
    for cut in [0, 3, 4, 8, *rng.integers(0, len(content), 20).tolist()]:
        path.write_bytes(content[:cut])
        with pytest.raises(SurgeError):
            read_survey(path)
    for at in rng.integers(0, len(content), 60).tolist():
        damaged = bytearray(content)
        damaged[at] ^= int(rng.integers(1, 256))
        path.write_bytes(damaged)
        try:
            read_survey(path)
        except SurgeError:
            refused += 1
    assert refused > 10


def test_a_frame_that_is_no_survey_is_not_written(made: Any, tmp_path: Path) -> None:
    frame, *rest = made
    with pytest.raises(SurgeError, match="out of range"):
        write_survey(tmp_path / "s.parquet", changed(frame, "drift", 2.0), *rest)
    assert list(tmp_path.iterdir()) == []
