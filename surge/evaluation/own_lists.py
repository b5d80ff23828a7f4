"""A checkpoint measured on the user's own candidate lists, such as the impressions of a live service."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from surge.arguments import arguments, called, optional, path
from surge.checkpoint import Checkpoint, as_checkpoint
from surge.data.dataset import Dataset, as_dataset
from surge.data.instances import Instances, encode
from surge.data.negatives import NONE
from surge.data.seen_items import SeenItems
from surge.data.splits import split_instances
from surge.errors import SurgeError
from surge.evaluation.evaluate import Progress, count_negatives, evaluate_lists
from surge.evaluation.lists import read_lists
from surge.recommenders.surge import Surge

TOP = 10  # of HR@10 and NDCG@10


@arguments("evaluate_lists", lists=path, progress=optional(called))
def evaluate_own_lists(
    checkpoint: Checkpoint | str | Path,
    dataset: Dataset | str | Path,
    lists: str | Path,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """The metrics of a checkpoint on candidate `lists` from a file (see `read_lists`), of one length or of many.

    Candidates that the model doesn't know can't be scored. Negatives of this kind are left out of their list; lists
    whose positive is one, or that have no known history or no negative left, are left out. All are counted; where no
    list is left, that is a SurgeError. So are the positives of each split of the dataset (`train_positives` and so on),
    and those that the checkpoint was trained on (`trained_positives`), the negatives that a list's user had taken
    before, where the model recommends nothing twice (`taken_negatives`), and the lists of at most ten candidates, in
    whose ten best every positive is (`short_lists`).
    """
    checkpoint, dataset, path = as_checkpoint(checkpoint), as_dataset(dataset), Path(lists)
    items = dataset.items["item"].to_list()
    whole = encode(dataset, {item: row for row, item in enumerate(items)})
    instances, candidates = read_lists(path, whole, dataset.users, items)
    rows = np.array([*(checkpoint.rows.get(item, NONE) for item in items), NONE])  # the last one for NONE itself
    known = np.where(candidates == NONE, NONE, rows[candidates])
    unknown_negatives = int(((known[:, 1:] == NONE) & (candidates[:, 1:] != NONE)).sum())
    # those that are known first, in their order
    known[:, 1:] = np.take_along_axis(known[:, 1:], np.argsort(known[:, 1:] == NONE, axis=1, kind="stable"), axis=1)
    log = encode(dataset, checkpoint.rows)
    place = np.cumsum(rows[whole.items] != NONE) - 1  # in the log of the items that the model knows
    positions = place[instances.position]
    usable = (known[:, 0] != NONE) & (known[:, 1] != NONE) & (positions > log.offsets[instances.user])
    if not usable.any():
        raise SurgeError(
            f"The checkpoint {checkpoint.name!r} can measure none of the {len(candidates):,} lists of {str(path)!r}: "
            "it doesn't know their positives, the history before them, or any of their negatives; give the dataset "
            "that it was trained on."
        )
    kept = np.flatnonzero(usable)
    chosen = Instances(instances.user[kept], positions[kept])
    known = known[kept]
    figures = evaluate_lists(
        Surge(checkpoint.model),
        log,
        chosen,
        known[:, : int((known != NONE).sum(1).max())],
        precision=checkpoint.training_config.precision,
        progress=progress,
    )
    counts = {
        "instances": len(kept),
        "lists_left_out": len(candidates) - len(kept),
        "unknown_negatives": unknown_negatives,
        "short_lists": int(((known != NONE).sum(1) <= TOP).sum()),
    }
    if checkpoint.exclude_seen:
        taken = SeenItems(log, len(checkpoint.rows)).before(chosen, np.maximum(known, 0))
        counts["taken_negatives"] = int((taken & (known != NONE))[:, 1:].sum())
    splits = split_instances(log, dataset.description.get("split", {}))
    of_split = {name: int(np.isin(chosen.position, part.position).sum()) for name, part in splits.items()}
    same = checkpoint.description.get("dataset", {}).get("digest") == dataset.digest
    counts |= {f"{name}_positives": count for name, count in of_split.items()}
    counts["trained_positives"] = of_split["train"] if same else 0
    return figures | count_negatives(known) | counts
