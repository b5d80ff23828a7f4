"""LightGCN: its propagation against dense NumPy, and what its graph may and may not know."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from surge.data.instances import EncodedLog, Instances
from surge.data.splits import split_instances
from surge.errors import SurgeError
from surge.recommenders import build, configure
from surge.recommenders.lightgcn import LightGCN
from tests.recommenders.toy import ITEMS, USERS, categories, log_of, positives, small, some_batch, toy_log


def lightgcn(**settings: int) -> LightGCN:
    model = small("lightgcn", **settings)
    assert isinstance(model, LightGCN)
    return model


def edges(model: LightGCN) -> set[tuple[int, int]]:
    """The (user, item) pairs of the graph."""
    row, column = model.graph.to_dense().nonzero(as_tuple=True)
    users = model.config.user_count
    pairs = list(zip(row.tolist(), column.tolist(), strict=True))
    assert all((a < users) != (b < users) for a, b in pairs)
    return {(a, b - users) for a, b in pairs if a < users}


def dense(pairs: set[tuple[int, int]]) -> np.ndarray:
    """D^(-1/2) A D^(-1/2) of these pairs."""
    adjacency = np.zeros((USERS + ITEMS, USERS + ITEMS))
    for user, item in pairs:
        adjacency[user, USERS + item] = adjacency[USERS + item, user] = 1
    degree = np.maximum(adjacency.sum(1), 1e-12)
    return adjacency / np.sqrt(np.outer(degree, degree))


@pytest.mark.parametrize("layers", [1, 3])
def test_propagation_and_its_gradient_against_dense_numpy(layers: int) -> None:
    model = lightgcn(layers=layers)
    matrix = dense(edges(model))
    x = np.concatenate(
        [model.user_embedding.weight.detach().numpy(), model.embed(torch.arange(ITEMS)).detach().numpy()]
    )
    mean = sum(np.linalg.matrix_power(matrix, power) for power in range(layers + 1)) / (layers + 1)
    propagated = model.propagate()
    assert np.allclose(propagated.detach().numpy(), mean @ x, atol=1e-6)
    weights = torch.randn(propagated.shape, generator=torch.Generator().manual_seed(0))
    (propagated * weights).sum().backward()
    assert np.allclose(model.user_embedding.weight.grad.numpy(), (mean.T @ weights.numpy())[:USERS], atol=1e-6)


def test_a_logit_is_the_product_of_the_two_smoothed_rows() -> None:
    model, batch = lightgcn(), some_batch()
    smoothed = model.propagate()
    expected = smoothed[batch.context.users[2]] @ smoothed[USERS + batch.candidates[2, 3]]
    assert model(*batch)[2, 3].item() == pytest.approx(expected.item(), abs=1e-6)


@pytest.mark.parametrize(
    "split", [{"method": "leave-last"}, {"method": "time", "valid_start": 5 * 3600, "test_start": 8 * 3600}]
)
def test_the_graph_knows_no_click_of_validation_or_test(split: dict[str, object]) -> None:
    log = toy_log()
    parts = split_instances(log, split)
    model = lightgcn()
    model.prepare(log, parts["train"])
    last = 7 if split["method"] == "leave-last" else 4
    expected = {(user, int(log.items[10 * user + place])) for user in range(USERS) for place in range(last + 1)}
    assert edges(model) == expected
    held_out = np.concatenate([parts["valid"].position, parts["test"].position])
    assert len(held_out) == USERS * (9 - last)
    before = model.graph.to_dense()
    changed = log.items.copy()
    changed[held_out] = (changed[held_out] + 1) % ITEMS
    model.prepare(EncodedLog(changed, log.timestamps, log.offsets), parts["train"])
    assert torch.equal(model.graph.to_dense(), before)


def test_a_user_who_is_not_trained_on_has_no_edge_and_a_repeated_click_is_one() -> None:
    log = log_of([[1, 1, 2], [3, 4], [5], [6], [7], [8]])
    model = lightgcn()
    model.prepare(log, positives(log).take(np.array([0, 1])))
    assert edges(model) == {(0, 1), (0, 2)}
    batch = some_batch()
    assert model(*batch).isfinite().all()
    model.prepare(log, Instances(np.array([], dtype=np.int64), np.array([], dtype=np.int64)))
    assert edges(model) == set() and model(*batch).isfinite().all()


def test_the_graph_is_not_saved_and_prepare_builds_it_again() -> None:
    model, batch = lightgcn(), some_batch()
    assert not {"starts", "columns", "values"} & set(model.state_dict())
    other = build("lightgcn", model.config, categories(ITEMS, model.config.category_count))
    with pytest.raises(SurgeError, match="no graph yet; call prepare"):
        other(*batch)
    other.load_state_dict(model.state_dict())
    other.prepare(toy_log(), split_instances(toy_log(), {"method": "leave-last"})["train"])
    assert torch.equal(other(*batch), model(*batch))


def test_a_log_of_other_users_is_one_sentence() -> None:
    model = build(
        "lightgcn", configure("lightgcn", {"item_count": 5, "category_count": 1, "user_count": 2}), torch.zeros(5)
    )
    with pytest.raises(SurgeError, match="The log has 6 users and LightGCN 2"):
        model.prepare(toy_log(), positives(toy_log()))


def test_smoothed_rows_are_kept_while_nothing_changes() -> None:
    model, batch = lightgcn(), some_batch()
    with torch.inference_mode():
        first = model.smoothed()
        assert model.smoothed() is first
    optimiser = torch.optim.Adam(model.parameters())
    model(*batch).sum().backward()
    optimiser.step()
    with torch.inference_mode():
        assert not torch.equal(model.smoothed(), first)
        assert torch.equal(model(*batch), model.head(*rows(model, batch.context.users, batch.candidates)))
        second = model.smoothed()
    log = log_of([[1, 2]] * USERS)
    model.prepare(log, positives(log))
    with torch.inference_mode():
        assert not torch.equal(model.smoothed(), second)
        third = model.smoothed()
    model.load_state_dict(lightgcn(seed=5).state_dict())
    with torch.inference_mode():
        assert not torch.equal(model.smoothed(), third)


def rows(model: LightGCN, users: torch.Tensor, candidates: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    propagated = model.propagate()
    return propagated[users], propagated[USERS + candidates]
