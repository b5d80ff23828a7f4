"""The notebook of the documentation, run cell by cell as it stands."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).parents[1] / "docs"


def run(source: str, names: dict[str, Any]) -> Any:
    """Execute a cell; gives the value of its last line, as a notebook shows it."""
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), names)
    return eval(compile(ast.Expression(last.value), "cell", "eval"), names) if last is not None else None


def test_from_a_frame_to_an_explanation(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    notebook = json.loads((DOCS / "notebook.ipynb").read_text(encoding="utf-8"))
    cells = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    monkeypatch.chdir(DOCS)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = {path.name for path in DOCS.iterdir()}
    names: dict[str, Any] = {}
    shown = [run(cell, names) for cell in cells]
    log, (counts, _), _, test, best, explanation, _, figure, items, _ = shown
    assert len(log) == 5 and counts["interactions"] == len(names["log"])
    assert 0 < test["catalogue_hr@10"] < 1 and names["checkpoint"].items.height == counts["items"]
    assert best["rank"].to_list() == [1, 2, 3, 4, 5] and best["chance"].is_monotonic_decreasing
    assert explanation.target.title == best["title"][0] and explanation.user == names["user"]
    assert "<iframe" in explanation._repr_html_() and len(figure.data) > 0
    assert items["effect factor"].is_monotonic_decreasing and items["effect factor"].iloc[0] > 1
    assert (names["folder"] / "report.html").stat().st_size == names["size"]
    assert names["folder"].is_relative_to(tmp_path)
    assert {path.name for path in DOCS.iterdir()} == before  # nothing is left in the documentation
