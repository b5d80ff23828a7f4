"""Deletion and insertion curves, with lifts worked out by hand; integrated gradients against their definition."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch

from surge.backends.scoring import score_rows
from surge.checkpoint import Checkpoint
from surge.data.history import History
from surge.explanation import faithfulness
from surge.explanation.explain import explain_history
from surge.explanation.faithfulness import integrated_gradients, measure_faithfulness, spread
from surge.explanation.history import TitledHistory
from surge.explanation.leave_one_out import measure_effects
from surge.explanation.measurements import Effects, Faithfulness
from tests.explanation.worlds import history_of, make_checkpoint
from tests.model.small import pad

LONG = [3, 17, 8, 21, 5, 12, 29, 1, 14, 26, 9, 2, 19, 23]
NAMES = ["leave-one-out", "importance", "attention", "integrated gradients"]


def measured(checkpoint: Checkpoint, rows: list[int], item: str = "i5", **settings: Any) -> Faithfulness:
    history = history_of(checkpoint, rows)
    record = explain_history(checkpoint, history, item)
    return measure_faithfulness(checkpoint, history, record, measure_effects(checkpoint, history, record), **settings)


def in_place_of_the_model(monkeypatch: pytest.MonkeyPatch, worth: dict[int, float]) -> list[list[tuple[int, ...]]]:
    """A model that gives a history the sum of its items' worth; returns the histories of each call."""
    calls: list[list[tuple[int, ...]]] = []

    def score(model: object, histories: list[History], rows: list[int], progress: Any = None) -> np.ndarray:
        calls.append([tuple(history.rows.tolist()) for history in histories])
        assert rows == [5]
        if progress:
            progress(1.0)
        return np.array([[sum(worth[row] for row in history.rows.tolist())] for history in histories], dtype=np.float32)

    monkeypatch.setattr(faithfulness, "score_histories", score)
    return calls


def effects_of(worth: list[float]) -> Effects:
    """Leave-one-out of a model whose logit is the sum of the items' worth."""
    total = sum(worth)
    return Effects(total, np.array([total - own for own in worth]), np.full(20, np.nan))


