"""A training that starts from a checkpoint: what known and new items get, what is said, what is refused."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from surge.checkpoint import Checkpoint, category_rows, load_checkpoint
from surge.config import ModelConfig, from_dict
from surge.data.dataset import Dataset
from surge.data.item_vectors import read_item_vectors
from surge.errors import SurgeError
from surge.explanation.explain import explain
from surge.model.surge import SurgeModel
from surge.training.data import TrainingData
from surge.training.start import Start
from surge.training.state import state_folder
from surge.training.trainer import train
from tests.explanation.worlds import make_checkpoint
from tests.training.toy import MODEL, dataset_of, measured, settings

CATEGORIES = {"a": "x", "b": "x", "c": "y", "d": "y", "e": "x", "f": "z", "g": "y"}
SEPTEMBER = ("a", "b", "c", "d", "f")
OCTOBER = ("a", "b", "d", "e", "g")  # c and f are lost; e and g are new, of known categories


def log(items: Sequence[str], categories: Mapping[str, str] = CATEGORIES) -> Dataset:
    """Nine users who take all these items, each beginning with another one."""
    rounds = [[items[(start + step) % len(items)] for step in range(len(items))] for start in range(9)]
    histories = {
        f"u{number}": [(item, 10 * step) for step, item in enumerate(order)] for number, order in enumerate(rounds)
    }
    return dataset_of(histories, categories=categories, repeat_share=0.0)


@pytest.fixture(scope="module")
def september(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    output = tmp_path_factory.mktemp("from") / "september"
    return train(log(SEPTEMBER), output, model=MODEL, training=settings(epochs=1), evaluation=measured(), quiet=True)


def go_on(start: Start, dataset: Dataset, output: Path, **changes: object) -> Checkpoint:
    return train(
        dataset, output, training=settings(**{"epochs": 0, **changes}), evaluation=measured(), start=start, quiet=True
    )


def embeddings(checkpoint: Checkpoint) -> dict[str, np.ndarray]:
    rows = checkpoint.model.item_embedding.weight.numpy()
    return {item: rows[row] for item, row in checkpoint.rows.items()}


def of_categories(checkpoint: Checkpoint) -> dict[str, np.ndarray]:
    rows = checkpoint.model.category_embedding.weight.numpy()
    return {
        category: rows[checkpoint.model.item_category[row]]
        for row, category in enumerate(checkpoint.items["category"].to_list())
    }


def vectors_of(path: Path, values: Mapping[str, Sequence[float]]) -> Path:
    pl.DataFrame({"item": list(values), "vector": list(values.values())}).write_parquet(path)
    return path


def test_known_items_keep_what_was_learned_and_new_ones_get_the_mean_of_their_category(
    september: Checkpoint, tmp_path: Path
) -> None:
    after, before = embeddings(go_on(Start(september), log(OCTOBER), tmp_path / "october")), embeddings(september)
    assert sorted(after) == sorted(OCTOBER)
    for item in "abd":
        np.testing.assert_array_equal(after[item], before[item])
    np.testing.assert_allclose(after["e"], (before["a"] + before["b"]) / 2, rtol=1e-6)
    np.testing.assert_allclose(after["g"], (before["c"] + before["d"]) / 2, rtol=1e-6)


def test_all_other_weights_are_the_checkpoints(september: Checkpoint, tmp_path: Path) -> None:
    after = go_on(Start(september), log(OCTOBER), tmp_path / "october").model.state_dict()
    before = september.model.state_dict()
    same = {
        name for name in before if after[name].shape == before[name].shape and torch.equal(after[name], before[name])
    }
    assert before.keys() - same == {"item_embedding.weight", "category_embedding.weight", "item_category"}


def test_a_category_goes_by_its_name_and_a_new_one_gets_the_mean(september: Checkpoint, tmp_path: Path) -> None:
    renamed = CATEGORIES | {"e": "new", "g": "z"}
    after = of_categories(go_on(Start(september), log(OCTOBER, renamed), tmp_path / "october"))
    before = of_categories(september)
    for category in "xyz":
        np.testing.assert_array_equal(after[category], before[category])
    np.testing.assert_allclose(after["new"], np.mean([before[name] for name in "xyz"], axis=0), rtol=1e-6)


def test_a_new_item_of_no_known_category_gets_the_mean_of_all(september: Checkpoint, tmp_path: Path) -> None:
    after = embeddings(go_on(Start(september), log(OCTOBER, CATEGORIES | {"e": "new"}), tmp_path / "october"))
    np.testing.assert_allclose(after["e"], np.mean([*embeddings(september).values()], axis=0), rtol=1e-5)


def test_while_no_item_is_lost_each_keeps_its_row(september: Checkpoint, tmp_path: Path) -> None:
    """Whoever indexes exported vectors by row may go on with the index."""
    grown = ("0", *SEPTEMBER, "g")
    after = go_on(Start(september), log(grown), tmp_path / "october")
    assert after.items["item"].to_list() == [*september.items["item"].to_list(), "0", "g"]
    assert after.items["category"].to_list()[:5] == september.items["category"].to_list()


def test_what_was_kept_added_and_lost_is_told(
    september: Checkpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint = train(
        log("abde"), tmp_path / "october", training=settings(epochs=0), evaluation=measured(), start=Start(september)
    )
    told = "from september: 3 items kept, 1 added (by their category), 2 lost (not in this dataset)"
    assert told in capsys.readouterr().out
    start = checkpoint.description["start"]
    assert {name: start[name] for name in ("checkpoint", "kept", "added", "lost")} == {
        "checkpoint": "september", "kept": 3, "added": 1, "lost": 2,
    }  # fmt: skip
    assert start["digest"] == september.digest
    assert "started from the weights of the checkpoint september" in (checkpoint.folder / "README.md").read_text()


def test_without_an_epoch_the_checkpoint_is_measured_and_new_items_are_explained(
    september: Checkpoint, tmp_path: Path
) -> None:
    dataset = log(OCTOBER)
    checkpoint = go_on(Start(september), dataset, tmp_path / "october")
    assert (checkpoint.description["best_epoch"], checkpoint.history) == (0, [])
    assert checkpoint.metrics["validation"]["gauc"] == checkpoint.description["start"]["valid_gauc"]
    record = explain(checkpoint, dataset, "u3", "g")
    assert record.target.item == "g" and np.isfinite(record.prediction.logit)


@pytest.mark.parametrize(("gauc", "kept"), [([0.6, 0.5, 0.7], 2), ([0.6, 0.5, 0.4], 0), ([0.6, 0.6, 0.5], 0)])
def test_the_start_is_kept_unless_an_epoch_is_better(
    september: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gauc: list[float], kept: int
) -> None:
    values = iter(gauc)
    monkeypatch.setattr(
        "surge.training.fit.evaluate_lists", lambda *_, **__: {"gauc": next(values), "auc": 0.5, "mrr": 0.5}
    )
    checkpoint = go_on(Start(september), log(SEPTEMBER), tmp_path / "october", epochs=2)
    assert checkpoint.description["best_epoch"] == kept
    assert checkpoint.metrics["validation"]["gauc"] == max(gauc)
    unchanged = all(
        torch.equal(tensor, september.model.state_dict()[name])
        for name, tensor in checkpoint.model.state_dict().items()
    )
    assert unchanged == (kept == 0)


def test_settings_are_the_checkpoints_and_those_of_the_model_can_not_change(
    september: Checkpoint, tmp_path: Path
) -> None:
    for number, same in enumerate(([4], (4,))):  # as JSON has it, and as Python does
        checkpoint = train(
            log(OCTOBER), tmp_path / f"{number}", start=Start(september), model={"clusters": same}, quiet=True
        )
    assert checkpoint.training_config == Start(september).training
    assert checkpoint.evaluation_config == september.evaluation_config
    assert checkpoint.training_config.device == "auto"
    with pytest.raises(SurgeError, match=r"has clusters \[4\], not \[9\], and a training that starts from it keeps"):
        train(log(OCTOBER), tmp_path / "other", start=Start(september), model={"clusters": [9]}, quiet=True)
    assert not (tmp_path / "other").exists()


def test_known_items_of_another_category_are_told(september: Checkpoint) -> None:
    """Of a, b and d, which are known, b has moved to a category that is new; with none at all every one is told."""

    def told(categories: Mapping[str, str]) -> list[str]:
        data = TrainingData.of(log(OCTOBER, categories), Start(september).arrange)
        config = replace(september.model_config, item_count=5, category_count=data.category_count)
        return Start(september).fill(SurgeModel(config, data.item_category), data.items).told

    assert len(told(CATEGORIES)) == 1
    assert told(CATEGORIES | {"b": "new"})[1] == (
        "kept items with another category than in the checkpoint, which changes what they are to the model: "
        "1 ('b' has 'new', before 'x'); categories: 2 of 3 kept, 1 added"
    )
    assert "3 ('a' has 'none', before 'x'); categories: 0 of 3 kept, 0 added" in told({})[1]


def test_an_unknown_setting_is_told_as_ever(september: Checkpoint, tmp_path: Path) -> None:
    with pytest.raises(SurgeError, match="Unknown setting nonsense"):
        train(log(OCTOBER), tmp_path / "october", start=Start(september), model={"nonsense": 1}, quiet=True)


def test_a_log_of_other_items_is_refused(september: Checkpoint, tmp_path: Path) -> None:
    strange = log(("p", "q", "r", "s", "t"), {})
    with pytest.raises(SurgeError, match="'september' knows none of the 5 items of this dataset"):
        go_on(Start(september), strange, tmp_path / "october")


def test_a_new_model_needs_an_epoch(tmp_path: Path) -> None:
    with pytest.raises(SurgeError, match="epochs is 0, and a new model has learned nothing then"):
        train(log(SEPTEMBER), tmp_path / "none", model=MODEL, training=settings(epochs=0), quiet=True)
    assert not (tmp_path / "none").exists()


# -- resumed ------------------------------------------------------------------------------------------


class StopError(Exception):
    """Somebody presses Ctrl-C."""


def test_resumed_it_ends_as_if_never_interrupted(
    september: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = go_on(Start(september), log(OCTOBER), tmp_path / "whole", epochs=2)
    from surge.training import trainer

    def stop_after(*arguments: object) -> None:
        save_state(*arguments)
        raise StopError

    save_state = trainer.save_state
    with monkeypatch.context() as patch:
        patch.setattr(trainer, "save_state", stop_after)
        with pytest.raises(StopError):
            go_on(Start(september), log(OCTOBER), tmp_path / "cut", epochs=2)
    with pytest.raises(SurgeError, match=r"had another start \(added, checkpoint, digest, kept, lost\)"):
        train(
            log(OCTOBER), tmp_path / "cut", model=MODEL, training=settings(epochs=2), evaluation=measured(),
            resume=True, quiet=True,
        )  # fmt: skip
    resumed = train(
        log(OCTOBER), tmp_path / "cut", training=settings(epochs=2), evaluation=measured(), start=Start(september),
        resume=True, quiet=True,
    )  # fmt: skip
    assert (resumed.folder / "model.safetensors").read_bytes() == (whole.folder / "model.safetensors").read_bytes()
    assert (resumed.folder / "config.json").read_bytes() == (whole.folder / "config.json").read_bytes()


def test_a_state_of_an_older_release_is_resumed(simulated: Dataset, tmp_path: Path) -> None:
    """It says nothing of a start."""
    from surge.training import trainer

    def stop_after(*arguments: object) -> None:
        save_state(*arguments)
        raise StopError

    save_state, output = trainer.save_state, tmp_path / "old"
    with pytest.MonkeyPatch.context() as patch, pytest.raises(StopError):
        patch.setattr(trainer, "save_state", stop_after)
        train(simulated, output, model=MODEL, training=settings(epochs=2), evaluation=measured(), quiet=True)
    path = state_folder(output) / "current" / "state.json"
    state = json.loads(path.read_text())
    del state["start"], state["settings"]["start"]
    path.write_text(json.dumps(state))
    train(simulated, output, model=MODEL, training=settings(epochs=2), evaluation=measured(), resume=True, quiet=True)
    assert len(load_checkpoint(output).history) == 2


# -- vectors ------------------------------------------------------------------------------------------


def test_vectors_as_long_as_an_embedding_are_taken_as_they_are(september: Checkpoint, tmp_path: Path) -> None:
    """Of new items alone: a known one keeps what it learned."""
    vector = [0.5, -1.0, 2.0, 0.0, 0.25, 3.0, -0.5, 1.0]
    others = {"unheard": [1.0] * 8, "a": [2.0] * 8}
    given = read_item_vectors(vectors_of(tmp_path / "v.parquet", others | {"e": vector}))
    checkpoint = go_on(Start(september, given), log(OCTOBER), tmp_path / "october")
    after, before = embeddings(checkpoint), embeddings(september)
    np.testing.assert_array_equal(after["e"], np.float32(vector))
    np.testing.assert_array_equal(after["a"], before["a"])
    np.testing.assert_allclose(after["g"], (before["c"] + before["d"]) / 2, rtol=1e-6)


def test_vectors_of_another_space_are_mapped_by_the_known_items(tmp_path: Path) -> None:
    """Known items' vectors are a linear function of their embeddings, so those of new ones lead to what it would be."""
    names = [f"i{number:02}" for number in range(30)]
    old = train(
        log(names, {}), tmp_path / "old", model=MODEL, training=settings(epochs=1), evaluation=measured(), quiet=True
    )
    learned = embeddings(old)
    turn = np.random.default_rng(0).normal(size=(8, 12))
    wanted = np.linspace(-0.1, 0.1, 8)
    vectors = {item: (row @ turn + 1).tolist() for item, row in learned.items()}
    given = read_item_vectors(vectors_of(tmp_path / "v.parquet", vectors | {"new": (wanted @ turn + 1).tolist()}))
    kept = Start(old, given)
    after = go_on(kept, log([*names, "new"], {}), tmp_path / "new")
    np.testing.assert_allclose(embeddings(after)["new"], wanted, atol=0.01)
    ten = read_item_vectors(vectors_of(tmp_path / "ten.parquet", {name: vectors[name] for name in names[:10]}))
    assert Start(old, ten)._fitted(old.model.item_embedding.weight.numpy())[0].shape == (10, 8)  # just enough


