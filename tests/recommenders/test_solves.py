"""One case for each idea: what the model must learn in a few hundred steps, and what is blind to it can't."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from surge.data.instances import EncodedLog, Instances
from surge.model.surge import ItemSequences
from surge.recommenders import Baseline, Context, build, configure
from tests.recommenders.toy import DAY, Batch, accuracy, categories, fit, log_of, positives, small, spread

SEQUENTIAL = ("caser", "gru4rec", "dien", "slirec", "sasrec")


# -- order decides ------------------------------------------------------------------------------------


def draw_order(rng: np.random.Generator, count: int = 64) -> Batch:
    """Every history holds items 0 to 5, all of them; 6 + the last one comes next, against 6 + the others."""
    items = rng.permuted(np.tile(np.arange(6), (count, 1)), axis=1)
    history = torch.from_numpy(items)
    times = torch.arange(6).expand(count, 6) * DAY
    # the positive first, then the others, which nothing but order tells from it
    candidates = 6 + history.flip(1)
    users = torch.zeros(count, dtype=torch.long)
    return Batch(
        ItemSequences(history, torch.ones(count, 6, dtype=torch.bool)),
        candidates,
        Context(users, times, users + 6 * DAY),
    )


def sequence_model(name: str) -> Baseline:
    counts = {"user_count": 1, "item_count": 12, "category_count": 1}
    sizes = {"category_size": 0, "item_size": 24, "hidden": 24, "prediction_hidden": [48, 24]}
    return spread(small(name, dropout=0.0, **counts, **sizes), 5)


@pytest.mark.parametrize("name", SEQUENTIAL)
def test_order_decides_the_next_item(name: str) -> None:
    rng = np.random.default_rng(0)
    model = fit(sequence_model(name), lambda: draw_order(rng), 300)
    assert accuracy(model, draw_order(np.random.default_rng(1), 500)) > 0.95


def test_what_is_blind_to_order_guesses_there() -> None:
    """The case above is one: DIN sees the items of a history, alike in all of them, and one in six is right."""
    rng = np.random.default_rng(0)
    model = fit(sequence_model("din"), lambda: draw_order(rng), 300)
    assert accuracy(model, draw_order(np.random.default_rng(1), 500)) < 0.25


# -- time decides -------------------------------------------------------------------------------------


def draw_times(rng: np.random.Generator, count: int = 64) -> Batch:
    """Items in any order, at any times; item 10 comes next after a pause of a minute, item 11 after one of a week."""
    items = torch.from_numpy(rng.integers(10, size=(count, 4)))
    times = torch.from_numpy(rng.integers(1, 10 * DAY, size=(count, 4)).cumsum(1))
    late = torch.from_numpy(rng.integers(2, size=count))
    now = times[:, -1] + torch.where(late > 0, 7 * DAY, 60)
    candidates = torch.stack([10 + late, 11 - late], 1)
    users = torch.zeros(count, dtype=torch.long)
    return Batch(ItemSequences(items, torch.ones(count, 4, dtype=torch.bool)), candidates, Context(users, times, now))


@pytest.mark.parametrize(("name", "lowest", "highest"), [("slirec", 0.95, 1.0), ("gru4rec", 0.0, 0.6)])
def test_time_decides_for_the_model_that_reads_it(name: str, lowest: float, highest: float) -> None:
    rng = np.random.default_rng(0)
    model = fit(sequence_model(name), lambda: draw_times(rng), 100)
    assert lowest <= accuracy(model, draw_times(np.random.default_rng(1), 500)) <= highest


# -- the candidate decides ----------------------------------------------------------------------------


def draw_categories(rng: np.random.Generator, count: int = 64, items: int = 48, kinds: int = 12) -> Batch:
    """Ten items of up to four categories; the positive is of a category that occurs, the five negatives aren't."""
    chosen = rng.permuted(np.tile(np.arange(kinds), (count, 1)), axis=1)
    inside, outside = chosen[:, :4], chosen[:, 4:9]
    per = items // kinds
    picked = np.take_along_axis(inside, rng.integers(4, size=(count, 10)), 1)
    history = torch.from_numpy(picked + kinds * rng.integers(per, size=(count, 10)))
    wanted = np.concatenate([picked[:, :1], outside], 1)
    candidates = torch.from_numpy(wanted + kinds * rng.integers(per, size=(count, 6)))
    users = torch.zeros(count, dtype=torch.long)
    times = torch.zeros(count, 10, dtype=torch.long)
    return Batch(
        ItemSequences(history, torch.ones(count, 10, dtype=torch.bool)), candidates, Context(users, times, users)
    )


