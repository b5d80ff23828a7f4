"""A run is done once, however often it is interrupted, and again where something that decides it has changed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from surge.comparison import compare as module
from surge.comparison import runs
from surge.comparison.code_digest import code_digest
from surge.comparison.runs import Runs
from surge.data.dataset import Dataset
from surge.errors import SurgeError
from surge.training.fit import Fit
from tests.comparison.small import THREE, small, timeless


def until_done(call: Callable[[], dict[str, Any]], most: int = 20) -> tuple[dict[str, Any], int]:
    """Calls until nothing interrupts it, and how often something did."""
    for interruptions in range(most):
        try:
            return call(), interruptions
        except KeyboardInterrupt:
            continue
    raise AssertionError(f"not done after {most} calls")


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_another_folder_gives_the_same_figures(
    whole: tuple[dict[str, Any], Path], simulated: Dataset, tmp_path: Path
) -> None:
    assert timeless(small(simulated, THREE, tmp_path / "other.md", seeds=2)) == timeless(whole[0])


def test_what_is_finished_is_not_done_again(
    simulated: Dataset, tmp_path: Path, trained: list[tuple[str, int, int]]
) -> None:
    output = tmp_path / "table.md"
    first = small(simulated, ["din", "ncf"], output)
    assert Counter(trained) == {("DIN", 0, 1): 1, ("DIN", 0, 2): 1, ("NCF", 0, 1): 1, ("NCF", 0, 2): 1}
    before = content(output.with_suffix(".runs"))
    trained.clear()
    assert small(simulated, ["din", "ncf"], output) == first
    assert trained == []
    assert content(output.with_suffix(".runs")) == before

    small(simulated, ["din", "gru4rec", "ncf"], output)
    assert {(name, seed) for name, seed, _ in trained} == {("GRU4Rec", 0)}  # a further model
    trained.clear()
    more = small(simulated, ["din", "gru4rec", "ncf"], output, seeds=2)
    assert {(name, seed) for name, seed, _ in trained} == {("DIN", 1), ("GRU4Rec", 1), ("NCF", 1)}  # a further seed
    assert [run for run in more["runs"] if run["seed"] == 0 and run["label"] != "gru4rec"] == first["runs"]
    trained.clear()
    fewer = small(simulated, ["ncf"], output)
    assert trained == []
    assert (fewer["models"], fewer["differences"], fewer["runs"]) == (["ncf"], {}, first["runs"][1:])
    assert {name: text for name, text in content(output.with_suffix(".runs")).items() if name in before} == before


def test_interrupted_in_the_middle_of_every_run(
    whole: tuple[dict[str, Any], Path],
    simulated: Dataset,
    tmp_path: Path,
    trained: list[tuple[str, int, int]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    step_of, interrupted = Fit._step, set()

    def step(self: Fit, batch: Any, rng: Any, at: int) -> dict[str, float]:
        run = (type(self.model).__name__, self.config.seed)
        if at == 3 and run not in interrupted:  # in the middle of the second epoch of two steps
            interrupted.add(run)
            raise KeyboardInterrupt
        return step_of(self, batch, rng, at)

    monkeypatch.setattr(Fit, "_step", step)
    output = tmp_path / "table.md"
    comparison, interruptions = until_done(lambda: small(simulated, THREE, output, seeds=2))
    assert interruptions == 6
    # the epoch before the interruption isn't done again
    assert Counter(epoch for _, _, epoch in trained) == {1: 6, 2: 12}
    assert timeless(comparison) == timeless(whole[0])
    assert not list(output.with_suffix(".runs").glob("*.training"))


def test_interrupted_between_runs_and_before_a_trained_one_is_measured(
    whole: tuple[dict[str, Any], Path],
    simulated: Dataset,
    tmp_path: Path,
    trained: list[tuple[str, int, int]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    measure, get, interrupted = runs.score_lists, Runs.get, set()

    def once(place: Any) -> None:
        if place not in interrupted:
            interrupted.add(place)
            raise KeyboardInterrupt

    def measured(model: Any, *arguments: Any, **options: Any) -> np.ndarray:
        once(type(model).__name__)
        return measure(model, *arguments, **options)

    def between(self: Runs, model: Any, seed: int) -> Any:
        run = get(self, model, seed)
        once((model.label, seed))
        return run

    monkeypatch.setattr(runs, "score_lists", measured)
    monkeypatch.setattr(Runs, "get", between)
    comparison, interruptions = until_done(lambda: small(simulated, THREE, tmp_path / "table.md", seeds=2))
    assert interruptions == 3 + 6
    assert set(Counter(trained).values()) == {1}  # nothing is trained twice
    assert timeless(comparison) == timeless(whole[0])


def test_an_early_look_shows_everybody(simulated: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After each round of seeds the table is there."""
    do = Runs._do

    def one_round(self: Runs, model: Any, seed: int, *rest: Any) -> Any:
        if seed == 1:
            raise KeyboardInterrupt
        return do(self, model, seed, *rest)

    monkeypatch.setattr(Runs, "_do", one_round)
    with pytest.raises(KeyboardInterrupt):
        small(simulated, ["ncf", "din"], tmp_path / "table.md", seeds=3, settings={"epochs": 1})
    early = json.loads((tmp_path / "table.json").read_text())
    assert [(run["label"], run["seed"]) for run in early["runs"]] == [("ncf", 0), ("din", 0)]
    assert "2 models, 1 seed\n" in (tmp_path / "table.md").read_text()


