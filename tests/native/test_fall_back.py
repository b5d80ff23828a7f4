"""Where torch computes in place of what is compiled, one sentence says so, once; nothing where that was asked for."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from surge.backends.kernel import LEAST, Scorer
from surge.backends.training import EDGES
from surge.model.surge import SurgeModel
from surge.native import fall_back
from surge.native import library as compiled
from surge.native.library import library
from tests.model.small import ITEMS, pad, small_model

pytestmark = pytest.mark.usefixtures("small", "silent")


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing has been told."""
    monkeypatch.setattr(fall_back, "told", [])


def no_compiler(fresh: Path, patch: pytest.MonkeyPatch) -> str:
    patch.setattr(compiled.shutil, "which", lambda name: None)
    return "There is no C++ compiler (c++, g++, clang++), so torch computes"


def failing_compiler(fresh: Path, patch: pytest.MonkeyPatch) -> str:
    patch.setattr(compiled.shutil, "which", lambda name: sys.executable)  # knows no such flags
    return f"The compiler {sys.executable} can't compile the kernels, so torch computes"


def no_folder(fresh: Path, patch: pytest.MonkeyPatch) -> str:
    (fresh / "surge-explorer").write_text("a file where the folder should be")
    return "Compiled kernels can't be kept and loaded ([Errno 17] File exists"


def nothing_runs(fresh: Path, patch: pytest.MonkeyPatch) -> str:
    flags = SimpleNamespace(f_flag=compiled.os.ST_NOEXEC)
    patch.setattr(compiled.os, "statvfs", lambda folder: flags)
    return f"Nothing may be executed from the folder '{fresh / 'surge-explorer'}', so torch computes"


def does_not_load(fresh: Path, patch: pytest.MonkeyPatch) -> str:
    def fails(path: str) -> None:
        raise OSError("wrong ELF class")

    patch.setattr(compiled.ctypes, "CDLL", fails)
    return "Compiled kernels can't be kept and loaded (wrong ELF class), so torch computes"


@pytest.mark.parametrize("way", [no_compiler, failing_compiler, no_folder, nothing_runs, does_not_load])
def test_one_sentence_says_why(way, fresh: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture) -> None:
    monkeypatch.setattr(compiled, "SOURCES", {"edges": compiled.SOURCES["edges"], "reading": compiled.SOURCES["edges"]})
    said = way(fresh, monkeypatch)
    assert [library(name) for name in ("edges", "reading", "edges")] == [None] * 3
    (sentence,) = fall_back.told
    assert sentence.startswith(said) and "which is slower; " in sentence and sentence.endswith(".")
    assert capfd.readouterr().err == sentence + "\n"


def test_who_switched_it_off_is_told_nothing(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture) -> None:
    monkeypatch.setenv(fall_back.SWITCH, "0")
    scores(small_model(dtype=torch.float32, fusion="none"))
    assert library("edges") is None and fall_back.told == [] and capfd.readouterr().err == ""


def scores(model: SurgeModel) -> torch.Tensor:
    with torch.inference_mode():
        graph = model.build_graph(pad([[1, 2, 3]]))
        return Scorer(model, graph)(torch.arange(LEAST).remainder(ITEMS).unsqueeze(0))


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"fusion": "none"}, "another fusion than that of Eq. 4-8"),
        ({"extraction": "none"}, "another pooling than one layer of soft clusters"),
        ({"clusters": (4, 2)}, "another pooling than one layer of soft clusters"),
        ({"evolution": "none"}, "another evolution than gru and augru"),
        ({"attention_hidden": (5,)}, "another number of attention_hidden layers than two"),
    ],
    ids=str,
)
def test_settings_that_the_kernel_does_not_know_are_named(
    settings: dict, named: str, capfd: pytest.CaptureFixture
) -> None:
    for _ in range(3):
        scores(small_model(dtype=torch.float32, **settings))
    (sentence,) = fall_back.told
    assert f"can't score a model with {named}, so torch computes" in sentence
    assert capfd.readouterr().err == sentence + "\n"


def test_what_is_exact_by_intention_is_no_fall_back() -> None:
    """The explanations read some models in float64."""
    scores(small_model())
    model = small_model(fusion="none")
    model.score_batch(pad([[1, 2]]), torch.zeros(1, 2, dtype=torch.long), None, EDGES)
    scores(model)
    assert fall_back.told == []
