"""The record: its keys, its files, and what it refuses."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surge.errors import SurgeError
from surge.explanation.record import Explanation, Item
from tests.records import make_explanation

KEYS = {
    "user": None,
    "target": {"item", "title", "category"},
    "history": {"item", "title", "category", "timestamp"},
    "model": None,
    "embeddings": {"history", "target"},
    "graph_construction": {"similarity", "threshold", "adjacency"},
    "interest_fusion": {"cluster_score", "query_score", "attention", "fused"},
    "interest_extraction": {
        "assignment",
        "importance",
        "pooled",
        "pooled_importance",
        "pooled_adjacency",
        "readout",
        "layers",
    },
    "prediction": {"order", "evolution", "update_gate", "logit", "probability"},
}
LAYER_KEYS = {"assignment", "pooled", "pooled_importance", "pooled_adjacency"}
TITLES = ['<img src=x onerror=alert(1)> "quoted"', "</script>", "line\nbreak \x00 nul", "ξένος 🏕 \u2028", "", "'; --"]


def round_trip(record: Explanation, folder: Path, ending: str) -> Explanation:
    path = folder / f"record.{ending}"
    record.save(path)
    assert [entry.name for entry in folder.iterdir()] == [path.name]
    return Explanation.load(path)


def written(tmp_path: Path, change: Callable[[dict[str, Any]], Any]) -> Path:
    """A JSON record that was changed after it was written; `change` may give another value for the whole."""
    values = make_explanation(items=4, clusters=2, layers=(2,)).to_dict()
    changed = change(values)
    path = tmp_path / "record.json"
    path.write_text(json.dumps(values if changed is None else changed), encoding="utf-8")
    return path


def assert_refused(path: Path) -> None:
    """Loading says in one sentence what is wrong."""
    with pytest.raises(SurgeError) as refusal:
        Explanation.load(path)
    sentence = str(refusal.value)
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert len(sentence) < 1000


# -- keys and files ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("layers", [(), (3,), (3, 2)])
def test_record_has_exactly_the_keys_of_the_design(layers: tuple[int, ...]) -> None:
    values = make_explanation(items=5, clusters=4, layers=layers).to_dict()
    assert set(values) == set(KEYS)
    for name, keys in KEYS.items():
        part = values[name][0] if name == "history" else values[name]
        assert keys is None or set(part) == keys, name
    assert len(values["interest_extraction"]["layers"]) == len(layers)
    assert all(set(layer) == LAYER_KEYS for layer in values["interest_extraction"]["layers"])
    assert {"sparsity", "heads", "clusters"} <= set(values["model"])


def test_json_holds_exactly_what_to_dict_gives(tmp_path: Path) -> None:
    record = make_explanation(items=5, clusters=4, layers=(3,), titles=TITLES)
    record.save(tmp_path / "record.json")
    assert json.loads((tmp_path / "record.json").read_text(encoding="utf-8")) == _json(record)


def _json(record: Explanation) -> dict[str, Any]:
    """to_dict with the tuples of `model` as lists, as JSON has them."""
    return json.loads(json.dumps(record.to_dict()))


@settings(max_examples=40)
@given(
    items=st.integers(1, 6),
    clusters=st.integers(1, 4),
    heads=st.integers(1, 2),
    layers=st.sampled_from([(), (3,), (3, 2)]),
    titles=st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=6),
    categories=st.lists(st.sampled_from([None, "Tents", "", "</script>"]), min_size=1, max_size=6),
    seed=st.integers(0, 1000),
    ending=st.sampled_from(["json", "npz"]),
)
def test_record_survives_its_files(items: int, clusters: int, heads: int, ending: str, **rest: Any) -> None:
    record = make_explanation(items=items, clusters=clusters, heads=heads, **rest)
    with tempfile.TemporaryDirectory() as folder:
        loaded = round_trip(record, Path(folder), ending)
    assert _json(loaded) == _json(record)
    assert loaded.history == record.history
    assert loaded.target == record.target
    assert loaded.prediction.order.dtype == np.int64


@pytest.mark.parametrize("ending", ["json", "npz"])
def test_saving_a_loaded_record_again_changes_no_value(ending: str, tmp_path: Path) -> None:
    once = round_trip(make_explanation(items=6, clusters=3, layers=(2,)), tmp_path, ending)
    twice = round_trip(once, tmp_path, ending)
    assert twice.to_dict() == once.to_dict()


def test_npz_needs_no_pickle_and_holds_its_arrays_by_path(tmp_path: Path) -> None:
    make_explanation(items=4, clusters=3, layers=(2,), titles=TITLES).save(tmp_path / "record.npz")
    with np.load(tmp_path / "record.npz", allow_pickle=False) as archive:
        assert archive["interest_fusion/attention"].shape == (1, 4, 4)
        assert archive["interest_extraction/layers/0/assignment"].shape == (3, 2)
        assert json.loads(str(archive["text"]))["history"][0]["title"] == TITLES[0]


@pytest.mark.parametrize("ending", ["json", "npz"])
def test_a_long_term_part_is_saved_where_there_is_one(ending: str, tmp_path: Path) -> None:
    record = make_explanation(items=4)
    weight = np.array([0.1, 0.2, 0.3, 0.4])
    longer = replace(record, prediction=replace(record.prediction, long_weight=weight))
    assert np.array_equal(round_trip(longer, tmp_path, ending).prediction.long_weight, weight)
    (tmp_path / f"record.{ending}").unlink()
    assert round_trip(record, tmp_path, ending).prediction.long_weight is None
    for wrong in (weight[:3], weight * 2, np.array([np.nan, 0.3, 0.3, 0.4]), np.array([-0.5, 0.5, 0.5, 0.5])):
        with pytest.raises(SurgeError, match=r"prediction\.long_weight"):
            replace(record, prediction=replace(record.prediction, long_weight=wrong))


def test_record_module_loads_neither_torch_nor_streamlit_nor_plotly() -> None:
    code = (
        "import sys, surge.explanation.record; "
        "print(sorted({'torch', 'streamlit', 'plotly', 'polars', 'sklearn'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_total_assignment_and_final_importance_reach_the_last_layer() -> None:
    deep = make_explanation(items=6, clusters=4, layers=(3, 2))
    extraction = deep.interest_extraction
    by_hand = extraction.assignment @ extraction.layers[0].assignment @ extraction.layers[1].assignment
    np.testing.assert_allclose(extraction.total_assignment(), by_hand)
    np.testing.assert_allclose(extraction.final_importance(), extraction.importance @ by_hand, atol=1e-12)
    flat = make_explanation(items=6, clusters=4).interest_extraction
    assert np.array_equal(flat.total_assignment(), flat.assignment)
    assert np.array_equal(flat.final_importance(), flat.pooled_importance)


# -- files that can't be written or read ------------------------------------------------------------------


@pytest.mark.parametrize("name", ["record.txt", "record", "record.pkl", "record.JSON"])
def test_other_endings_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(SurgeError, match="json or"):
        make_explanation(items=3).save(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(SurgeError, match="nowhere"):
        make_explanation(items=3).save(tmp_path / "nowhere" / "record.json")


@pytest.mark.parametrize("ending", ["json", "npz"])
@pytest.mark.parametrize("content", [b"", b"mine", b"{}", b"[1]", b"PK\x03\x04"])
def test_a_file_that_is_no_record_is_not_replaced(ending: str, content: bytes, tmp_path: Path) -> None:
    (path := tmp_path / f"record.{ending}").write_bytes(content)
    with pytest.raises(SurgeError, match="is there already and holds no explanation; remove it or give another name"):
        make_explanation(items=3).save(path)
    assert path.read_bytes() == content


@pytest.mark.parametrize("ending", ["json", "npz"])
def test_a_save_that_fails_leaves_the_old_file_and_nothing_else(
    ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / f"record.{ending}"
    make_explanation(items=3, seed=1).save(path)
    before = path.read_bytes()

    def fail(*_: object, **__: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        make_explanation(items=3, seed=2).save(path)
    monkeypatch.undo()
    monkeypatch.setattr(Explanation, "to_dict", fail)
    with pytest.raises(OSError, match="disk full"):
        make_explanation(items=3, seed=2).save(path)
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "content", [b"", b"{", b"null", b"[]", b"{}", b'"text"', b"3", b"\xff\xfe\x00", b"[" * 100_000, b'{"user": "u"}']
)
@pytest.mark.parametrize("ending", ["json", "npz"])
def test_foreign_content_is_refused(content: bytes, ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"record.{ending}"
    path.write_bytes(content)
    assert_refused(path)


@pytest.mark.parametrize("ending", ["json", "npz"])
def test_a_truncated_file_is_refused(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"record.{ending}"
    make_explanation(items=4, clusters=3).save(path)
    whole = path.read_bytes()
    for share in (0.1, 0.5, 0.9):
        path.write_bytes(whole[: int(len(whole) * share)])
        assert_refused(path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    assert_refused(tmp_path / "missing.json")
    assert_refused(tmp_path / "missing.npz")
    (tmp_path / "folder.json").mkdir()
    assert_refused(tmp_path / "folder.json")


def test_a_pickle_inside_an_npz_is_never_run(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return (os.mkdir, (str(tmp_path / "executed"),))

    pickled = np.array([Trap()], dtype=object)
    np.savez(tmp_path / "record.npz", text=pickled)
    assert_refused(tmp_path / "record.npz")
    (tmp_path / "record.json").write_bytes(pickle.dumps(Trap()))
    assert_refused(tmp_path / "record.json")
    assert not (tmp_path / "executed").exists()


def test_an_npz_without_its_text_or_with_arrays_in_odd_places_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", attention=np.zeros(3))
    assert_refused(tmp_path / "a.npz")
    np.savez(tmp_path / "b.npz", text=np.array("{}"), **{"no/such/path": np.zeros(3)})
    assert_refused(tmp_path / "b.npz")
    with zipfile.ZipFile(tmp_path / "c.npz", "w") as archive:
        archive.writestr("text.npy", b"not an array")
    assert_refused(tmp_path / "c.npz")


@pytest.mark.parametrize("part", sorted(KEYS))
@pytest.mark.parametrize("value", ["absent", None, 3, "text", [], {}, [1, 2], {"a": 1}], ids=str)
def test_a_part_that_is_absent_or_something_else_is_refused(part: str, value: Any, tmp_path: Path) -> None:
    def change(values: dict[str, Any]) -> None:
        if value == "absent":
            del values[part]
        else:
            values[part] = value

    harmless = {("user", "text"), ("model", "{}"), ("model", "{'a': 1}")}
    if (part, str(value)) in harmless:
        assert Explanation.load(written(tmp_path, change)).length == 4
    else:
        assert_refused(written(tmp_path, change))


ARRAYS = [(part, name) for part, names in KEYS.items() if part not in ("target", "history") for name in names or ()]


@pytest.mark.parametrize(("part", "name"), ARRAYS)
@pytest.mark.parametrize(
    "value",
    [None, "text", {}, [], [[1, 2], [3]], ["a"], [[[[1.0]]]], float("nan"), float("inf"), [float("inf")], True],
    ids=str,
)
def test_an_array_that_is_something_else_is_refused(part: str, name: str, value: Any, tmp_path: Path) -> None:
    def change(values: dict[str, Any]) -> None:
        values[part][name] = value

    if name == "layers" and value in ([], {}):
        return  # pooled once: another record, and a consistent one
    assert_refused(written(tmp_path, change))


@pytest.mark.parametrize(("part", "name"), ARRAYS)
def test_a_key_too_many_or_too_few_is_refused(part: str, name: str, tmp_path: Path) -> None:
    if name != "layers":
        assert_refused(written(tmp_path, lambda values: values[part].pop(name) and None))
    assert_refused(written(tmp_path, lambda values: values[part].update(more=[1.0])))


@pytest.mark.parametrize("value", [None, 5, ["a"]], ids=str)
def test_items_that_are_not_named_by_text_are_refused(value: Any, tmp_path: Path) -> None:
    assert_refused(written(tmp_path, lambda values: values["target"].update(item=value)))
    assert_refused(written(tmp_path, lambda values: values["history"][1].update(title=value)))


def test_an_edited_order_or_history_is_refused(tmp_path: Path) -> None:
    for change in (
        lambda values: values["history"].pop(),
        lambda values: values["prediction"].update(order=[0, 0]),
        lambda values: values["prediction"].update(order=[0, 10**30]),
        lambda values: values["prediction"].update(order=[1, 2]),
        lambda values: values["history"][0].update(price=3),
    ):
        assert_refused(written(tmp_path, lambda values, change=change: change(values) and None))


# -- the checks of a record that is made in memory -----------------------------------------------------------


def changed(record: Explanation, part: str, **values: Any) -> Explanation:
    return replace(record, **{part: replace(getattr(record, part), **values)})


def at(array: np.ndarray, index: tuple[int, ...], value: float) -> np.ndarray:
    copy = np.array(array, dtype=np.float64)
    copy[index] = value
    return copy


@pytest.mark.parametrize(("part", "name"), ARRAYS)
def test_every_array_is_checked_for_shape_and_for_finite_values(part: str, name: str) -> None:
    record = make_explanation(items=4, clusters=3, heads=2)
    value = getattr(getattr(record, part), name)
    if not isinstance(value, np.ndarray):
        return
    with pytest.raises(SurgeError):
        changed(record, part, **{name: np.concatenate([value, value])})
    with pytest.raises(SurgeError):
        changed(record, part, **{name: value[..., None]})
    if name != "order":
        with pytest.raises(SurgeError, match=f"{part}.{name}"):
            changed(record, part, **{name: np.full(value.shape, np.nan)})


@pytest.mark.parametrize("name", sorted(LAYER_KEYS))
def test_every_array_of_a_deeper_layer_is_checked(name: str) -> None:
    record = make_explanation(items=4, clusters=3, layers=(2,))
    (layer,) = record.interest_extraction.layers
    value = getattr(layer, name)
    for wrong in (value[:1], np.full(value.shape, np.nan)):
        with pytest.raises(SurgeError, match=r"layers\[0\]"):
            changed(record, "interest_extraction", layers=(replace(layer, **{name: wrong}),))
    with pytest.raises(SurgeError, match="sum to 1"):
        halved = replace(layer, assignment=layer.assignment / 2)
        changed(record, "interest_extraction", layers=(halved,))


def test_rows_that_do_not_sum_to_one_are_refused() -> None:
    record = make_explanation(items=4, clusters=3)
    for part, name in (
        ("interest_fusion", "attention"),
        ("interest_extraction", "assignment"),
        ("interest_extraction", "importance"),
    ):
        value = getattr(getattr(record, part), name)
        with pytest.raises(SurgeError, match=f"{part}.{name}"):
            changed(record, part, **{name: value * 1.01})
        negative = np.array(value, dtype=np.float64)
        negative[..., 0], negative[..., 1:] = -0.5, 1.5 / (value.shape[-1] - 1)
        with pytest.raises(SurgeError, match=f"{part}.{name}"):
            changed(record, part, **{name: negative})
        changed(record, part, **{name: value + 1e-6})  # float32 noise passes


def test_impossible_graphs_are_refused() -> None:
    record = make_explanation(items=4, clusters=3)
    graph = record.graph_construction
    for values in (
        {"adjacency": at(graph.adjacency, (0, 1), 0.5)},
        {"adjacency": at(graph.adjacency, (2, 2), 0)},
        {"similarity": at(graph.similarity, (0, 1), 1.1)},
        {"similarity": at(graph.similarity, (0, 1), -1.1)},
        {"threshold": float("nan")},
        {"threshold": -0.1},
        {"threshold": "0.5"},
    ):
        with pytest.raises(SurgeError, match="graph_construction"):
            changed(record, "graph_construction", **values)


def test_impossible_predictions_are_refused() -> None:
    record = make_explanation(items=4, clusters=3)
    for values in (
        {"order": np.array([0, 1, 1])},
        {"order": np.array([1, 2, 3])},
        {"logit": float("inf")},
        {"logit": "1"},
        {"probability": 1.5},
        {"probability": -0.1},
        {"probability": float("nan")},
    ):
        with pytest.raises(SurgeError, match="prediction"):
            changed(record, "prediction", **values)


def test_an_empty_history_is_refused() -> None:
    with pytest.raises(SurgeError, match="at least one item"):
        replace(make_explanation(items=3), history=())


def test_a_history_of_one_item_is_a_record() -> None:
    record = make_explanation(items=1, clusters=3)
    assert record.length == 1
    assert record.interest_fusion.attention.tolist() == [[[1.0]]]
    assert record.interest_extraction.importance.tolist() == [1.0]


def test_notes_are_not_part_of_the_saved_record(tmp_path: Path) -> None:
    record = replace(make_explanation(items=3), notes=("Something was left out.",))
    assert "notes" not in record.to_dict()
    assert round_trip(record, tmp_path, "json").notes == ()


def test_an_item_without_a_category_and_time_is_an_item() -> None:
    record = replace(make_explanation(items=3), target=Item("t", "T", None))
    assert record.to_dict()["target"] == {"item": "t", "title": "T", "category": None}


@pytest.mark.parametrize("place", ["user", "target", "history"])
@pytest.mark.parametrize("name", ["item", "title", "category"])
def test_half_a_surrogate_pair_is_refused(place: str, name: str, tmp_path: Path) -> None:
    values = make_explanation(items=3, clusters=2).to_dict()
    if place == "user":
        values["user"] = "u\ud83d"
    else:
        (values[place] if place == "target" else values[place][1])[name] = "half \udc00"
    with pytest.raises(SurgeError, match="holds half a surrogate pair, which is no character"):
        Explanation.from_dict(values)
    path = tmp_path / "record.json"
    path.write_text(json.dumps(values), encoding="utf-8")  # JSON brings it in as \\ud83d
    assert_refused(path)


@pytest.mark.parametrize("ending", ["json", "npz"])
def test_what_the_ranking_adds_comes_back(ending: str, tmp_path: Path) -> None:
    record = make_explanation(items=4, clusters=3)
    assert record.lift == pytest.approx(np.exp(record.prediction.logit))  # of a record that doesn't say it
    told = replace(record.prediction, log_popularity=-7.5, lift=9.25, next_probability=0.03, left_out=True)
    again = round_trip(replace(record, prediction=told), tmp_path, ending)
    assert (again.prediction.log_popularity, again.lift, again.prediction.next_probability) == (-7.5, 9.25, 0.03)
    assert again.prediction.left_out is True and not record.prediction.left_out
    assert "lift" not in record.to_dict()["prediction"]


def test_what_is_left_out_can_be_told_of_an_older_record_by_its_rank() -> None:
    record = make_explanation(items=4, clusters=3)
    assert record.is_left_out(None, 20) and not record.is_left_out(3, 20) and not record.is_left_out(None, None)
    assert replace(record, prediction=replace(record.prediction, left_out=True)).is_left_out()
    assert record.left_out_words == "as it was taken before the items that are read here"
    inside = replace(record, target=replace(record.history[2], timestamp=None))
    assert inside.left_out_words == "as the history holds it already"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("log_popularity", 0.5),
        ("log_popularity", "rare"),
        ("lift", -1),
        ("lift", float("nan")),
        ("lift", True),
        ("next_probability", 1.5),
        ("next_probability", [0.1]),
        ("left_out", 1),
        ("left_out", "no"),
    ],
)
def test_what_the_ranking_adds_must_be_in_range(name: str, value: object, tmp_path: Path) -> None:
    assert_refused(written(tmp_path, lambda record: record["prediction"].update({name: value})))
