"""The digest of the code: it changes with what a run does, for the models concerned, and with nothing else."""

from __future__ import annotations

import ast
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from surge.comparison.code_digest import ROOT, code_digest, sources
from surge.recommenders import RECOMMENDERS

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
        *(
            (f"data/{part}.py", set(MODELS))
            for part in ("instances", "history", "splits", "negatives", "dataset", "seen_items")
        ),
        *((f"{part}.py", set(MODELS)) for part in ("backends/kernel", "backends/scoring", "model/losses")),
        *((f"comparison/{part}.py", set(MODELS)) for part in ("contestants", "runs", "run_results")),
        *((f"{part}.py", set(MODELS)) for part in ("checkpoint/loading", "recommenders/__init__")),
        # these read runs, and make none
        *(
            (f"{part}.py", set())
            for part in ("comparison/table", "comparison/compare", "evaluation/significance", "explanation/ranking")
        ),
    ],
)
def test_a_line_changes_the_models_that_it_concerns(copied: Path, place: str, models: set[str]) -> None:
    assert changed(copied, place, lambda text: text + "\nADDED = 1\n") == models


# what a run imports and what changes no number of it
HARMLESS = {
    *("__init__.py", "errors.py", "arguments.py", "atomic_write.py", "data/__init__.py", "data/parquet.py"),
    "data/reading.py",  # it reads and refuses
    *("data/item_table.py", "escapes.py"),  # for what a run doesn't do: to prepare, and to describe
    *(f"vocabulary/{path.name}" for path in (ROOT / "vocabulary").glob("*.py")),  # words of figures, for people
    *("folders.py", "data/coverage.py", "data/frames.py", "data/item_vectors.py"),  # compare starts from no checkpoint
    *(
        "evaluation/significance.py",
        "evaluation/lists.py",
        "evaluation/own_lists.py",
        "comparison/__init__.py",
        "comparison/code_digest.py",
    ),
}


def imported(places: set[str]) -> set[str]:
    """These files of the package and all that they import, and so on."""
    found: set[str] = set()
    while places:
        place = places.pop()
        if place in HARMLESS:
            continue
        found.add(place)
        for node in ast.walk(ast.parse((ROOT / place).read_text(encoding="utf-8"))):
            modules = []
            if isinstance(node, ast.ImportFrom) and node.module:
                modules = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            elif isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            for module in modules:
                path = module.removeprefix("surge").removeprefix(".").replace(".", "/")
                files = {f"{path}.py", f"{path}/__init__.py"} if module.startswith("surge.") else set()
                places |= {file for file in files if (ROOT / file).is_file()} - found
    return found


def test_a_model_depends_on_the_models_that_it_is_made_of(copied: Path) -> None:
    """Of the classes that they build on."""
    for name, models in (
        ("sasrec", {"sasrec", "gsasrec", "esasrec", "hstu"}),
        ("gsasrec", {"gsasrec", "esasrec", "hstu"}),
        ("hstu", {"hstu"}),
    ):
        asked = ("sasrec", "gsasrec", "esasrec", "hstu", "gru4rec")
        before = {model: code_digest(model, copied) for model in asked}
        with (copied / "recommenders" / f"{name}.py").open("a", encoding="utf-8") as file:
            file.write("\nMORE = 1\n")
        assert {model for model in asked if code_digest(model, copied) != before[model]} == models


def test_all_that_a_run_imports_counts() -> None:
    """A module that is moved out of another can't fall out of the digest."""
    of_runs = imported({"comparison/runs.py", "training/trainer.py", "evaluation/ranking.py"})
    assert len(of_runs) > 60
    assert of_runs <= {place for name in RECOMMENDERS for place in sources(name)}


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
