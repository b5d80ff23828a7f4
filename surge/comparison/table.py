"""A comparison as Markdown: the table, significance, history lengths, and what the training took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from surge.escapes import for_markdown_file
from surge.evaluation.significance import LEAST, LEVEL
from surge.evaluation.words import negatives_told
from surge.vocabulary import METRICS

COLUMNS = ("auc", "gauc", "one_negative_gauc", "mrr", "ndcg@2", "hr@10", "catalogue_hr@10", "catalogue_ndcg@10")
WHOLE = "catalogue_"
GAUC = METRICS["gauc"].name
TESTED = (
    "95 % interval over seeds and users together: both the seed of a training and the users are drawn at random; bold "
    f"where p < {LEVEL}. Each p stands for itself: of twenty that mean nothing, one is below {LEVEL}."
)
UNTESTED = (
    "With one seed there is no telling whether another training would turn a difference round, so nothing is tested. "
    "The interval is of 95 % over users alone, for these very weights."
)


def markdown(comparison: Mapping[str, Any]) -> str:
    """The comparison that `compare` gives, in Markdown."""
    parts = [_head(comparison), _metrics(comparison), _differences(comparison), _lengths(comparison), _cost(comparison)]
    return "\n\n".join(parts) + "\n"


def _head(comparison: Mapping[str, Any]) -> str:
    dataset, seeds = comparison["dataset"], len({run["seed"] for run in comparison["runs"]})
    training = comparison["runs"][0]["settings"]["training"]
    drawn = training["instances_per_epoch"]
    devices = sorted({f"{run['device']}, torch {run['torch']}" for run in comparison["runs"]})
    negatives = negatives_told(comparison["negatives"], comparison["fewest_negatives"])
    return (
        f"# {for_markdown_file(dataset['name'])}: {len(comparison['models'])} models, "
        f"{seeds} seed{'s' if seeds > 1 else ''}\n\n"
        f"{dataset.get('users', '?')} users, {dataset.get('items', '?')} items, "
        f"{dataset.get('interactions', '?')} interactions, {dataset.get('categories', '?')} categories; split "
        f"by {dataset['split'].get('method', '?')}. {comparison['lists']} test lists of one positive and "
        f"{negatives} negatives, the same for all models; {comparison['catalogue_lists']} "
        f"positives ranked among all items. At most {training['epochs']} epochs of "
        f"{drawn if drawn else 'all'} positives, patience {training['patience']} (validation {GAUC}). "
        f"Trained on {'; '.join(devices)}."
        + "".join(f"\n\n{for_markdown_file(sentence)}" for sentence in comparison.get("told", ()))
    )


def _metrics(comparison: Mapping[str, Any]) -> str:
    means = {label: _means(comparison, label) for label in comparison["models"]}
    order = sorted(comparison["models"], key=lambda label: -means[label][comparison["metric"]][0])
    best = {name: max(means[label][name][0] for label in order) for name in COLUMNS}
    rows = []
    for label in order:
        cells = []
        for name in COLUMNS:
            mean, deviation = means[label][name]
            text = f"{mean:.4f}" if deviation is None else f"{mean:.4f} ± {deviation:.4f}"
            cells.append(f"**{text}**" if mean == best[name] else text)
        rows.append([f"`{label}`", *cells])
    return (
        table(["model", *(_column(comparison, name) for name in COLUMNS)], rows)
        + "\n\nMean ± standard deviation over seeds; the best in bold."
    )


def _column(comparison: Mapping[str, Any], name: str) -> str:
    ranked = f" ({comparison['catalogue_lists']} positives)" if name.startswith(WHOLE) else ""
    return METRICS[name].name + ranked


def _means(comparison: Mapping[str, Any], label: str) -> dict[str, tuple[float, float | None]]:
    runs = [run["test"] for run in comparison["runs"] if run["label"] == label]
    return {
        name: (
            float(np.mean([run[name] for run in runs])),
            float(np.std([run[name] for run in runs], ddof=1)) if len(runs) > 1 else None,
        )
        for name in COLUMNS
    }


def _differences(comparison: Mapping[str, Any]) -> str:
    if not comparison["differences"]:
        return ""
    names = list(next(iter(comparison["differences"].values())))
    rows = [
        [f"`{label}`", *(_difference(figures[name]) for name in names)]
        for label, figures in comparison["differences"].items()
    ]
    tested = any(
        figure["p"] is not None for figures in comparison["differences"].values() for figure in figures.values()
    )
    return (
        f"## `{one_line(comparison['reference'])}` minus each other model\n\n"
        + table(["model", *(_column(comparison, name) for name in names)], rows)
        + "\n\n"
        + (TESTED if tested else UNTESTED)
    )


def _difference(figure: Mapping[str, Any]) -> str:
    """The difference with its interval and p, as far as they are known."""
    text = f"{figure['difference']:+.4f}"
    if figure["low"] is not None:
        text += f" [{figure['low']:+.4f}, {figure['high']:+.4f}]"
    p = figure["p"]
    if p is None:
        return text
    text += f", p {'≤' if p == LEAST else '='} {p:.2g}"
    return f"**{text}**" if p < LEVEL else text


def _lengths(comparison: Mapping[str, Any]) -> str:
    groups = comparison["length_groups"]
    rows = []
    for label in comparison["models"]:
        runs = [run["by_length"] for run in comparison["runs"] if run["label"] == label]
        cells = []
        for group in range(len(groups)):
            gauc, mrr = (np.mean([run[group][name] for run in runs]) for name in ("gauc", "mrr"))
            cells.append(f"{gauc:.4f} / {mrr:.4f}")
        rows.append([f"`{label}`", *cells])
    heads = [f"{group['from']} to {group['to']} items ({group['lists']} lists)" for group in groups]
    return f"## By the length of the history: {GAUC} / {METRICS['mrr'].name}\n\n" + table(["model", *heads], rows)


def _cost(comparison: Mapping[str, Any]) -> str:
    rows = []
    for label in comparison["models"]:
        runs = [run for run in comparison["runs"] if run["label"] == label]
        an_epoch = [run["seconds"] / len(run["epochs"]) for run in runs if run["epochs"]]
        course = runs[0]["epochs"]
        shown = " ".join(f"{record['valid_gauc']:.3f}" for record in course)
        rows.append(
            [
                f"`{label}`",
                f"{runs[0]['parameters']:,}",
                f"{np.mean(an_epoch):.1f}" if an_epoch else "-",
                ", ".join(str(run["best_epoch"]) for run in runs) if an_epoch else "-",
                f"{np.mean([run['seconds'] for run in runs]):.0f}",
                shown,
            ]
        )
    heads = [
        "model",
        "parameters",
        "s an epoch",
        "best epoch",
        "s in all",
        f"validation {GAUC}, epoch by epoch (seed 0)",
    ]
    return "## Training\n\n" + table(heads, rows)


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; no text in a cell can end the cell or its row."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(one_line(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)


def one_line(text: str) -> str:
    """The text without line breaks."""
    return " ".join(text.split())
