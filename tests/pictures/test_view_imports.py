"""Every view can be imported where there is neither torch nor Streamlit; figures hold no prose."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import surge.pictures

MODULES = sorted(path.stem for path in Path(surge.pictures.__file__).parent.glob("*.py") if path.stem != "__init__")
MOST_WORDS = 15  # of a label or a hover box
BLOCKED = """
import sys
for name in ("torch", "streamlit"):
    sys.modules[name] = None
import importlib
for module in sys.argv[1:]:
    importlib.import_module("surge.pictures." + module)
"""


def test_all_views_are_found() -> None:
    assert {"history_strip", "interest_graph", "assignment_matrix", "attention_matrix"} <= set(MODULES)


@pytest.mark.parametrize("module", MODULES)
def test_imports_without_torch_and_streamlit(module: str) -> None:
    root = Path(surge.pictures.__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED, module], cwd=root, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr


def test_figures_hold_labels_and_no_prose() -> None:
    """Sentences for people stand in the modules of words, or in the entry of a view."""
    long = {}
    for path in (Path(surge.pictures.__file__).with_name(f"{name}.py") for name in MODULES):
        text = path.read_text(encoding="utf-8")
        if re.search("plotly.graph_objects|from pyvis", text) and path.stem not in ("report", "views"):
            nodes = list(ast.walk(ast.parse(text)))
            said = {id(part) for node in nodes if isinstance(node, ast.Expr | ast.Raise) for part in ast.walk(node)}
            strings = [node.value for node in nodes if isinstance(node, ast.Constant) and id(node) not in said]
            long[path.stem] = [each for each in strings if isinstance(each, str) and len(each.split()) > MOST_WORDS]
    assert len(long) > 10 and not {name: found for name, found in long.items() if found}
