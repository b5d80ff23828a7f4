"""Makes requirements.txt from pyproject.toml, which names all dependencies: `make requirements`."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLACE = ROOT / "requirements.txt"
HEAD = """\
# Made from pyproject.toml by `make requirements`; a change belongs there.
"""


def requirements() -> str:
    """Everything that a clone needs, to run and to be tested, at the versions that are fixed where some are."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    fixed = {_name(line): line for line in project["tool"]["uv"]["constraint-dependencies"]}
    parts = {
        "What the explorer and the training run on.": project["project"]["dependencies"],
        "The model as ONNX.": project["project"]["optional-dependencies"]["export"],
        "Tests and checks.": project["project"]["optional-dependencies"]["dev"],
    }
    text = HEAD
    for title, lines in parts.items():
        text += f"\n# {title}\n" + "".join(f"{fixed.get(_name(line), line)}\n" for line in lines)
    return text


def _name(requirement: str) -> str:
    return re.split(r"[^\w-]", requirement, maxsplit=1)[0].lower()


if __name__ == "__main__":
    PLACE.write_text(requirements(), encoding="utf-8")
