"""Evaluation of a model on a split: lists of sampled negatives, and the whole catalogue."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from surge.arguments import arguments, called, one_of, optional
from surge.backends.scoring import CELLS
from surge.checkpoint import Checkpoint, as_checkpoint
from surge.data.dataset import Dataset, as_dataset
from surge.data.instances import EncodedLog, Instances, encode
from surge.data.layout import SPLITS
from surge.data.negatives import NONE, Barred, PopularitySampler
from surge.data.seen_items import SeenItems
from surge.data.splits import count_positives, last_of_each_user, split_instances
from surge.errors import SurgeError
from surge.evaluation.metrics import hit_rate, list_metrics, ndcg
from surge.evaluation.ranking import Ranks, rank_positives
from surge.model.batches import in_parts, read_batch
from surge.model.precision import autocast
from surge.recommenders.base import Recommender
from surge.recommenders.surge import Surge

Progress = Callable[[float], None]
TOGETHER = 64  # histories of a batch, at most


def draw_lists(
    log: EncodedLog,
    instances: Instances,
    sampler: PopularitySampler,
    count: int,
    *,
    taken: SeenItems | None,
    seed: int,
) -> np.ndarray:
    """Candidate rows (k, 1 + count), the positive first: the same for every model with the same seed.

    Negatives are distinct, so there are at most as many as the catalogue has other items. With `taken` none was taken
    by the user before; a list for which fewer are left ends with NONE.
    """
    rng = np.random.default_rng([seed, 99])
    count = min(count, len(sampler.probability) - 1)
    lists = np.empty((len(instances), 1 + count), dtype=np.int64)
    for start in range(0, len(instances), 256):
        part = instances.take(np.arange(start, min(start + 256, len(instances))))
        lists[start : start + 256, 0] = positive = log.items[part.position]
        lists[start : start + 256, 1:] = sampler.negatives(positive, count, rng, barred(taken, part))
    return lists


def listable(instances: Instances, taken: SeenItems | None) -> Instances:
    """The instances for which there is a negative to draw."""
    return instances if taken is None else instances.take(np.flatnonzero(taken.left(instances) > 0))


def targets(
    log: EncodedLog, instances: Instances, rule: Mapping[str, object], split: str, taken: SeenItems | None, which: str
) -> Instances:
    """The listable instances of a split that are ranked among all items: each user's `last` interaction of it, or all
    `successive` ones."""
    return listable(last_of_each_user(log, instances, rule, split) if which == "last" else instances, taken)


NOTHING_ELSE = (
    "Whoever has a {split} positive in {name!r} took all other items before, so there is nothing to tell it from; "
    "prepare a log with more items."
)


def barred(taken: SeenItems | None, instances: Instances) -> Barred | None:
    """Which items are no negatives of these instances, as `PopularitySampler.negatives` asks for it."""
    if taken is None:
        return None
    known = taken
    return lambda rows, items: known.before(instances.take(rows), items)


def score_lists(
    recommender: Recommender,
    log: EncodedLog,
    instances: Instances,
    lists: np.ndarray,
    *,
    precision: str = "float32",
    progress: Progress | None = None,
) -> np.ndarray:
    """Logits (float32) of candidate lists (k, T), in batches of histories of similar length; -inf where a list ends
    with NONE. A score that is no finite number is a SurgeError."""
    device = recommender.device
    histories = log.histories(instances, recommender.config.max_length)
    order = np.argsort(histories.lengths, kind="stable")
    scores = np.empty(lists.shape, dtype=np.float32)

    def fitting(start: int) -> int:
        # as many histories of the longest one's size as CELLS attention entries allow
        longest = int(histories.lengths[order[min(start + TOGETHER, len(order)) - 1]])
        return min(TOGETHER, CELLS // (lists.shape[1] * recommender.config.heads * longest**2))

    def read(start: int, stop: int) -> None:
        index = order[start:stop]
        history, context = read_batch(histories.take(index), device)
        candidates = torch.from_numpy(np.maximum(lists[index], 0)).to(device)
        scores[index] = recommender.scorer(history, context)(candidates).float().cpu().numpy()

    with torch.inference_mode(), autocast(device, precision):
        in_parts(len(order), fitting, read, progress)
    if not np.isfinite(scores).all():
        raise SurgeError("The model gives scores that are not finite numbers; train it again.")
    return np.where(lists == NONE, -np.inf, scores)


@arguments("evaluate", split=one_of(SPLITS, "split"), progress=optional(called))
def evaluate_split(
    checkpoint: Checkpoint | str | Path,
    dataset: Dataset | str | Path,
    split: str = "test",
    progress: Progress | None = None,
) -> dict[str, Any]:
    """All metrics of a checkpoint on one split of a dataset (train, valid or test), by the checkpoint's own settings.

    Lists of sampled negatives for up to `test_instances`, ranked by the logit; up to `catalogue_instances` positives
    (`targets`) among all items, by logit + log q. The split is cut on the whole log;
    positives of items that the model doesn't know are counted, and so are those of users who took all other items
    before. A split without one that it knows and can tell from another item is a SurgeError.
    """
    checkpoint, dataset = as_checkpoint(checkpoint), as_dataset(dataset)
    config, training, catalogue = checkpoint.evaluation_config, checkpoint.training_config, checkpoint.catalogue
    recommender = Surge(checkpoint.model)
    log = encode(dataset, catalogue.rows)
    rule = dataset.description.get("split", {})
    instances, positives = split_instances(log, rule)[split], count_positives(log, rule)[split]
    if not len(instances):
        raise SurgeError(
            f"The {split} split of {dataset.name!r} has {positives.whole} positives, and checkpoint "
            f"{checkpoint.name!r} knows none of them with a history before it; evaluate on the dataset that it was "
            "trained on, or a later one of the same items."
        )
    tell = progress or (lambda share: None)
    rng = np.random.default_rng(training.seed)
    taken = SeenItems(log, len(catalogue.rows)) if checkpoint.exclude_seen else None
    rankable = listable(instances, taken)
    if not len(rankable):
        raise SurgeError(NOTHING_ELSE.format(split=split, name=dataset.name))
    listed = rankable.sample(config.test_instances, rng)
    lists = draw_lists(log, listed, catalogue.sampler, config.evaluation_negatives, taken=taken, seed=training.seed)
    metrics: dict[str, Any] = evaluate_lists(
        recommender, log, listed, lists, precision=training.precision, progress=lambda share: tell(share / 2)
    )
    ranked = targets(log, instances, rule, split, taken, config.catalogue_targets)
    whole = ranked.sample(config.catalogue_instances, rng)
    ranks = rank_positives(
        recommender,
        log,
        whole,
        taken=taken,
        log_popularity=catalogue.log_popularity,
        temperatures=np.array([catalogue.temperature]),
        progress=lambda share: tell(0.5 + share / 2),
    )
    metrics |= catalogue_metrics(ranks) | calibration_metrics(ranks, catalogue.temperature)
    return (
        metrics
        | count_negatives(lists)
        | {
            "instances": len(listed),
            "catalogue_instances": len(whole),
            "users_without_last": len(np.unique(instances.user)) - len(np.unique(ranked.user)),
            "positives": positives.whole,
            "unknown_positives": positives.unknown,
            "positives_without_history": positives.without_history,
            "positives_without_negatives": len(instances) - len(rankable),
            "cold_positives": int((catalogue.counts[log.items[instances.position]] == 0).sum()),
        }
    )


def count_negatives(lists: np.ndarray) -> dict[str, int]:
    """How many negatives lists (k, 1 + negatives) hold: the longest, and the shortest."""
    held = (lists[:, 1:] != NONE).sum(1)
    return {"negatives": int(held.max()), "fewest_negatives": int(held.min())}


def catalogue_metrics(ranks: Ranks) -> dict[str, float]:
    """HR@10, NDCG@10 and the median rank of the positives among all items; nothing where there is none."""
    if not len(ranks.own):
        return {}
    return {
        "catalogue_hr@10": hit_rate(ranks.above, ranks.tied, 10),
        "catalogue_ndcg@10": ndcg(ranks.above, ranks.tied, 10),
        "catalogue_median_rank": float(np.median(1 + ranks.above + ranks.tied / 2)),
    }


def calibration_metrics(ranks: Ranks, temperature: float) -> dict[str, Any]:
    """The expected calibration error of the ten best items and of the first one alone, and the bins of the ten; nothing
    where no positive was ranked."""
    if not len(ranks.own):
        return {}
    shown = ranks.reliability(temperature)
    return {
        "calibration_error": shown.error,
        "calibration_error_first": ranks.reliability(temperature, 1).error,
        "reliability_probability": shown.probability.tolist(),
        "reliability_share": shown.share.tolist(),
        "reliability_count": shown.count.tolist(),
    }


def evaluate_lists(
    recommender: Recommender,
    log: EncodedLog,
    instances: Instances,
    lists: np.ndarray,
    *,
    precision: str = "float32",
    progress: Progress | None = None,
) -> dict[str, float]:
    """The metrics of `list_metrics` for these instances and candidate lists."""
    recommender.network.eval()
    return list_metrics(
        score_lists(recommender, log, instances, lists, precision=precision, progress=progress), instances.user
    )
