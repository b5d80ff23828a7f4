"""What holds for every baseline: shapes, padding, candidates, gradients, short histories, no categories, settings."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
import torch

from surge.config import BaselineConfig, ModelConfig, to_dict
from surge.errors import SurgeError
from surge.model.surge import EMPTY, ItemSequences, SurgeModel
from surge.native.fall_back import SWITCH
from surge.recommenders import BASELINES, Baseline, Context, build, configure
from tests.recommenders.toy import (
    CATEGORIES,
    ITEMS,
    NAMES,
    USERS,
    Batch,
    categories,
    loss_of,
    small,
    some_batch,
    spread,
)

SCORED_BY_SOFTMAX = {  # a constant added to every score changes no softmax
    "slirec": {"short_attention.rest.1.2.bias", "long_term.score.4.bias"},
}
every = pytest.mark.parametrize("name", NAMES)


def padded(batch: Batch, extra: int, item: int) -> Batch:
    """The same with more padding, of whatever item."""
    history, context = batch.history, batch.context
    more = history.items.new_full((len(history.items), extra), item)
    return Batch(
        ItemSequences(torch.cat([history.items, more], 1), torch.cat([history.mask, torch.zeros_like(more).bool()], 1)),
        batch.candidates,
        Context(context.users, torch.cat([context.times, torch.zeros_like(more)], 1), context.now),
    )


def test_all_eight_that_learn_and_popularity_are_there() -> None:
    assert tuple(BASELINES) == (*NAMES, "popularity")
    assert NAMES == (
        "ncf",
        "din",
        "lightgcn",
        "caser",
        "gru4rec",
        "dien",
        "slirec",
        "sasrec",
        "gsasrec",
        "esasrec",
        "hstu",
    )


@every
@pytest.mark.parametrize("candidates", [1, 5])
def test_a_logit_for_every_candidate(name: str, candidates: int) -> None:
    batch = some_batch(candidates=candidates)
    logit = small(name)(*batch)
    assert logit.shape == (USERS, candidates)
    assert logit.isfinite().all()


@every
def test_padding_changes_nothing(name: str) -> None:
    model, batch = small(name), some_batch()
    wild = batch.history.items.masked_fill(~batch.history.mask, 7)
    for other in (
        padded(batch, 3, 0),
        padded(batch, 1, 9),
        batch._replace(history=ItemSequences(wild, batch.history.mask)),
    ):
        assert torch.allclose(model(*other), model(*batch), rtol=0, atol=1e-6)


@every
def test_a_history_scores_alone_as_in_a_batch(name: str) -> None:
    model, batch = small(name), some_batch()
    whole = model(*batch)
    for row in range(USERS):
        length = int(batch.history.mask[row].sum())
        history = ItemSequences(*(tensor[row : row + 1, :length] for tensor in batch.history))
        users, times, now = (tensor[row : row + 1] for tensor in batch.context)
        alone = model(history, batch.candidates[row : row + 1], Context(users, times[:, :length], now))
        assert torch.allclose(alone[0], whole[row], rtol=0, atol=1e-6)


@every
def test_candidates_at_once_score_as_one_by_one(name: str) -> None:
    model, batch = small(name), some_batch()
    one_by_one = torch.cat([model(batch.history, column, batch.context) for column in batch.candidates.split(1, 1)], 1)
    assert torch.allclose(one_by_one, model(*batch), rtol=0, atol=1e-6)


@every
def test_the_gradient_reaches_every_parameter(name: str) -> None:
    model, batch = spread(small(name), 10), some_batch()  # every ReLU tells some items from others
    loss_of(model, batch).backward()
    without = {key for key, value in model.named_parameters() if value.grad is None or value.grad.abs().max() < 1e-9}
    assert without == SCORED_BY_SOFTMAX.get(name, set())


@every
@pytest.mark.parametrize("score", ["mlp", "dot"])
def test_both_heads(name: str, score: str) -> None:
    if (name, score) == ("ncf", "dot"):
        with pytest.raises(SurgeError, match="NCF is its own head"):
            small(name, score=score)
        return
    model = small(name, score=score)
    loss_of(model, some_batch()).backward()
    assert any("head.mlp" in key for key in model.state_dict()) == (score == "mlp" and name != "ncf")


@every
def test_a_history_of_one_item(name: str) -> None:
    batch = some_batch()
    one = Batch(
        ItemSequences(*(tensor[:, :1] for tensor in batch.history)),
        batch.candidates,
        batch.context._replace(times=batch.context.times[:, :1]),
    )
    model = small(name)
    loss = loss_of(model, one)
    loss.backward()
    assert model(*one).isfinite().all() and loss.isfinite()
    assert all(value.grad is None or value.grad.isfinite().all() for value in model.parameters())


def emptied(batch: Batch) -> Batch:
    """The same with nothing in the second history."""
    mask = batch.history.mask.clone()
    mask[1] = False
    return batch._replace(history=ItemSequences(batch.history.items, mask))


@pytest.mark.parametrize("name", BASELINES)
def test_a_history_without_an_item_is_refused_as_surge_does(name: str) -> None:
    """In training, which calls the model, and in an evaluation, which reads and scores."""
    model, batch = small(name), emptied(some_batch())
    for ask in (lambda: model(*batch), lambda: model.read(batch.history, batch.context)):
        with pytest.raises(SurgeError, match=f"^{EMPTY}$"):
            ask()


@pytest.mark.parametrize("name", ["ncf", "din", "caser", "slirec", "sasrec"])  # torch breaks at a GRU of its own
def test_a_compiled_model_gives_the_same_numbers_and_refuses_empty_histories(name: str) -> None:
    model, batch = small(name).eval(), some_batch()
    compiled = torch.compile(model, backend="eager")
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        assert torch.allclose(compiled(*batch), model(*batch), rtol=0, atol=1e-6)
        with pytest.raises(SurgeError, match=f"^{EMPTY}$"):
            compiled(*emptied(batch))


@every
@pytest.mark.parametrize("absent", [{"category_size": 0}, {"category_count": 1}])
def test_without_categories(name: str, absent: dict[str, int]) -> None:
    model, batch = small(name, **absent), some_batch()
    loss_of(model, batch).backward()
    assert model(*batch).shape == (USERS, 5)
    assert ("category_embedding.weight" in model.state_dict()) == ("category_count" in absent)


@every
@pytest.mark.parametrize("settings", [{"hidden": 10}, {"max_length": 3}, {"category_size": 0, "item_size": 1}])
def test_other_sizes(name: str, settings: dict[str, int]) -> None:
    """A state of another size than d, histories longer than max_length, d = 1."""
    batch = some_batch()
    assert small(name, **settings)(*batch).shape == batch.candidates.shape


@every
def test_bfloat16_arithmetic_as_the_trainer_asks_for_it(name: str) -> None:
    model, batch = small(name), some_batch()
    with torch.autocast("cpu", torch.bfloat16):
        loss = loss_of(model, batch)
    loss.backward()
    with torch.autocast("cpu", torch.bfloat16), torch.inference_mode():
        assert torch.allclose(model(*batch).float(), model(*batch).float())
        close = model(*batch).float() - model.float()(*batch)
    assert close.abs().max() < 0.05


@every
def test_the_same_seed_gives_the_same_model_and_weights_alone_restore_it(name: str) -> None:
    batch, model, other = some_batch(), small(name), small(name, seed=1)
    assert torch.equal(small(name)(*batch), model(*batch))
    before = other(*batch).detach()
    assert not torch.equal(before, model(*batch))
    other.load_state_dict(model.state_dict())
    assert torch.equal(other(*batch), model(*batch))


@every
def test_a_copy_of_a_model_is_a_model(name: str) -> None:
    model, batch = small(name), some_batch()
    with torch.inference_mode():
        expected = model(*batch)
    other = copy.deepcopy(model)
    with torch.no_grad():
        assert torch.equal(other(*batch), expected)
        other.item_embedding.weight.add_(torch.randn(other.item_embedding.weight.shape))
        assert not torch.equal(other(*batch), expected) and torch.equal(model(*batch), expected)


@every
def test_embeddings_are_drawn_as_those_of_surge(name: str) -> None:
    counts = {"item_count": ITEMS, "category_count": CATEGORIES, "item_size": 12, "category_size": 4}
    torch.manual_seed(0)
    surge = SurgeModel(ModelConfig(**counts), categories(ITEMS, CATEGORIES))
    model, items = small(name), torch.arange(ITEMS).view(4, 5)
    assert torch.equal(model.embed(items), surge.embed(items))


@every
def test_times_in_either_type_say_the_same(name: str) -> None:
    model, batch = small(name), some_batch()
    users, times, now = batch.context
    assert torch.equal(model(*batch._replace(context=Context(users, times.double(), now.double()))), model(*batch))


@every
def test_training_differs_from_evaluation_by_dropout_alone(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SWITCH, "0")  # what is compiled for training rounds in its own way
    model, batch = small(name, dropout=0.0), some_batch()
    expected = model(*batch)
    assert torch.equal(model.train()(*batch), expected)


def test_the_context_is_read_by_those_that_need_it() -> None:
    batch = some_batch()
    users, times, now = batch.context
    other_user = batch._replace(context=Context(users.roll(1), times, now))
    other_time = batch._replace(context=Context(users, times, now + 1_000_000))
    other_history = batch._replace(history=ItemSequences((batch.history.items + 1) % ITEMS, batch.history.mask))

    def changes(model: Baseline, other: Batch) -> bool:
        return not torch.equal(model(*batch), model(*other))

    read = {name: [changes(small(name), other) for other in (other_user, other_time, other_history)] for name in NAMES}
    assert {name for name, (user, _, _) in read.items() if user} == {"ncf", "lightgcn", "caser"}
    assert {name for name, (_, time, _) in read.items() if time} == {"slirec", "hstu"}
    assert {name for name, (_, _, history) in read.items() if not history} == {"ncf", "lightgcn"}


# -- settings -----------------------------------------------------------------------------------------


def test_settings_are_the_models_own_where_nobody_says_otherwise() -> None:
    counts = {"item_count": ITEMS, "category_count": 2, "user_count": 3}
    assert configure("sasrec", counts).score == "dot" and configure("sasrec", counts | {"score": "mlp"}).score == "mlp"
    assert (configure("lightgcn", counts).layers, configure("gru4rec", counts).layers) == (3, 1)
    assert configure("dien", counts) == BaselineConfig(**counts)
    for name in BASELINES:
        config = configure(name, counts)
        assert configure(name, json.loads(json.dumps(to_dict(config)))) == config


def test_an_unknown_name_lists_the_names() -> None:
    sentence = (
        "no model 'bert4rec'; the models are surge, ncf, din, lightgcn, caser, gru4rec, dien, slirec, sasrec, gsasrec, "
        "esasrec, hstu, pop"
    )
    with pytest.raises(SurgeError, match=sentence):
        configure("bert4rec", {})
    with pytest.raises(SurgeError, match=sentence):
        build("bert4rec", BaselineConfig(item_count=1, category_count=1, user_count=1), torch.zeros(1))


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"hidden": 2.5}, "hidden is 2.5"),
        ({"score": "cosine"}, "score is 'cosine'; it must be one of mlp, dot"),
        ({"attention_hidden": [0]}, r"attention_hidden is \[0\]"),
        ({"heads": 3}, "40 can't be divided among 3 heads"),
        ({"clusters": [20]}, "Unknown setting clusters"),
    ],
)
def test_an_impossible_setting_is_one_sentence(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SurgeError, match=sentence):
        configure("gru4rec", {"item_count": 5, "category_count": 1, "user_count": 5} | settings)


def test_missing_counts_are_named() -> None:
    with pytest.raises(SurgeError, match="user_count is missing"):
        configure("ncf", {"item_count": 5, "category_count": 1})