def test_din_finds_the_candidates_category_anywhere_in_the_history() -> None:
    rng = np.random.default_rng(0)
    model = fit(small("din", user_count=1, item_count=48, category_count=12), lambda: draw_categories(rng), 300)
    assert accuracy(model, draw_categories(np.random.default_rng(1), 500)) > 0.95


# -- who takes what decides ---------------------------------------------------------------------------

BLOCKS, PER_BLOCK = 3, 10  # users and items u and i are of one block where u % 3 == i % 3


def block_log(rng: np.random.Generator, shares: Callable[[int], int]) -> tuple[EncodedLog, list[list[int]]]:
    """A log where user u takes `shares(u)` items of its block, and what each one leaves of it."""
    taken, left = [], []
    for user in range(BLOCKS * PER_BLOCK):
        own = rng.permutation(np.arange(user % BLOCKS, BLOCKS * PER_BLOCK, BLOCKS)).tolist()
        taken.append(own[: shares(user)])
        left.append(own[shares(user) :])
    return log_of(taken), left


def pair_batch(users: np.ndarray, positive: np.ndarray, rng: np.random.Generator) -> Batch:
    """These pairs, each with five negatives of other blocks; the history is one item of no matter what kind."""
    other = rng.integers(BLOCKS * PER_BLOCK, size=(len(users), 5))
    other = np.where(other % BLOCKS == users[:, None] % BLOCKS, (other + 1) % (BLOCKS * PER_BLOCK), other)
    row = torch.from_numpy(users)
    history = ItemSequences(torch.zeros(len(users), 1, dtype=torch.long), torch.ones(len(users), 1, dtype=torch.bool))
    candidates = torch.from_numpy(np.concatenate([positive[:, None], other], 1))
    return Batch(history, candidates, Context(row, torch.zeros(len(users), 1), torch.zeros(len(users))))


def collaborative(name: str, log: EncodedLog) -> Baseline:
    size = BLOCKS * PER_BLOCK
    sizes = {"item_size": 16, "category_size": 0, "prediction_hidden": [16, 8]}
    config = configure(name, {"item_count": size, "user_count": size, "category_count": 1} | sizes)
    torch.manual_seed(0)
    model = build(name, config, categories(size, 1))
    model.prepare(log, positives(log))
    return model


def fit_pairs(model: Baseline, log: EncodedLog, trained: Instances, rng: np.random.Generator) -> Baseline:
    def draw() -> Batch:
        some = trained.take(rng.integers(len(trained), size=64))
        return pair_batch(some.user, log.items[some.position], rng)

    return fit(model, draw, 150, learning_rate=1e-2)


@pytest.mark.parametrize("name", ["ncf", "lightgcn"])
def test_pairs_held_out_of_a_block_are_found(name: str) -> None:
    rng = np.random.default_rng(0)
    log, left = block_log(rng, lambda user: 6)
    model = fit_pairs(collaborative(name, log), log, positives(log), rng)
    users = np.repeat(np.arange(len(left)), [len(own) for own in left])
    assert accuracy(model, pair_batch(users, np.concatenate(left), rng)) > 0.9


@pytest.mark.parametrize(("name", "lowest", "highest"), [("lightgcn", 0.9, 1.0), ("ncf", 0.0, 0.5)])
def test_lightgcn_reaches_through_two_hops_what_was_never_trained(name: str, lowest: float, highest: float) -> None:
    """The first nine users have two clicks, and their one positive is never trained: only the graph knows them."""
    rng = np.random.default_rng(0)
    log, left = block_log(rng, lambda user: 2 if user < 9 else 6)
    trained = positives(log)
    known = trained.take(np.flatnonzero(trained.user >= 9))
    model = fit_pairs(collaborative(name, log), log, known, rng)
    users = np.repeat(np.arange(9), [len(own) for own in left[:9]])
    assert lowest <= accuracy(model, pair_batch(users, np.concatenate(left[:9]), rng)) <= highest
