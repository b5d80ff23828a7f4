"""The model card: the README.md of a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def model_card(config: Mapping[str, Any], metrics: Mapping[str, Any]) -> str:
    def rows(values: Mapping[str, Any], kinds: Any = int | float | str | list) -> str:
        flat = {name: value for name, value in values.items() if isinstance(value, kinds)}
        return "\n".join(f"| {name} | {_number(value)} |" for name, value in flat.items())

    parts = "".join(
        f"\n## Metrics: {name.replace('_', ' ')}\n\n| metric | value |\n|---|---|\n"
        f"{rows(values, int | float | str)}\n{_reliability(values)}"
        for name, values in metrics.items()
        if isinstance(values, Mapping)
    )
    settings = "".join(
        f"\n## {part.capitalize()}\n\n| setting | value |\n|---|---|\n{rows(config[part])}\n"
        for part in ("model", "training", "evaluation")
        if part in config  # what says how to evaluate stood under training once
    )
    data = config.get("dataset", {})
    more, start = "", config.get("start")
    if isinstance(start, Mapping):
        more = f"It started from the weights of the checkpoint {start.get('checkpoint', 'without a name')}.\n"
    if config.get("temperature", 1) != 1:
        more += f"For probabilities, scores are divided by a temperature of {config['temperature']:.3g}.\n"
    return (
        f"# SURGE checkpoint, trained on {data.get('name', 'an unnamed dataset')}\n\n"
        "Sequential recommendation with graph neural networks (Chang et al., SIGIR 2021), soft assignment.\n"
        f"Trained on {config.get('trained_on', 'an unnamed device')}, "
        f"{data.get('interactions', '?')} interactions of {data.get('users', '?')} users.\n{more}"
        f"{parts}{settings}"
    )


def _number(value: Any) -> Any:
    """A number of the card in four decimals; a count is whole, and what is no fraction is as it is."""
    if not isinstance(value, float):
        return value
    if value.is_integer() and abs(value) >= 10:
        return f"{value:.0f}"
    return f"{value:{'.4f' if value == 0 or abs(value) >= 1e-4 else 'g'}}"


def _reliability(values: Mapping[str, Any]) -> str:
    """The bins of predictions by their probability as a table; empty where they aren't measured."""
    bins = [values.get(f"reliability_{name}") for name in ("probability", "share", "count")]
    columns = [
        [value for value in column if isinstance(value, int | float)] for column in bins if isinstance(column, list)
    ]
    if len(columns) < 3 or not columns[0] or len({len(column) for column in columns}) > 1:
        return ""
    lines = (
        f"| {count:,} | {100 * probability:.2f} % | {100 * share:.2f} % |\n"
        for probability, share, count in zip(*columns, strict=True)
    )
    return (
        "\nHow likely predictions were held, on average, and how many of them came true:\n\n"
        f"| predictions | held for | came true |\n|---:|---:|---:|\n{''.join(lines)}"
    )
