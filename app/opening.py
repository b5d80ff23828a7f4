"""Checkpoints and datasets from their folders, checked and kept, and read anew when a folder was replaced."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable
from pathlib import Path
from threading import Thread
from typing import TypeVar

from app.background import with_spinner
from app.cache import CACHE
from surge.checkpoint import Checkpoint, load_checkpoint
from surge.data.dataset import Dataset
from surge.data.layout import FILES
from surge.errors import SurgeError
from surge.model.surge import SurgeModel
from surge.native.library import library as compiled

Given = TypeVar("Given")
MODELS = ("model", "precise_model")
ATTEMPTS = 3  # at reading a folder that is replaced meanwhile


class OpenCheckpoint(Checkpoint):
    """A checkpoint without its model, which it takes from the store where it is read, or opens again.

    Pages, which stay open for hours, hold these: so no more models are in memory than the store keeps and than are
    read at this moment.
    """

    @classmethod
    def of(cls, checkpoint: Checkpoint) -> OpenCheckpoint:
        """The same checkpoint, sharing all but its model."""
        light = object.__new__(cls)
        light.__dict__.update({name: part for name, part in vars(checkpoint).items() if name not in MODELS})
        light.__dict__["catalogue"] = checkpoint.catalogue
        return light

    @property
    def model(self) -> SurgeModel:  # type: ignore[override]
        """The model, in memory as long as it is used."""
        return with_model(self).model

    @property
    def precise_model(self) -> SurgeModel:  # type: ignore[override]
        """The same in float64."""
        return with_model(self).precise_model


def open_checkpoint(folder: Path) -> Checkpoint:
    """A checked checkpoint in eval mode, of which a page may hold as many as it likes: their models are kept until
    their manifest changes, two at most."""
    return _opened(folder)[1]


def with_model(checkpoint: Checkpoint) -> Checkpoint:
    """The checkpoint that holds its model, for a computation; a SurgeError where another one lies in its place now."""
    if not isinstance(checkpoint, OpenCheckpoint):
        return checkpoint
    whole = _opened(checkpoint.folder)[0]
    if whole.digest != checkpoint.digest:
        raise SurgeError(
            f"The checkpoint {checkpoint.name!r} was replaced while this page was open; load the page again."
        )
    return whole


def _opened(folder: Path) -> tuple[Checkpoint, OpenCheckpoint]:
    def read() -> tuple[Checkpoint, OpenCheckpoint]:
        # the first time on a machine it takes some seconds, and scoring waits
        Thread(target=compiled, args=("reading",), daemon=True).start()
        checkpoint = load_checkpoint(folder)
        return checkpoint, OpenCheckpoint.of(checkpoint)

    return _open("checkpoint", folder, lambda: _manifest(folder), read, "Reading and checking the model …")


def _manifest(folder: Path) -> Hashable:
    return hashlib.sha256((folder / "manifest.json").read_bytes()).hexdigest()


def open_dataset(folder: Path) -> Dataset:
    """A checked dataset; kept until one of its files changes."""
    return _open(
        "dataset", folder, lambda: _stamps(folder), lambda: Dataset.load(folder), "Reading and checking the dataset …"
    )


def _stamps(folder: Path) -> Hashable:
    return tuple((stat.st_mtime_ns, stat.st_size, stat.st_ino) for stat in ((folder / name).stat() for name in FILES))


def _open(kind: str, folder: Path, version: Callable[[], Hashable], read: Callable[[], Given], words: str) -> Given:
    """What lies in a folder, under a key that changes with its `version`; where that changes while it is read, it is
    read again."""

    def current() -> Hashable:
        try:
            return version()
        except OSError:
            return None

    before = current()
    for _ in range(ATTEMPTS):
        key = (str(folder), before)
        try:
            value = with_spinner(kind, key, read, words)
        except SurgeError:
            if current() == before:
                raise
        except Exception as error:  # a damaged file can fail in as many ways as its libraries have
            raise SurgeError(f"The {kind} {folder.name!r} can't be read ({type(error).__name__}).") from error
        else:
            if current() == before:
                return value
            CACHE.forget(kind, key)
        before = current()
    raise SurgeError(f"The {kind} {folder.name!r} is being written at this moment; load the page again in a while.")
