"""Training by torch.compile: the same numbers as plain steps, one shape, and plain steps where it doesn't work."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch._dynamo.testing import CompileCounterWithBackend

from surge.data.store import Dataset
from surge.model.batches import padded
from surge.model.surge import Context, ItemSequences, SurgeModel
from surge.recommenders import surge as recommender
from surge.recommenders.base import Batch
from surge.recommenders.surge import CompiledTerms, Surge, surge_terms
from surge.training.losses import total_loss
from surge.training.trainer import train
from tests.training.toy import MODEL, lively_model, settings

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of torch by torch, while it compiles
CPU = torch.device("cpu")
NOTHING_SAID = pytest.fail


def batch_for(model: SurgeModel, seed: int) -> Batch:
    """Five histories of any length, padded to eight items."""
    torch.manual_seed(seed)
    history = ItemSequences(torch.randint(30, (5, 8)), torch.arange(8) < torch.randint(1, 9, (5, 1)))
    context = Context(torch.arange(5), torch.randint(10**6, (5, 8)), torch.full((5,), 10**6))
    return Surge(model).draw(history, torch.randint(30, (5, 3)), context, settings())


def losses_and_gradients(
    model: SurgeModel, batch: Batch, of_surge: Callable[..., dict[str, torch.Tensor]]
) -> dict[str, torch.Tensor]:
    model.zero_grad()
    terms = of_surge(model, batch, settings())
    total_loss(terms, settings(), 9).backward()
    gradients = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
    return {name: term.detach() for name, term in terms.items()} | gradients


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"time": "age", "long_term": True, "activation": "none"},
        {"clusters": (6, 3), "heads": 2, "attention_hidden": (8, 4)},
        {"extraction": "none", "evolution": "time_lstm", "next_item": False},
        {"fusion": "none", "evolution": "attention", "flatten": "index", "position": "none"},
        {"attention_activation": "leaky_relu", "attention_nonlinearity": "none", "attention_hidden": (8, 4)},
    ],
    ids=str,
)
def test_the_whole_step_is_traced_once_and_is_the_plain_one(changes: dict) -> None:
    model = lively_model(30, **changes).train()
    counter = CompileCounterWithBackend("aot_eager")
    compiled = CompiledTerms(CPU, NOTHING_SAID, backend=counter)
    for seed in range(3):  # other numbers, lengths and thresholds: the same trace
        batch = batch_for(model, seed)
        mine, plain = (losses_and_gradients(model, batch, of_surge) for of_surge in (compiled, surge_terms))
        assert mine.keys() == plain.keys() and "log_loss" in mine and "construct.weight" in mine
        for name, value in plain.items():
            assert torch.allclose(mine[name], value, rtol=1e-4, atol=1e-6), name
    assert counter.frame_count == 1


@pytest.mark.skipif(shutil.which("g++") is None, reason="there is no C++ compiler")
def test_inductor_makes_the_same_numbers() -> None:
    model = lively_model(30, clusters=(2,)).train()  # few steps of Eq. 16: they are compiled one by one
    compiled = CompiledTerms(CPU, NOTHING_SAID)
    batch = batch_for(model, 0)
    mine, plain = (losses_and_gradients(model, batch, of_surge) for of_surge in (compiled, surge_terms))
    for name, value in plain.items():
        assert torch.allclose(mine[name], value, rtol=1e-4, atol=1e-6), name


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (RuntimeError("no such GPU\nand much more"), "no such GPU"),
        (OSError("no such header"), "no such header"),
        (AssertionError(), "AssertionError"),
    ],
    ids=str,
)
def test_where_it_does_not_work_a_sentence_says_so_and_plain_steps_go_on(error: Exception, words: str) -> None:
    model = lively_model(30).train()

    def broken(*_: object) -> object:
        raise error

    told: list[str] = []
    compiled = CompiledTerms(CPU, told.append, backend=broken)
    for seed in range(2):
        batch = batch_for(model, seed)
        mine, plain = (losses_and_gradients(model, batch, of_surge) for of_surge in (compiled, surge_terms))
        assert all(torch.equal(mine[name], value) for name, value in plain.items())
    assert told == [f"torch.compile does not work here, so this goes on without it: {words}"]


def test_a_way_back_that_fails_is_found_before_anything_counts_on_it() -> None:
    model = lively_model(30).train()
    told: list[str] = []
    compiled = CompiledTerms(CPU, told.append, backend="eager")

    def forward_alone(*arguments: object) -> dict[str, torch.Tensor]:
        terms = surge_terms(*arguments)  # type: ignore[arg-type]
        for term in terms.values():
            if term.requires_grad:
                term.register_hook(lambda grad: exec("raise RuntimeError('no way back')"))
        return terms

    compiled.function = forward_alone
    losses_and_gradients(model, batch_for(model, 0), compiled)
    assert len(told) == 1 and "no way back" in told[0]


def test_any_number_of_models_are_compiled_one_after_another() -> None:
    for size in range(4, 14):  # torch keeps eight for a function
        model = lively_model(30, evolution_size=size).train()
        compiled = CompiledTerms(CPU, NOTHING_SAID, backend="eager")
        assert "log_loss" in compiled(model, batch_for(model, 0), settings())


def test_memory_that_runs_out_is_no_reason_to_go_on_without() -> None:
    model = lively_model(30).train()
    compiled = CompiledTerms(CPU, NOTHING_SAID, backend="eager")

    def exhausted(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    compiled.function = exhausted  # type: ignore[assignment]
    with pytest.raises(torch.OutOfMemoryError):
        compiled(model, batch_for(model, 0), settings())


def test_training_compiles_whole_batches_and_takes_the_rest_as_it_is(
    simulated: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, int]] = []

    class Watched(CompiledTerms):
        def __init__(self, device: torch.device, tell: object) -> None:
            super().__init__(device, NOTHING_SAID, backend="eager")

        def __call__(self, model: SurgeModel, batch: Batch, config: object) -> dict[str, torch.Tensor]:
            seen.append(tuple(batch.history.items.shape))
            return super().__call__(model, batch, config)

    monkeypatch.setattr(recommender, "CompiledTerms", Watched)
    config = settings(compiled=True, epochs=2, batch_size=50, instances_per_epoch=220)
    checkpoint = train(simulated, tmp_path / "model", model=MODEL, training=config, quiet=True)
    assert seen == [(50, MODEL["max_length"])] * 8  # 20 of each epoch are left
    first, last = (checkpoint.history[place]["log_loss"] for place in (0, -1))
    assert last < first


def test_padding_adds_nothing_but_room() -> None:
    history = ItemSequences(torch.tensor([[4, 5], [6, 0]]), torch.tensor([[True, True], [True, False]]))
    wider, times = padded(history, torch.tensor([[10, 20], [30, 30]]), 4)
    assert wider.items.tolist() == [[4, 5, 0, 0], [6, 0, 0, 0]]
    assert wider.mask.tolist() == [[True, True, False, False], [True, False, False, False]]
    assert times.tolist() == [[10, 20, 20, 20], [30, 30, 30, 30]]
