"""The fused kernel against `SurgeModel.read`, setting by setting, and what happens where it can't be."""

from __future__ import annotations

import ctypes
import platform
import re
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from surge.backends import kernel as reader
from surge.backends.kernel import LEAST, Scorer
from surge.checkpoint import load_checkpoint
from surge.config import ModelConfig, from_dict
from surge.data.dataset import Dataset
from surge.explanation.history import read_history
from surge.explanation.ranking import rank_catalogue
from surge.model.surge import SurgeModel
from surge.native import edges, library
from tests.app.shipped import CHECKPOINTS
from tests.kernel import needs_kernel
from tests.model.small import pad

ITEMS = 130
# in slot order: by time, clusters whose mean positions differ in the fifth decimal may change places by rounding
SETTINGS: list[dict[str, Any]] = [
    {},
    {"heads": 2},
    {"heads": 2, "activation": "none"},
    {"heads": 4, "clusters": (1,)},
    {"clusters": (7,), "hops": 2, "position": "message"},
    {"clusters": (33,), "assignment_aggregation": "sum"},
    {"fusion": "without_query"},
    {"fusion": "without_cluster", "gate": "absolute"},
    {"evolution": "gru", "normalise": False},
    {"readout": False, "time": "age"},
    {"long_term": True},
    {"long_term": True, "readout": False},
    {"item_size": 3, "category_size": 2, "attention_hidden": (5, 3), "evolution_size": 7, "prediction_hidden": (6,)},
    {"item_size": 9, "category_size": 0, "heads": 3, "attention_hidden": (17, 11), "evolution_size": 1},
    {"attention_activation": "leaky_relu"},
    {"attention_nonlinearity": "none", "heads": 2},
    {"attention_nonlinearity": "none", "attention_activation": "leaky_relu", "assignment_aggregation": "sum"},
    {"sparsity": 1.0},
    {"sparsity": 0.0},
]


def lively(seed: int = 0, **settings: Any) -> SurgeModel:
    """A model in which every part matters."""
    model = SurgeModel(
        from_dict(ModelConfig, {"item_count": ITEMS, "category_count": 5, **settings}), torch.arange(ITEMS) % 5
    )
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.25)
        model.construct.weight.abs_()
    return model.eval()


def history_of(length: int, seed: int = 1) -> list[int]:
    return torch.randint(0, ITEMS, (length,), generator=torch.Generator().manual_seed(seed)).tolist()


