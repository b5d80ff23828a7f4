"""The items of an export: ids and vectors, exactly those of the checkpoint."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from surge.config import LossTerms, TrainingConfig
from surge.deployment.export import export
from surge.model.surge import ItemSequences
from tests.explanation.worlds import make_checkpoint, popular

pytestmark = pytest.mark.usefixtures("no_model")


def test_row_by_row_the_ids_and_vectors_are_those_of_the_checkpoint(tmp_path: Path) -> None:
    checkpoint = make_checkpoint(counts=popular())
    export(checkpoint, tmp_path / "out")
    table = pl.read_parquet(tmp_path / "out" / "items.parquet")
    assert table.columns == ["row", "item", "title", "category", "count", "popularity", "embedding"]
    assert table["row"].to_list() == list(range(30))
    for name in ("item", "title", "category", "count"):
        assert table[name].to_list() == checkpoint.items[name].to_list()
    weights = [max(count, 1) for count in popular()]
    np.testing.assert_allclose(table["popularity"], np.array(weights) / sum(weights), rtol=1e-15)
    np.testing.assert_array_equal(np.log(table["popularity"].to_numpy()), checkpoint.catalogue.log_popularity)
    vectors = np.load(tmp_path / "out" / "embeddings.npy", allow_pickle=False)
    model = checkpoint.model
    assert vectors.dtype == np.float32 and vectors.shape == (30, 40)
    np.testing.assert_array_equal(vectors[:, :32], model.item_embedding.weight.numpy())
    np.testing.assert_array_equal(vectors[:, 32:], model.category_embedding.weight[model.item_category].numpy())
    np.testing.assert_array_equal(table["embedding"].to_numpy(), vectors)


def test_a_model_without_categories_has_vectors_of_the_item_part_alone(tmp_path: Path) -> None:
    checkpoint = make_checkpoint(category_size=0)
    done = export(checkpoint, tmp_path / "out")
    vectors = np.load(tmp_path / "out" / "embeddings.npy", allow_pickle=False)
    np.testing.assert_array_equal(vectors, checkpoint.model.item_embedding.weight.numpy())
    told = done["vectors"]["embeddings.npy"]
    assert (told["size"], told["item_part"], told["category_part"]) == (32, [0, 32], [32, 32])


def test_a_catalogue_of_one_item(tmp_path: Path) -> None:
    export(make_checkpoint(count=1), tmp_path / "out")
    table = pl.read_parquet(tmp_path / "out" / "items.parquet")
    assert table["item"].to_list() == ["i0"] and table["popularity"].to_list() == [1.0]


def test_the_metric_weights_make_of_the_vectors_what_the_graph_is_made_of(tmp_path: Path) -> None:
    checkpoint = make_checkpoint(metric_heads=3)
    told = export(checkpoint, tmp_path / "out")["vectors"]["embeddings.npy"]
    vectors = np.load(tmp_path / "out" / "embeddings.npy", allow_pickle=False).astype(np.float64)
    weighted = vectors[:, None] * np.array(told["metric_weights"])
    unit = weighted / np.linalg.norm(weighted, axis=2, keepdims=True)
    ours = np.einsum("iwd,jwd->ij", unit, unit) / 3
    everything = ItemSequences(torch.arange(30)[None], torch.ones(1, 30, dtype=torch.bool))
    np.testing.assert_allclose(ours, checkpoint.model.build_graph(everything).similarity[0].numpy(), atol=1e-6)


@pytest.mark.parametrize(
    ("settings", "what_is_added"),
    [
        ({"position": "recency"}, "position"),
        ({"position": "none"}, None),
        ({"position": "recency", "time": "age"}, "position"),
    ],
)
def test_the_next_item_head_after_one_item(tmp_path: Path, settings: dict[str, str], what_is_added: str | None) -> None:
    """W (h + p_0), with p_0 the position of the last item; an age that is not known adds nothing."""
    checkpoint = make_checkpoint(next_item=True, **settings)
    done = export(checkpoint, tmp_path / "out")
    model = checkpoint.model
    values = np.load(tmp_path / "out" / "embeddings.npy", allow_pickle=False).astype(np.float64)
    if what_is_added:
        values += model.position_embedding.weight[0].numpy()
    following = np.load(tmp_path / "out" / "next_item.npy", allow_pickle=False)
    np.testing.assert_allclose(following, values @ model.follow.weight.double().numpy().T, atol=1e-5)
    table = pl.read_parquet(tmp_path / "out" / "items.parquet")
    np.testing.assert_array_equal(table["next_item"].to_numpy(), following)
    assert "next_item.npy" in done["files"] and "next_item.npy" not in done["left_out"]


def test_a_next_item_head_that_nothing_trained_is_left_out(tmp_path: Path) -> None:
    config = TrainingConfig(loss=LossTerms(next_item_weight=0))
    checkpoint = replace(make_checkpoint(next_item=True), training_config=config)
    done = export(checkpoint, tmp_path / "out")
    assert done["left_out"]["next_item.npy"] == "the checkpoint has no next-item head, or trained none"
    assert not (tmp_path / "out" / "next_item.npy").exists()
    assert "next_item" not in pl.read_parquet_schema(tmp_path / "out" / "items.parquet")


def test_a_small_part_at_a_time_gives_the_same_states(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = make_checkpoint(next_item=True)
    export(checkpoint, tmp_path / "whole")
    monkeypatch.setattr("surge.deployment.items.CHUNK", 7)
    export(checkpoint, tmp_path / "parts")
    whole, parts = (np.load(tmp_path / name / "next_item.npy", allow_pickle=False) for name in ("whole", "parts"))
    np.testing.assert_allclose(parts, whole, atol=1e-6)
