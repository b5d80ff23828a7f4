"""The drawing of the parts in docs/architecture.md is that of the code."""

from __future__ import annotations

import runpy
from pathlib import Path

import networkx as nx
import pytest

ROOT = Path(__file__).parents[1]
STRUCTURE = runpy.run_path(str(ROOT / ".ci" / "structure.py"))


def test_the_drawing_is_made_from_the_code() -> None:
    text = STRUCTURE["PLACE"].read_text(encoding="utf-8")
    assert STRUCTURE["BLOCK"].findall(text) == [STRUCTURE["drawing"]()], "run `make structure`"


def test_a_circle_is_not_drawn() -> None:
    modules = nx.DiGraph([("surge.data.a", "surge.model.b"), ("surge.model.b", "surge.data.a"), ("app.a", "surge.cli")])
    parts = STRUCTURE["parts"](modules)
    assert set(parts.edges) == {
        ("surge.data", "surge.model"),
        ("surge.model", "surge.data"),
        ("app.others", "surge.cli"),
    }
    with pytest.raises(nx.NetworkXError):
        nx.transitive_reduction(parts)
