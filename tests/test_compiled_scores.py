"""Catalogues scored by torch.compile: the same logits, one trace for every history and for what is left of a chunk."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch._dynamo.testing import CompileCounterWithBackend

from surge.backends.compiled import CompiledScores
from surge.backends.scoring import score_rows
from surge.data.history import History
from surge.model.surge import InterestGraph
from tests.explanation.worlds import make_checkpoint

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of torch by torch, while it compiles


@pytest.mark.parametrize(
    "settings", [{}, {"time": "age", "long_term": True}, {"clusters": (4, 2), "heads": 2}], ids=str
)
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_scores_are_those_of_torch_and_traced_once(settings: dict, precision: str) -> None:
    model = make_checkpoint(count=50, normalise=True, **settings).model
    counter = CompileCounterWithBackend("aot_eager")
    compiled = CompiledScores(model, 16, pytest.fail, backend=counter)
    for rows in ([3, 17, 3, 41, 8], [2], list(range(12))):
        for every in (np.arange(50), np.array([7])):
            scores = score_rows(model, History.made_up(rows), every, precision=precision, compiled=compiled)
            plain = score_rows(model, History.made_up(rows), every)
            assert scores.shape == plain.shape
            off = np.abs(scores - plain)
            if precision == "float32":
                assert off.max() < 1e-4
            else:  # rough, and no other model's
                assert off.max() > 1e-4 and off.max() < 0.05 * np.abs(plain).max() + 0.1
    assert counter.frame_count == 1


def test_where_it_does_not_work_torch_goes_on() -> None:
    def broken(*_: object) -> object:
        raise RuntimeError("no such GPU")

    model, told = make_checkpoint(count=50).model, list[str]()
    compiled = CompiledScores(model, 16, told.append, backend=broken)
    scores = score_rows(model, History.made_up([3, 9]), np.arange(50), compiled=compiled)
    assert scores == pytest.approx(score_rows(model, History.made_up([3, 9]), np.arange(50)), abs=1e-5)
    assert len(told) == 1 and "no such GPU" in told[0]


def test_where_memory_runs_out_fewer_candidates_are_scored_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    model = make_checkpoint(count=50).model
    compiled = CompiledScores(model, 64, pytest.fail, backend="eager")
    sizes: list[int] = []

    def little_memory(graph: InterestGraph, candidates: torch.Tensor) -> torch.Tensor:
        sizes.append(candidates.shape[1])
        if candidates.shape[1] > 16:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return model.score(graph, candidates)

    monkeypatch.setattr(compiled, "_score", little_memory)
    scores = score_rows(model, History.made_up([3, 9]), np.arange(50), compiled=compiled)
    assert sizes == [64, 32, 16, 16, 16, 16] and compiled.size == 16
    assert scores == pytest.approx(score_rows(model, History.made_up([3, 9]), np.arange(50)), abs=1e-5)
