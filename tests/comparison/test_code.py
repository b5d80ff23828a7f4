"""The digest of the code: it changes with what a run does, for the models concerned, and with nothing else."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from surge.comparison.code_digest import ROOT, code_digest

MODELS = ("surge", "din", "popularity")


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """The package, to be changed."""
    root = tmp_path / "surge"
    shutil.copytree(ROOT, root, ignore=shutil.ignore_patterns("__pycache__"))
    return root


def changed(root: Path, place: str, edit: Callable[[str], str]) -> set[str]:
    """The models whose digest is another after an edit of one file."""
    before = {name: code_digest(name, root) for name in MODELS}
    path = root / place
    text = path.read_text(encoding="utf-8")
    edited = edit(text)
    assert edited != text
    path.write_text(edited, encoding="utf-8")
    return {name for name in MODELS if code_digest(name, root) != before[name]}


def test_it_follows_from_the_sources_alone(copied: Path) -> None:
    digests = {name: code_digest(name) for name in MODELS}
    assert digests == {name: code_digest(name, copied) for name in MODELS}
    assert len(set(digests.values())) == len(MODELS)
    (copied / "model" / "__pycache__").mkdir()
    (copied / "model" / "__pycache__" / "surge.pyc").write_bytes(b"compiled")
    assert digests == {name: code_digest(name, copied) for name in MODELS}


@pytest.mark.parametrize(
    ("place", "models"),
    [
        ("recommenders/din.py", {"din"}),
        ("recommenders/popularity.py", {"popularity"}),
        ("recommenders/baseline.py", {"din", "popularity"}),
        ("config/baseline.py", {"din", "popularity"}),
        ("recommenders/surge.py", {"surge"}),
        ("recommenders/base.py", set(MODELS)),
        ("recommenders/caser.py", set()),
        *(
            (f"{area}.py", set(MODELS))
            for area in ("config/model", "model/surge", "training/fit", "evaluation/metrics")
        ),
        *((f"data/{part}.py", set(MODELS)) for part in ("instances", "negatives", "store")),
        *((f"{part}.py", set(MODELS)) for part in ("backends/reader", "backends/scoring", "model/losses")),
        *((f"comparison/{part}.py", set(MODELS)) for part in ("contestants", "runs", "measured")),
        *((f"{part}.py", set(MODELS)) for part in ("checkpoint/loading", "recommenders/__init__")),
        # these read runs, and make none
        *(
            (f"{part}.py", set())
            for part in ("comparison/table", "comparison/compare", "evaluation/significance", "explanation/catalogue")
        ),
    ],
)
def test_a_line_changes_the_models_that_it_concerns(copied: Path, place: str, models: set[str]) -> None:
    assert changed(copied, place, lambda text: text + "\nADDED = 1\n") == models


def test_a_comment_a_docstring_and_an_empty_line_change_nothing(copied: Path) -> None:
    assert not changed(copied, "model/surge.py", lambda text: "# a comment\n" + text + "\n\n# and another\n")
    assert not changed(copied, "recommenders/din.py", lambda text: text.replace('"""', '"""Said better: ', 1))
    assert not changed(
        copied, "training/fit.py", lambda text: text.replace('        """Epochs until', '        """All until')
    )
    assert not changed(copied, "recommenders/base.py", lambda text: text.replace("\n\n", "\n\n\n"))


def test_a_string_that_is_no_docstring_counts(copied: Path) -> None:
    assert changed(copied, "config/model.py", lambda text: text.replace('"without_query"', '"no_query"')) == set(MODELS)


def test_c_counts_by_its_bytes_and_a_new_module_counts(copied: Path) -> None:
    assert changed(copied, "native/edges.cpp", lambda text: text + "// a comment\n") == set(MODELS)
    before = code_digest("surge", copied)
    (copied / "native" / "more.h").write_text("")
    after = code_digest("surge", copied)
    assert after != before
    (copied / "model" / "notes.txt").write_text("no source")
    assert code_digest("surge", copied) == after
