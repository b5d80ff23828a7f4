"""Popularity counts training positives and nothing else, and needs no training."""

from __future__ import annotations

from math import log

import numpy as np
import pytest
import torch

from surge.config import EvaluationConfig, TrainingConfig
from surge.data.instances import EncodedLog, Instances
from surge.data.negatives import PopularitySampler
from surge.evaluation.evaluate import score_lists
from surge.recommenders import BASELINES
from surge.training.data import TrainingData
from surge.training.fit import Fit
from surge.training.state import TrainingState
from tests.recommenders.toy import ITEMS, small, some_batch
from tests.training.toy import dataset_of


def test_the_logarithm_of_the_count_by_hand() -> None:
    log_of_items = EncodedLog(np.array([5, 5, 3, 5, 3, 9]), np.arange(6), np.array([0, 4, 6]), 0)
    model = small("popularity")
    # positions 1, 2 and 3 are items 5, 3, 5; the history before them doesn't count, nor does the user of item 9
    model.prepare(log_of_items, Instances(np.array([0, 0, 0]), np.array([1, 2, 3])))
    batch = some_batch()
    logit = model(batch.history, torch.tensor([[5, 3, 9, 0]] * len(batch.candidates)), batch.context)
    assert logit[0].tolist() == pytest.approx([log(2), 0, 0, 0])
    assert torch.equal(logit, logit[:1].expand_as(logit))


def test_it_is_log_q_but_for_a_constant() -> None:
    rng = np.random.default_rng(0)
    taken = EncodedLog(rng.integers(0, ITEMS // 2, 90), np.arange(90), np.array([0, 40, 90]))
    positives = Instances(np.repeat([0, 1], [39, 49]), np.r_[1:40, 41:90])
    model = small("popularity")
    model.prepare(taken, positives)
    lists = np.tile(np.arange(ITEMS), (len(positives), 1))
    constant = score_lists(model, taken, positives, lists) - np.log(
        PopularitySampler(np.bincount(taken.items[positives.position], minlength=ITEMS)).probability
    )
    assert np.ptp(constant) < 1e-5


def test_nothing_is_learned_and_no_epoch_is_done() -> None:
    assert [name for name, model in BASELINES.items() if not model.learns] == ["popularity"]
    assert [name for name, model in BASELINES.items() if not model.corrected] == ["popularity"]
    data = TrainingData.of(dataset_of({f"u{u}": [(f"i{(u + s) % 7}", s) for s in range(5)] for u in range(4)}))
    counts = {"item_count": data.items.height, "user_count": 4}
    model = small("popularity", **counts)
    fit, state = Fit(data, model, TrainingConfig(device="cpu"), EvaluationConfig(), quiet=True), TrainingState({})
    before = model.item_embedding.weight.clone()
    assert before.any()  # it was prepared
    model.train()
    fit.run(state, lambda reached: pytest.fail("an epoch"))
    assert (state.epochs, state.best_epoch, model.training) == ([], 0, False)
    assert torch.equal(model.item_embedding.weight, before)
    assert not any(parameter.requires_grad for parameter in model.parameters())


@pytest.mark.parametrize("settings", [{}, {"item_size": 6, "heads": 2}, {"category_size": 0}, {"score": "dot"}])
def test_weights_alone_restore_it_whatever_the_settings(settings: dict) -> None:
    model, other, batch = small("popularity", **settings), small("popularity", seed=1, **settings), some_batch()
    model.item_embedding.weight.copy_(torch.arange(float(ITEMS)).unsqueeze(1))
    other.load_state_dict(model.state_dict())
    assert torch.equal(other(*batch), batch.candidates.float())
    assert model.config.item_size == settings.get("item_size", 12)
