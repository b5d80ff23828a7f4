"""torch.compile with everything of one shape, which is what a GPU wants: one CUDA graph, not many small calls."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from tqdm import tqdm

from surge.errors import is_out_of_memory
from surge.model.surge import InterestGraph, SurgeModel

Backend = str | Callable[..., Any]


def complain(text: str) -> None:
    tqdm.write(text, file=sys.stderr)


class Compiled:
    """A function by torch.compile, traced whole, whose tensors have one shape: the same numbers within rounding.

    The first call compiles. Where that doesn't work (no compiler, no Triton, a GPU that they don't know), `tell` is
    given a sentence, and the plain function takes over. Memory that runs out is no such case. One at a time: what was
    compiled before, for other models, would count towards a limit of torch's and hold its memory, so it is dropped.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        device: torch.device,
        tell: Callable[[str], None] = complain,
        backend: Backend = "inductor",
    ) -> None:
        self.plain, self.device, self.tell, self.tried = function, device, tell, False
        torch.compiler.reset()
        mode = "reduce-overhead" if device.type == "cuda" else None  # as CUDA graphs are called there
        self.function: Callable[..., Any] = torch.compile(
            function, fullgraph=True, dynamic=False, backend=backend, mode=mode
        )

    def __call__(self, *arguments: Any) -> Any:
        if not self.tried:
            try:
                for _ in range(2 if self.device.type == "cuda" else 1):  # the second call records the CUDA graph
                    self.attempt(*arguments)
            except Exception as error:  # compilers fail in as many ways as there are
                if is_out_of_memory(error):
                    raise
                cause = getattr(error, "inner_exception", error)
                reason = next(iter(str(cause).strip().splitlines()), type(cause).__name__)
                self.tell(f"torch.compile does not work here, so this goes on without it: {reason}")
                self.function = self.plain
            self.tried = True
        return self._begin(*arguments)

    def attempt(self, *arguments: Any) -> Any:
        """What has to work before anything counts on it."""
        return self._begin(*arguments)

    def _begin(self, *arguments: Any) -> Any:
        if self.device.type == "cuda":
            torch.compiler.cudagraph_mark_step_begin()  # what the call before left in the graph's memory may go
        return self.function(*arguments)


class CompiledScores:
    """Logits of candidates (1, T) for the graph of a history padded to max_length items, `size` candidates a call."""

    def __init__(
        self, model: SurgeModel, size: int, tell: Callable[[str], None] = complain, backend: Backend = "inductor"
    ) -> None:
        self.size, self.longest = size, model.config.max_length
        self._score = Compiled(model.score, model.item_embedding.weight.device, tell, backend)

    def __call__(self, graph: InterestGraph, candidates: Tensor) -> Tensor:
        """What room the last call leaves is scored for nothing. Where memory runs out, fewer are scored a call."""
        parts = candidates.split(self.size, dim=1)
        room = (0, self.size - parts[-1].shape[1])
        try:
            scores = [self._score(graph, part).clone() for part in (*parts[:-1], functional.pad(parts[-1], room))]
        except (MemoryError, RuntimeError) as error:
            if self.size == 1 or not is_out_of_memory(error):
                raise
            self.size //= 2
            return self(graph, candidates)
        return torch.cat(scores, dim=1)[:, : candidates.shape[1]]
