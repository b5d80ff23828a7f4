"""Small models in float64 with weights set by hand (from a seed), shared by the tests of the model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from surge.config import ModelConfig, from_dict
from surge.data.history import Histories, History
from surge.model.batches import read_batch
from surge.model.surge import Context, ItemSequences, SurgeModel

ITEMS, CATEGORIES = 12, 3
ITEM_CATEGORY = [row % CATEGORIES for row in range(ITEMS)]

# at this sparsity k - n is even for histories of 3, 4 and 7 different items: the threshold falls on the second
# of two symmetric entries, so that both are kept however the last bit of each was rounded
SPARSITY = 0.45
HISTORIES = ([1, 8, 3, 10, 5, 2, 7], [4, 9, 6, 11], [2, 11, 4], [3])


def small_config(**settings: object) -> ModelConfig:
    """d = 8, three clusters; any setting may be given."""
    values = {
        "item_count": ITEMS,
        "category_count": CATEGORIES,
        "item_size": 5,
        "category_size": 3,
        "max_length": 8,
        "sparsity": SPARSITY,
        "attention_hidden": (6, 4),
        "clusters": (3,),
        "evolution_size": 5,
        "prediction_hidden": (7, 4),
        "next_item": False,  # a layer for training alone, which no reading touches
    }
    return from_dict(ModelConfig, values | settings)


def small_model(seed: int = 0, dtype: torch.dtype = torch.float64, **settings: object) -> SurgeModel:
    """A model whose every weight is drawn anew, large enough for each part to matter."""
    model = SurgeModel(small_config(**settings), torch.tensor(ITEM_CATEGORY)).to(dtype)
    rng = np.random.default_rng(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            drawn = rng.normal(scale=0.6, size=tuple(parameter.shape))
            parameter.copy_(torch.as_tensor(drawn))
        model.construct.weight.abs_()
    return model


def pad(histories: Sequence[Sequence[int]]) -> ItemSequences:
    """Histories of any lengths as one batch."""
    return read_batch(Histories.of([History.made_up(rows) for rows in histories]))[0]


def ages_of(history: ItemSequences) -> torch.Tensor:
    """Seconds since each item, from the last one back; the same for every history, and unknown in the padding."""
    seconds = torch.tensor([5, 60, 4_000, 4_000, 90_000, 2_600_000, 90_000_000], dtype=torch.float64)
    steps_ago = (history.mask.cumsum(1) - history.mask.sum(1, keepdim=True)).neg()
    return seconds[steps_ago.clamp(0, len(seconds) - 1)].masked_fill(~history.mask, torch.nan)


def context_of(history: ItemSequences) -> Context:
    """User 0 for every history, and times that give the ages above."""
    now = torch.full((len(history.items),), 1_600_000_000.0, dtype=torch.float64)
    return Context(torch.zeros(len(now), dtype=torch.long), now.unsqueeze(1) - ages_of(history), now)


def weights_of(model: SurgeModel) -> dict[str, np.ndarray]:
    """All weights by name, as float64 NumPy."""
    return {name: tensor.detach().double().numpy() for name, tensor in model.named_parameters()}
