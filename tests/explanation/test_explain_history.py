"""What explain() hands over: a record that satisfies the equations, with the score of the whole catalogue."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from surge import explain
from surge.backends.scoring import score_rows
from surge.checkpoint import Checkpoint
from surge.config import PRESETS
from surge.errors import SurgeError
from surge.explanation.compose import compose_story
from surge.explanation.explain import candidate_row, explain_history
from surge.explanation.ranking import rank_catalogue
from surge.explanation.record import Explanation
from tests.explanation.worlds import HOSTILE, history_of, make_checkpoint, make_dataset, popular

LONG = [3, 17, 8, 21, 5, 12, 29, 1, 14, 26, 9, 2, 19, 23]
REPEATED = [4, 9, 4, 4, 9, 22, 4, 9]
HISTORIES = {"long": LONG, "repeated": REPEATED, "one item many times": [7] * 5, "two": [3, 11], "one": [6]}
SETTINGS: list[dict[str, Any]] = [
    {},
    {"heads": 2, "clusters": (6, 3), "hops": 2, "sparsity": 0.3},
    {"fusion": "without_query", "flatten": "index"},
    {"fusion": "without_cluster", "evolution": "attention", "assignment_aggregation": "sum"},
    {"extraction": "none", "evolution": "gru", "position": "none"},
    {"evolution": "none", "readout": False},
    {"time": "age"},
    {"long_term": True},
    {"sparsity": 0.07},
    {"attention_nonlinearity": "none", "heads": 2},
    {**PRESETS["as-printed"]["model"]},
]


def numbers(value: Any) -> np.ndarray:
    return np.asarray(value, dtype=np.float64)


def assert_equal(actual: Any, expected: Any) -> None:
    np.testing.assert_allclose(numbers(actual), numbers(expected), rtol=0, atol=1e-5)


def softmax(values: np.ndarray) -> np.ndarray:
    powers = np.exp(values - values.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def assert_equations(record: Explanation) -> None:
    """Eq. 3, 8, 9, 10 and 15 and A* = S^T A S, from the saved values alone."""
    values = record.to_dict()
    construction, fusion = values["graph_construction"], values["interest_fusion"]
    extraction, prediction = values["interest_extraction"], values["prediction"]
    n = len(values["history"])

    similarity, adjacency = numbers(construction["similarity"]), numbers(construction["adjacency"])
    k = max(1, math.ceil(round(values["model"]["sparsity"] * n**2, 9)))
    kth = np.sort(similarity.ravel())[::-1][k - 1]
    assert construction["threshold"] == max(0.0, kth)
    assert np.array_equal(adjacency, (similarity >= construction["threshold"]) | np.eye(n, dtype=bool))

    alpha, beta = numbers(fusion["cluster_score"]), numbers(fusion["query_score"])
    if values["model"]["fusion"] != "none":
        raw = alpha[:, :, None] + beta[:, None, :]
        slope = {"leaky_relu": 0.2, "none": 1.0}[values["model"]["attention_nonlinearity"]]
        logits = np.where(adjacency > 0, np.where(raw > 0, raw, slope * raw), -np.inf)
        assert_equal(fusion["attention"], softmax(logits))
        assert np.all(numbers(fusion["attention"])[:, adjacency == 0] == 0)

    fused, importance = numbers(fusion["fused"]), numbers(extraction["importance"])
    assert_equal(importance, softmax(beta).mean(0))
    assert_equal(extraction["readout"], importance @ fused)
    nodes, graph = fused, adjacency
    for layer in (extraction, *extraction["layers"]):
        assignment = numbers(layer["assignment"])
        assert_equal(assignment.sum(1), np.ones(len(nodes)))
        nodes, graph = assignment.T @ nodes, assignment.T @ graph @ assignment
        importance = assignment.T @ importance
        assert_equal(layer["pooled"], nodes)
        assert_equal(layer["pooled_importance"], importance)
        assert_equal(layer["pooled_adjacency"], graph)

    total = np.linalg.multi_dot([np.eye(n)] + [numbers(e["assignment"]) for e in (extraction, *extraction["layers"])])
    position = (numbers(range(n)) + 0.5) / n @ total / total.sum(0)
    if values["model"]["flatten"] == "time":
        assert all(a <= b + 2e-5 for a, b in pairwise(position[prediction["order"]]))
    else:
        assert prediction["order"] == list(range(len(importance)))
    assert prediction["probability"] == pytest.approx(1 / (1 + math.exp(-prediction["logit"])), abs=1e-9)


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("rows", HISTORIES.values(), ids=HISTORIES.keys())
def test_record_satisfies_the_equations_and_its_logit_is_that_of_the_catalogue(
    rows: list[int], settings: dict[str, Any]
) -> None:
    checkpoint = make_checkpoint(seed=2, **settings)
    history = history_of(checkpoint, rows)
    logits = score_rows(checkpoint.model, history, np.arange(30))
    assert logits.std() > 1e-3
    for row in (0, 4, rows[-1]):
        record = explain_history(checkpoint, history, f"i{row}")
        assert_equations(record)
        assert record.prediction.logit == pytest.approx(logits[row], abs=1e-5)


@pytest.mark.parametrize("ending", ["json", "npz"])
def test_a_saved_record_still_satisfies_the_equations(ending: str, tmp_path: Path) -> None:
    checkpoint = make_checkpoint(seed=2, heads=2, clusters=(6, 3))
    record = explain_history(checkpoint, history_of(checkpoint, LONG), "i5")
    record.save(tmp_path / f"record.{ending}")
    loaded = Explanation.load(tmp_path / f"record.{ending}")
    assert_equations(loaded)
    assert loaded.prediction.logit == record.prediction.logit
    assert loaded.target == record.target


def test_record_carries_the_models_own_embeddings_settings_and_items() -> None:
    checkpoint = make_checkpoint(heads=2, sparsity=0.2)
    history = history_of(checkpoint, [1, 4, 7])
    values = explain_history(checkpoint, history, "i9").to_dict()
    assert values["target"] == {"item": "i9", "title": "Title 9", "category": None}
    assert [item["title"] for item in values["history"]] == [HOSTILE, "Title 4", "Title 7"]
    assert values["history"][1]["category"] is None
    assert values["history"][2]["timestamp"] == history.items[2].timestamp
    assert values["model"]["sparsity"] == 0.2
    assert values["model"]["heads"] == 2
    assert list(values["model"]["clusters"]) == [20]
    vectors = [*values["embeddings"]["history"], values["embeddings"]["target"]]
    for row, embedded in zip([1, 4, 7, 9], vectors, strict=True):
        assert_equal(embedded[:32], checkpoint.model.item_embedding.weight[row])
        category = checkpoint.model.item_category[row]
        assert_equal(embedded[32:], checkpoint.model.category_embedding.weight[category])


def test_similarity_of_the_record_is_the_mean_of_weighted_cosines() -> None:
    checkpoint = make_checkpoint(seed=3)
    values = explain_history(checkpoint, history_of(checkpoint, LONG), "i5").to_dict()
    h = numbers(values["embeddings"]["history"])
    expected = []
    for weight in numbers(checkpoint.model.construct.weight):
        unit = h * weight / np.linalg.norm(h * weight, axis=1, keepdims=True)
        expected.append(unit @ unit.T)
    assert_equal(values["graph_construction"]["similarity"], np.mean(expected, axis=0))


def test_two_candidates_share_the_graph_and_differ_in_the_reading() -> None:
    checkpoint = make_checkpoint(seed=2, sparsity=0.4)
    history = history_of(checkpoint, LONG)
    a, b = (explain_history(checkpoint, history, item) for item in ("i0", "i20"))
    assert np.array_equal(a.graph_construction.adjacency, b.graph_construction.adjacency)
    assert np.array_equal(a.interest_fusion.cluster_score, b.interest_fusion.cluster_score)
    assert np.abs(a.interest_fusion.attention - b.interest_fusion.attention).max() > 1e-3
    assert np.abs(a.interest_extraction.importance - b.interest_extraction.importance).max() > 1e-3


def test_what_a_user_always_wants_does_not_ask_the_candidate() -> None:
    checkpoint = make_checkpoint(seed=2, long_term=True)
    history = history_of(checkpoint, LONG)
    a, b = (explain_history(checkpoint, history, item).prediction for item in ("i0", "i20"))
    assert np.array_equal(a.long_weight, b.long_weight) and a.logit != b.logit
    assert a.long_weight.sum() == pytest.approx(1) and np.ptp(a.long_weight) > 0.01
    assert explain_history(make_checkpoint(seed=2), history, "i0").prediction.long_weight is None


@pytest.mark.parametrize("long_term", [True, False])
@pytest.mark.parametrize("normalise", [True, False])
def test_evolution_ends_in_the_state_that_the_logit_reads(normalise: bool, long_term: bool) -> None:
    """Eq. 17 from the record's own values and the model's weights."""
    checkpoint = make_checkpoint(seed=2, normalise=normalise, long_term=long_term)
    record = explain_history(checkpoint, history_of(checkpoint, LONG), "i5")
    parts = [record.prediction.evolution[-1], record.embeddings.target, record.interest_extraction.readout]
    if long_term:
        parts.append(record.prediction.long_weight @ record.embeddings.history)
    state, target, *crossed = map(np.float64, parts)
    if normalise:  # mean 0 and variance 1 each
        state, target, *crossed = (
            (part - part.mean()) / np.sqrt(part.var() + 1e-5) for part in (state, target, *crossed)
        )
    x = np.concatenate([state, target, *(part for each in crossed for part in (each, each * target))])
    linear = [layer for layer in checkpoint.model.predict.score if hasattr(layer, "weight")]
    for index, layer in enumerate(linear):
        x = numbers(layer.weight) @ (np.maximum(x, 0) if index else x) + numbers(layer.bias)
    assert record.prediction.logit == pytest.approx(x[0], abs=1e-5)


def test_without_an_item_the_top_predicted_one_is_explained() -> None:
    for exclude_seen in (False, True):
        checkpoint = make_checkpoint(seed=2, exclude_seen=exclude_seen)
        history = history_of(checkpoint, LONG)
        best = rank_catalogue(checkpoint, history).top(1)[0]
        assert explain_history(checkpoint, history).target.item == best.item
        assert explain_history(checkpoint, history).prediction.logit == pytest.approx(best.logit, abs=1e-5)
        assert not exclude_seen or best.row not in LONG


def test_the_record_says_how_likely_the_candidate_is() -> None:
    checkpoint = make_checkpoint(seed=2, counts=popular(), exclude_seen=True)
    history = history_of(checkpoint, LONG)
    ranking = rank_catalogue(checkpoint, history)
    for entry in (ranking.top(1)[0], ranking.top(9)[-1]):
        prediction = explain_history(checkpoint, history, entry.item, ranking).prediction
        assert prediction.next_probability == pytest.approx(entry.next_probability)
        assert prediction.lift == pytest.approx(entry.lift, rel=1e-4)
        q = np.maximum(popular(), 1) / np.maximum(popular(), 1).sum()
        assert prediction.log_popularity == pytest.approx(np.log(q[entry.row]))
        alone = explain_history(checkpoint, history, entry.item).prediction
        assert alone.next_probability is None and alone.lift == prediction.lift
    assert explain_history(checkpoint, history).prediction.next_probability == ranking.top(1)[0].next_probability


def test_of_what_is_never_recommended_the_record_says_so() -> None:
    """Its chance is then what it would be beside the others; where nothing else is left there is none to tell."""
    checkpoint = make_checkpoint(count=5, exclude_seen=True)
    history = history_of(checkpoint, [0, 1])
    ranking = rank_catalogue(checkpoint, history)
    taken, fresh = (explain_history(checkpoint, history, item, ranking) for item in ("i1", "i3"))
    assert (taken.prediction.left_out, fresh.prediction.left_out) == (True, False)
    assert taken.prediction.next_probability == pytest.approx(float(ranking.next_probability(1)))
    assert explain_history(checkpoint, history, "i1").prediction.left_out  # known without a ranking
    again = replace(checkpoint, description={"exclude_seen": False})
    assert not explain_history(again, history, "i1", rank_catalogue(again, history)).prediction.left_out
    whole = history_of(checkpoint, [0, 1, 2, 3, 4])
    nothing = rank_catalogue(checkpoint, whole)
    record = explain_history(checkpoint, whole, "i2", nothing)
    assert record.prediction.left_out and record.prediction.next_probability is None
    story = compose_story(checkpoint, make_dataset({"u": ["i0"]}, checkpoint.items), whole, nothing, record)
    assert (story.rank, story.ranked, story.next_probability, story.left_out) == (None, 0, None, True)


def test_nothing_left_to_predict_is_one_sentence() -> None:
    checkpoint = make_checkpoint(count=5, exclude_seen=True)
    history = history_of(checkpoint, [0, 1, 2, 3, 4])
    with pytest.raises(SurgeError, match="name an item"):
        explain_history(checkpoint, history)
    assert explain_history(checkpoint, history, "i2").target.item == "i2"


def test_explain_reads_the_dataset_and_keeps_the_notes() -> None:
    checkpoint = make_checkpoint()
    dataset = make_dataset({"ann": ["i1", "i2", "i1", "i3"]}, checkpoint.items)
    record = explain(checkpoint, dataset, "ann", "i8")
    assert [item.item for item in record.history] == ["i1", "i2", "i1"]
    assert any("repeat" in note for note in record.notes)
    assert explain(checkpoint, dataset, "ann", "i8", hold_out=False).length == 4
    with pytest.raises(SurgeError, match="no user 'bob'"):
        explain(checkpoint, dataset, "bob")


@pytest.fixture
def known() -> Checkpoint:
    return make_checkpoint(count=12)


def test_an_unknown_id_is_cut_in_the_message(known: Checkpoint) -> None:
    with pytest.raises(SurgeError) as refusal:
        candidate_row(known, "z" * 100_000)
    assert f"no item '{'z' * 59}…'" in str(refusal.value) and len(str(refusal.value)) < 200
    with pytest.raises(SurgeError, match=f"no item '{'z' * 60}'"):
        candidate_row(known, "z" * 60)


def test_candidate_row_is_the_embedding_row(known: Checkpoint) -> None:
    assert [candidate_row(known, item) for item in ("i0", "i11")] == [0, 11]


def test_an_unknown_candidate_names_the_closest_ids(known: Checkpoint) -> None:
    with pytest.raises(SurgeError, match=r"'i111'; the closest ids are 'i11'"):
        candidate_row(known, "i111")
    with pytest.raises(SurgeError) as refusal:
        candidate_row(known, "zzz")
    assert "closest" not in str(refusal.value)
    with pytest.raises(SurgeError, match="'i99'"):
        explain_history(known, history_of(known, [1, 2]), "i99")
