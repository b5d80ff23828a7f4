"""What the speed benchmark measures against is the same model, and what it writes has the promised names."""

from __future__ import annotations

import re

import pytest
import torch

from benchmarks.naive import naive_logits
from benchmarks.search import main as measure_search
from benchmarks.speed import Shape, macs_of_a_reading, measure, model_of
from surge.config import ModelConfig, from_dict
from surge.explanation import search
from surge.model.surge import ItemSequences, SurgeModel
from surge.native.library import library


@pytest.mark.parametrize("settings", [{}, {"position": "none"}, {"clusters": (6,), "sparsity": 0.3}], ids=str)
def test_the_naive_forward_is_the_same_model_and_trains_the_same(settings: dict) -> None:
    torch.manual_seed(2)
    sizes = {"item_count": 60, "category_count": 4, "max_length": 20}
    model = SurgeModel(from_dict(ModelConfig, sizes | settings), torch.arange(60) % 4)
    model = model.double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3)
    # no item twice: entries that tie in exact arithmetic are cut by how each was rounded
    items, candidates = torch.stack([torch.randperm(60)[:20] for _ in range(5)]), torch.randint(60, (5, 3))
    gradients = []
    for naive in (True, False):
        model.zero_grad()
        if naive:
            logits = naive_logits(model, items.repeat_interleave(3, 0), candidates.flatten()).view(5, 3)
        else:
            logits = model(ItemSequences(items, torch.ones(5, 20, dtype=torch.bool)), candidates)
        logits.square().sum().backward()
        gradients.append([logits.detach()] + [p.grad.clone() for p in model.parameters() if p.grad is not None])
    for one, other in zip(*gradients, strict=True):
        assert torch.allclose(one, other, rtol=1e-5, atol=1e-7)
    assert gradients[0][0].std() > 0.01


def test_a_measurement_has_every_ratio() -> None:
    figures = measure(Shape(length=6, clusters=2, catalogue=50, batch=3), rounds=1, part=32, rows=4, users=2)
    fused = {"fused", "gemm_share", "fused_us", "two_threads"} if library("reading") is not None else set()
    for name in {
        "training",
        "evaluation",
        "catalogue",
        "naive_us",
        "training_rows_per_second",
        "gemm_gflops",
        "two_stage_ms",
    } | fused:
        assert figures[name] > 0, name
    assert set(figures) >= {"fused", "gemm_share"} and figures["two_stage_recall"] == 1  # of 50 items all are read


def test_multiplications_are_counted_by_hand() -> None:
    model = model_of(Shape(length=3, clusters=2, catalogue=9, batch=1))
    query = 3 * (40 * 80 + 80 * 40 + 40)
    messages, assignment, pooling = 5 * 40, 3 * 40 * 2 + 5 * 2, 3 * 40 * 2
    gru = 2 * (3 * 40 * 40 + 3 * 40 * 40)
    assert macs_of_a_reading(model, edges=5) == query + messages + assignment + pooling + 3 * 40 + gru


def test_the_search_is_measured_against_a_ranking_of_all(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(search, "SAMPLE", search.SAMPLE)  # which it sets
    monkeypatch.setattr(search, "STEP", search.STEP)
    monkeypatch.setattr("sys.argv", ["search", "checkpoints/demo", "sample_data", "--users", "4", "--step", "300"])
    measure_search()
    told = capsys.readouterr().out
    assert told.startswith("demo: 2,000 items, 4 users")
    recall, read = re.search(r"recall@20 ([\d.]+), .* read ([\d,]+) items", told, re.DOTALL).groups()
    assert float(recall) >= 0.95 and int(read.replace(",", "")) < 2000
