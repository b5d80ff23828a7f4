"""Settings by name, of the model and of its training, for `train --preset`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from surge.config.checks import require

# as-printed: the paper's text to the letter, and nothing that it doesn't have. What it leaves open (sizes, clusters,
# sparsity, the optimiser) stays as it is. It gives no weights for its regularisers, as far as we know; these are ours.
# At the start, with n = 50 items and m = 20 clusters, L_M is about 15, L_A 3 and L_P 250 (as printed it adds up
# positions, so it can't come near 0): each of the three then weighs 0.02 to 0.03, where log loss is 0.69.
PRESETS: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "as-printed": {
        "model": {
            "assignment_aggregation": "sum",  # Eq. 11
            "fusion": "full",
            "activation": "leaky_relu",  # Eq. 5
            "attention_activation": "leaky_relu",  # Eq. 6-7
            "attention_nonlinearity": "none",  # Eq. 8
            "extraction": "soft",
            "readout": True,  # Eq. 15, 17
            "long_term": False,
            "position": "none",
            "time": "none",
            "flatten": "index",
            "evolution": "augru",  # Eq. 16
            "gate": "absolute",  # Eq. 16
            "normalise": False,
            "next_item": False,
        },
        "training": {
            "same_mapping_weight": 0.002,
            "same_mapping": "literal",  # Eq. 12
            "single_affiliation_weight": 0.01,  # Eq. 13
            "relative_position_weight": 0.0001,
            "relative_position": "literal",  # Eq. 14
            "balance_weight": 0.0,
            "next_item_weight": 0.0,
            "warmup_steps": 0,
        },
    },
}


def preset(name: str) -> dict[str, dict[str, Any]]:
    """The settings {model: ..., training: ...} of a preset, to be changed at will; an unknown name is a SurgeError."""
    require(name in PRESETS, f"There is no preset {name!r}; the presets are {', '.join(PRESETS)}.")
    return {part: dict(settings) for part, settings in PRESETS[name].items()}
