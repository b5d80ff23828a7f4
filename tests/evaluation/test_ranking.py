"""The positive among all items: a count over what can be ranked, by logit + log q, for SURGE and the baselines."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from surge.data.instances import EncodedLog, Instances
from surge.data.seen_items import SeenItems
from surge.errors import SurgeError
from surge.evaluation.ranking import log_available, rank_positives
from surge.model.batches import read_batch
from surge.model.surge import SurgeModel
from surge.recommenders import BASELINES, Baseline, Surge, baseline, build, configure
from tests.training.toy import MODEL, lively_model

ITEMS = 30
POPULAR = np.log(np.maximum((np.arange(ITEMS) * 37) % 101, 1) / 1000)


@pytest.fixture(scope="module")
def log() -> EncodedLog:
    """25 users with 2 to 24 interactions each, many of them repeats: longer than what a model reads."""
    rng = np.random.default_rng(11)
    lengths = rng.integers(2, 25, 25)
    items = rng.integers(0, ITEMS, lengths.sum())
    return EncodedLog(items, np.arange(len(items)) * 7, np.concatenate([[0], np.cumsum(lengths)]))


@pytest.fixture(scope="module")
def instances(log: EncodedLog) -> Instances:
    """A positive of each user somewhere in the middle, shuffled."""
    rng = np.random.default_rng(2)
    position = np.array([rng.integers(a + 1, b) for a, b in zip(log.offsets[:-1], log.offsets[1:], strict=True)])
    order = rng.permutation(len(position))
    return Instances(order, position[order])


def aged_model() -> SurgeModel:
    """One whose scores depend on when the items were taken."""
    model = lively_model(ITEMS, time="age")
    with torch.no_grad():
        model.age_embedding.weight.normal_(generator=torch.Generator().manual_seed(5))
    return model


def expected(scores: np.ndarray, log: EncodedLog, instances: Instances, seen: bool) -> list[tuple[int, int]]:
    """Above and tied, counted item by item."""
    counted = []
    for row, user, place in zip(scores, instances.user, instances.position, strict=True):
        positive = int(log.items[place])
        known = set(log.items[log.offsets[user] : place].tolist())  # all of it, not the window
        left = [item for item in range(ITEMS) if item != positive and (seen or item not in known)]
        above = sum(row[item] > row[positive] for item in left)
        counted.append((above, sum(row[item] == row[positive] for item in left)))
    return counted


@pytest.mark.parametrize("popularity", [None, POPULAR], ids=["by the logit", "by chance"])
@pytest.mark.parametrize("time", ["none", "age"])
@pytest.mark.parametrize("seen", [True, False])
def test_ranks_are_counts_over_all_items(
    log: EncodedLog,
    instances: Instances,
    seen: bool,
    time: str,
    popularity: np.ndarray | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = aged_model() if time == "age" else lively_model(ITEMS)
    recommender = Surge(model)
    history, context = read_batch(log.histories(instances, model.config.max_length))
    with torch.inference_mode():
        graph = model.build_graph(history, context.ages())
        logits = model.read(graph, torch.arange(ITEMS).expand(len(instances), -1)).logit.double().numpy()
    told: list[float] = []
    taken = None if seen else SeenItems(log, ITEMS)
    ranks = rank_positives(
        recommender,
        log,
        instances,
        taken=taken,
        log_popularity=popularity,
        progress=told.append,
    )
    counted = expected(logits + (0 if popularity is None else popularity), log, instances, seen)
    assert list(zip(ranks.above.tolist(), ranks.tied.tolist(), strict=True)) == counted
    assert len(set(ranks.above.tolist())) > 5
    assert told == sorted(told) and told[-1] == 1


@pytest.mark.parametrize("name", [name for name in BASELINES if name != "popularity"])
def test_a_baseline_ranks_as_it_scores(name: str, log: EncodedLog, instances: Instances) -> None:
    sizes = {key: value for key, value in MODEL.items() if key in ("item_size", "category_size", "max_length")}
    config = configure(name, sizes | {"item_count": ITEMS, "category_count": 2, "user_count": 25})
    torch.manual_seed(0)
    model: Baseline = build(name, config, torch.arange(ITEMS) % 2).eval()
    model.prepare(log, instances)
    with torch.no_grad():
        model.item_embedding.weight.mul_(10)
        history, context = read_batch(log.histories(instances, config.max_length))
        logits = model(history, torch.arange(ITEMS).expand(len(instances), -1), context).numpy()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(baseline, "CELLS", 40 * 7 * 25)  # a few candidates at once
        assert model.score_catalogue(history, context) == pytest.approx(logits, abs=1e-5)
    ranks = rank_positives(model, log, instances, taken=SeenItems(log, ITEMS), log_popularity=POPULAR)
    assert list(zip(ranks.above.tolist(), ranks.tied.tolist(), strict=True)) == expected(
        logits.astype(np.float64) + POPULAR, log, instances, False
    )


def scoring(monkeypatch: pytest.MonkeyPatch, scores: list[float] | np.ndarray) -> None:
    monkeypatch.setattr(Surge, "score_catalogue", lambda *_: np.asarray(scores, dtype=np.float32)[None])


@pytest.mark.parametrize(
    ("items", "seen", "above"),
    [
        ([29, 28, 27, 26], True, 3),  # the score of an item is its row: three of the history are better
        ([29, 28, 27, 26], False, 0),
        ([29, 26, 27, 26], False, 1),  # the positive is in its own history, and stays; 28 is better
        ([5, 26], False, 3),
        ([29, 28, *range(10), 26], False, 1),  # taken before the window of eight: only 27 is left
    ],
)
def test_everything_taken_is_left_out(
    monkeypatch: pytest.MonkeyPatch, items: list[int], seen: bool, above: int
) -> None:
    scoring(monkeypatch, np.arange(ITEMS))
    log = EncodedLog(np.array(items), np.arange(len(items)), np.array([0, len(items)]))
    last = Instances(np.array([0]), np.array([len(items) - 1]))
    taken = None if seen else SeenItems(log, ITEMS)
    ranks = rank_positives(Surge(lively_model(ITEMS)), log, last, taken=taken, log_popularity=None)
    assert (ranks.above.tolist(), ranks.tied.tolist()) == ([above], [0])


@pytest.mark.parametrize("seen", [True, False])
def test_a_constant_scorer_is_tied_with_all_there_are(monkeypatch: pytest.MonkeyPatch, seen: bool) -> None:
    scoring(monkeypatch, np.zeros(ITEMS))
    log = EncodedLog(np.array([1, 2]), np.arange(2), np.array([0, 2]))
    last = Instances(np.array([0]), np.array([1]))
    taken = None if seen else SeenItems(log, ITEMS)
    ranks = rank_positives(Surge(lively_model(ITEMS)), log, last, taken=taken, log_popularity=None)
    assert (ranks.above.tolist(), ranks.tied.tolist()) == ([0], [ITEMS - 1 - (not seen)])


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_scores_that_are_no_numbers_are_refused(monkeypatch: pytest.MonkeyPatch, wrong: float) -> None:
    scoring(monkeypatch, [0.0] * (ITEMS - 1) + [wrong])
    log = EncodedLog(np.array([1, 2]), np.arange(2), np.array([0, 2]))
    with pytest.raises(SurgeError, match="not finite numbers"):
        rank_positives(
            Surge(lively_model(ITEMS)), log, Instances(np.array([0]), np.array([1])), taken=None, log_popularity=None
        )


def test_probabilities_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three items, the first taken: softmax of logit + log q over the other two."""
    scoring(monkeypatch, [5.0, np.log(3), 0.0])
    log = EncodedLog(np.array([0, 1, 0, 2]), np.arange(4), np.array([0, 2, 4]))
    both = Instances(np.array([0, 1]), np.array([1, 3]))
    q = np.log([0.2, 0.2, 0.6])
    ranks = rank_positives(
        Surge(lively_model(3)), log, both, taken=SeenItems(log, 3), log_popularity=q, temperatures=np.array([1.0, 2.0])
    )
    measured = ranks.reliability(1.0)
    assert measured.probability == pytest.approx([0.5] * 4) and measured.count.sum() == 4  # what was taken has none
    assert measured.share.sum() == 2
    assert ranks.reliability(2.0, 1).probability == pytest.approx([0.5, 0.5])  # 3 x 0.2 = 0.6
    assert log_available(log, both, None, q) == pytest.approx([0, 0])
    available = log_available(log, both, SeenItems(log, 3), q)
    assert available == pytest.approx(np.log([0.8, 0.8]))  # of q, and 1.2 of q exp(logit)
    assert ranks.lift_constant(available, 1.0) == pytest.approx(np.log(0.8 / 1.2))
    assert ranks.lift_constant(available, 2.0) == pytest.approx(np.log(0.8 / (2 * 0.6**0.5)))


def test_what_is_shown_are_the_ten_best_in_order_and_which_of_them_came(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 30 items with scores 0 to 29 in a mixed order: 29 is taken, so 28 down to 19 are shown, and 25 came next."""
    scores = (np.arange(ITEMS) * 7) % ITEMS
    scoring(monkeypatch, scores)
    # numpy promises no order among the best, and what order it gives depends on the processor: the worst first
    monkeypatch.setattr(np, "argpartition", lambda values, last: np.argsort(values)[last::-1])
    item = {score: place for place, score in enumerate(scores.tolist())}
    log = EncodedLog(np.array([item[29], item[25]]), np.arange(2), np.array([0, 2]))
    ranks = rank_positives(
        Surge(lively_model(ITEMS)),
        log,
        Instances(np.array([0]), np.array([1])),
        taken=SeenItems(log, ITEMS),
        log_popularity=None,
    )
    assert ranks.best.tolist() == [list(range(28, 18, -1))]
    assert ranks.hit.tolist() == [[place == 3 for place in range(10)]]
    assert ranks.own.tolist() == [25.0]
