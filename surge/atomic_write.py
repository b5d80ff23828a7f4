"""Files that are written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from surge.errors import SurgeError


def check_place(path: str | Path, noun: str, *endings: str) -> Path:
    """The path, if a file of this kind may be written there; a SurgeError where its ending is none of these, or its
    folder is missing."""
    path = Path(path)
    if path.suffix not in endings:
        raise SurgeError(f"{noun} is saved as {' or '.join(endings)}, not as {path.name!r}; change the ending.")
    check_parent(path)
    return path


def check_parent(path: Path) -> None:
    """A SurgeError where the folder that is to hold this path is missing."""
    if not path.parent.is_dir():
        raise SurgeError(f"The folder {str(path.parent)!r} does not exist; make it first.")


@contextmanager
def atomic_write(path: Path) -> Iterator[BinaryIO]:
    """A stream whose content becomes the file once all of it is written; till then, and after a failure, whatever lies
    at `path` stays as it is, and nothing partial is left beside it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with temporary.open("xb") as stream:
            yield stream
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
