"""Training with torch.compile: every batch has one shape; on a GPU one CUDA graph goes forward and one backward."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from surge.config import TrainingConfig
from surge.errors import is_out_of_memory
from surge.model.surge import History, SurgeModel
from surge.training.losses import Terms, surge_terms


class CompiledTerms:
    """`surge_terms`, traced whole and compiled for the shape of its batches: the same numbers within rounding.

    The first call compiles, and tries the way back as well. Where that doesn't work (no compiler, no Triton, a GPU
    that they don't know), `tell` is given a sentence, and plain steps take over. Memory that runs out is no such case.
    """

    def __init__(
        self, device: torch.device, tell: Callable[[str], None], backend: str | Callable[..., Any] = "inductor"
    ) -> None:
        self.device, self.tell, self.tried = device, tell, False
        mode = "reduce-overhead" if device.type == "cuda" else None  # as CUDA graphs are called there
        self.terms: Terms = torch.compile(surge_terms, fullgraph=True, dynamic=False, backend=backend, mode=mode)

    def __call__(
        self,
        model: SurgeModel,
        history: History,
        candidates: Tensor,
        ages: Tensor | None,
        drawn: Tensor | None,
        config: TrainingConfig,
    ) -> dict[str, Tensor]:
        batch = (model, history, candidates, ages, drawn, config)
        if not self.tried:
            self.tried = True
            try:
                terms = self._begin(*batch)
                torch.autograd.grad(
                    torch.stack(list(terms.values())).sum(), list(model.parameters()), allow_unused=True
                )
            except RuntimeError as error:
                if is_out_of_memory(error):
                    raise
                reason = str(getattr(error, "inner_exception", error)).strip().splitlines()[0]
                self.tell(f"torch.compile does not work here, so training goes on without it: {reason}")
                self.terms = surge_terms
        return self._begin(*batch)

    def _begin(self, *batch: Any) -> dict[str, Tensor]:
        if self.device.type == "cuda":
            torch.compiler.cudagraph_mark_step_begin()  # what the step before left in the graph's memory may go
        return self.terms(*batch)
