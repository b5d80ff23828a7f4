"""Two trained models in two sentences: which predicts better on test data, and in which settings they differ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from surge.pictures.text import listed
from surge.vocabulary import METRICS
from surge.vocabulary.amounts import number_in
from surge.vocabulary.writing import metric_text

MOST_SETTINGS = 6  # that are named
MEASURES = ("catalogue_ndcg@10", "gauc", "mrr")
LEAST = 0.0005  # of a metric: less is not seen in three digits
SETTINGS = {
    "item_count": "items that it knows",
    "category_count": "categories",
    "item_size": "numbers per item",
    "category_size": "numbers per category",
    "max_length": "items that it reads",
    "metric_heads": "heads of the similarity",
    "sparsity": "share of links kept",
    "hops": "how many steps the neighbourhood reaches",
    "heads": "attention heads",
    "attention_hidden": "layers of the attention",
    "clusters": "interest clusters",
    "assignment_aggregation": "how neighbours are added up for an item's cluster",
    "fusion": "what attention depends on",
    "activation": "activation function after the attention",
    "attention_activation": "activation function between the layers of the attention",
    "attention_nonlinearity": "activation function of the attention's scores",
    "extraction": "clustering",
    "readout": "weighted sum of all items",
    "long_term": "long-term part",
    "position": "order of items",
    "time": "age of items",
    "flatten": "order of clusters",
    "evolution": "memory",
    "evolution_size": "size of the memory",
    "gate": "how importance scales the update gate",
    "next_item": "a layer that learns what follows an item",
    "normalise": "inputs of the prediction normalised",
    "prediction_hidden": "layers of the prediction",
    "seed": "random seed",
    "epochs": "largest number of epochs",
    "patience": "epochs without gain before it stops",
    "batch_size": "examples per step",
    "negatives": "drawn items for each true one",
    "instances": "what an epoch learns from",
    "instances_per_epoch": "examples per epoch",
    "validation_instances": "examples for validation",
    "test_instances": "examples for the test",
    "catalogue_instances": "true items ranked among all items",
    "catalogue_targets": "which true items are ranked among all",
    "evaluation_negatives": "drawn items in a tested list",
    "learning_rate": "learning rate",
    "schedule": "course of the learning rate",
    "weight_decay": "weight of the loss L2",
    "gradient_clip": "largest gradient",
    "same_mapping_weight": "weight of the loss L_M",
    "same_mapping": "form of the loss L_M",
    "single_affiliation_weight": "weight of the loss L_A",
    "relative_position_weight": "weight of the loss L_P",
    "relative_position": "form of the loss L_P",
    "balance_weight": "weight of the loss L_B",
    "next_item_weight": "weight of the loss L_N",
    "next_item_negatives": "drawn items of the loss L_N",
    "warmup_steps": "steps before L_A counts fully",
    "precision": "precision",
    "device": "device",
}


def metrics_sentence(
    first: Mapping[str, Any], second: Mapping[str, Any], names: tuple[str, str], *, same_data: bool = True
) -> str:
    """Which of two models predicts better, by what training measured on its test data.

    `first`, `second`: the whole of each one's metrics, whose part "test" may be missing. `same_data`: whether both
    were measured on the same lists, without which the figures don't compare.
    """
    sides = [_measured(metrics) for metrics in (first, second)]
    if not all(sides):
        if not any(sides):
            return (
                "Neither checkpoint holds test metrics, so it can't be said which predicts better; "
                "`python -m surge evaluate` measures them."
            )
        known = 0 if sides[0] else 1
        return (
            f"{names[1 - known]} holds no test metrics until `python -m surge evaluate` measures them, so it can't be "
            f"said which predicts better; {names[known]} has {_told(sides[known])}."
        )
    common = [name for name in MEASURES if name in sides[0] and name in sides[1]]
    if not same_data or not common:
        why = "The two were not tested on the same data" if not same_data else "The two hold different metrics"
        each = " and ".join(f"{name} has {_told(side)}" for name, side in zip(names, sides, strict=True))
        return f"{why}, so their figures don't compare: {each}."
    lead = [sides[0][name] - sides[1][name] for name in common]
    signs = {0 if abs(size) < LEAST else 1 if size > 0 else -1 for size in lead}
    if signs == {0}:
        return f"On the same test data the two rank equally well ({_told({n: sides[0][n] for n in common})})."
    if {1, -1} <= signs:
        ahead = [
            f"{names[size <= 0]} has the better {METRICS[name].name} ({_against(name, sides, size > 0)})"
            for name, size in zip(common, lead, strict=True)
            if abs(size) >= LEAST
        ]
        return f"On the same test data {', '.join(ahead)}."
    ahead_first = 1 in signs
    figures = ", ".join(f"{METRICS[name].name} {_against(name, sides, ahead_first)}" for name in common)
    return f"On the same test data {names[0 if ahead_first else 1]} ranks better ({figures}; higher is better)."


def settings_sentence(
    model: tuple[Mapping[str, Any], Mapping[str, Any]],
    training: tuple[Mapping[str, Any], Mapping[str, Any]],
    names: tuple[str, str],
) -> str:
    """The settings in which two models differ, those of the model before those of its training.

    Each pair holds plain JSON values, as `surge.config.to_dict` gives them.
    """
    told = []
    for first, second in (model, training):
        for name in dict.fromkeys([*first, *second]):
            if first.get(name) != second.get(name):
                plain = name.replace("_", " ")
                words = SETTINGS.get(name, plain)
                own = f"{name}: " if words != plain else ""
                told.append(f"{words} ({own}{_value(first.get(name))} / {_value(second.get(name))})")
    if not told:
        return "They have the same settings."
    rest = len(told) - MOST_SETTINGS
    named = told[:MOST_SETTINGS] + ([f"{rest} more"] if rest > 0 else [])
    return f"They differ in these settings ({names[0]} / {names[1]}): {_semicolons(named)}."


def _measured(metrics: Mapping[str, Any]) -> dict[str, float]:
    """The numbers among the test metrics that are told."""
    test = metrics.get("test")
    if not isinstance(test, Mapping):
        return {}
    return {name: value for name in MEASURES if (value := number_in(test.get(name))) is not None}


def _told(figures: Mapping[str, float]) -> str:
    return listed(f"{METRICS[name].name} {metric_text(name, value)}" for name, value in figures.items())


def _against(name: str, sides: list[dict[str, float]], first_ahead: bool) -> str:
    better, worse = (sides[0], sides[1]) if first_ahead else (sides[1], sides[0])
    return f"{metric_text(name, better[name])} against {metric_text(name, worse[name])}"


def _semicolons(parts: list[str]) -> str:
    return "; ".join(parts[:-1]) + " and " + parts[-1] if len(parts) > 1 else parts[0]


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if value is None:
        return "all"
    if isinstance(value, list | tuple):
        return ", ".join(_value(entry) for entry in value)
    return f"{value:g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
