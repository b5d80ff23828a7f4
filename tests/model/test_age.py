"""The age of an item: buckets by hand, and what an age changes in a reading."""

from __future__ import annotations

import pytest
import torch

from surge.model.age import AGES, Age, age_bucket
from surge.model.surge import SurgeModel
from tests.model.small import HISTORIES, ITEM_CATEGORY, ages_of, context_of, pad, small_config, small_model

DAY = 86_400
CANDIDATES = torch.tensor([[0, 5, 9]] * len(HISTORIES))


@pytest.mark.parametrize(
    ("age", "bucket"),
    [
        (0, 0),
        (1, 1),
        (2, 1),
        (3, 2),
        (59, 5),
        (DAY, 16),
        (365 * DAY, 24),
        (2**32 - 2, 31),
        (2**32 - 1, 32),
        (2**50, 32),
    ],
)
def test_a_bucket_is_twice_as_long_as_the_one_before_it(age: int, bucket: int) -> None:
    for kind in (torch.int64, torch.float64):
        assert age_bucket(torch.tensor([[age]], dtype=kind), torch.tensor([[True]])).tolist() == [[bucket]]
    assert bucket < AGES


def test_what_has_no_age_has_no_bucket_and_no_embedding() -> None:
    ages = torch.tensor([[7.0, torch.nan, -3.0, 1e9]], dtype=torch.float64)
    mask = torch.tensor([[True, True, True, False]])
    assert age_bucket(ages, mask).tolist() == [[3, -1, 0, -1]]
    table = Age(2)
    torch.nn.init.normal_(table.weight)
    embedded = table(torch.zeros(1, 4, 2), mask, ages)
    assert torch.equal(embedded[0, 0], table.weight[3]) and torch.equal(embedded[0, 2], table.weight[0])
    assert torch.all(embedded[0, [1, 3]] == 0)


def test_ages_move_the_values_alone_and_no_graph() -> None:
    batch = pad(HISTORIES)
    for position, heard in (("recency", True), ("none", True), ("message", False)):
        model = small_model(time="age", position=position)
        unknown = torch.full_like(ages_of(batch), torch.nan)
        without, aged = model.build_graph(batch, unknown), model.build_graph(batch, ages_of(batch))
        added = (aged.values - without.values)[batch.mask]
        expected = model.age_embedding.weight[age_bucket(ages_of(batch), batch.mask)[batch.mask]]
        assert torch.allclose(added, expected, atol=1e-12)
        assert torch.equal(aged.adjacency, without.adjacency)
        assert torch.equal(aged.cluster_score, without.cluster_score)
        assert (not torch.equal(aged.queried, without.queried)) == heard, position


def test_the_logit_hears_the_time_of_the_context_where_the_setting_says_so() -> None:
    batch, context = pad(HISTORIES), context_of(pad(HISTORIES))
    later = context._replace(now=context.now + 30 * DAY)
    for time, heard in (("age", True), ("none", False)):
        model = small_model(time=time)
        with torch.no_grad():
            before, after = (model(batch, CANDIDATES, each) for each in (context, later))
            graph = model.build_graph(batch, ages_of(batch))
            assert torch.allclose(before, model.read(graph, CANDIDATES).logit, atol=1e-12)
        assert ((before - after).abs().max() > 1e-3) == heard


def test_every_age_that_occurs_is_trained() -> None:
    batch = pad(HISTORIES)
    model = small_model(time="age")
    model(batch, CANDIDATES, context_of(batch)).square().sum().backward()
    gradient = model.age_embedding.weight.grad
    assert gradient is not None
    occurring = set(age_bucket(ages_of(batch), batch.mask)[batch.mask].tolist())
    assert set(gradient.abs().sum(1).nonzero()[:, 0].tolist()) == occurring
    assert "age_embedding.weight" not in dict(small_model().named_parameters())


def test_ages_that_are_missing_are_an_error_and_not_a_guess() -> None:
    batch = pad(HISTORIES)
    for read in (lambda model: model.build_graph(batch), lambda model: model(batch, CANDIDATES)):
        with pytest.raises(ValueError, match="NaN"):
            read(small_model(time="age"))
        read(small_model())


def test_an_age_that_training_never_saw_says_nothing() -> None:
    model = SurgeModel(small_config(time="age"), torch.tensor(ITEM_CATEGORY))
    assert torch.all(model.age_embedding.weight == 0)