def test_how_much_a_map_explains_does_not_hang_on_where_the_embeddings_lie(tmp_path: Path) -> None:
    checkpoint, noise = make_checkpoint(count=30), np.random.default_rng(0).normal(size=(30, 5))
    learned = checkpoint.model.item_embedding.weight.numpy().astype(np.float64)
    values = learned[:, :5] + 0.1 * noise
    vectors = dict(zip(checkpoint.items["item"].to_list(), values.tolist(), strict=True))
    start = Start(checkpoint, read_item_vectors(vectors_of(tmp_path / "v.parquet", vectors)))
    explained = [start._fitted(learned + shift)[1] for shift in (0, np.arange(learned.shape[1]))]
    assert explained[0] == pytest.approx(explained[1]) and -1 < explained[0] < 0.9


def test_a_new_item_without_a_category_gets_the_mean_of_those_without_one() -> None:
    checkpoint = make_checkpoint(count=10)  # i4 and i9 have none
    new = checkpoint.items.head(1).with_columns(item=pl.lit("new"), category=pl.lit(None, pl.String))
    items = pl.concat([checkpoint.items, new])
    model = SurgeModel(replace(checkpoint.model_config, item_count=11), category_rows(items)[1])
    Start(checkpoint).fill(model, items)
    learned, filled = (each.item_embedding.weight.detach().numpy() for each in (checkpoint.model, model))
    np.testing.assert_array_equal(filled[:10], learned)
    np.testing.assert_allclose(filled[10], (learned[4] + learned[9]) / 2, rtol=1e-5)


