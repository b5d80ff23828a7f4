"""The trainer's state on disk: all of it comes back, a crash leaves a whole one, damage is told."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
import torch

from surge.errors import SurgeError
from surge.training.state import TrainingState, load_state, save_state, saved_state, state_folder

SETTINGS = {"model": {"item_size": 8}, "training": {"seed": 0, "epochs": 3, "patience": 2}, "dataset": {"digest": "d"}}


def parts(seed: int = 0, size: int = 3) -> tuple[torch.nn.Module, torch.optim.Adam]:
    torch.manual_seed(seed)
    model = torch.nn.Linear(size, 2)
    return model, torch.optim.Adam(model.parameters(), lr=0.1, weight_decay=0.01)


def step(model: torch.nn.Module, optimiser: torch.optim.Adam, times: int = 1) -> None:
    for _ in range(times):
        optimiser.zero_grad()
        model(torch.ones(1, 3)).square().sum().backward()
        optimiser.step()


def flat(model: torch.nn.Module) -> list[float]:
    return torch.cat([p.detach().flatten() for p in model.parameters()]).tolist()


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """The state after three steps, the best weights being those after one."""
    model, optimiser = parts()
    step(model, optimiser)
    best = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    step(model, optimiser, 2)
    epochs = [{"epoch": 1, "valid_gauc": 0.1 + 0.2}]
    save_state(tmp_path / "state", TrainingState(SETTINGS, epochs, 3, 1, best), model, optimiser)
    return tmp_path / "state"


def test_everything_comes_back_to_the_bit(saved: Path) -> None:
    (model, optimiser), (straight, its_optimiser) = parts(seed=5), parts()
    state = load_state(saved, SETTINGS, model, optimiser)
    step(straight, its_optimiser)
    assert {n: t.tolist() for n, t in state.best.items()} == {n: t.tolist() for n, t in straight.state_dict().items()}
    step(straight, its_optimiser, 2)
    assert flat(model) == flat(straight)
    step(model, optimiser, 4)
    step(straight, its_optimiser, 4)
    assert flat(model) == flat(straight)
    assert (state.epochs, state.step, state.best_epoch) == ([{"epoch": 1, "valid_gauc": 0.1 + 0.2}], 3, 1)
    assert state.settings == SETTINGS


def test_saving_over_a_state_that_was_just_loaded(saved: Path) -> None:
    model, optimiser = parts(seed=5)
    state = load_state(saved, SETTINGS, model, optimiser)
    best = {name: tensor.tolist() for name, tensor in state.best.items()}
    step(model, optimiser)
    save_state(saved, state, model, optimiser)
    again, its_optimiser = parts(seed=6)
    reread = load_state(saved, SETTINGS, again, its_optimiser)
    assert flat(again) == flat(model)
    assert {name: tensor.tolist() for name, tensor in reread.best.items()} == best
    assert sorted(path.name for path in saved.iterdir()) == ["current"]


def test_no_pickle_in_it(saved: Path) -> None:
    assert sorted(path.name for path in (saved / "current").iterdir()) == ["state.json", "tensors.safetensors"]


@pytest.mark.parametrize("crash", ["before the new state is whole", "between the two renames"])
def test_a_crash_leaves_the_state_before(saved: Path, monkeypatch: pytest.MonkeyPatch, crash: str) -> None:
    model, optimiser = parts(seed=5)
    state = load_state(saved, SETTINGS, model, optimiser)
    before = flat(model)
    step(model, optimiser)
    real, calls = os.replace, []

    def stop(*arguments: object, **named: object) -> None:
        raise KeyboardInterrupt

    def stop_at_the_second(source: Path, target: Path) -> None:
        calls.append(target)
        stop() if len(calls) == 2 else real(source, target)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        if crash == "between the two renames":
            patch.setattr(os, "replace", stop_at_the_second)
        else:
            patch.setattr("surge.training.state.save_tensors", stop)
        save_state(saved, state, model, optimiser)
    again, its_optimiser = parts(seed=6)
    assert load_state(saved, SETTINGS, again, its_optimiser).step == 3
    assert flat(again) == before
    state.step = 4
    save_state(saved, state, model, optimiser)  # and the next state is saved as ever
    assert load_state(saved, SETTINGS, again, its_optimiser).step == 4
    assert flat(again) == flat(model)


def test_what_a_crash_left_before_it_tidied_up_is_in_nobodys_way(saved: Path) -> None:
    model, optimiser = parts(seed=5)
    state = load_state(saved, SETTINGS, model, optimiser)
    shutil.copytree(saved / "current", saved / "old")
    state.step = 4
    save_state(saved, state, model, optimiser)
    assert load_state(saved, SETTINGS, *parts(seed=6)).step == 4
    assert sorted(path.name for path in saved.iterdir()) == ["current"]


def test_where_it_lies() -> None:
    assert state_folder(Path("runs/shop")) == Path("runs/.shop.training")


# -- what can't be resumed ----------------------------------------------------------------------------


def refused(folder: Path, settings: dict = SETTINGS, size: int = 3) -> str:
    with pytest.raises(SurgeError) as caught:
        load_state(folder, settings, *parts(size=size))
    sentence = str(caught.value)
    assert sentence.endswith(".")
    assert len(sentence.splitlines()) == 1
    return sentence


def test_no_state(tmp_path: Path) -> None:
    assert "no interrupted training" in refused(tmp_path / "nothing")
    (tmp_path / "state" / "new").mkdir(parents=True)  # a crash while the first state was written
    assert saved_state(tmp_path / "state") is None
    assert "no interrupted training" in refused(tmp_path / "state")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model": {"item_size": 9}}, "another model (item_size)"),
        ({"model": {"item_size": 8, "heads": 2}}, "another model (heads)"),
        ({"training": {"seed": 1, "epochs": 3, "patience": 2}}, "another training (seed)"),
        ({"dataset": {"digest": "e"}}, "another dataset (digest)"),
    ],
)
def test_other_settings_are_named(saved: Path, changes: dict, words: str) -> None:
    assert words in refused(saved, SETTINGS | changes)


def test_other_settings_are_named_even_where_the_weights_do_not_fit(saved: Path) -> None:
    assert "another model (item_size)" in refused(saved, SETTINGS | {"model": {"item_size": 4}}, size=4)


def test_when_to_stop_may_change(saved: Path) -> None:
    later = SETTINGS | {"training": {"seed": 0, "epochs": 30, "patience": 9}}
    assert load_state(saved, later, *parts()).step == 3


@pytest.mark.parametrize("file", ["state.json", "tensors.safetensors"])
@pytest.mark.parametrize("length", [0, 5, -1])
def test_truncated(saved: Path, file: str, length: int) -> None:
    path = saved / "current" / file
    path.write_bytes(path.read_bytes()[:length])
    assert "can't be resumed" in refused(saved)


@pytest.mark.parametrize("place", [0, 9, 0.5, 0.75, -1])
def test_a_flipped_bit_in_the_tensors(saved: Path, place: float) -> None:
    path = saved / "current" / "tensors.safetensors"
    content = bytearray(path.read_bytes())
    content[int(place * len(content)) if isinstance(place, float) else place] ^= 1
    path.write_bytes(content)
    assert "not what was written" in refused(saved)


@pytest.mark.parametrize(
    "content",
    [
        b"[]",
        b"{}",
        b"null",
        b"\xff",
        json.dumps({"settings": {}}).encode(),
        json.dumps({"settings": [], "epochs": [], "step": 0, "best_epoch": 0}).encode(),
        json.dumps({"settings": {"model": 1, "training": 2, "dataset": 3}, "epochs": [], "step": 0}).encode(),
        json.dumps({"settings": SETTINGS, "epochs": [], "step": 0}).encode(),
    ],
)
def test_damaged_counters(saved: Path, content: bytes) -> None:
    (saved / "current" / "state.json").write_bytes(content)
    assert "can't be resumed" in refused(saved)


def test_weights_of_another_shape(saved: Path) -> None:
    assert "can't be resumed" in refused(saved, size=4)


def test_missing_tensors(saved: Path, tmp_path: Path) -> None:
    (saved / "current" / "tensors.safetensors").unlink()
    assert "can't be resumed" in refused(saved)
    save_state(tmp_path / "other", TrainingState(SETTINGS), torch.nn.Identity(), parts()[1])
    assert "can't be resumed" in refused(tmp_path / "other")
    shutil.copy(tmp_path / "other" / "current" / "tensors.safetensors", saved / "current")
    assert "not what was written" in refused(saved)