def test_curves_follow_the_order_of_an_attribution(monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = make_checkpoint()
    worth = {3: 1.0, 8: -2.0, 17: 4.0, 21: 1.0}
    calls = in_place_of_the_model(monkeypatch, worth)
    history = history_of(checkpoint, [3, 8, 17, 21])
    record = explain_history(checkpoint, history, "i5")
    result = measure_faithfulness(checkpoint, history, record, effects_of([1, -2, 4, 1]), random_orders=3)
    assert list(result.attributions) == NAMES
    assert result.attributions["leave-one-out"].tolist() == [1, -2, 4, 1]
    assert result.deleted.tolist() == [0, 1, 2, 3]
    # item 17 goes first, then the equals 3 and 21 in time order; 8, which speaks against, is left
    assert result.deletion["leave-one-out"] == pytest.approx(np.log(4) + np.array([4, 0, -1, -2]))
    assert result.insertion["leave-one-out"] == pytest.approx(np.log(4) + np.array([4, 5, 6, 4]))
    assert len(calls) == 1  # all in one go
    assert len(set(calls[0])) == len(calls[0])  # and nothing twice
    assert all(list(asked) == sorted(asked, key=[3, 8, 17, 21].index) for asked in calls[0])  # in time order


def test_every_attribution_comes_from_where_it_says() -> None:
    checkpoint = make_checkpoint(seed=2, heads=2, sparsity=0.3)
    history = history_of(checkpoint, LONG)
    record = explain_history(checkpoint, history, "i5")
    effects = measure_effects(checkpoint, history, record)
    given = measure_faithfulness(checkpoint, history, record, effects).attributions
    np.testing.assert_array_equal(given["leave-one-out"], effects.item_effect)
    np.testing.assert_array_equal(given["importance"], record.interest_extraction.importance)
    np.testing.assert_array_equal(given["attention"], record.attention_received())
    np.testing.assert_allclose(given["integrated gradients"], integrated_gradients(checkpoint.model, history, 5))


@pytest.mark.parametrize("rows", [LONG, [4, 9, 4, 4, 9, 22, 4, 9], [7] * 5, [3, 11]], ids=str)
def test_curves_begin_and_end_with_the_models_own_lifts(rows: list[int]) -> None:
    checkpoint = make_checkpoint(seed=1)
    result = measured(checkpoint, rows, random_orders=4)
    n = len(rows)
    whole = np.log(4) + score_rows(checkpoint.model, History.made_up(rows), np.array([5]))[0]
    for name, values in result.attributions.items():
        order = np.argsort(-values, kind="stable")
        assert len(result.deletion[name]) == len(result.insertion[name]) == n
        assert result.deletion[name][0] == pytest.approx(whole, abs=1e-5)
        assert result.insertion[name][-1] == pytest.approx(whole, abs=1e-5)
        for curve, place in ((result.deletion[name][-1], order[-1]), (result.insertion[name][0], order[0])):
            alone = np.log(4) + score_rows(checkpoint.model, History.made_up([rows[place]]), np.array([5]))[0]
            assert curve == pytest.approx(alone, abs=1e-5)
        some = n // 2
        kept = History.made_up([rows[place] for place in sorted(order[some:])])
        left = np.log(4) + score_rows(checkpoint.model, kept, np.array([5]))[0]
        assert result.deletion[name][some] == pytest.approx(left, abs=1e-5)
    assert result.random_deletion.shape == result.random_insertion.shape == (4, n)
    assert result.random_deletion[:, 0] == pytest.approx([whole] * 4, abs=1e-5)


def test_random_orders_are_drawn_by_the_seed_and_insert_what_deletion_leaves_last() -> None:
    checkpoint = make_checkpoint(seed=1)
    first, again, other = (measured(checkpoint, LONG, seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.random_deletion, again.random_deletion)
    assert np.abs(first.random_deletion - other.random_deletion).max() > 1e-4
    assert len(np.unique(first.random_insertion[:, 0])) > 3
    assert measured(checkpoint, LONG, random_orders=0).random_deletion.shape == (0, len(LONG))


def test_a_history_of_one_item_has_one_flat_point() -> None:
    checkpoint = make_checkpoint()
    result = measured(checkpoint, [6])
    score = np.log(4) + score_rows(checkpoint.model, History.made_up([6]), np.array([5]))
    assert result.deleted.tolist() == [0]
    for curves in (result.deletion, result.insertion):
        for name in NAMES:
            assert curves[name] == pytest.approx(score, abs=1e-6)
            assert result.area(curves[name]) == pytest.approx(score[0], abs=1e-6)


def test_long_histories_have_few_points_with_both_ends() -> None:
    assert spread(6, 20).tolist() == [0, 1, 2, 3, 4, 5]
    assert spread(1, 20).tolist() == [0]
    assert spread(250, 4).tolist() == [0, 83, 166, 249]
    for count in (2, 19, 20, 21, 50, 250):
        places = spread(count, 20)
        assert len(places) == min(count, 20)
        assert places[0] == 0 and places[-1] == count - 1
        assert np.all(np.diff(places) > 0)
    with pytest.raises(ValueError, match="two ends"):
        spread(9, 1)
    checkpoint = make_checkpoint()
    result = measured(checkpoint, LONG, points=5)
    assert result.deleted.tolist() == [0, 3, 6, 10, 13]
    full = measured(checkpoint, LONG)
    for name in NAMES:
        np.testing.assert_allclose(result.deletion[name], full.deletion[name][result.deleted], atol=1e-5)
        np.testing.assert_allclose(result.insertion[name], full.insertion[name][result.deleted], atol=1e-5)


def test_progress_ends_with_everything_done() -> None:
    shares: list[float] = []
    measured(make_checkpoint(), LONG, progress=shares.append)
    assert shares == sorted(shares) and shares[-1] == 1.0


def test_a_record_or_effects_of_another_history_are_refused() -> None:
    checkpoint = make_checkpoint()
    history, other = history_of(checkpoint, LONG), history_of(checkpoint, LONG[:5])
    record = explain_history(checkpoint, history, "i5")
    effects = measure_effects(checkpoint, history, record)
    with pytest.raises(ValueError, match="another history"):
        measure_faithfulness(checkpoint, other, record, effects)
    with pytest.raises(ValueError, match="another history"):
        measure_faithfulness(checkpoint, other, explain_history(checkpoint, other, "i5"), effects)


def test_ages_reach_every_attribution_and_curve() -> None:
    checkpoint = make_checkpoint(seed=2, time="age", flatten="index")
    aged = history_of(checkpoint, LONG)
    young = TitledHistory.of(
        checkpoint.model_config, History(aged.taken, np.full(len(LONG), aged.now), now=aged.now), aged.items
    )
    records = [explain_history(checkpoint, history, "i5") for history in (aged, young)]
    results = []
    for history, record in zip((aged, young), records, strict=True):
        effects = measure_effects(checkpoint, history, record)
        results.append(measure_faithfulness(checkpoint, history, record, effects))
        whole = np.log(4) + record.prediction.logit
        for name in NAMES:
            assert results[-1].deletion[name][0] == pytest.approx(whole, abs=1e-5)
        attributed = results[-1].attributions["integrated gradients"].sum()
        ages = torch.tensor([[item.age for item in history.items]], dtype=torch.float64)
        explained = shrunk_logit(checkpoint, LONG, 1, ages) - shrunk_logit(checkpoint, LONG, 1e-5, ages)
        assert attributed == pytest.approx(explained, abs=0.05 * abs(explained) + 0.02)
    for name in NAMES:
        assert np.abs(results[0].attributions[name] - results[1].attributions[name]).max() > 1e-4
    with pytest.raises(ValueError, match="another history"):
        measure_effects(checkpoint, aged, records[1])


# -- integrated gradients -----------------------------------------------------------------------------


def shrunk_logit(
    checkpoint: Checkpoint, rows: list[int], scale: float, ages: torch.Tensor | None = None, candidate: int = 5
) -> float:
    """The logit when every history embedding is `scale` times as long."""
    model = checkpoint.model
    items, mask = pad([rows])
    graph = model.graph_from_embeddings(model.embed(items) * scale, mask, ages)
    return float(model.read_embeddings(graph, model.embed(torch.tensor([[candidate]]))).logit)


@pytest.mark.parametrize("rows", [LONG, [4, 9, 4, 4, 9, 22, 4, 9], [6]], ids=str)
@pytest.mark.parametrize("settings", [{}, {"heads": 2, "clusters": (6, 3)}, {"fusion": "none"}], ids=str)
def test_attributions_add_up_to_what_the_embeddings_do(rows: list[int], settings: dict[str, Any]) -> None:
    """In slot order nothing jumps: only the quadrature of a logit with kinks is left, which more steps make small."""
    checkpoint = make_checkpoint(seed=3, flatten="index", **settings)
    explained = shrunk_logit(checkpoint, rows, 1) - shrunk_logit(checkpoint, rows, 1e-5)
    assert abs(explained) > 0.01
    for steps, tolerance in ((64, 0.02), (2048, 0.004)):
        attributed = integrated_gradients(checkpoint.model, History.made_up(rows), 5, steps)
        assert attributed.sum() == pytest.approx(explained, abs=tolerance * np.abs(attributed).sum() + 1e-3)


def test_the_graph_stays_what_it_is_along_the_path() -> None:
    checkpoint = make_checkpoint(seed=3)
    items, mask = pad([LONG])
    h = checkpoint.model.embed(items)
    whole = checkpoint.model.graph_from_embeddings(h, mask).adjacency
    for scale in (0.5, 0.01, 0.001):
        assert torch.equal(checkpoint.model.graph_from_embeddings(h * scale, mask).adjacency, whole)


def test_one_gradient_is_the_derivative_of_the_logit() -> None:
    """sum_d h_id d logit / d h_id at the middle of the path, against a difference of the logit."""
    checkpoint = make_checkpoint(seed=3, flatten="index")
    # one step of Gauss-Legendre is the middle
    attributed = integrated_gradients(checkpoint.model, History.made_up(LONG), 5, steps=1)
    step = 1e-2
    slope = (shrunk_logit(checkpoint, LONG, 0.5 + step) - shrunk_logit(checkpoint, LONG, 0.5 - step)) / (2 * step)
    assert attributed.sum() == pytest.approx(slope, rel=0.02, abs=1e-3)


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = make_checkpoint(seed=3)
    whole = integrated_gradients(checkpoint.model, History.made_up(LONG), 5)
    monkeypatch.setattr(faithfulness, "CELLS", 3 * len(LONG) ** 2)
    np.testing.assert_allclose(integrated_gradients(checkpoint.model, History.made_up(LONG), 5), whole, atol=1e-5)


def test_gradients_leave_no_trace_and_work_in_inference_mode_and_threads() -> None:
    checkpoint = make_checkpoint(seed=3)
    alone = integrated_gradients(checkpoint.model, History.made_up(LONG), 5)
    explain_history(checkpoint, history_of(checkpoint, LONG), "i5")  # makes the precise model under inference mode
    with torch.inference_mode():
        inside = integrated_gradients(checkpoint.model, History.made_up(LONG), 5)
        assert torch.is_inference_mode_enabled()
    with torch.no_grad():
        np.testing.assert_allclose(integrated_gradients(checkpoint.model, History.made_up(LONG), 5), alone, atol=1e-6)
        assert not torch.is_grad_enabled()
    np.testing.assert_allclose(inside, alone, atol=1e-6)

    def attribute(candidate: int) -> np.ndarray:
        # turns inference mode on and off in this thread
        score_rows(checkpoint.model, History.made_up(LONG), np.arange(30))
        return integrated_gradients(checkpoint.model, History.made_up(LONG), candidate)

    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(attribute, [5, 6, 7, 8] * 3))
    np.testing.assert_allclose(together[0], alone, atol=1e-6)
    np.testing.assert_allclose(together[:4], together[8:], atol=1e-6)
    for parameter in checkpoint.model.parameters():
        assert parameter.grad is None and not parameter.requires_grad
    assert torch.is_grad_enabled()


def test_a_model_that_is_being_trained_gathers_no_gradient() -> None:
    checkpoint = make_checkpoint(seed=3)
    checkpoint.model.requires_grad_(True)
    integrated_gradients(checkpoint.model, History.made_up(LONG), 5)
    assert all(parameter.grad is None and parameter.requires_grad for parameter in checkpoint.model.parameters())
