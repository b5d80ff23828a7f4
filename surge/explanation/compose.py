"""Telling a story: one prediction explained and measured from end to end, with progress."""

from __future__ import annotations

import platform
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from surge.checkpoint import Checkpoint, as_checkpoint
from surge.data.dataset import Dataset, as_dataset
from surge.explanation.dataset_change import dataset_change
from surge.explanation.explain import candidate_row, explain_history
from surge.explanation.history import TitledHistory, read_history
from surge.explanation.measurements import Drift, Effects, Faithfulness, Predicted
from surge.explanation.ranking import Ranking, rank_catalogue
from surge.explanation.record import Explanation
from surge.explanation.story import Story

SHOWN = 20
# what each part costs, about, as a share of the whole: for the progress alone
COSTS = {"ranking": 1, "record": 1, "competitors": 20, "effects": 1, "faithfulness": 2, "drift": 5}
CELLS = 500_000_000  # of ranking without each item, see measure_competitors: less than ten seconds of one core
Progress = Callable[[float], None]


def explained_story(
    checkpoint: Checkpoint | str | Path,
    dataset: Dataset | str | Path,
    user: str | int,
    item: str | int | None = None,
    *,
    hold_out: bool = True,
    faithfulness: bool = True,
    drift: bool = True,
    progress: Progress | None = None,
) -> Story:
    """Everything about why `checkpoint` gives `item` (the top predicted one) its score for `user`.

    Ranks the catalogue, records one reading, and measures it: each item and cluster left out, then, where asked
    for, the deletion and insertion curves and the growth of the graph. `progress` is called with the share done.
    An unknown user or item is a SurgeError.
    """
    from surge.explanation.drift import measure_drift
    from surge.explanation.faithfulness import measure_faithfulness
    from surge.explanation.leave_one_out import measure_competitors, measure_effects

    checkpoint, dataset = as_checkpoint(checkpoint), as_dataset(dataset)
    part = _parts(progress, {"faithfulness": faithfulness, "drift": drift})
    history = read_history(checkpoint, dataset, user, hold_out=hold_out)
    if item is not None:
        candidate_row(checkpoint, item)  # an unknown item is said before anything long is computed
    ranking = rank_catalogue(checkpoint, history, progress=part("ranking"))
    if item is None and len(ranking.order):
        item = ranking.top(1)[0].item
    record = explain_history(checkpoint, history, item, ranking)
    part("record")(1.0)
    competitors = measure_competitors(
        checkpoint, history, record.interest_extraction.first_choices(), ranking, CELLS, progress=part("competitors")
    )
    effects = measure_effects(checkpoint, history, record, ranking, competitors, progress=part("effects"))
    curves = growth = None
    if faithfulness:
        curves = measure_faithfulness(checkpoint, history, record, effects, progress=part("faithfulness"))
    if drift:
        growth = measure_drift(checkpoint, history, record, ranking=ranking, progress=part("drift"))
    return compose_story(checkpoint, dataset, history, ranking, record, effects, curves, growth, held_out=hold_out)


def compose_story(
    checkpoint: Checkpoint,
    dataset: Dataset,
    history: TitledHistory,
    ranking: Ranking | None,
    record: Explanation,
    effects: Effects | None = None,
    faithfulness: Faithfulness | None = None,
    drift: Drift | None = None,
    *,
    held_out: bool = True,
    root: Path | None = None,
) -> Story:
    """The story of what was already computed; whatever is None was not measured. A command is told to be run in
    `root`, by default where this program runs: folders outside of it are named alone, as nobody else has that path."""
    following = history.next_item.item if history.next_item is not None else None
    row = candidate_row(checkpoint, record.target.item)
    return Story(
        record=record,
        effects=effects,
        predicted=() if ranking is None else shown_predictions(ranking, following, record.target.item),
        rank=None if ranking is None else ranking.rank_of(row),
        ranked=None if ranking is None else len(ranking.order),
        next_probability=None if ranking is None else ranking.chance_of(row),
        next_item=history.next_item,
        next_period=history.next_period,
        interests=history.interests,
        notes=history.notes,
        held_out=held_out,
        whose=history.whose,
        faithfulness=faithfulness,
        drift=drift,
        checkpoint=checkpoint.name,
        dataset=dataset.name,
        folders=(_seen_from(root, checkpoint.folder), _seen_from(root, dataset.folder)),
        facts=facts(checkpoint, dataset),
    )


def _seen_from(root: Path | None, folder: Path) -> str:
    base, whole = (root or Path.cwd()).resolve(), folder.resolve()
    return str(whole.relative_to(base)) if whole.is_relative_to(base) else whole.name


def shown_predictions(ranking: Ranking, *others: str | None, best: int = SHOWN) -> tuple[Predicted, ...]:
    """The `best` items, then those of the others that rank lower, by rank; what is not ranked is left out."""
    shown = {entry.rank: entry for entry in ranking.top(best)}
    for item in others:
        row = ranking.catalogue.rows.get(item) if item is not None else None
        rank = ranking.rank_of(row) if row is not None else None
        if rank is not None and rank not in shown:
            shown[rank] = ranking.top(rank)[-1]
    return tuple(shown[rank] for rank in sorted(shown))


def facts(checkpoint: Checkpoint, dataset: Dataset) -> dict[str, str]:
    """Where a story's numbers come from: names, digests, what the model was trained on, versions."""
    trained_on = checkpoint.description.get("dataset")
    known = trained_on if isinstance(trained_on, dict) else {}
    weights = sum(parameter.numel() for parameter in checkpoint.model.parameters())
    return {
        "Checkpoint": checkpoint.name,
        "Checkpoint digest (SHA-256)": checkpoint.digest,
        "Model": f"{checkpoint.model_config.item_count:,} items, {weights:,} weights",
        "Training data": str(known.get("name") or "not known"),
        "Training device": str(checkpoint.description.get("trained_on") or "not known"),
        "Dataset": dataset.name,
        "Dataset digest (SHA-256)": dataset.digest,
        "Same dataset as in training": _same(known.get("digest"), checkpoint, dataset),
        "Computed with": f"Python {platform.python_version()}, PyTorch {torch.__version__}, NumPy {np.__version__}",
    }


def _same(trained_on: object, checkpoint: Checkpoint, dataset: Dataset) -> str:
    if not isinstance(trained_on, str):
        return "not known"
    change = dataset_change(checkpoint, dataset)
    return f"no. {change}" if change else "yes"


def _parts(progress: Progress | None, wanted: dict[str, bool]) -> Callable[[str], Progress]:
    """For each part by name a progress of its own, which moves the whole's within the part's share of the cost."""
    costs = {name: cost for name, cost in COSTS.items() if wanted.get(name, True)}
    total = sum(costs.values())
    starts, start = {}, 0.0
    for name, cost in costs.items():
        starts[name], start = start, start + cost

    def part(name: str) -> Progress:
        def report(share: float) -> None:
            if progress is not None:
                progress((starts[name] + costs[name] * min(max(share, 0.0), 1.0)) / total)

        return report

    return part