def both(model: SurgeModel, histories: list[list[int]], candidates: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    history = pad(histories)
    with torch.inference_mode():
        graph = model.build_graph(history, 50 * history.items)
        score = Scorer(model, graph)
        assert score.fused
        return score(candidates), model.read(graph, candidates).logit


@needs_kernel
@pytest.mark.parametrize("length", [1, 2, 19, 50])
@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_the_kernel_gives_the_logits_of_the_model(settings: dict[str, Any], length: int) -> None:
    fused, plain = both(lively(flatten="index", **settings), [history_of(length)], torch.arange(ITEMS).unsqueeze(0))
    assert plain.std() > 1e-4
    assert (fused - plain).abs().max() <= 1e-5 * plain.std() + 1e-6


@needs_kernel
@pytest.mark.parametrize("count", [LEAST, 31, 32, 33, ITEMS])
def test_blocks_that_are_not_full_and_batches_of_other_lengths(count: int) -> None:
    histories = [history_of(30), history_of(3), history_of(50, seed=4)]
    candidates = torch.stack(
        [torch.randperm(ITEMS, generator=torch.Generator().manual_seed(s))[:count] for s in range(3)]
    )
    fused, plain = both(lively(flatten="index"), histories, candidates)
    assert fused.shape == (3, count)
    assert torch.allclose(fused, plain, atol=1e-5 * float(plain.std()))


@needs_kernel
def test_clusters_are_read_by_their_mean_position() -> None:
    """As the model does wherever no two positions are within rounding; and slot order says something else."""
    model, everything = lively(clusters=(4,)), torch.arange(ITEMS).unsqueeze(0)
    fused, plain = both(model, [history_of(40)], everything)
    slots, _ = both(lively(clusters=(4,), flatten="index"), [history_of(40)], everything)
    with torch.inference_mode():
        positions = model.read(model.build_graph(pad([history_of(40)])), everything).extraction.layers[0].position
    apart = positions[0].sort(-1).values.diff(dim=-1).amin(-1) > 2e-5
    assert apart.float().mean() > 0.9
    assert torch.allclose(fused[0, apart], plain[0, apart], atol=1e-5 * float(plain.std()))
    assert (fused - slots).abs().max() > 0.01


@needs_kernel
def test_clusters_that_tie_are_read_in_slot_order() -> None:
    fused, plain = both(lively(), [[7] * 20], torch.arange(ITEMS).unsqueeze(0))
    assert torch.allclose(fused, plain, atol=1e-5 * float(plain.std()))


@needs_kernel
def test_scores_far_apart_neither_overflow_nor_vanish() -> None:
    model = lively(flatten="index")
    with torch.no_grad():
        for score in (*model.fuse.query, *model.fuse.cluster):
            score.rest[1][2].weight.mul_(300)
    fused, plain = both(model, [history_of(30)], torch.arange(ITEMS).unsqueeze(0))
    with torch.inference_mode():
        beta = model.fuse.query_score(*(model.embed(torch.arange(ITEMS)).unsqueeze(0),) * 2)
    assert beta.max() - beta.min() > 200
    assert torch.isfinite(fused).all()
    assert torch.allclose(fused, plain, atol=1e-4 * float(plain.std()))


@needs_kernel
def test_threads_change_nothing() -> None:
    model, threads = lively(flatten="index"), torch.get_num_threads()
    results = []
    try:
        for number in (1, 2, 5):
            torch.set_num_threads(number)
            results.append(both(model, [history_of(20)], torch.arange(ITEMS).repeat(7).unsqueeze(0))[0])
    finally:
        torch.set_num_threads(threads)
    for result in results[1:]:
        assert torch.allclose(results[0], result, atol=1e-5 * float(result.std()))


@needs_kernel
def test_a_trained_model_ranks_the_same_items_first() -> None:
    checkpoint, dataset = load_checkpoint(CHECKPOINTS / "demo"), Dataset.load(CHECKPOINTS.parent / "sample_data")
    every, precise = torch.arange(checkpoint.model_config.item_count).unsqueeze(0), deepcopy(checkpoint.model).double()
    for user in dataset.users[::300]:
        fused = rank_catalogue(checkpoint, read_history(checkpoint, dataset, user))
        history = pad([read_history(checkpoint, dataset, user).rows])
        with torch.inference_mode():
            plain = checkpoint.model(history, every)[0]
            exact = precise(history, every)[0]
        # both round in float32: the kernel is as near to the exact logits as torch is
        off, torchs = (float((torch.as_tensor(one) - exact).abs().max()) for one in (fused.logits, plain))
        assert off < 3 * torchs and torchs < 2e-4 * float(exact.std())
        assert (
            np.argsort(-fused.logits, kind="stable")[:20].tolist()
            == plain.argsort(descending=True, stable=True)[:20].tolist()
        )


@pytest.mark.parametrize(
    "settings",
    [
        {"fusion": "none"},
        {"extraction": "none"},
        {"clusters": (6, 3)},
        {"evolution": "time_lstm"},
        {"evolution": "none"},
        {"attention_hidden": (8,)},
    ],
    ids=str,
)
def test_what_the_kernel_can_not_read_is_read_by_torch(settings: dict[str, Any]) -> None:
    model, everything = lively(**settings), torch.arange(ITEMS).unsqueeze(0)
    with torch.inference_mode():
        graph = model.build_graph(pad([history_of(9)]))
        score = Scorer(model, graph)
        assert not score.fused
        read = model.read(graph, everything).logit
        assert torch.allclose(score(everything), read, rtol=0, atol=1e-5 * float(read.std()))


def test_a_model_in_float64_is_read_by_torch() -> None:
    model = lively().double()
    assert not Scorer(model, model.build_graph(pad([history_of(9)]))).fused


def test_few_candidates_are_read_by_torch() -> None:
    model, few = lively(), torch.arange(LEAST - 1).unsqueeze(0)
    with torch.inference_mode():
        graph = model.build_graph(pad([history_of(9)]))
        assert torch.equal(Scorer(model, graph)(few), model.read(graph, few).logit)


@needs_kernel
def test_no_memory_is_an_error_that_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    class Kernel:
        block = staticmethod(lambda: 32)
        read_candidates = staticmethod(lambda *arguments: 1)

    model = lively()
    monkeypatch.setattr(reader, "library", lambda name: Kernel())
    with torch.inference_mode(), pytest.raises(MemoryError):
        Scorer(model, model.build_graph(pad([[1, 2]])))(torch.arange(ITEMS).unsqueeze(0))


@needs_kernel
@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="the flags are those of x86")
@pytest.mark.parametrize(("flag", "lanes"), [("-mno-avx512f", 16), ("-mno-avx", 8)])
def test_on_narrower_processors_it_gives_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flag: str, lanes: int
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(library, "_library", library._library.__wrapped__)
    monkeypatch.setattr(library, "FLAGS", (*library.FLAGS, flag))
    kernel = library.library("reading")
    assert kernel is not None and kernel.block() == lanes
    for settings in ({}, {"heads": 2, "clusters": (7,)}):
        fused, plain = both(lively(flatten="index", **settings), [history_of(19)], torch.arange(ITEMS).unsqueeze(0))
        assert torch.allclose(fused, plain, atol=1e-5 * float(plain.std()))