def test_it_is_told_what_a_file_of_vectors_gave_and_one_that_matches_nothing_is_refused(
    september: Checkpoint, tmp_path: Path
) -> None:
    given = read_item_vectors(
        vectors_of(tmp_path / "v.parquet", {"e": [0.5] * 8, "a": [1.0] * 8, "unheard": [2.0] * 8})
    )
    data = TrainingData.of(log(OCTOBER), Start(september, given).arrange)
    config = from_dict(ModelConfig, Start(september).settings({}) | data.sizes())
    told = Start(september, given).fill(SurgeModel(config, data.item_category), data.items).told
    assert len(told) == 2
    count = f"2 of its 3 items are in this dataset, which has {data.items.height}"
    assert told[1] == f"v.parquet: {count}; vectors of 8 numbers, from 'vector'"
    other = read_item_vectors(vectors_of(tmp_path / "o.parquet", {"E": [0.5] * 8}))
    with pytest.raises(SurgeError, match=r"o\.parquet has vectors of 1 item, none of which .* the file has 'E', the"):
        go_on(Start(september, other), log(OCTOBER), tmp_path / "october")
    assert not (tmp_path / "october").exists()


def test_too_few_known_vectors_for_a_map_are_refused(september: Checkpoint, tmp_path: Path) -> None:
    given = read_item_vectors(vectors_of(tmp_path / "v.parquet", {"e": [1.0, 2.0], "a": [0.0, 1.0]}))
    expected = (
        r"The vectors of v.parquet have 2 numbers, .*'september' has 8; give vectors of 8 numbers, or .*\(it has 1\)"
    )
    with pytest.raises(SurgeError, match=expected):
        go_on(Start(september, given), log(OCTOBER), tmp_path / "october")
