"""Which code makes a run: a digest that another comment doesn't change, and another line does."""

from __future__ import annotations

import ast
import hashlib
from pathlib import Path

import surge
from surge.recommenders import RECOMMENDERS, Baseline

ROOT = Path(surge.__file__).parent
# what every run imports to train and to be measured, without what only reads finished ones
SHARED = (
    "config",
    "model",
    "native",
    "backends",
    "training",
    "evaluation",
    "checkpoint",
    "recommenders/__init__.py",
    "recommenders/base.py",
    "data/dataset.py",
    "data/history.py",
    "data/instances.py",
    "data/layout.py",
    "data/negatives.py",
    "data/seen_items.py",
    "data/splits.py",
    "comparison/contestants.py",
    "comparison/run_results.py",
    "comparison/runs.py",
)
READS = {"evaluation/significance.py", "evaluation/lists.py", "evaluation/own_lists.py"}
OF_BASELINES = {"recommenders/baseline.py", "config/baseline.py"}
SOURCES = (".py", ".cpp", ".h")


def code_digest(name: str, root: Path = ROOT) -> str:
    """SHA-256 of the sources that a run of this model depends on.

    Of a Python file counts what it does, so neither comments, blank lines nor docstrings; of a C++ file every byte.
    """
    digest = hashlib.sha256()
    for place in sources(name, root):
        content = hashlib.sha256(_content(root / place)).hexdigest()
        digest.update(f"{place}:{content}\n".encode())
    return digest.hexdigest()


def sources(name: str, root: Path = ROOT) -> list[str]:
    """The files that a run of this model depends on, by their places in the package."""
    modules = {
        kind.__module__ for kind in RECOMMENDERS[name].__mro__ if kind.__module__.startswith("surge.recommenders.")
    }
    own = {f"{module.removeprefix('surge.').replace('.', '/')}.py" for module in modules}
    others = READS if issubclass(RECOMMENDERS[name], Baseline) else READS | OF_BASELINES
    parts = {*SHARED, *OF_BASELINES, *own}
    files = {path for part in parts for path in ([root / part] if "." in part else (root / part).rglob("*"))}
    places = {path.relative_to(root).as_posix() for path in files if path.suffix in SOURCES}
    return sorted(places - others)


def _content(path: Path) -> bytes:
    source = path.read_bytes()
    if path.suffix != ".py":
        return source
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                node.body = node.body[1:]
    return ast.dump(tree).encode()