def test_the_switch_turns_it_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SURGE_FUSED", "0")
    assert not Scorer(lively(), lively().build_graph(pad([[1, 2]]))).fused


def test_the_structures_are_those_of_the_source() -> None:
    """Names in order: a field that one side lacks would shift all the others."""
    reading, edge = (library.SOURCES[name].read_text() for name in ("reading", "edges"))
    for source, structure, names in (
        (reading, "Sizes", reader.SIZES),
        (reading, "Arrays", reader.ARRAYS),
        (edge, "EdgeSizes", edges.SIZES),
    ):
        body = source.split(f"struct {structure} {{")[1].split("}")[0]
        words = re.sub(r"const (float|int32_t|int64_t)|int32_t|\*", "", body)
        assert tuple(word.strip() for word in words.replace(";", ",").split(",") if word.strip()) == names
    assert ctypes.sizeof(reader.Sizes) == 4 * len(reader.SIZES)


@needs_kernel
@pytest.mark.parametrize("row", [-1, ITEMS])
def test_a_candidate_that_has_no_embedding_is_not_read(row: int) -> None:
    model = lively()
    candidates = torch.arange(LEAST).unsqueeze(0)
    candidates[0, 3] = row
    with torch.inference_mode(), pytest.raises(IndexError):
        Scorer(model, model.build_graph(pad([[1, 2]])))(candidates)


@needs_kernel
def test_rows_of_any_kind_of_integer_in_any_layout_are_read() -> None:
    model = lively(flatten="index")
    with torch.inference_mode():
        score = Scorer(model, model.build_graph(pad([[1, 2, 5]])))
        rows = torch.arange(2 * LEAST, dtype=torch.int32).view(1, -1, 2)[..., 1]
        assert torch.equal(score(rows), score(torch.arange(1, 2 * LEAST, 2).unsqueeze(0)))


@needs_kernel
def test_so_many_threads_give_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    model = lively(flatten="index")
    candidates = torch.arange(1000).remainder(ITEMS).unsqueeze(0)
    with torch.inference_mode():
        score = Scorer(model, model.build_graph(pad([history_of(20)])))
        results = []
        for threads in (1, 2, 5):
            monkeypatch.setattr(torch, "get_num_threads", lambda threads=threads: threads)
            results.append(score(candidates))
    assert torch.equal(results[0], results[1]) and torch.equal(results[0], results[2])
