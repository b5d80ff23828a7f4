"""The model card of a checkpoint: its settings in plain words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from surge.pictures.text import count

STARTED = {"kept": "known to it", "added": "new", "lost": "of its own not in this dataset"}


def settings_table(
    model: Mapping[str, Any], training: Mapping[str, Any], description: Mapping[str, Any]
) -> pd.DataFrame:
    """The model card: what the checkpoint is, in plain words. `model`, `training`: settings as JSON values."""
    data = description.get("dataset")
    data = data if isinstance(data, Mapping) else {}
    clusters = [int(size) for size in model["clusters"]]
    heads, metric_heads = int(model["heads"]), int(model["metric_heads"])
    pools = model["extraction"] != "none"
    size = int(model["item_size"]) + int(model["category_size"])
    rows = [
        ("Trained on", _learned_from(data), "The dataset that it learned from"),
        *_start(description.get("start")),
        ("Trained with", str(description.get("trained_on", "not said")), "The device"),
        ("Catalogue", f"{model['item_count']:,} items in {model['category_count']:,} categories", "What it predicts"),
        ("Reads", f"the last {model['max_length']:,} interactions", "Older ones are left out"),
        ("Embedding", f"{size} numbers per item", f"{model['item_size']} of its own and {model['category_size']} of "
         "its category"),
        ("Graph", f"the strongest {100 * model['sparsity']:g} % of item pairs", f"Similarity is the mean of "
         f"{count(metric_heads, 'learned metric')} (Equations 1 to 3)"),
        ("Attention", _attention(model), f"{count(heads, 'attention head')}, an item's surroundings reach "
         f"{count(int(model['hops']), 'step')} (Equations 4 to 8)"),
        ("Interest clusters", " then ".join(map(str, clusters)) if pools else "none: every item by itself",
         "Every item is spread softly over them (Equations 9 to 11)" if pools else "Pooling is switched off"),
        ("Order of clusters", _choice(FLATTEN, model["flatten"]), "How the pooled graph becomes a sequence"),
        ("Order of items", _choice(POSITION, model["position"]), "Whether the model knows what came when"),
        ("Age of items", _choice(TIME, model["time"]), "Whether the model knows how long ago an item was taken"),
        ("Memory", _choice(EVOLUTION, model["evolution"]), "What reads the sequence of clusters (Equation 16)"),
        ("Readout", "used" if model["readout"] else "not used", "The importance-weighted sum of all items "
         "(Equation 15)"),
        ("Long-term part", "used" if model["long_term"] else "not used, as in the paper", "What a user always wants, "
         "whatever the candidate: a sum of all items by weights λ of their own"),
        ("Chances", _softened(description), "A softmax of score + log popularity over all items"),
        ("Learning rate", f"{training['learning_rate']:g}", "Adam, with batches of "
         f"{training['batch_size']:,} true next items and {training['negatives']} drawn others each"),
        ("Seed", str(training["seed"]), "The same seed gives the same model on one machine"),
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["what", "value", "meaning"])


FUSION = {
    "full": "by the candidate and by the surroundings",
    "without_query": "by the surroundings alone",
    "without_cluster": "by the candidate alone",
    "none": "switched off",
}
FUSION_AS_PRINTED = {  # without LeakyReLU in Eq. 8, what the surroundings say cancels
    "full": "by the candidate alone: the surroundings cancel, as Equation 8 is printed",
    "without_query": "all neighbours alike: the surroundings cancel, as Equation 8 is printed",
}
FLATTEN = {"time": "by their mean place in the history", "index": "by their number, as in the paper"}
POSITION = {
    "recency": "learned from how many steps ago an item was",
    "message": "learned from how many steps ago an item was; γ doesn't use it",
    "none": "not known to the model, as in the paper",
}
TIME = {
    "age": "learned, on a scale from seconds to years",
    "none": "not known to the model, as in the paper",
}
EVOLUTION = {
    "augru": "a recurrent layer gated by importance (AUGRU)",
    "gru": "a plain recurrent layer (GRU)",
    "time_lstm": "a recurrent layer that knows how many items lie between (time-aware LSTM)",
    "attention": "attention to the candidate, without order",
    "none": "none",
}


def _attention(model: Mapping[str, Any]) -> str:
    """What decides how items listen to one another."""
    words = FUSION | FUSION_AS_PRINTED if model["attention_nonlinearity"] == "none" else FUSION
    return _choice(words, model["fusion"])


def _choice(words: Mapping[str, str], value: Any) -> str:
    return words.get(str(value), str(value))


def _softened(description: Mapping[str, Any]) -> str:
    temperature = description.get("temperature", 1.0)
    if isinstance(temperature, bool) or not isinstance(temperature, int | float) or temperature == 1:
        return "from the scores as they are"
    return f"scores divided by a temperature of {temperature:.3g}, chosen on the validation split"


def _start(start: Any) -> list[tuple[str, str, str]]:
    """A row on the checkpoint that the training began with, where there was one."""
    if not isinstance(start, Mapping):
        return []
    counts = [f"{start[name]:,} {word}" for name, word in STARTED.items() if isinstance(start.get(name), int)]
    meaning = f"Its weights at first; items: {', '.join(counts)}" if counts else "Its weights at first"
    return [("Started from", str(start.get("checkpoint", "an unnamed checkpoint")), meaning)]


def _learned_from(data: Mapping[str, Any]) -> str:
    counts = [
        f"{number:,} {name}"
        for name in ("interactions", "users")
        if isinstance(number := data.get(name), int) and not isinstance(number, bool)
    ]
    return ", ".join([str(data.get("name", "a dataset without a name")), *counts])
