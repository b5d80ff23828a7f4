"""The checkpoints and datasets that the app finds, by name, and what was refused and why."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from surge.checkpoint.checks import PICKLES
from surge.data.layout import DESCRIPTION_FILE
from surge.folders import ROOTS_VARIABLE, is_checkpoint, is_dataset

PROJECT = Path(__file__).resolve().parent.parent
MOST_ENTRIES = 500  # of one root: a folder with more is hardly meant


@dataclass(frozen=True)
class Library:
    """Checkpoint and dataset folders by the name that the page and the URL use, and what was refused and why."""

    checkpoints: dict[str, Path]
    datasets: dict[str, Path]
    refused: tuple[str, ...]


def given_roots() -> list[Path]:
    """Folders named in the environment variable or after `--` on the command line that started the app."""
    named = [part for part in os.environ.get(ROOTS_VARIABLE, "").split(os.pathsep) if part]
    # under a test runner, or any other program, the arguments are not ours
    if Path(sys.argv[0]).name == "main.py" and Path(sys.argv[0]).resolve().parent.name == "app":
        named += sys.argv[1:]
    return [Path(name) for name in named]


def find_library() -> Library:
    """Look under checkpoints/ and sample_data/, and under the given roots: each is one folder, or holds some.

    The project's own come first, so that they keep their plain names; the first of each kind opens by itself.
    """
    checkpoints: dict[str, Path] = {}
    datasets: dict[str, Path] = {}
    refused: list[str] = []
    seen: set[Path] = set()
    own = [
        path
        for path in (PROJECT / "checkpoints" / "demo", PROJECT / "checkpoints", PROJECT / "sample_data")
        if path.is_dir()
    ]
    for path in _entries([*own, *given_roots()], refused):
        if path.resolve() in seen:
            continue
        seen.add(path.resolve())
        if is_checkpoint(path):
            checkpoints[_free_name(path, checkpoints)] = path
        elif is_dataset(path):
            datasets[_free_name(path, datasets)] = path
    return Library(checkpoints, datasets, tuple(dict.fromkeys(refused)))


def _entries(roots: list[Path], refused: list[str]) -> Iterator[Path]:
    """The roots that are a checkpoint or a dataset, and the folders directly in the others."""
    for root in roots:
        if not _accepted(root, refused, given=True):
            continue
        if is_checkpoint(root) or is_dataset(root):
            yield root
            continue
        try:
            inside = sorted(root.iterdir())
        except OSError as problem:
            refused.append(f"The folder {root.name!r} can't be listed ({problem.strerror}).")
            continue
        if len(inside) > MOST_ENTRIES:
            refused.append(
                f"The folder {root.name!r} has {len(inside):,} entries; only the first {MOST_ENTRIES} count."
            )
        for path in inside[:MOST_ENTRIES]:
            if not path.name.startswith(".") and _accepted(path, refused, given=False):
                yield path


def _accepted(path: Path, refused: list[str], *, given: bool) -> bool:
    """Whether the path is a real folder; what looks like a mistake is refused with a sentence."""
    if path.is_symlink():
        refused.append(f"{path.name!r} is a symbolic link, which is not followed; give the folder itself.")
    elif path.suffix.lower() in PICKLES:
        refused.append(
            f"{path.name!r} looks like a pickle, which can run code when it is opened, so it is never read; "
            "the app reads checkpoint folders made by `python -m surge train`."
        )
    elif path.is_dir():
        return True
    elif given:
        refused.append(f"There is no folder {str(path)!r}; it was given as a place to look in.")
    return False


def _free_name(path: Path, taken: dict[str, Path]) -> str:
    name, number = path.name, 1
    if name in taken:
        name = f"{path.name} ({path.resolve().parent.name})"
    while name in taken:
        number += 1
        name = f"{path.name} ({number})"
    return name


def matching_dataset(library: Library, checkpoint: str) -> str | None:
    """The name of a listed dataset that the checkpoint's config says it was trained on, by the dataset's own name."""
    trained_on = _read_json(library.checkpoints[checkpoint] / "config.json").get("dataset")
    wanted = trained_on.get("name") if isinstance(trained_on, dict) else None
    if wanted is None:
        return None
    for name, path in library.datasets.items():
        if _read_json(path / DESCRIPTION_FILE).get("name") == wanted:
            return name
    return None


def _read_json(path: Path) -> dict[str, Any]:
    """A small description, or nothing: what is wrong with it is said when the folder is opened."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
