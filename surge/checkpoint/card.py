"""The model card: the README.md of a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from surge.escapes import for_markdown_file
from surge.vocabulary import entry
from surge.vocabulary.writing import metric_text


def model_card(config: Mapping[str, Any], metrics: Mapping[str, Any]) -> str:
    """In Markdown: what it learned from, its metrics by their names, its settings as the command line takes them."""
    parts = "".join(
        f"\n## Metrics: {for_markdown_file(name.replace('_', ' '))}\n\n| metric | value |\n|---|---|\n"
        f"{_metrics(values)}{_reliability(values)}"
        for name, values in metrics.items()
        if isinstance(values, Mapping)
    )
    settings = "".join(
        f"\n## {part.capitalize()}\n\n| setting | value |\n|---|---|\n{_settings(config[part])}"
        for part in ("model", "training", "evaluation")
        if part in config  # what says how to evaluate stood under training once
    )
    data = config.get("dataset", {})
    more, start = "", config.get("start")
    if isinstance(start, Mapping):
        more = f"It started from the weights of the checkpoint {_text(start.get('checkpoint', 'without a name'))}.\n"
    if config.get("temperature", 1) != 1:
        more += f"For probabilities, scores are divided by a temperature of {config['temperature']:.3g}.\n"
    return (
        f"# SURGE checkpoint, trained on {_text(data.get('name', 'an unnamed dataset'))}\n\n"
        "Sequential recommendation with graph neural networks (Chang et al., SIGIR 2021), soft assignment.\n"
        f"Trained on {_text(config.get('trained_on', 'an unnamed device'))}, "
        f"{_text(data.get('interactions', '?'))} interactions of {_text(data.get('users', '?'))} users.\n{more}"
        f"{parts}{settings}"
    )


def _text(value: Any) -> str:
    """What a file says, as Markdown shows it; counts with thousands set apart."""
    return f"{value:,}" if isinstance(value, int) else for_markdown_file(str(value))


def _metrics(values: Mapping[str, Any]) -> str:
    return "".join(
        f"| {for_markdown_file(entry(name).name)} | {for_markdown_file(metric_text(name, value))} |\n"
        for name, value in values.items()
        if isinstance(value, int | float | str)
    )


def _settings(values: Mapping[str, Any]) -> str:
    kinds = int | float | str | list
    return "".join(f"| {name} | {value} |\n" for name, value in values.items() if isinstance(value, kinds))


def _reliability(values: Mapping[str, Any]) -> str:
    """The chances of groups of predictions beside the share that came next; empty where they aren't measured."""
    names = [f"reliability_{part}" for part in ("count", "probability", "share")]
    bins = [values.get(name) for name in names]
    columns = [
        [value for value in column if isinstance(value, int | float)] for column in bins if isinstance(column, list)
    ]
    if len(columns) < 3 or not columns[0] or len({len(column) for column in columns}) > 1:
        return ""
    rows = [[metric_text(name, value) for value in column] for name, column in zip(names, columns, strict=True)]
    lines = [[entry(name).name for name in names], ["---:"] * 3, *zip(*rows, strict=True)]
    return "\nThe chances of the ten best items, and how many of these came next:\n\n" + "".join(
        f"| {' | '.join(line)} |\n" for line in lines
    )
