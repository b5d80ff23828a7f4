"""SASRec on whole histories: its losses by hand, what it is given, and that both losses teach what comes next."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from surge.config import TrainingConfig
from surge.data.instances import Instances
from surge.data.negatives import NONE
from surge.model.next_item import after_each, step_scores
from surge.model.surge import ItemSequences
from surge.recommenders.base import Batch
from surge.recommenders.gsasrec import GSASRec, WholeHistorySASRec
from tests.model.small import pad
from tests.recommenders.toy import batch_of, log_of, positives, small

PLAIN = {"item_size": 4, "category_size": 0, "dropout": 0.0, "layers": 1}


def model_of(name: str, **settings: object) -> WholeHistorySASRec:
    model = small(name, **{**PLAIN, "step_negatives": 3, **settings})
    assert isinstance(model, WholeHistorySASRec)
    return model


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def test_what_comes_next_ends_with_the_positive() -> None:
    history = pad([[5, 6, 7], [8]])
    following = after_each(history.items, torch.tensor([1, 2]), history.mask)
    assert following[0].tolist() == [6, 7, 1]
    assert following[1, 0].item() == 2


def test_the_softmax_of_a_step() -> None:
    own, others = torch.tensor([1.0, 0.0]), torch.tensor([[2.0, 0.0], [1.0, -math.inf]])
    expected = [
        -math.log(math.exp(1) / (math.exp(1) + math.exp(2) + 1)),
        -math.log(1 / (1 + math.exp(1))),  # what comes next itself is no negative
    ]
    assert model_of("esasrec").step_loss(own, others).item() == pytest.approx(np.mean(expected), rel=1e-6)


@pytest.mark.parametrize("calibration", [0.0, 0.75, 1.0])
def test_the_generalised_cross_entropy_of_a_step(calibration: float) -> None:
    """Of 20 items 3 are drawn: alpha is 3 / 19, and beta alpha where t is 1, and 1 where it is 0."""
    alpha = 3 / 19
    beta = alpha * (calibration * (1 - 1 / alpha) + 1 / alpha)
    assert beta == pytest.approx({0.0: 1, 0.75: 0.75 * alpha + 0.25, 1.0: alpha}[calibration])
    own, others = torch.tensor([0.5]), torch.tensor([[2.0, -1.0, -math.inf]])
    expected = -(beta * math.log(sigmoid(0.5)) + math.log(1 - sigmoid(2)) + math.log(1 - sigmoid(-1)))
    model = model_of("gsasrec", calibration=calibration)
    assert model.step_loss(own, others).item() == pytest.approx(expected, rel=1e-6)


def test_the_loss_of_a_batch_is_the_mean_over_all_steps() -> None:
    """Padding counts for nothing; every step has the negatives of its history."""
    model = model_of("esasrec")
    history, candidates, context = batch_of([[5, 6, 7], [8]], [[1, 0], [2, 0]])
    drawn = torch.tensor([[3, 7, 9], [2, 4, 4]])
    batch = Batch(history, candidates, context, drawn=drawn)
    loss = model.loss_terms(batch, TrainingConfig())["log_loss"].item()
    states, table = model.steps(history, context).detach(), model.item_embedding.weight.detach()
    told = []
    for b, (following, negatives) in enumerate((([6, 7, 1], [3, 7, 9]), ([2], [2, 4, 4]))):
        for step, item in enumerate(following):
            score = (table @ states[b, step]).tolist()
            rivals = [score[item], *(score[other] for other in negatives if other != item)]
            told.append(math.log(sum(math.exp(value) for value in rivals)) - score[item])
    assert loss == pytest.approx(np.mean(told), rel=1e-5)


def test_without_a_number_of_negatives_all_items_are_rivals() -> None:
    model = model_of("esasrec", step_negatives=0)
    history, candidates, context = batch_of([[5, 6, 7], [8]], [[1, 0], [2, 0]])
    config = TrainingConfig()
    batch = model.draw(history, candidates, context, config)
    assert batch.drawn is None
    states, table = model.steps(history, context).detach(), model.item_embedding.weight.detach()
    told = []
    for b, following in enumerate(([6, 7, 1], [2])):
        for step, item in enumerate(following):
            told.append(-torch.log_softmax(table @ states[b, step], 0)[item].item())
    assert model.loss_terms(batch, config)["log_loss"].item() == pytest.approx(np.mean(told), rel=1e-5)


def test_negatives_are_drawn_for_each_history_and_from_all_items_alike() -> None:
    model = model_of("gsasrec", step_negatives=4000)
    history, candidates, context = batch_of([[5, 6, 7], [8]], [[1, 0], [2, 0]])
    drawn = model.draw(history, candidates, context, TrainingConfig()).drawn
    assert drawn is not None and drawn.shape == (2, 4000)
    counts = torch.bincount(drawn.flatten(), minlength=20)
    assert counts.min() > 300 and counts.max() < 500  # 400 each


def odd_is_barred(rows: np.ndarray, items: np.ndarray) -> np.ndarray:
    return items % 2 == 1


@pytest.mark.parametrize("name", ["gsasrec", "esasrec", "hstu"])
def test_what_is_barred_is_no_negative_of_any_step(name: str) -> None:
    """Neither what was taken before, nor what stands in its place: the loss is that of the allowed ones alone."""
    model = model_of(name, step_negatives=400)
    history, candidates, context = batch_of([[5, 6, 7], [8]], [[1, 0], [2, 0]])
    batch = model.draw(history, candidates, context, TrainingConfig(), odd_is_barred)
    drawn = batch.drawn
    assert drawn is not None and drawn.shape == (2, 400)
    assert set(drawn.flatten().tolist()) == {NONE, *range(0, 20, 2)}
    own, others = step_scores(
        model.steps(history, context), after_each(history.items, candidates[:, 0], history.mask), history.mask,
        model.embed, drawn,
    )  # fmt: skip
    steps = [(0, 6), (0, 7), (0, 1), (1, 2)]  # history and what comes next
    kept = torch.stack([(drawn[row] >= 0) & (drawn[row] != item) for row, item in steps])
    assert torch.equal(others > -math.inf, kept) and own.isfinite().all()


def test_the_logit_and_log_q_are_the_score_that_is_trained() -> None:
    """So that a catalogue is ranked by the score."""
    log = log_of([[1, 1, 1, 2, 3, 4], [1, 2, 5, 6, 7, 8]])
    model = model_of("gsasrec")
    model.prepare(log, positives(log))
    counts = np.maximum(np.bincount(log.items[positives(log).position], minlength=20), 1)
    np.testing.assert_allclose(model.log_popularity.numpy(), np.log(counts / counts.sum()), rtol=1e-6)
    history, candidates, context = batch_of([[1, 2]], [[1, 2, 3, 9]])
    with torch.no_grad():
        state = model.steps(history, context)[0, -1]
        expected = model.item_embedding(candidates[0]) @ state
        logit = model(history, candidates, context)[0] + model.log_popularity[candidates[0]]
    torch.testing.assert_close(logit, expected)


def test_the_last_positive_of_each_user() -> None:
    instances = Instances(np.array([0, 0, 2, 1, 2]), np.array([4, 2, 11, 7, 9]))
    last = instances.last()
    assert (last.user.tolist(), last.position.tolist()) == ([0, 1, 2], [4, 7, 11])
    assert len(instances.take(np.array([], dtype=np.int64)).last()) == 0


@pytest.mark.parametrize(("name", "negatives"), [("gsasrec", 5), ("esasrec", 5), ("esasrec", 0)])
def test_every_step_learns_what_comes_next(name: str, negatives: int) -> None:
    """Item i is followed by item i + 1; the positive at the end is never looked at alone."""
    model = small(name, item_size=16, category_size=0, dropout=0.0, layers=1, step_negatives=negatives, calibration=1.0)
    rng = np.random.default_rng(0)
    optimiser = torch.optim.Adam(model.parameters(), lr=5e-3)
    config = TrainingConfig()
    model.train()
    for _ in range(150):
        start = torch.from_numpy(rng.integers(20, size=(32, 1)))
        items = (start + torch.arange(7)) % 20
        _, _, context = batch_of([[1] * 6] * 32, [[0]] * 32)
        history = ItemSequences(items[:, :6], torch.ones(32, 6, dtype=torch.bool))
        batch = model.draw(history, items[:, 6:], context, config)
        optimiser.zero_grad()
        model.loss_terms(batch, config)["log_loss"].backward()
        optimiser.step()
    model.eval()
    history, candidates, context = batch_of([[3, 4, 5], [18, 19]], [list(range(20))] * 2)
    with torch.no_grad():
        best = model(history, candidates, context).argmax(1)
    assert best.tolist() == [6, 0]
    assert isinstance(model, GSASRec) == (name == "gsasrec")
