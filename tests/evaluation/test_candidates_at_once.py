"""How many candidates a baseline scores at once: as many as the memory for its hidden layers allows, and no more."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from surge.data.instances import EncodedLog, Instances
from surge.model.batches import read_batch
from surge.model.surge import Context, ItemSequences
from surge.recommenders import baseline, build, configure

ITEMS = 30
LOG = EncodedLog(np.array([3, 1, 4, 1, 5, 9, 2, 6]), np.arange(8), np.array([0, 4, 8]))
TWO = Instances(np.array([0, 1]), np.array([3, 7]))  # three items before each


@pytest.mark.parametrize(("name", "parts"), [("ncf", [12, 12, 6]), ("din", [4, 4, 4, 4, 4, 4, 4, 2])])
def test_what_grows_is_histories_by_candidates_and_by_items_where_each_is_asked(
    name: str, parts: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = {"item_size": 8, "category_size": 4, "max_length": 8}
    config = configure(name, sizes | {"item_count": ITEMS, "category_count": 2, "user_count": 2})
    model = build(name, config, torch.arange(ITEMS) % 2).eval()
    model.prepare(LOG, TWO)
    monkeypatch.setattr(baseline, "CELLS", baseline.HIDDEN * len(TWO) * 12)  # 12 candidates, or 4 that ask three items
    seen: list[int] = []
    score, read, readings = model.score, model.read, []

    def reads(history: ItemSequences, context: Context) -> tuple[torch.Tensor, ...]:
        readings.append(len(history.items))
        return read(history, context)

    def counted(known: tuple[torch.Tensor, ...], candidates: torch.Tensor) -> torch.Tensor:
        seen.append(candidates.shape[1])
        return score(known, candidates)

    monkeypatch.setattr(model, "score", counted)
    monkeypatch.setattr(model, "read", reads)
    model.score_catalogue(*read_batch(LOG.histories(TWO, 8)))
    assert seen == parts
    assert readings == [len(TWO)]  # once, whatever the number of parts
