"""Logits of candidates for one history or many, in chunks that fit in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from surge.backends.kernel import Scorer
from surge.data.history import Histories, History
from surge.errors import SurgeError
from surge.model.batches import in_parts, read_batch
from surge.model.precision import autocast
from surge.model.surge import EMPTY, InterestGraph, ItemSequences, SurgeModel

CELLS = 1_000_000  # numbers of the largest tensor of a chunk; more don't fit the cache
ON_GPU = 64  # times as many, for which it has both the memory and the threads
FUSED_CHUNK = 16_384  # candidates that the kernel reads between two reports of progress; fewer don't fill two threads


def candidates_at_once(model: SurgeModel, length: int, near: int) -> int:
    """How many candidates torch scores together for a history of so many items, `near` of them around an item.

    An item takes so many numbers for each candidate: the first layer of Eq. 7, or its edges.
    """
    config, on_cpu = model.config, model.item_embedding.weight.device.type == "cpu"
    near = near if model.extract.pools else length
    width = max(config.attention_hidden[0], config.heads * near)
    # lists of neighbours make smaller tensors beside the widest one: twice as many fit
    return max(1, 2 * CELLS * (1 if on_cpu else ON_GPU) // (width * length))


def histories_at_once(model: SurgeModel, lengths: Sequence[int], candidates: int = 1) -> int:
    """How many histories of such lengths, the shortest first, are read with so many candidates each: as many as fit,
    and one at least."""
    cells, take = candidates * model.config.heads, 1
    while take < len(lengths) and (take + 1) * cells * lengths[take] ** 2 <= CELLS:  # the longest decides
        take += 1
    return take


def read_graphs(model: SurgeModel, histories: Sequence[History]) -> InterestGraph:
    """The graphs of histories of any lengths, as one batch."""
    items, context = read_batch(Histories.of(histories), model.item_embedding.weight.device)
    return model.build_graph(items, context.ages())


def score_rows(
    model: SurgeModel,
    history: History,
    candidates: np.ndarray,
    progress: Callable[[float], None] | None = None,
    *,
    precision: str = "float32",
) -> np.ndarray:
    """Logits (float32) of candidate rows for one history: one graph, read in chunks that fit in memory.

    `progress` is called with the share done; `precision` is that of the arithmetic.
    """
    items, context = read_batch(Histories.of([history]), model.item_embedding.weight.device)
    return score_history(model, items, context.ages(), candidates, progress, precision=precision)


def score_history(
    model: SurgeModel,
    history: ItemSequences,
    ages: Tensor,
    candidates: np.ndarray,
    progress: Callable[[float], None] | None = None,
    *,
    precision: str = "float32",
) -> np.ndarray:
    """The same for a batch of one history (1, n) and the ages of its items (1, n)."""
    device = model.item_embedding.weight.device
    scores = np.empty(len(candidates), dtype=np.float32)
    with torch.inference_mode(), autocast(device, precision):
        graph = model.build_graph(history, ages)
        score, near = Scorer(model, graph), int(graph.adjacency.sum(-1).max())
        chunk = FUSED_CHUNK if score.fused else candidates_at_once(model, history.items.shape[1], near)

        def read(start: int, stop: int) -> None:
            part = torch.as_tensor(candidates[start:stop], dtype=torch.long, device=device)
            scores[start:stop] = score(part.unsqueeze(0))[0].float().cpu().numpy()

        in_parts(len(candidates), lambda start: chunk, read, progress)
    return scores


def score_histories(
    model: SurgeModel,
    histories: Sequence[History],
    candidates: Sequence[int] | np.ndarray,
    progress: Callable[[float], None] | None = None,
) -> np.ndarray:
    """Logits (float32, histories x candidates) of the same candidate rows for many histories, in chunks.

    Histories of like length are read together, so that little is padded. An empty history is a SurgeError.
    """
    if any(len(history) == 0 for history in histories):
        raise SurgeError(EMPTY)
    order = sorted(range(len(histories)), key=lambda index: len(histories[index]))
    rows = torch.as_tensor(np.asarray(candidates, dtype=np.int64), device=model.item_embedding.weight.device)
    scores = np.empty((len(histories), len(rows)), dtype=np.float32)

    lengths = [len(histories[index]) for index in order]

    def fitting(start: int) -> int:
        return histories_at_once(model, lengths[start:], max(len(rows), 1))

    def read(start: int, stop: int) -> None:
        part = order[start:stop]
        if len(part) == 1:
            scores[part[0]] = score_rows(model, histories[part[0]], rows.cpu().numpy())
        else:
            score = Scorer(model, read_graphs(model, [histories[index] for index in part]))
            scores[part] = score(rows.expand(len(part), -1)).float().cpu().numpy()

    with torch.inference_mode():
        in_parts(len(order), fitting, read, progress)
    return scores
