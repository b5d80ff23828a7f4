"""Files and folders that are written whole or not at all."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from surge import arguments
from surge.errors import SurgeError


def check_place(path: str | Path, noun: str, *endings: str) -> Path:
    """The path, if a file of this kind may be written there; a SurgeError where its ending is none of these, or its
    folder is missing or can't be written."""
    path = arguments.new_path(path, "the place to save to")
    if path.suffix not in endings:
        raise SurgeError(f"{noun} is saved as {' or '.join(endings)}, not as {path.name!r}; change the ending.")
    check_parent(path)
    if path.is_dir():
        raise SurgeError(f"{str(path)!r} is a folder; give the name of a file.")
    return path


def check_parent(path: Path) -> None:
    """A SurgeError where the folder that is to hold this path is missing or can't be written."""
    if not path.parent.is_dir():
        raise SurgeError(f"The folder {str(path.parent)!r} does not exist; make it first.")
    _check_writable(path.parent)


def check_parents(output: Path) -> None:
    """A SurgeError where a folder can't be made at this path, with the folders above it that are missing."""
    nearest = next(folder for folder in output.absolute().parents if folder.exists())
    if not nearest.is_dir():
        raise SurgeError(f"{str(nearest)!r} is a file, so no folder can be made in it; give another folder.")
    _check_writable(nearest)


def _check_writable(folder: Path) -> None:
    if not os.access(folder, os.W_OK | os.X_OK):
        raise SurgeError(f"The folder {str(folder)!r} can't be written; check its permissions, or give another.")


def check_replaceable(path: Path, noun: str, is_own: Callable[[Path], bool]) -> None:
    """A SurgeError unless this path is free, or holds an older file of this kind, which `is_own` tells."""
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise SurgeError(f"{str(path)!r} is not an ordinary file; give another name.")
    if path.exists() and not is_own(path):
        raise SurgeError(f"{str(path)!r} is there already and holds no {noun}; remove it or give another name.")


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


def check_folder(output: Path, noun: str, names: Collection[str], mark: str, force: bool) -> None:
    """A SurgeError when a folder must not be written: something else is there, or something without `force`.

    With it a `noun` is replaced: a folder with the file `mark`, and no others than of these names.
    """
    if output.is_symlink():
        raise SurgeError(f"{output} is a symbolic link; give the folder itself")
    check_parents(output)
    if not output.exists():
        return
    if not output.is_dir():
        raise SurgeError(f"{output} is a file; give a folder that does not exist yet")
    found = {path.name for path in output.iterdir()}
    if not found:
        return
    if not force:
        raise SurgeError(f"{output} is not empty; give another folder, or --force to replace the {noun} in it")
    foreign = sorted(found - set(names))
    if foreign or mark not in found:
        detail = f"holds {foreign[0]!r}" if foreign else f"has no {mark}"
        raise SurgeError(f"{output} {detail}, so it is not replaced even with --force; give another folder")


@contextmanager
def working_folder(output: Path) -> Iterator[Path]:
    """A temporary folder beside the output, and so on the same disk, that is gone afterwards whatever happens."""
    parent = output.absolute().parent
    made = [folder for folder in (parent, *parent.parents) if not folder.exists()]
    folder = parent / f".{output.name}.{uuid.uuid4().hex}.partial"
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        for created in made:  # innermost first; one that came to hold the output stays
            try:
                created.rmdir()
            except OSError:
                break


def put_in_place(fresh: Path, output: Path) -> None:
    """A whole folder, made in a `working_folder` of the output, takes the place of whatever is there.

    That goes with the working folder; where it can be put neither away nor back, it is kept beside the output, and a
    SurgeError says where.
    """
    replaced = fresh.parent.with_suffix(".replaced")
    try:
        if os.path.lexists(output):
            output.rename(replaced)
        fresh.rename(output)
    finally:
        written = not os.path.lexists(fresh)
        try:
            if os.path.lexists(replaced):
                replaced.rename(fresh if written else output)
        except BaseException as problem:  # an interruption, too: who stops the work must know where the old one is
            reason = getattr(problem, "strerror", None) or type(problem).__name__
            state = "is written, but not rid of the old one" if written else "could be neither replaced nor put back"
            end = "remove it" if written else f"rename it to {output.name!r}"
            raise SurgeError(f"{output} {state} ({reason}); what was there lies in {replaced}: {end}") from problem