@pytest.mark.parametrize(
    "changes",
    [{"learning_rate": 1e-3}, {"epochs": 1}, {"hidden": 4}, {"negatives": 2}, {"catalogue_instances": 3}],
    ids=lambda changes: next(iter(changes)),
)
def test_other_settings_are_other_runs(
    simulated: Dataset, tmp_path: Path, trained: list[tuple[str, int, int]], changes: dict[str, Any]
) -> None:
    small(simulated, ["gru4rec"], tmp_path / "table.md", settings={"epochs": 2})
    trained.clear()
    small(simulated, ["gru4rec"], tmp_path / "table.md", settings={"epochs": 2} | changes)
    assert trained


def test_other_data_are_other_runs(simulated: Dataset, tmp_path: Path, trained: list[tuple[str, int, int]]) -> None:
    small(simulated, ["ncf"], tmp_path / "table.md")
    trained.clear()
    changed = small(replace(simulated, digest="1" * 64), ["ncf"], tmp_path / "table.md")
    assert trained
    assert changed["dataset"]["digest"] == "1" * 64


def test_other_code_makes_other_runs(
    simulated: Dataset, tmp_path: Path, trained: list[tuple[str, int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "table.md"
    first = small(simulated, ["din", "ncf"], output)
    trained.clear()
    monkeypatch.setattr(module, "code_digest", lambda name: "changed" if name == "ncf" else code_digest(name))
    again = small(simulated, ["din", "ncf"], output)
    assert {name for name, _, _ in trained} == {"NCF"}
    assert timeless(again)["runs"][0] == timeless(first)["runs"][0]
    assert again["runs"][1]["test"] == first["runs"][1]["test"]
    trained.clear()
    monkeypatch.undo()
    assert small(simulated, ["din", "ncf"], output) == first  # what the first code made is still there
    assert trained == []


@pytest.mark.parametrize("suffix", [".json", ".npz"])
@pytest.mark.parametrize("damage", [b"", b"[]", b"\x93NUMPY\x01\x00"])
def test_a_damaged_run_is_said(
    whole: tuple[dict[str, Any], Path], simulated: Dataset, tmp_path: Path, suffix: str, damage: bytes
) -> None:
    for path in whole[1].with_suffix(".runs").iterdir():
        target = tmp_path / "table.runs" / path.name
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(damage if path.suffix == suffix else path.read_bytes())
    with pytest.raises(SurgeError, match="is damaged; remove that file"):
        small(simulated, THREE, tmp_path / "table.md", seeds=2)
