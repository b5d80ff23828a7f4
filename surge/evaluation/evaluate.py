"""Evaluation of a model on a split: lists of sampled negatives, and the whole catalogue."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from surge.baselines.base import Baseline
from surge.checkpoint import Checkpoint
from surge.config import TrainingConfig
from surge.data.instances import EncodedLog, Instances, encode, histories, split_instances
from surge.data.negatives import PopularitySampler
from surge.data.store import Dataset
from surge.errors import SurgeError
from surge.evaluation.metrics import hit_rate, list_metrics, ndcg
from surge.explanation.catalogue import CELLS, candidates_at_once, score_rows
from surge.explanation.quality import explanation_quality
from surge.fused.compiled import CompiledScores
from surge.fused.reader import Scorer
from surge.model.batches import in_parts, move, read_batch
from surge.model.precision import autocast
from surge.model.surge import Context, History, SurgeModel

Progress = Callable[[float], None]
HIDDEN = 40  # a usual size of a layer
TOGETHER = 64  # histories of a batch, at most


def popularity_sampler(log: EncodedLog, trained_on: Instances, item_count: int) -> PopularitySampler:
    """Negatives by how often items occur among the training positives."""
    return PopularitySampler(np.bincount(log.items[trained_on.position], minlength=item_count))


def draw_lists(
    log: EncodedLog,
    instances: Instances,
    sampler: PopularitySampler,
    count: int,
    longest: int,
    *,
    seen: bool,
    seed: int,
) -> np.ndarray:
    """Candidate rows (k, 1 + count), the positive first: the same for every model with the same seed.

    With `seen` false, items of the history are no negatives either.
    """
    rng = np.random.default_rng([seed, 99])
    lists = np.empty((len(instances), 1 + count), dtype=np.int64)
    for start in range(0, len(instances), 256):
        part = instances.take(np.arange(start, min(start + 256, len(instances))))
        positive = log.items[part.position]
        forbidden = None
        if not seen:
            rows, mask = histories(log, part, longest)
            forbidden = np.where(mask, rows, positive[:, None])
        lists[start : start + 256, 0] = positive
        lists[start : start + 256, 1:] = sampler.negatives(positive, count, rng, forbidden)
    return lists


def score_lists(
    model: SurgeModel | Baseline,
    log: EncodedLog,
    instances: Instances,
    lists: np.ndarray,
    *,
    precision: str = "float32",
    progress: Progress | None = None,
) -> np.ndarray:
    """Logits (float32) of candidate lists (k, T), in batches of histories of similar length."""
    device = model.item_embedding.weight.device
    longest, heads = model.config.max_length, model.config.heads
    length = np.minimum(instances.position - log.offsets[instances.user], longest)
    order = np.argsort(length, kind="stable")
    scores = np.empty(lists.shape, dtype=np.float32)

    def fitting(start: int) -> int:
        # as many histories of the longest one's size as CELLS attention entries allow
        last = min(start + TOGETHER, len(order)) - 1
        return min(TOGETHER, CELLS // (lists.shape[1] * heads * int(length[order[last]]) ** 2))

    def read(start: int, stop: int) -> None:
        index = order[start:stop]
        history, context = read_batch(log, instances.take(index), longest, device)
        candidates = torch.from_numpy(lists[index]).to(device)
        if isinstance(model, SurgeModel):
            logits = Scorer(model, model.build_graph(history, context.ages()))(candidates)
        else:
            logits = model(history, candidates, context)
        scores[index] = logits.float().cpu().numpy()

    with torch.inference_mode(), autocast(device, precision):
        in_parts(len(order), fitting, read, progress)
    return scores


def compiles(config: TrainingConfig, model: SurgeModel | Baseline) -> bool:
    """Whether catalogues are scored by torch.compile: where that is asked for, on a GPU (see the setting)."""
    return config.compiled and model.item_embedding.weight.device.type == "cuda"


def evaluate_split(
    checkpoint: Checkpoint, dataset: Dataset, split: str, progress: Progress | None = None
) -> dict[str, float]:
    """All metrics of a checkpoint on one split of a dataset, by the checkpoint's own training settings.

    Lists of sampled negatives for up to `test_instances`, the whole catalogue for up to
    `catalogue_instances`. A split without an instance, or an unknown dataset, is a SurgeError.
    """
    config, model, seen = checkpoint.training_config, checkpoint.model, not checkpoint.exclude_seen
    log = encode(dataset, checkpoint.rows)
    splits = split_instances(log, dataset.description.get("split", {}))
    if not len(splits[split]):
        raise SurgeError(
            f"The dataset {dataset.name!r} has no {split} instance with items that checkpoint {checkpoint.name!r} "
            "knows; evaluate on the dataset that it was trained on."
        )
    tell = progress or (lambda share: None)
    rng = np.random.default_rng(config.seed)
    sampler = popularity_sampler(log, splits["train"], checkpoint.model_config.item_count)
    listed = splits[split].sample(config.test_instances, rng)
    lists = draw_lists(
        log, listed, sampler, config.evaluation_negatives, model.config.max_length, seen=seen, seed=config.seed
    )
    metrics = evaluate_lists(
        model, log, listed, lists, precision=config.precision, progress=lambda share: tell(share / 2)
    )
    whole = splits[split].sample(config.catalogue_instances, rng)
    metrics |= evaluate_catalogue(
        model, log, whole, seen=seen, compiled=compiles(config, model), progress=lambda share: tell(0.5 + share / 2)
    )
    counts = {"instances": len(listed), "negatives": config.evaluation_negatives, "catalogue_instances": len(whole)}
    return metrics | counts


def measure(checkpoint: Checkpoint, dataset: Dataset, progress: Progress | None = None) -> dict[str, dict[str, float]]:
    """All that a checkpoint's metrics.json says of its best weights: `test` (how well it predicts on the test split)
    and `explanation` (whether its explanations mean something; see `explanation_quality`)."""
    tell = progress or (lambda share: None)
    return {
        "test": evaluate_split(checkpoint, dataset, "test", lambda share: tell(share / 2)),
        "explanation": explanation_quality(
            checkpoint, dataset, seed=checkpoint.training_config.seed, progress=lambda share: tell(0.5 + share / 2)
        ),
    }


def evaluate_lists(
    model: SurgeModel | Baseline,
    log: EncodedLog,
    instances: Instances,
    lists: np.ndarray,
    *,
    precision: str = "float32",
    progress: Progress | None = None,
) -> dict[str, float]:
    """The metrics of `list_metrics` for these instances and candidate lists."""
    model.eval()
    return list_metrics(
        score_lists(model, log, instances, lists, precision=precision, progress=progress), instances.user
    )


def score_every(model: Baseline, history: History, context: Context) -> np.ndarray:
    """Logits (float32) of all items for one history: the whole model for each chunk of candidates."""
    device, count = model.item_embedding.weight.device, model.config.item_count
    history, context = move(history, device), move(context, device)
    scores = np.empty(count, dtype=np.float32)

    def read(start: int, stop: int) -> None:
        candidates = torch.arange(start, stop, device=device).unsqueeze(0)
        scores[start:stop] = model(history, candidates, context)[0].float().cpu().numpy()

    with torch.inference_mode():
        # what grows is candidates x items x a hidden layer
        in_parts(count, lambda start: CELLS // (HIDDEN * history.items.shape[1]), read)
    return scores


def evaluate_catalogue(
    model: SurgeModel | Baseline,
    log: EncodedLog,
    instances: Instances,
    *,
    seen: bool,
    compiled: bool = False,
    progress: Progress | None = None,
) -> dict[str, float]:
    """HR@10 and NDCG@10 of `rank_positives`."""
    above, tied = rank_positives(model, log, instances, seen=seen, compiled=compiled, progress=progress)
    return {"catalogue_hr@10": hit_rate(above, tied, 10), "catalogue_ndcg@10": ndcg(above, tied, 10)}


def rank_positives(
    model: SurgeModel | Baseline,
    log: EncodedLog,
    instances: Instances,
    *,
    seen: bool,
    compiled: bool = False,
    progress: Progress | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """How many of all items (with `seen` false, without those of the history) stand above each positive (k), and how
    many are tied with it.

    With `compiled` SURGE scores by torch.compile. A score that is no finite number is a SurgeError.
    """
    model.eval()
    scores_by = None
    if compiled and isinstance(model, SurgeModel):
        longest = model.config.max_length
        scores_by = CompiledScores(model, candidates_at_once(model, longest, longest))
    every = np.arange(model.config.item_count)
    above, tied = np.empty(len(instances), dtype=np.int64), np.empty(len(instances), dtype=np.int64)
    for place in range(len(instances)):
        history, context = read_batch(log, instances.take(np.array([place])), model.config.max_length)
        rows = history.items[0].numpy()
        if isinstance(model, SurgeModel):
            events = list(zip(rows.tolist(), context.ages()[0].tolist(), strict=True))
            scores = score_rows(model, events, every, compiled=scores_by)
        else:
            scores = score_every(model, history, context)
        if not np.isfinite(scores).all():
            raise SurgeError("The model gives scores that are no finite numbers, so nothing can be ranked by them.")
        positive = log.items[instances.position[place]]
        own = scores[positive]
        if not seen:
            scores[rows[rows != positive]] = -np.inf
        scores[positive] = -np.inf
        above[place], tied[place] = (scores > own).sum(), (scores == own).sum()
        if progress:
            progress((place + 1) / len(instances))
    return above, tied
