"""Training by torch.compile: on a GPU one CUDA graph goes forward and one backward."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from surge.fused.compiled import Backend, Compiled
from surge.model.surge import SurgeModel
from surge.training.losses import surge_terms


class CompiledTerms(Compiled):
    """`surge_terms` for batches of one shape."""

    def __init__(self, device: torch.device, tell: Callable[[str], None], backend: Backend = "inductor") -> None:
        super().__init__(surge_terms, device, tell, backend)

    def attempt(self, model: SurgeModel, *batch: Any) -> None:
        """The way back has to work, too."""
        terms = super().attempt(model, *batch)
        torch.autograd.grad(torch.stack(list(terms.values())).sum(), list(model.parameters()), allow_unused=True)
