"""Every view can be imported where there is neither torch nor Streamlit."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import surge.pictures

MODULES = sorted(path.stem for path in Path(surge.pictures.__file__).parent.glob("*.py") if path.stem != "__init__")
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
