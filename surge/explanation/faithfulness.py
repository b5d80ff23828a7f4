"""Do the items that an explanation names matter: deletion and insertion curves, measured by scoring again."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from surge.backends.scoring import CELLS, score_histories
from surge.checkpoint import Checkpoint
from surge.data.history import Histories, History
from surge.explanation.explain import candidate_row
from surge.explanation.history import TitledHistory
from surge.explanation.measurements import Effects, Faithfulness
from surge.explanation.ranking import log_lift
from surge.explanation.record import Explanation
from surge.model.batches import read_batch
from surge.model.surge import SurgeModel

Array = np.ndarray
STEPS = 64  # points of the integral; with 32 the gap is nearly twice as wide


def measure_faithfulness(
    checkpoint: Checkpoint,
    history: TitledHistory,
    record: Explanation,
    effects: Effects,
    *,
    random_orders: int = 10,
    points: int = 20,
    seed: int = 0,
    progress: Callable[[float], None] | None = None,
) -> Faithfulness:
    """How the lift of the record's candidate falls as items are deleted, and rises as they are inserted.

    Four attributions order the items: "leave-one-out" (what the logit loses without the item), "importance"
    (gamma), "attention" (received, Eq. 8) and "integrated gradients". The first and the last are signed, so
    what speaks against the candidate comes last; gamma and attention don't tell for from against. Equal values
    keep time order. `random_orders` permutations drawn with `seed` show what an explanation that knows nothing
    reaches. Curves have at most `points` (from 2) numbers of deleted items, evenly spread; the first deletes
    nothing, the last all items but one.

    `record` and `effects` are of this history; others are a ValueError. `progress` is called with the share done.
    """
    n = len(history)
    if not history.is_explained_by(record) or len(effects.item_logit) != n:
        raise ValueError("the record or the effects belong to another history")
    row = candidate_row(checkpoint, record.target.item)
    attributions = {
        "leave-one-out": effects.item_effect,
        "importance": record.interest_extraction.importance.astype(np.float64),
        "attention": record.attention_received(),
        "integrated gradients": integrated_gradients(checkpoint.model, history, row),
    }
    orders = [np.argsort(-values, kind="stable") for values in attributions.values()]
    rng = np.random.default_rng(seed)
    orders += [rng.permutation(n) for _ in range(random_orders)]

    deleted = spread(n, points)
    asked: dict[bytes, tuple[int, History]] = {}  # what many orders ask for is scored once

    def ask(kept: Array) -> int:
        left = history.edit(np.sort(kept))
        return asked.setdefault(left.key, (len(asked), left))[0]

    deletion = np.array([[ask(order[k:]) for k in deleted] for order in orders])
    insertion = np.array([[ask(order[: k + 1]) for k in deleted] for order in orders])
    logits = score_histories(checkpoint.model, [left for _, left in asked.values()], [row], progress)[:, 0]
    scores = log_lift(checkpoint.catalogue, row, logits)
    named = len(attributions)
    return Faithfulness(
        attributions=attributions,
        deleted=deleted,
        deletion=dict(zip(attributions, scores[deletion[:named]], strict=True)),
        insertion=dict(zip(attributions, scores[insertion[:named]], strict=True)),
        random_deletion=scores[deletion[named:]],
        random_insertion=scores[insertion[named:]],
    )


def spread(count: int, points: int) -> Array:
    """At most `points` whole numbers from 0 to count - 1, evenly spread, both ends among them."""
    if points < 2:
        raise ValueError("fewer than two points have no two ends")
    return np.linspace(0, count - 1, min(points, count)).round().astype(np.int64)


def integrated_gradients(model: SurgeModel, history: History, candidate: int, steps: int = STEPS) -> Array:
    """What each item's embedding adds to the candidate's logit (n): sum over its dimensions of
    h_i * integral over a from 0 to 1 of d logit(a h) / d h_i (Sundararajan et al., 2017).

    The baseline is h = 0. Cosines don't change with length, so along the whole path the graph of Eq. 3 is that
    of the history, and the values add up to logit(h) - logit(h shrunk to almost nothing), but for a gap: the
    logit has kinks, which few steps integrate badly, and it jumps where clusters change their order on the way
    (Eq. 16 reads them by position). Typically the gap is about 1 % of the sum of the values' sizes, at times over 10 %.
    """
    from captum.attr import IntegratedGradients  # here: slow to import

    device = model.item_embedding.weight.device
    # inference mode may be on around this call (it is a thread's own), and its tensors carry no gradient
    with torch.inference_mode(False):
        (items, mask), context = read_batch(Histories.of([history]), device)
        ages = context.ages()
        with torch.no_grad():
            embedded, target = model.embed(items), model.embed(torch.tensor([[candidate]], device=device))

        def logit(path: Tensor) -> Tensor:
            graph = model.graph_from_embeddings(path, mask.expand(len(path), -1), ages.expand(len(path), -1))
            return model.read_embeddings(graph, target.expand(len(path), -1, -1)).logit[:, 0]

        at_once = max(1, CELLS // (model.config.heads * len(history) ** 2))
        attributed = IntegratedGradients(logit).attribute(embedded, n_steps=steps, internal_batch_size=at_once)
    return attributed[0].sum(-1).double().cpu().numpy()
