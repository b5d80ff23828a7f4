"""Draws which part of the project imports which, into docs/architecture.md: `make structure`."""

from __future__ import annotations

import re
from pathlib import Path

import grimp
import networkx as nx

ROOT = Path(__file__).resolve().parent.parent
PLACE = ROOT / "docs" / "architecture.md"
BLOCK = re.compile(r"```mermaid\n.*?```\n", re.DOTALL)
# a record shows itself in a notebook: loaded when it is asked for, and left out of the drawing (see pyproject.toml)
WHEN_ASKED = ("surge.explanation.record", "surge.pictures.notebook")


def imports() -> nx.DiGraph:
    """An arrow from each module of `surge` and `app` to each that it imports."""
    graph = grimp.build_graph("surge", "app", exclude_type_checking_imports=True, cache_dir=None)
    arrows = [(name, other) for name in graph.modules for other in graph.find_modules_directly_imported_by(name)]
    modules = nx.DiGraph(arrows)
    modules.remove_edge(*WHEN_ASKED)
    return modules


def parts(modules: nx.DiGraph) -> nx.DiGraph:
    """The same between packages: `surge.data`, `app.screens`; the files of app/ below its pages are one part."""

    def part(module: str) -> str:
        root, *rest = module.split(".")
        if root == "app" and rest and rest[0] not in ("main", "screens", "components"):
            return "app.others"
        return ".".join([root, *rest[:1]])

    between = ((part(one), part(other)) for one, other in modules.edges)
    return nx.DiGraph((one, other) for one, other in between if one != other)


def drawing() -> str:
    """A Mermaid flow chart of the parts, without each arrow that others imply; refused where there is a circle."""
    graph = parts(imports())
    graph.remove_node("surge")  # the version and the names that `import surge` gives
    graph = nx.transitive_reduction(graph)
    lines = sorted(f"  {one} --> {other}" for one, other in graph.edges)
    return "\n".join(["```mermaid", "flowchart TD", '  app.others["app: state, jobs, opening, …"]', *lines, "```", ""])


if __name__ == "__main__":
    text = PLACE.read_text(encoding="utf-8")
    PLACE.write_text(BLOCK.sub(lambda _: drawing(), text), encoding="utf-8")
