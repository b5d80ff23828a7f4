"""One step of training: how large its gradient may be, and what its negatives are drawn by."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from surge.data.dataset import Dataset
from surge.explanation.measurements import log_lift
from surge.recommenders.base import Batch
from surge.training.data import TrainingData
from surge.training.fit import Fit
from surge.training.trainer import Trainer
from tests.training.toy import MODEL, dataset_of, measured, settings


def step(dataset: Dataset, output: Path, clip: float, **changes: float) -> tuple[Fit, torch.Tensor]:
    """After one step: the fit, and the gradient of all parameters as one vector."""
    fit = Trainer(
        dataset, output, MODEL, settings(gradient_clip=clip, batch_size=16, **changes), measured(), quiet=True
    ).fit
    fit._step(fit.data.splits["train"].take(np.arange(16)), np.random.default_rng(0), 0)
    return fit, torch.cat([p.grad.flatten() for p in fit.model.parameters() if p.grad is not None])


def test_the_gradient_of_a_step_is_never_longer_than_the_clip(simulated: Dataset, tmp_path: Path) -> None:
    """All parameters together, along the same direction; a shorter one stays as it is."""
    _, free = step(simulated, tmp_path / "out", 1e6)
    length = float(free.norm())
    assert length > 0.1
    for clip in (1e-3, length / 2):
        fit, held = step(simulated, tmp_path / "out", clip)
        assert float(held.norm()) == pytest.approx(clip, rel=1e-3)
        assert torch.allclose(held, free * (clip / length), rtol=1e-3, atol=1e-8)
        # and this is what Adam heard: its first moment is a tenth of it
        moments = [fit.optimiser.state[p]["exp_avg"].flatten() for p in fit.model.parameters() if p.grad is not None]
        assert torch.allclose(torch.cat(moments), held / 10, rtol=1e-4, atol=1e-9)
    _, just = step(simulated, tmp_path / "out", length * 1.01)
    assert torch.equal(just, free)


def test_l2_moves_every_weight_beside_the_step_and_outside_of_the_clip(simulated: Dataset, tmp_path: Path) -> None:
    """theta - 2 lr lambda theta after Adam's own step, whatever the gradient: to a first order, as the two add up."""
    free, gradient = step(simulated, tmp_path / "out", 1e6)
    held, same = step(simulated, tmp_path / "out", 1e6, weight_decay=0.5)
    assert torch.equal(gradient, same)
    shrunk = 1 - 2 * settings().learning_rate * 0.5
    for one, other in zip(free.model.parameters(), held.model.parameters(), strict=True):
        assert torch.allclose(one * shrunk, other, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(
    ("schedule", "rates"),
    [("constant", [0.006] * 8), ("linear", [0.006, 0.005, 0.004, 0.003, 0.002, 0.001, 0, 0])],
)
def test_the_learning_rate_of_each_step(simulated: Dataset, tmp_path: Path, schedule: str, rates: list[float]) -> None:
    """Two epochs of 40 instances in batches of 16: six steps. Adam steps with the rate of its own step."""
    config = settings(schedule=schedule, learning_rate=0.006, epochs=2, instances_per_epoch=40, batch_size=16)
    fit = Trainer(simulated, tmp_path / "out", MODEL, config, measured(), quiet=True).fit
    assert [fit._learning_rate(at) for at in range(8)] == pytest.approx(rates)
    fit._step(fit.data.splits["train"].take(np.arange(16)), np.random.default_rng(0), 4)
    assert [group["lr"] for group in fit.optimiser.param_groups] == pytest.approx(rates[4:5])


# -- negatives ----------------------------------------------------------------------------------------

ITEMS = ("autumn", "early", "first", "late")  # sorted: the rows 0 to 3


@pytest.fixture(scope="module")
def fashions() -> TrainingData:
    """Ten users: two `early` and one `autumn` before 10, which is training, `autumn` again, then `late` five times."""
    taken = ["first", "early", "early", "autumn", "autumn", *["late"] * 5]
    times = [1, 2, 3, 4, 11, *range(21, 26)]
    log = {f"u{n}": list(zip(taken, times, strict=True)) for n in range(10)}
    return TrainingData.of(
        dataset_of(log, {"method": "time", "valid_start": 10, "test_start": 20}, repeat_share=1.0)  # nothing is barred
    )


def test_popularity_is_that_of_the_training_positives(fashions: TrainingData) -> None:
    """A user's first interaction is no positive, and what was never one counts as once."""
    assert fashions.items["item"].to_list() == [*ITEMS]
    assert fashions.counts.tolist() == [10, 20, 0, 0]
    assert fashions.items["count"].to_list() == [10, 20, 0, 0]
    assert fashions.sampler.probability == pytest.approx(np.array([10, 20, 1, 1]) / 32)
    assert fashions.log_popularity == pytest.approx(np.log(np.array([10, 20, 1, 1]) / 32))


def test_who_has_no_taste_is_told_the_popularity_whatever_the_size_of_the_catalogue() -> None:
    """Every click of twelve items is drawn by q alone. A model that knows no user learns one logit an item, and the log
    loss is least at log(positives / negatives): the chance is q, and no lift is other than 1."""
    q = 1 / np.arange(1, 13) ** 1.2
    q /= q.sum()
    clicks = np.random.default_rng(5).choice(12, (400, 30), p=q)
    log = {f"u{u}": [(f"i{item:02}", t) for t, item in enumerate(row.tolist())] for u, row in enumerate(clicks)}
    data = TrainingData.of(dataset_of(log))
    train = data.splits["train"]
    drawn = np.concatenate([data.negatives(train, 4, np.random.default_rng(seed)).ravel() for seed in range(10)])
    logit = np.log(data.counts / (np.bincount(drawn, minlength=12) / 10))
    scores = np.exp(logit + data.log_popularity)
    assert scores / scores.sum() == pytest.approx(q, rel=0.12)
    assert np.exp(log_lift(logit, np.log(4))) == pytest.approx(np.ones(12), abs=0.06)


def test_nothing_that_a_user_took_is_drawn_for_the_steps_of_a_history(
    simulated: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 400 positives of a log that repeats nothing: neither a negative, nor the false next item of a step."""
    rng = np.random.default_rng(3)
    unrepeated = dataset_of(
        {f"u{u}": [(f"i{i:02}", t) for t, i in enumerate(rng.permutation(30)[:14])] for u in range(40)}
    )
    fit = Trainer(unrepeated, tmp_path / "out", MODEL | {"next_item": True}, settings(), measured(), quiet=True).fit
    train, log = fit.data.splits["train"], fit.data.log
    chosen = train.take(np.arange(400))
    batches: list[Batch] = []
    real = fit.recommender.draw
    monkeypatch.setattr(fit.recommender, "draw", lambda *given: batches.append(real(*given)) or batches[-1])
    fit._step(chosen, np.random.default_rng(0), 0)
    drawn, history = batches[0].drawn, batches[0].history
    assert drawn is not None
    following = history.items[:, 1:]
    for place, (user, position) in enumerate(zip(chosen.user.tolist(), chosen.position.tolist(), strict=True)):
        taken = set(log.items[log.offsets[user] : position].tolist())
        assert not taken & set(batches[0].candidates[place].tolist())
        false = drawn[place][drawn[place] != following[place]]
        assert not taken & set(false.tolist())
    assert (drawn != following).float().mean() > 0.3


def test_training_negatives_follow_it_and_not_what_comes_later(fashions: TrainingData) -> None:
    """Whatever the positive is: `autumn` 10 times in 32, `early` 20, `first` and `late` once, each draw for itself.

    Only then the logit is log p - log q whatever the size of the catalogue, see `PopularitySampler.independent`.
    """
    train = fashions.splits["train"]
    autumn = train.take(np.flatnonzero(fashions.log.items[train.position] == 0))
    many = autumn.take(np.arange(4_400) % len(autumn))
    drawn = np.bincount(fashions.negatives(many, 1, np.random.default_rng(0)).ravel(), minlength=4)
    assert drawn == pytest.approx(4_400 * np.array([10, 20, 1, 1]) / 32, abs=100)  # three standard deviations
    pairs = fashions.negatives(many, 2, np.random.default_rng(0))
    assert (pairs == 1).all(1).mean() == pytest.approx((20 / 32) ** 2, abs=0.025)
